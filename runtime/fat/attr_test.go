package fat

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// Times are those of package time, to two seconds.
func TestTimes(t *testing.T) {
	for at := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2108; at = at.Add(7*time.Hour + 11*time.Minute + 6*time.Second) {
		date, clock, _ := encodeTime(fdtable.Timespec{Sec: at.Unix()})
		require.Equal(t, [3]int{at.Year() - 1980, int(at.Month()), at.Day()}, [3]int{int(date >> 9), int(date >> 5 & 15), int(date & 31)}, at)
		require.Equal(t, at.Unix()&^1, decodeTime(date, clock, 0).Sec, at)
	}
	for _, sec := range []int64{-1 << 40, 0, 1 << 40} {
		date, clock, _ := encodeTime(fdtable.Timespec{Sec: sec})
		year := time.Unix(decodeTime(date, clock, 0).Sec, 0).UTC().Year()
		require.True(t, year == 1980 || year == 2107, year)
	}
}

// Names, errors and permissions are Linux's.
func TestLinux(t *testing.T) {
	d := mkfs(t, formats[2])
	fs := mount(t, d)
	root := fs.Root()
	for name, want := range map[string]calls.Errno{"a:b": calls.EINVAL, "a?": calls.EINVAL, "x ": calls.EINVAL, "...": calls.ENOENT, "\xff": calls.EINVAL} {
		_, err := root.Create(name, &vfs.New{Mode: vfs.S_IFREG})
		require.Equal(t, want, err, name)
	}
	for _, kind := range []uint32{vfs.S_IFLNK, vfs.S_IFIFO, vfs.S_IFCHR, vfs.S_IFSOCK} {
		_, err := root.Create("special", &vfs.New{Mode: kind | 0o644})
		require.Equal(t, calls.EPERM, err)
	}
	f := create(t, root, "File", []byte("data"))
	require.Equal(t, calls.EPERM, root.Link("other", f))
	require.Equal(t, calls.EPERM, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrUID, UID: 7}))
	_, err := root.Create("fILE", &vfs.New{Mode: vfs.S_IFREG})
	require.Equal(t, calls.EEXIST, err)
	_, _, err = f.WriteAt([]byte("x"), maxSize)
	require.Equal(t, calls.EFBIG, err)
	require.Equal(t, calls.EFBIG, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: maxSize + 1}))

	mode := func(want uint32) {
		t.Helper()
		n, err := root.Lookup("file")
		ok(t, err)
		var st fdtable.Stat
		ok(t, n.Stat(&st))
		require.Equal(t, want, st.Mode)
	}
	mode(fileMode)
	ok(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrMode, Mode: 0o555}))
	mode(readOnlyMode)
	ok(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrMode, Mode: 0o600})) // there is no such mode
	mode(readOnlyMode)
	ok(t, root.Rename("file", root, "FILE", 0)) // only its case
	require.Equal(t, []string{"FILE"}, fstest.List(t, root))
	ok(t, fs.Unmount())
	fs = mount(t, d)
	root = fs.Root()
	mode(readOnlyMode)
	require.Equal(t, []string{"FILE"}, fstest.List(t, root))
	ok(t, fs.Unmount())
	fsck(t, d)
}

// A disk that is full is ENOSPC, and what is freed can be used.
func TestFull(t *testing.T) {
	d := mkfs(t, formats[0])
	fs := mount(t, d)
	free := fs.freeCount
	f := create(t, fs.Root(), "all", nil)
	n, _, err := f.WriteAt(make([]byte, 2<<20), 0)
	ok(t, err)
	require.Equal(t, int(free)*fs.clusterSize, n)
	_, _, err = f.WriteAt([]byte("x"), vfs.AtEnd)
	require.Equal(t, calls.ENOSPC, err)
	_, err = fs.Root().Create("dir", &vfs.New{Mode: vfs.S_IFDIR})
	require.Equal(t, calls.ENOSPC, err)
	require.Equal(t, calls.ENOSPC, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: 3 << 20}))
	ok(t, fs.Root().Remove("all", false))
	create(t, fs.Root(), "again", make([]byte, int(free)*fs.clusterSize))
	ok(t, fs.Unmount())
	fsck(t, d)
}
