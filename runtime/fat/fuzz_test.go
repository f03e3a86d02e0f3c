package fat

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// FuzzImage gives whatever it likes for the beginning of a disk: that is an error, and never a panic or without an end.
func FuzzImage(f *testing.F) {
	var disks [][]byte
	for i, form := range formats[:3] {
		d := mkfs(f, form)
		fs := mount(f, d)
		sub := fstest.Mkdir(f, fs.Root(), "a directory with a long name")
		create(f, sub, "file", bytes.Repeat([]byte("x"), 5000))
		create(f, fs.Root(), "another file", []byte("y"))
		ok(f, fs.Unmount())
		disks = append(disks, d.Data)
		for _, at := range []int{0, 11, 512, int(fs.tables[0]), int(fs.rootOffset), int(fs.data), fs.clusterSize + int(fs.data)} {
			f.Add(uint8(i), at, []byte{0xff, 0xff, 3, 0}, uint8(at))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, at int, patch []byte, dirty uint8) {
		d := &fstest.Disk{Data: bytes.Clone(disks[int(which)%len(disks)])}
		if at = at & (1<<21 - 1); at < len(d.Data) {
			copy(d.Data[at:], patch)
		}
		if dirty&1 != 0 {
			d.Data[bsState16] |= stateDirty
			d.Data[bsState32] |= stateDirty
		}
		fs, err := Mount(d, dirty&2 != 0, func(string) {})
		if err != nil {
			return
		}
		fs.Root().Rename("another file", fs.Root(), "A directory", 0)
		fs.Root().Remove("a directory with a long name", true)
		fstest.Exercise(fs)
	})
}

// FuzzEntries has anything in a directory.
func FuzzEntries(f *testing.F) {
	alias, _ := shorten("a name.txt")
	f.Add(append(parts("a name.txt", alias), make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		last := -1
		parse(raw, func(s *slot) {
			if s.first <= last || s.last < s.first || (s.last+1)*entrySize > len(raw) || s.name == "" {
				t.Fatalf("slot %+v after %d", s, last)
			}
			last = s.last
		}, func(int) {})
	})
}

// FuzzName compares what is stored of a name with what is read.
func FuzzName(f *testing.F) {
	for _, s := range []string{"a", "A.B", "x.tar.gz", "ünï", ".x", "a b", "😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > vfs.NameMax {
			return
		}
		name, err := checkName(s)
		if err != 0 || name == "." || name == ".." {
			return
		}
		alias, _ := shorten(name)
		raw := append(parts(name, alias.numbered(1)), make([]byte, entrySize)...)
		e := raw[len(raw)-entrySize:]
		numbered := alias.numbered(1)
		copy(e, numbered[:])
		n := 0
		parse(raw, func(s *slot) {
			if n++; s.name != name || s.first != 0 {
				t.Fatalf("%q became %q", name, s.name)
			}
		}, func(int) { t.Fatalf("%q has a stray part", name) })
		if n != 1 {
			t.Fatalf("%q is %d names", name, n)
		}
	})
}

// A disk that fails is an error of what asks for it, and afterwards nothing is written.
func TestFailing(t *testing.T) {
	d := mkfs(t, formats[1])
	fs, err := Mount(d, false, func(string) {}) // with no cache to which it could write
	require.NoError(t, err)
	f := create(t, fs.Root(), "file", []byte("x"))
	ok(t, f.Sync())
	d.Failing = true
	if _, _, err := f.WriteAt([]byte("y"), 0); err != calls.EIO {
		t.Error(err)
	}
	create(t, fs.Root(), "another", nil)
	if err := f.Sync(); err != calls.EIO {
		t.Error(err)
	}
	d.Failing = false
	if _, err := fs.Root().Create("more", &vfs.New{Mode: vfs.S_IFREG}); err != calls.EIO {
		t.Error(err)
	}
	if err := fs.Unmount(); err != calls.EIO {
		t.Error(err)
	}
}
