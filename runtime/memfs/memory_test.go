package memfs

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// create makes a regular file in the root directory.
func create(t testing.TB, fs *FS, name string) *file {
	t.Helper()
	n, err := fs.root.Create(name, &vfs.New{Mode: vfs.S_IFREG | 0o644})
	require.Zero(t, err)
	return n.(*file)
}

// A full file system says so, keeps what it has, and has room again when files are gone: not before the last user is.
func TestFull(t *testing.T) {
	fs := New(0o755)
	fs.SetLimit(64 << 10)
	empty := fs.used.Load()
	a, b := create(t, fs, "a"), create(t, fs, "b")
	big := bytes.Repeat([]byte("0123456789"), 10000)
	n, end, err := a.WriteAt(big, 100)
	require.Zero(t, err, "a part was written")
	require.EqualValues(t, end, 100+n)
	require.InDelta(t, 64<<10, n, 8192)
	_, _, err = a.WriteAt(big, end+pageSize)
	require.Equal(t, calls.ENOSPC, err)
	require.Equal(t, calls.ENOSPC, b.Allocate(0, 0, 1<<40), "more than there will ever be is refused at once")
	got := make([]byte, n)
	m, _ := a.ReadAt(got, 100)
	require.Equal(t, n, m)
	require.Equal(t, big[:n], got)

	a.Opened()
	require.Zero(t, fs.root.Remove("a", false))
	_, _, err = b.WriteAt(big, 0)
	require.LessOrEqual(t, fs.used.Load(), int64(64<<10))
	b.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize})
	require.Equal(t, calls.ENOSPC, b.Allocate(0, 0, 40<<10), "the file without a name is open")
	before := fs.used.Load()
	a.Closed()
	require.Less(t, fs.used.Load(), before-50000)
	require.Zero(t, b.Allocate(0, 0, 40<<10))
	n, _, err = b.WriteAt(big[:40<<10], 0)
	require.True(t, n == 40<<10 && err == 0, "what was allocated can be written")
	require.Zero(t, fs.root.Remove("b", false))
	require.Equal(t, empty, fs.used.Load())
	require.EqualValues(t, 1, fs.files.Load())
}

// Files, names and links take memory, too, and are refused when there is none.
func TestFullOfNames(t *testing.T) {
	fs := New(0o755)
	fs.SetLimit(64 << 10)
	empty := fs.used.Load()
	fill := func(name string, make func(name string) calls.Errno) int {
		for i := 0; ; i++ {
			require.Less(t, i, 1000)
			if err := make(fmt.Sprint(name, i)); err != 0 {
				require.Equal(t, calls.ENOSPC, err)
				require.LessOrEqual(t, fs.used.Load(), int64(64<<10))
				return i
			}
		}
	}
	maker := func(mode uint32, target string) func(string) calls.Errno {
		return func(name string) calls.Errno {
			_, err := fs.root.Create(name, &vfs.New{Mode: mode, Target: target})
			return err
		}
	}
	remove := func(name string, n int, dir bool) {
		for i := range n {
			require.Zero(t, fs.root.Remove(fmt.Sprint(name, i), dir))
		}
	}
	target := strings.Repeat("x", 4000)
	links := fill("l", maker(vfs.S_IFLNK|0o777, target))
	require.Less(t, links, 17)
	_, err := fs.TmpFile(&vfs.New{Mode: vfs.S_IFREG})
	if err == 0 {
		t.Log("there was room for one inode more")
	}
	remove("l", links, false)
	fs.used.Store(empty) // of what TmpFile may have made
	fs.files.Store(1)
	dirs := fill("d", maker(vfs.S_IFDIR|0o755, ""))
	remove("d", dirs, true)
	create(t, fs, "f")
	names := fill("n", func(name string) calls.Errno { return fs.root.Link(name, fs.root.names["f"].inode) })
	require.Zero(t, fs.root.Rename("n0", fs.root, "x0", 0), "renaming needs nothing")
	require.Zero(t, fs.root.Rename("x0", fs.root, "n0", 0))
	remove("n", names, false)
	require.Zero(t, fs.root.Remove("f", false))
	require.Equal(t, empty, fs.used.Load())
}

