package fstest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// An FS is a file system that is mounted.
type FS interface {
	vfs.FileSystem
	Root() vfs.Directory
	Sync() calls.Errno
	Unmount() calls.Errno
}

// OK fails the test if there is an error.
func OK(t testing.TB, err calls.Errno) {
	t.Helper()
	if err != 0 {
		t.Fatal(err)
	}
}

// Create makes a file with contents.
func Create(t testing.TB, d vfs.Directory, name string, data []byte) vfs.Regular {
	t.Helper()
	n, err := d.Create(name, &vfs.New{Mode: vfs.S_IFREG | 0o640, UID: 1000, GID: 70000})
	OK(t, err)
	if len(data) > 0 {
		c, _, err := n.(vfs.Regular).WriteAt(data, 0)
		OK(t, err)
		require.Equal(t, len(data), c)
	}
	return n.(vfs.Regular)
}

// Mkdir makes a directory.
func Mkdir(t testing.TB, d vfs.Directory, name string) vfs.Directory {
	t.Helper()
	n, err := d.Create(name, &vfs.New{Mode: vfs.S_IFDIR | 0o755})
	OK(t, err)
	return n.(vfs.Directory)
}

// Contents reads a file, which has to be as long as it says.
func Contents(t testing.TB, n vfs.Inode) []byte {
	t.Helper()
	var st fdtable.Stat
	OK(t, n.Stat(&st))
	p := make([]byte, st.Size+1)
	c, err := n.(vfs.Regular).ReadAt(p, 0)
	OK(t, err)
	require.Equal(t, st.Size, int64(c))
	return p[:c]
}

// List returns the names in a directory in their order, without "." and "..". It reads a few at once.
func List(t testing.TB, d vfs.Directory) []string {
	t.Helper()
	var names []string
	after := uint64(0)
	for more := true; more; {
		n := 0
		OK(t, d.Entries(after, func(e *vfs.Entry) bool {
			n++
			after = e.Pos
			names = append(names, e.Name)
			return n < 5
		}))
		more = n > 0
	}
	require.Equal(t, []string{".", ".."}, names[:2])
	names = names[2:]
	slices.Sort(names)
	return names
}

// Same compares two trees. With fold the names in the first are compared without regard to case.
func Same(t testing.TB, path string, a, b vfs.Inode, fold bool) {
	t.Helper()
	var s1, s2 fdtable.Stat
	OK(t, a.Stat(&s1))
	OK(t, b.Stat(&s2))
	require.Equal(t, s2.Mode, s1.Mode, path)
	switch a := a.(type) {
	case vfs.Directory:
		require.Equal(t, s2.Nlink, s1.Nlink, path)
		names := List(t, b.(vfs.Directory))
		got := List(t, a)
		if fold {
			for i := range got {
				got[i] = strings.ToLower(got[i])
			}
			slices.Sort(got)
		}
		require.Equal(t, names, got, path)
		for _, name := range names {
			x, err := a.Lookup(name)
			OK(t, err)
			y, err := b.(vfs.Directory).Lookup(name)
			OK(t, err)
			Same(t, path+"/"+name, x, y, fold)
		}
	case vfs.Symlink:
		x, err := a.Readlink()
		OK(t, err)
		y, err := b.(vfs.Symlink).Readlink()
		OK(t, err)
		require.Equal(t, y, x, path)
	case vfs.Regular:
		require.Equal(t, s2.Nlink, s1.Nlink, path)
		require.True(t, bytes.Equal(Contents(t, b), Contents(t, a)), "%s: contents of %d and %d bytes differ", path, s2.Size, s1.Size)
		if x, ok := a.(vfs.Attributed); ok {
			require.Equal(t, Attributes(t, b.(vfs.Attributed)), Attributes(t, x), path)
		}
	}
}

// Attributes returns all extended attributes of a file.
func Attributes(t testing.TB, n vfs.Attributed) map[string]string {
	t.Helper()
	names, err := n.Attributes()
	OK(t, err)
	all := map[string]string{}
	for _, name := range names {
		value, err := n.Attribute(name)
		OK(t, err)
		all[name] = string(value)
	}
	require.Len(t, all, len(names), "a name came twice")
	return all
}
