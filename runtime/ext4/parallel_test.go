package ext4

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// Many goroutines use one file system at once.
func TestParallel(t *testing.T) {
	d := mkfs(t, 40)
	fs := mount(t, d)
	shared := create(t, fs.Root(), "shared", nil)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			made, err := fs.Root().Create(fmt.Sprint("dir", n), &vfs.New{Mode: vfs.S_IFDIR | 0o755})
			assert.Zero(t, err)
			dir := made.(vfs.Directory)
			for i := range 40 {
				name := fmt.Sprint("file", i)
				data := bytes.Repeat([]byte{byte(n), byte(i)}, 3000)
				made, err := dir.Create(name, &vfs.New{Mode: vfs.S_IFREG | 0o644})
				assert.Zero(t, err)
				f := made.(vfs.Regular)
				f.Opened()
				_, _, err = f.WriteAt(data, 0)
				assert.Zero(t, err)
				_, _, err = shared.WriteAt([]byte{byte(n)}, vfs.AtEnd)
				assert.Zero(t, err)
				if i%5 == 0 {
					assert.Zero(t, f.Sync())
				}
				got := make([]byte, len(data))
				_, err = f.ReadAt(got, 0)
				assert.Zero(t, err)
				assert.True(t, bytes.Equal(data, got))
				if i%2 == 0 {
					assert.Zero(t, dir.Rename(name, fs.Root(), fmt.Sprint("moved", n, "-", i), 0))
				} else {
					assert.Zero(t, dir.Remove(name, false))
				}
				f.Closed()
				dir.Parent()
				assert.Zero(t, fs.Root().Entries(0, func(*vfs.Entry) bool { return true }))
			}
		})
	}
	wg.Wait()
	require.Len(t, contents(t, shared), 8*40)
	ok(t, fs.Unmount())
	fsck(t, d, false)
}

// A full disk is ENOSPC, whatever is asked, and there is room again after something was removed.
func TestFull(t *testing.T) {
	d := mkfs(t, 8, "-b", "1024")
	fs := mount(t, d)
	f := create(t, fs.Root(), "all", nil)
	block := make([]byte, 100000)
	var err calls.Errno
	for err == 0 {
		_, _, err = f.WriteAt(block, vfs.AtEnd)
	}
	require.Equal(t, calls.ENOSPC, err)
	for n := 0; err == calls.ENOSPC && n < 3; n++ {
		_, err = fs.Root().Create(fmt.Sprint("dir", n), &vfs.New{Mode: vfs.S_IFDIR | 0o755})
	}
	ok(t, fs.Sync())
	fsck(t, d, true)
	ok(t, fs.Root().Remove("all", false))
	create(t, fs.Root(), "again", make([]byte, 1<<20))
	ok(t, fs.Unmount())
	fsck(t, d, false)
}

// A disk that fails costs the file system, with a line that says so.
func TestBroken(t *testing.T) {
	d := mkfs(t, 8)
	var said []string
	fs, err := Mount(d, false, func(s string) { said = append(said, s) })
	require.NoError(t, err)
	f := create(t, fs.Root(), "file", []byte("x"))
	ok(t, f.Sync())
	d.Failing = true
	_, _, e := f.WriteAt([]byte("y"), 0)
	require.Equal(t, calls.EIO, e)
	_, e = fs.Root().Create("new", &vfs.New{Mode: vfs.S_IFDIR | 0o755}) // in a group of which nothing was read
	require.Equal(t, calls.EIO, e)
	require.Equal(t, calls.EIO, fs.Sync())
	d.Failing = false
	_, e = fs.Root().Create("another", &vfs.New{Mode: vfs.S_IFREG | 0o644})
	require.Equal(t, calls.EROFS, e)
	require.Equal(t, calls.EIO, f.Sync())
	require.Len(t, said, 1)
	fsck(t, d, true)
}

// What is mapped is the file's contents, for reads and writes too.
func TestMap(t *testing.T) {
	d := mkfs(t, 8)
	fs := mount(t, d)
	f := create(t, fs.Root(), "file", bytes.Repeat([]byte("a"), 10000)).(*file)
	f.Opened()
	addr, err := f.Map(4096, 8192)
	ok(t, err)
	mem, err := calls.Bytes(addr, 8192)
	ok(t, err)
	require.Equal(t, byte('a'), mem[0])
	require.Equal(t, byte(0), mem[8191])
	_, _, err = f.WriteAt([]byte("bb"), 4096)
	ok(t, err)
	require.Equal(t, "bba", string(mem[:3]))
	f.MapWritable(addr)
	mem[2] = 'c'
	require.Equal(t, "bbca", string(contents(t, f)[4096:4100]))
	ok(t, f.Sync())
	require.Equal(t, "bbca", string(contents(t, at(t, mount(t, d.Clone()), "file"))[4096:4100]))
	mem[3] = 'd'
	f.Unmap(addr)
	f.Closed()
	ok(t, fs.Unmount())
	require.Equal(t, "bbcd", string(contents(t, at(t, mount(t, d), "file"))[4096:4100]))
}

// What was changed before the new end of a file that is made shorter is written, and what is behind it is not.
func TestMapTruncate(t *testing.T) {
	d := mkfs(t, 8)
	fs := mount(t, d)
	f := create(t, fs.Root(), "file", bytes.Repeat([]byte("a"), 16<<10)).(*file)
	f.Opened()
	addr, err := f.Map(0, 16<<10)
	ok(t, err)
	f.MapWritable(addr)
	mem, err := calls.Bytes(addr, 16<<10)
	ok(t, err)
	for _, i := range []int{0, 5000, 6000, 9000} {
		mem[i] = 'b'
	}
	ok(t, f.truncate(5500))
	require.Equal(t, []byte{'b', 'a', 0, 0, 0}, []byte{mem[5000], mem[5499], mem[5500], mem[6000], mem[9000]})
	ok(t, f.truncate(16<<10))
	f.Unmap(addr)
	f.Closed()
	ok(t, fs.Unmount())
	want := append(bytes.Repeat([]byte("a"), 5500), make([]byte, 16<<10-5500)...)
	want[0], want[5000] = 'b', 'b'
	require.True(t, bytes.Equal(want, contents(t, at(t, mount(t, d), "file"))))
}