// Holes take no memory, and small files little.
func TestSparse(t *testing.T) {
	fs := New(0o755)
	f := create(t, fs, "f")
	before := fs.used.Load()
	cost := func() int64 { return fs.used.Load() - before }
	require.Zero(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: 1<<63 - 1}))
	require.Zero(t, cost())
	require.EqualValues(t, 1<<63-1, f.size)
	_, _, err := f.WriteAt([]byte("x"), 1<<62)
	require.Zero(t, err)
	require.LessOrEqual(t, cost(), int64(minPage))
	_, _, err = f.WriteAt([]byte("x"), maxSize)
	require.Equal(t, calls.EFBIG, err)
	n, end, err := f.WriteAt([]byte("xyz"), maxSize-1)
	require.Equal(t, [3]any{1, int64(maxSize), calls.Errno(0)}, [3]any{n, end, err})
	pos, err := f.SeekData(5, false)
	require.Equal(t, [2]any{int64(1 << 62), calls.Errno(0)}, [2]any{pos, err})
	pos, err = f.SeekData(1<<62, true)
	require.Equal(t, [2]any{int64(1<<62 + pageSize), calls.Errno(0)}, [2]any{pos, err})
	require.Zero(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: 10}))
	require.Zero(t, cost())
	f.WriteAt([]byte("small"), 0)
	require.EqualValues(t, minPage, cost())
}

// Names and links that goroutines make and remove leave nothing behind.
func TestNamesAtOnce(t *testing.T) {
	fs := New(0o755)
	empty := fs.used.Load()
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			for i := range 2000 {
				name, other := string(rune('a'+i%5)), string(rune('a'+(i+worker)%5))
				fs.root.Create(name, &vfs.New{Mode: []uint32{vfs.S_IFLNK, vfs.S_IFREG, vfs.S_IFDIR}[i%3], Target: "t"})
				if n, err := fs.root.Lookup(name); err == 0 {
					if _, ok := n.(*dir); !ok {
						fs.root.Link(other, n)
					}
					if f, ok := n.(*file); ok {
						f.Opened()
						f.WriteAt([]byte("data"), int64(i))
						f.Closed()
					}
				}
				fs.root.Rename(other, fs.root, name, uint32(i%3))
				fs.root.Remove(name, i%2 == 0)
				fs.root.Remove(other, i%2 == 0)
			}
		})
	}
	wg.Wait()
	for name := range fs.root.names {
		if fs.root.Remove(name, false) != 0 {
			require.Zero(t, fs.root.Remove(name, true))
		}
	}
	require.Equal(t, empty, fs.used.Load())
	require.EqualValues(t, 1, fs.files.Load())
	require.EqualValues(t, 2, fs.root.nlink)
}

// Holes that are mapped take memory when they are touched, and then count.
func TestMappedHoles(t *testing.T) {
	const limit, size = 1 << 20, 64 << 20
	fs := New(0o755)
	fs.SetLimit(limit)
	empty := fs.total()
	f := create(t, fs, "f")
	costs := fs.total()
	f.Opened()
	require.Zero(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: size}))
	addr, err := f.Map(0, size)
	require.Zero(t, err, "more than the limit")
	mem, err := calls.Bytes(addr, size)
	require.Zero(t, err)
	require.Equal(t, costs, fs.total())
	for i := range 100 {
		mem[i*10*pageSize] = byte(i)
		require.Equal(t, costs+int64(i+1)*pageSize, fs.total())
	}
	require.EqualValues(t, 100*pageSize/512, f.blocks())

	g := create(t, fs, "g")
	page := bytes.Repeat([]byte("x"), pageSize)
	n := int64(0)
	for ; err == 0; n++ {
		_, _, err = g.WriteAt(page, n*pageSize)
	}
	require.Equal(t, calls.ENOSPC, err)
	require.InDelta(t, limit/pageSize-100, n, 2)
	_, _, err = f.WriteAt(page, 5*pageSize)
	require.Equal(t, calls.ENOSPC, err, "a page that was not touched")
	_, _, err = f.WriteAt(page, 10*pageSize)
	require.Zero(t, err, "one that was")
	mem[5*pageSize] = 1 // who maps is not refused

	require.Zero(t, fs.root.Remove("g", false))
	_, _, err = f.WriteAt(page, 7*pageSize)
	require.Zero(t, err)
	f.Unmap(addr)
	require.Zero(t, fs.root.Remove("f", false))
	f.Closed()
	require.Equal(t, empty, fs.total())
}

