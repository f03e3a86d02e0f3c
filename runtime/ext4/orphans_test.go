package ext4

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// What is open when the program ends, and has no name, is gone then: a process's end closes its files. Who still uses it has
// errors.
func TestOpenAtUnmount(t *testing.T) {
	each(t, func(t *testing.T, format []string) {
		d := mkfs(t, 40, format...)
		fs := mount(t, d)
		f := create(t, fs.Root(), "file", make([]byte, 100000)).(*file)
		f.Opened()
		addr, err := f.Map(0, 8192)
		ok(t, err)
		f.MapWritable(addr)
		ok(t, fs.Root().Remove("file", false))
		tmp, err := fs.TmpFile(&vfs.New{Mode: vfs.S_IFREG | 0o600})
		ok(t, err)
		tmp.(*file).Opened()

		fs.abandonOrphans()
		_, _, err = f.WriteAt([]byte("x"), 0)
		require.Equal(t, calls.ESTALE, err)
		require.Equal(t, calls.ESTALE, f.truncate(10))
		mem, err := calls.Bytes(addr, 8192)
		ok(t, err)
		mem[0] = 'x'
		ok(t, f.writeAreas())
		ok(t, fs.Unmount())
		fsck(t, d, false)
		f.Unmap(addr)
		f.Closed()
	})
}

// The attributes of a directory that is open and was removed can be changed, which does nothing to the file that has its inode now.
func TestRemovedDirectory(t *testing.T) {
	d := mkfs(t, 40)
	fs := mount(t, d)
	old := fstest.Mkdir(t, fs.Root(), "old").(*dir)
	ok(t, fs.Root().Remove("old", true))
	create(t, fs.Root(), "other", nil)
	fstest.Mkdir(t, fs.Root(), "new")
	require.Equal(t, old.ino, at(t, fs, "new").(*dir).ino)
	ok(t, old.SetAttr(&vfs.SetAttr{Set: vfs.AttrMode | vfs.AttrUID, Mode: 0o700, UID: 5}))
	var st fdtable.Stat
	ok(t, old.Stat(&st))
	require.EqualValues(t, vfs.S_IFDIR|0o700, st.Mode)
	ok(t, fs.Unmount())
	fsck(t, d, false)
	ok(t, at(t, mount(t, d), "new").Stat(&st))
	require.EqualValues(t, vfs.S_IFDIR|0o755, st.Mode)
}
