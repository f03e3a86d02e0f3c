package goroot

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	// directives are in the comment of one function without a body; its name.
	directives = regexp.MustCompile(`(?m)^((?://.*\n)+)func (\w+)\(.*[^{\n]$`)
	linkname   = regexp.MustCompile(`(?m)^//go:linkname \w+ (\S+)$`)
)

// escapesNothing lists the functions in a file of Go that are go:noescape and
// done elsewhere, as "name" or "name target".
func escapesNothing(source string) (found []string) {
	for _, m := range directives.FindAllStringSubmatch(source, -1) {
		if !strings.Contains(m[1], "//go:noescape\n") {
			continue
		}
		if l := linkname.FindStringSubmatch(m[1]); l != nil {
			found = append(found, m[2]+" "+l[1])
		} else {
			found = append(found, m[2])
		}
	}
	return found
}

// TestNoEscape looks for functions of std that make system calls and are
// go:noescape for guests. A guest's system call may move the stack, and with it
// what such a function was given (net_xenpv.go).
func TestNoEscape(t *testing.T) {
	require.Equal(t, []string{"F syscall.f", "G"}, escapesNothing("//go:linkname F syscall.f\n//go:noescape\nfunc F(p []byte) (n int, err error)\n\n"+
		"// Doc.\n//\n//go:noescape\n// More.\nfunc G(p *int)\n\n//go:noinline\nfunc H(p *int)\n\n//go:noinline\nfunc I(p *int) {\n"))
	root, _ := toolchain(t)
	out, err := goAt(t, root, "xenpv", "list", "-f", "{{$d := .}}{{range .GoFiles}}{{$d.ImportPath}} {{$d.Dir}}/{{.}}\n{{end}}", "std").Output()
	require.NoError(t, err)
	calls := regexp.MustCompile(`^(syscall|internal/syscall/.*|internal/poll|os|os/.*|net)$`)
	all := 0
	for line := range strings.Lines(string(out)) {
		pkg, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pkg == "" {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, f := range escapesNothing(string(source)) {
			all++
			_, target, _ := strings.Cut(f, " ")
			ofRuntime := strings.HasPrefix(target, "runtime.") // which makes none on its callers' stacks
			if strings.HasPrefix(target, "syscall.") || calls.MatchString(pkg) && !ofRuntime {
				t.Errorf("%s, %s is go:noescape: declare it without that for GOOS xenpv, as net_xenpv.go does", file, f)
			}
		}
	}
	require.Greater(t, all, 50, "found too little of what escapes nothing")
}