// FuzzContents compares a file, which may have come with contents and be mapped, with a plain slice of bytes, and its memory
// with what is accounted for.
func FuzzContents(f *testing.F) {
	f.Add([]byte("\x01base\x00\x10\x20\x30\x01\x11\x22\x33\x02\x40\x50\x60\x03\x10\x10\x10\x04\x20\x20\x20\x05\x00\x00\x00"))
	f.Add([]byte("\x07\x00\x02\x00\x00\x00\xff\xff\x05\x01\x02\x03\x06\x00\x00\x00\x02\x01\x00\x00\x05\x00\x05\x05"))
	f.Fuzz(func(t *testing.T, code []byte) {
		fs := New(0o755)
		fs.SetLimit(1 << 20)
		empty := fs.used.Load()
		file := create(t, fs, "f")
		var want []byte
		if len(code) > 0 {
			want = bytes.Repeat([]byte("contents"), int(code[0])*8)
			file.SetContents(string(want))
		}
		var mapped []uintptr
		resize := func(n int) {
			for len(want) < n {
				want = append(want, make([]byte, n-len(want))...)
			}
		}
		for code = code[min(1, len(code)):]; len(code) >= 4; code = code[4:] {
			off := int(code[1])<<6 + int(code[2])&63
			n := 1 + int(code[3])<<5 + int(code[2])>>6
			switch code[0] % 7 {
			case 0, 1:
				p := bytes.Repeat(code[:4], n)[:n]
				m, _, err := file.WriteAt(p, int64(off))
				require.True(t, m == n && err == 0)
				resize(off + n)
				copy(want[off:], p)
			case 2:
				require.Zero(t, file.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: int64(off)}))
				resize(off)
				want = want[:off:off]
			case 3:
				require.Zero(t, file.Allocate(punchHole|keepSize, int64(off), int64(n)))
				if off < len(want) {
					clear(want[off:min(off+n, len(want))])
				}
			case 4:
				mode := uint32(code[2] & keepSize)
				require.Zero(t, file.Allocate(mode, int64(off), int64(n)))
				if mode == 0 {
					resize(off + n)
				}
			case 5:
				if addr, err := file.Map(int64(off&^(pageSize-1)), uintptr(n)); err == 0 {
					mapped = append(mapped, addr)
					mem, _ := calls.Bytes(addr, 1)
					if off &^= pageSize - 1; off < len(want) {
						mem[0] = code[3]
						want[off] = code[3]
					}
				}
			case 6:
				if len(mapped) > 0 {
					file.Unmap(mapped[0])
					mapped = mapped[1:]
				}
			}
			got := make([]byte, len(want)+10)
			m, err := file.ReadAt(got, 0)
			require.Zero(t, err)
			if !bytes.Equal(want, got[:m]) {
				t.Fatalf("after %v the contents are not what they should be", code[:4])
			}
		}
		for _, addr := range mapped {
			file.Unmap(addr)
		}
		used := int64(cap(file.first))
		for _, p := range file.pages {
			used += int64(cap(p))
		}
		used += file.areaPages() * pageSize
		require.Equal(t, used, fs.total()-empty-inodeCost-entryCost-1)
		require.Zero(t, fs.root.Remove("f", false))
		require.Equal(t, empty, fs.total())
	})
}
