package files

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// A countedFS counts how often it is made durable.
type countedFS struct {
	vfs.FileSystem
	syncs    int
	err      calls.Errno
	readOnly bool
}

func (fs *countedFS) Sync() calls.Errno { fs.syncs++; return fs.err }
func (fs *countedFS) ReadOnly() bool    { return fs.readOnly }

// countedRoot is its root directory.
type countedRoot struct {
	vfs.Directory
	fs *countedFS
}

func (r *countedRoot) FS() vfs.FileSystem { return r.fs }

func TestSyncFileSystems(t *testing.T) {
	only(t)
	var all [2]*countedFS
	for i, path := range []string{"/a", "/b"} {
		mem := memfs.New(0o755)
		all[i] = &countedFS{FileSystem: mem}
		require.Zero(t, Mount(path, &countedRoot{mem.Root(), all[i]}, "on"+path))
	}
	a, b := all[0], all[1]

	a.err = calls.EIO // is not in the way of the others
	must(t, calls.SYS_SYNC)
	require.Equal(t, []int{1, 1}, []int{a.syncs, b.syncs})

	fd := must(t, calls.SYS_OPEN, "/a", 0, 0)
	_, err := sys(calls.SYS_SYNCFS, fd)
	require.Equal(t, calls.EIO, err)
	require.Equal(t, []int{2, 1}, []int{a.syncs, b.syncs})
	r, _ := makePipe(t, 0)
	must(t, calls.SYS_SYNCFS, r)
	_, err = sys(calls.SYS_SYNCFS, -1)
	require.Equal(t, calls.EBADF, err)
	require.Equal(t, []int{2, 1}, []int{a.syncs, b.syncs})

	b.readOnly = true
	require.Regexp(t, "on/a .* rw,relatime 0 0\non/b .* ro,relatime 0 0\n", string(mountTable()))
	require.Regexp(t, " ro,relatime - tmpfs on/b ro\n", string(mountInfo()))
	var st vfs.Statfs
	must(t, calls.SYS_STATFS, "/b", calls.AsBytes(&st))
	require.EqualValues(t, vfs.ST_RDONLY, st.Flags)
	must(t, calls.SYS_STATFS, "/a", calls.AsBytes(&st))
	require.Zero(t, st.Flags)
}
