package ext4

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/vfs"
)

// exercise uses everything on a disk that may be damaged.
func exercise(d *fstest.Disk) {
	if fs, err := Mount(d, false, func(string) {}); err == nil {
		fstest.Exercise(fs)
	}
}

// sample is a small disk with something of everything, in use, so that there is something in its journal. It has no checksums,
// so that nothing but sense is checked.
func sample(t testing.TB) []byte {
	src := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(src, "a/b"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(src, "a/file"), bytes.Repeat([]byte("contents "), 10000), 0o644))
	require.NoError(t, os.Symlink("file", filepath.Join(src, "a/link")))
	for n := range 60 {
		require.NoError(t, os.WriteFile(filepath.Join(src, "a/b", fmt.Sprint("some name that is long ", n)), nil, 0o644))
	}
	d := mkfs(t, 4, "-b", "1024", "-N", "128", "-J", "size=1", "-O", "^metadata_csum", "-d", src)
	fs := mount(t, d)
	f, err := fs.Root().Create("holes", &vfs.New{Mode: vfs.S_IFREG | 0o644})
	ok(t, err)
	for n := range 12 {
		_, _, err := f.(vfs.Regular).WriteAt([]byte("x"), int64(n)*9000)
		ok(t, err)
	}
	ok(t, fs.Sync())
	return bytes.Clone(d.Data)
}

// FuzzImage changes bytes of a disk: four of the input are a block in use, a byte in it, and its value.
func FuzzImage(f *testing.F) {
	base := sample(f)
	var inUse []int
	for at := 0; at+1024 <= len(base); at += 1024 {
		if b := base[at : at+1024]; len(bytes.Trim(b, "\x00")) > 0 && !bytes.Contains(b, []byte("contents contents")) {
			inUse = append(inUse, at)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		change := make([]byte, 4*(1+rng.IntN(8)))
		for i := range change {
			change[i] = byte(rng.Uint32())
		}
		f.Add(change)
	}
	f.Fuzz(func(t *testing.T, change []byte) {
		d := &fstest.Disk{Data: bytes.Clone(base)}
		for ; len(change) >= 4; change = change[4:] {
			d.Data[inUse[int(change[0])%len(inUse)]+int(change[1])%4*256+int(change[2])] = change[3]
		}
		exercise(d)
	})
}

// FuzzSuper changes the superblock, FuzzJournal the first blocks of the log, FuzzDirectory and FuzzExtents what is parsed
// alone.
func FuzzSuper(f *testing.F) {
	base := sample(f)
	f.Add(base[superOffset:][:superSize])
	f.Fuzz(func(t *testing.T, p []byte) {
		d := &fstest.Disk{Data: bytes.Clone(base)}
		copy(d.Data[superOffset:superOffset+superSize], p)
		exercise(d)
	})
}

func FuzzJournal(f *testing.F) {
	base := sample(f)
	d := &fstest.Disk{Data: base}
	fs, err := Mount(&fstest.Disk{Data: bytes.Clone(base)}, false, func(string) {})
	require.NoError(f, err)
	start, _ := fs.journal.phys(0)
	at := int(start) * fs.blockSize
	f.Add(d.Data[at : at+8*fs.blockSize])
	f.Fuzz(func(t *testing.T, p []byte) {
		d := &fstest.Disk{Data: bytes.Clone(base)}
		copy(d.Data[at:at+64*fs.blockSize], p)
		exercise(d)
	})
}

func FuzzDirectory(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 12, 0, 1, 2, '.', 0, 0, 0, 2, 0, 0, 0, 12, 0, 2, 2, '.', '.', 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		gap, ok := entriesOf(b, len(b), 100, func(at int, _ uint32, _ byte, name []byte) bool {
			if at+deName+len(name) > len(b) {
				t.Fatal("a name beyond the end")
			}
			return true
		})
		if ok && gap > len(b) {
			t.Fatal("a gap larger than the block")
		}
	})
}

func FuzzExtents(f *testing.F) {
	f.Add([]byte{0x0a, 0xf3, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < ehSize {
			return
		}
		n := treeNode{b: b}
		if !n.valid(n.depth()) {
			return
		}
		for i := range n.entries() {
			n.extent(i)
			n.child(i)
		}
	})
}
