package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"
)

// lay makes files of names, a name that ends in "/" a folder, "a -> b" a link.
func lay(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		link, target, isLink := strings.Cut(n, " -> ")
		file := filepath.Join(dir, link)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		switch {
		case isLink:
			require.NoError(t, os.Symlink(target, file))
		case strings.HasSuffix(n, "/"):
			require.NoError(t, os.MkdirAll(file, 0o755))
		default:
			require.NoError(t, os.WriteFile(file, []byte(n), 0o644))
		}
	}
	return dir
}

func TestTestFiles(t *testing.T) {
	dir := lay(t, "go.mod", "testdata/", "a/testdata/", "a/b/go.mod", "a/b/c/d/")
	at := func(n string) string { return filepath.Join(dir, n) }
	require.Equal(t, []string{at("a/b/c/d"), at("a/b/c/testdata"), at("a/b/c/go.mod"), at("a/b/testdata"), at("a/b/go.mod")}, testFiles(at("a/b/c/d")))
	require.Equal(t, []string{dir}, testFiles(dir))

	goroot := lay(t, "VERSION", "src/go.mod", "src/net/http/")
	require.Contains(t, testFiles(filepath.Join(goroot, "src/net/http")), filepath.Join(goroot, "lib/time"))

	alone := lay(t, "x")
	require.Equal(t, []string{alone}, testFiles(alone))
	t.Setenv("HOME", alone)
	require.Empty(t, testFiles(alone))
}

func TestWriteFiles(t *testing.T) {
	dir := lay(t, "a/one", "a/two", "a/l -> one", "b/three", "empty/")
	var b bytes.Buffer
	// What was there before is not there again, what is missing is left out.
	require.NoError(t, writeFiles(&b, nil, []string{filepath.Join(dir, "a/one"), dir, filepath.Join(dir, "missing")}, 1<<20))
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(b.Bytes())))
	require.NoError(t, err)
	var names []string
	for _, r := range records {
		name, err := filepath.Rel(dir, "/"+r.Name)
		require.NoError(t, err)
		names = append(names, name)
	}
	require.Equal(t, []string{"a/one", ".", "a", "a/l", "a/two", "b", "b/three", "empty"}, names)

	err = writeFiles(&b, nil, []string{dir}, 16)
	require.ErrorContains(t, err, "--files-limit")
}

func TestNamedFolders(t *testing.T) {
	dir := lay(t, "a/file", "b/")
	records := namedFolders([]string{"-v", "-x=" + dir + "/a/", "-y=" + dir + "/a/file", "-z=b", "-z=" + dir + "/c", "-z=/", dir + "/b"})
	require.Len(t, records, 1)
	require.Equal(t, dir[1:]+"/a", records[0].Name)
}

func TestEnvironment(t *testing.T) {
	t.Setenv("TMPDIR", "/somewhere")
	t.Setenv(flagsVariable, "--vcpus 2")
	t.Setenv("XENGO_TEST_VARIABLE", "x=y")
	t.Setenv("XENGO_TEST_OTHER", "of this process")
	env := environment([]string{"XENGO_TEST_OTHER=of the guest"})
	require.NotContains(t, strings.Join(env, "\n"), "XENGO_TEST_OTHER")
	require.Contains(t, env, "XENGO_TEST_VARIABLE=x=y")
	require.NotContains(t, strings.Join(env, "\n"), "TMPDIR=")
	require.NotContains(t, strings.Join(env, "\n"), flagsVariable)
}
