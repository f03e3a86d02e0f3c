package goroot

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const edit = `Because of reasons.

diff --git a/src/a.txt b/src/a.txt
--- a/src/a.txt
+++ b/src/a.txt
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
diff --git a/src/new/b.txt b/src/new/b.txt
new file mode 100644
--- /dev/null
+++ b/src/new/b.txt
@@ -0,0 +1 @@
+fresh
`

// tree writes files into a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		name = filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(data), 0o644))
	}
	return root
}

func contents(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

func TestApply(t *testing.T) {
	p, err := parsePatch("0001-x.patch", []byte(edit))
	require.NoError(t, err)
	stock := tree(t, map[string]string{"src/a.txt": "one\ntwo\nthree\n"})
	linked := filepath.Join(t.TempDir(), "linked")
	require.NoError(t, linkTree(stock, linked))

	require.NoError(t, p.apply(linked))
	require.Equal(t, "one\nTWO\nthree\n", contents(t, filepath.Join(linked, "src/a.txt")))
	require.Equal(t, "fresh\n", contents(t, filepath.Join(linked, "src/new/b.txt")))
	require.Equal(t, "one\ntwo\nthree\n", contents(t, filepath.Join(stock, "src/a.txt")), "the tree it was linked from")

	err = p.apply(linked)
	require.ErrorContains(t, err, "0001-x.patch: src/a.txt: hunk 1, @@ -1,3 +1,3 @@", "applied twice")
}

func TestApplyToAnotherVersion(t *testing.T) {
	p, err := parsePatch("0002-y.patch", []byte(edit))
	require.NoError(t, err)
	require.ErrorContains(t, p.apply(tree(t, map[string]string{"src/a.txt": "one\n2\nthree\n"})), "0002-y.patch: src/a.txt: hunk 1")
	require.ErrorContains(t, p.apply(tree(t, nil)), "0002-y.patch: src/a.txt")
	there := tree(t, map[string]string{"src/a.txt": "one\ntwo\nthree\n", "src/new/b.txt": "old\n"})
	require.ErrorContains(t, p.apply(there), "src/new/b.txt: is there already")
}

func TestParsePatchRefusals(t *testing.T) {
	for want, text := range map[string]string{
		"does not say why":        edit[len("Because of reasons.\n"):],
		"changes nothing":         "Only words.\n",
		"outside of GOROOT":       "Why.\n\ndiff --git a/../x b/../x\n--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n",
		"only edits and new text": "Why.\n\ndiff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
	} {
		_, err := parsePatch("p.patch", []byte(text))
		require.ErrorContains(t, err, want)
	}
}

func TestSplit(t *testing.T) {
	patchOf := func(file string) []byte {
		return []byte("Why.\n\ndiff --git a/" + file + " b/" + file + "\n--- a/" + file + "\n+++ b/" + file + "\n@@ -1 +1 @@\n-a\n+b\n")
	}
	all, err := loadPatches(fstest.MapFS{
		"toolchain/patches/0001-tool.patch": {Data: patchOf("src/cmd/link/a.go")},
		"toolchain/patches/0002-std.patch":  {Data: patchOf("src/runtime/proc.go")},
		"toolchain/patches/0003-test.patch": {Data: patchOf("src/go/build/deps_test.go")},
		"toolchain/patches/README":          {Data: []byte("no patch")},
	})
	require.NoError(t, err)
	early, late := split(all)
	require.Len(t, early, 1)
	require.Equal(t, "0001-tool.patch", early[0].name)
	require.Len(t, late, 2)
}
