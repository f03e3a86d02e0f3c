package p9fs

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/p9fs/p9test"
	"internal/xengo/runtime/vfs"
)

// Extended attributes are on the server as the program named them.
func TestXattrs(t *testing.T) {
	s := &p9test.Server{MSize: 4096}
	fs, _ := attach(t, s)
	write(t, "/f", []byte("x"))
	host := filepath.Join(s.Dir, "f")
	if err := unix.Setxattr(host, "user.there", []byte("before"), 0); err != nil {
		t.Skipf("the files of this machine have none: %v", err)
	}
	f := locate(t, "/f")
	value, err := vfs.Xattr(f, "user.there")
	require.Zero(t, err)
	require.Equal(t, "before", string(value))
	_, err = vfs.Xattr(f, "user.absent")
	require.Equal(t, calls.ENODATA, err)

	require.Zero(t, vfs.SetXattr(f, "user.here", []byte("value"), vfs.XattrCreate))
	require.Equal(t, calls.EEXIST, vfs.SetXattr(f, "user.here", []byte("x"), vfs.XattrCreate))
	require.Equal(t, calls.ENODATA, vfs.SetXattr(f, "user.absent", []byte("x"), vfs.XattrReplace))
	require.Equal(t, calls.EOPNOTSUPP, vfs.SetXattr(f, "user.empty", nil, 0))
	long := bytes.Repeat([]byte("0123456789"), 300) // several requests
	require.Zero(t, vfs.SetXattr(f, "user.long", long, 0))
	room := make([]byte, 8192)
	n, wrong := unix.Getxattr(host, "user.long", room)
	require.NoError(t, wrong)
	require.True(t, bytes.Equal(long, room[:n]))
	value, err = vfs.Xattr(f, "user.long")
	require.Zero(t, err)
	require.True(t, bytes.Equal(long, value))

	names, err := vfs.Xattrs(f)
	require.Zero(t, err)
	slices.Sort(names)
	require.Equal(t, []string{"user.here", "user.long", "user.there"}, names)
	require.Zero(t, vfs.RemoveXattr(f, "user.here"))
	require.Equal(t, calls.ENODATA, vfs.RemoveXattr(f, "user.here"))

	d := open(t, "/f", fdtable.O_RDWR, 0) // an open file is asked by its own fid
	require.Zero(t, vfs.Unlink(vfs.Root(), "/f"))
	value, err = f.Inode.(vfs.Attributed).Attribute("user.there")
	require.Equal(t, calls.ENOENT, err, "the server knows files by their paths") // as QEMU
	require.Empty(t, value)
	require.Zero(t, d.Release())

	for range fs.idleFids() + 1 { // the fids of attributes have ended, too
		write(t, "/g", nil)
	}
	require.Eventually(t, func() bool { return s.Fids() <= fs.idleFids()+1 }, 5*time.Second, time.Millisecond, "fids are lost")

	u := &p9test.Server{U: true}
	attach(t, u)
	write(t, "/f", []byte("x"))
	_, err = vfs.Xattr(locate(t, "/f"), "user.there")
	require.Equal(t, calls.EOPNOTSUPP, err)
}

// A server that promises more than there can be is given up.
func TestHugeXattr(t *testing.T) {
	s := &p9test.Server{Reply: func(m p9.Message) p9.Message {
		if _, ok := m.(*p9.Txattrwalk); ok {
			return &p9.Rxattrwalk{Size: 1 << 62}
		}
		return nil
	}}
	attach(t, s)
	write(t, "/f", nil)
	_, err := vfs.Xattr(locate(t, "/f"), "user.x")
	require.Equal(t, calls.EIO, err)
	_, err = vfs.Open(vfs.Root(), "/f", 0, 0)
	require.Equal(t, calls.EIO, err)
}
