package goroot

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestVendorRoots(t *testing.T) {
	roots, err := vendorRoots([]file{
		{from: "a.go", to: "a.go", data: []byte("package a\n\nimport (\n\t\"os\"\n\t_ \"example.org/z/b\"\n\t\"internal/xengo/xen/abi\"\n)\n")},
		{from: "b.go", to: "b.go", data: []byte("package a\n\nimport \"example.org/y\"\nimport \"example.org/z/b\"\n")},
		{from: "c.s", to: "c.s", data: []byte("TEXT")},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"example.org/y", "example.org/z/b"}, roots)

	_, err = vendorRoots([]file{{from: "bad.go", to: "bad.go", data: []byte("pakage a\n")}})
	require.ErrorContains(t, err, "bad.go")
}

func TestVendorModules(t *testing.T) {
	src := fstest.MapFS{"go.mod": text("module m\n\nrequire example.org/one v1.2.3\n\nrequire (\n\texample.org/z v0.1.0 // indirect\n)\n")}
	modules, err := vendorModules(src, []string{"example.org/one", "example.org/z/b", "example.org/z/c"})
	require.NoError(t, err)
	require.Equal(t, []string{"example.org/one@v1.2.3", "example.org/z@v0.1.0"}, modules)

	_, err = vendorModules(src, []string{"example.org/zoo"})
	require.ErrorContains(t, err, "go.mod requires no module")
}

func TestMergeModulesTxt(t *testing.T) {
	const old = `# golang.org/x/net v0.1.0
## explicit; go 1.25.0
golang.org/x/net/idna
# golang.org/x/sys v0.2.0
## explicit; go 1.25.0
golang.org/x/sys/cpu
`
	xsys := &module{Path: "golang.org/x/sys", Version: "v0.2.0", GoVersion: "1.25.0"}
	stack := &module{Path: "example.org/stack", Version: "v0.3.0"}
	got := mergeModulesTxt(old,
		[]module{{Path: "golang.org/x/net", Version: "v0.1.0", GoVersion: "1.25.0"}, *xsys, *stack},
		[]listed{
			{ImportPath: "example.org/stack/b", Module: stack},
			{ImportPath: "example.org/stack/a", Module: stack},
			{ImportPath: "golang.org/x/sys/unix", Module: xsys},
			{ImportPath: "golang.org/x/sys/cpu", Module: xsys},
		})
	require.Equal(t, `# example.org/stack v0.3.0
## explicit
example.org/stack/a
example.org/stack/b
# golang.org/x/net v0.1.0
## explicit; go 1.25.0
golang.org/x/net/idna
# golang.org/x/sys v0.2.0
## explicit; go 1.25.0
golang.org/x/sys/cpu
golang.org/x/sys/unix
`, string(got))
}
