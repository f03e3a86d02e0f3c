package files

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
	"internal/xengo/toolchain/ramdisk"
)

// packedFiles lays a compressed archive of files over the tree and returns what they hold, by their paths.
func packedFiles(t *testing.T, damage func(archive []byte)) map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	dir, want := t.TempDir(), map[string][]byte{}
	for name, size := range map[string]int{"empty": 0, "small": 100, "part": 128 << 10, "large": 1<<20 + 77, "larger": 3<<20 + 1} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(r.ExpFloat64() * 20)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		want["/"+name] = data
	}
	require.NoError(t, os.Link(filepath.Join(dir, "small"), filepath.Join(dir, "also small")))
	want["/also small"] = want["/small"]
	archive := packedArchive(t, dir)
	if damage != nil {
		damage(archive)
	}
	require.Empty(t, unpack(archive))
	return want
}

// packedArchive makes a compressed archive of a directory.
func packedArchive(t *testing.T, dir string) []byte {
	s, err := ramdisk.Open(dir)
	require.NoError(t, err)
	require.NoError(t, s.Compress())
	var archive bytes.Buffer
	require.NoError(t, ramdisk.Write(&archive, nil, s))
	return archive.Bytes()
}

func regular(t testing.TB, path string) vfs.Regular {
	loc, err := vfs.Walk(vfs.Root(), path, 0)
	require.Zero(t, err, path)
	return loc.Inode.(vfs.Regular)
}

// Files that stay compressed take no memory, can be read from anywhere by several at once, and can be changed.
func TestPacked(t *testing.T) {
	fs := only(t)
	fs.SetLimit(1 << 20) // of less than the files have
	want := packedFiles(t, nil)
	var readers sync.WaitGroup
	for seed := range uint64(4) {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(seed, 0))
			for path, data := range want {
				f := regular(t, path)
				for range 50 {
					at := r.IntN(len(data) + 1)
					p := make([]byte, r.IntN(300000))
					n, err := f.ReadAt(p, int64(at))
					if end := min(len(data), at+len(p)); err != 0 || !bytes.Equal(data[at:end], p[:n]) {
						t.Errorf("%s at %d: %d bytes of %d, %v", path, at, n, len(p), err)
					}
				}
			}
		})
	}
	readers.Wait()
	require.EqualValues(t, len(want["/large"]), statAt(t, "/large").Size)

	data, f := want["/large"], regular(t, "/large")
	_, _, err := f.WriteAt([]byte("changed"), 300000)
	require.Zero(t, err)
	copy(data[300000:], "changed")
	require.Zero(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: 1 << 19}))
	require.Zero(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: 1<<19 + 5000}))
	p := make([]byte, 1<<20)
	n, err := f.ReadAt(p, 0)
	require.Zero(t, err)
	require.True(t, bytes.Equal(append(data[:1<<19:1<<19], make([]byte, 5000)...), p[:n]))
}

// Wherever an archive is cut, it is refused.
func TestPackedCut(t *testing.T) {
	only(t)
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("sixteen bytes: "+name), 0o600)) // nothing follows to align them
	}
	archive := packedArchive(t, dir)
	require.Empty(t, unpack(archive))
	for n := 4; n < len(archive); n++ {
		require.NotEmpty(t, unpack(archive[:n]), n)
	}
}

// What is damaged is an error of who reads it, and of nobody else.
func TestPackedDamaged(t *testing.T) {
	only(t)
	want := packedFiles(t, func(archive []byte) { archive[len(archive)/2] ^= 1 }) // in the largest file
	damaged := 0
	for path, data := range want {
		f := regular(t, path)
		for at := int64(0); at < int64(len(data)); at += 128 << 10 {
			p := make([]byte, min(128<<10, int64(len(data))-at))
			switch n, err := f.ReadAt(p, at); err {
			case 0:
				require.True(t, bytes.Equal(data[at:], p) || bytes.Equal(data[at:at+int64(n)], p), path)
			case calls.EIO:
				damaged++
				_, _, err := f.WriteAt([]byte("x"), at+1)
				require.Equal(t, calls.EIO, err, "a page of which the rest is lost")
			default:
				t.Fatal(path, err)
			}
		}
	}
	require.Equal(t, 1, damaged)
}
