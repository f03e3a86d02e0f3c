package ext4

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// mkfs returns a disk of so many MiB that mkfs.ext4 made.
func mkfs(t testing.TB, mib int64, args ...string) *fstest.Disk {
	t.Helper()
	return fstest.Make(t, mib<<10, "mkfs.ext4", append([]string{"-q", "-F"}, args...)...)
}

// fsck has e2fsck look at a copy of the disk, which must be clean, after its journal was replayed if there is something in it.
func fsck(t testing.TB, d *fstest.Disk, replay bool) {
	t.Helper()
	d.InFile(t, func(name string) {
		if replay {
			out, _ := fstest.Tool(t, "e2fsck", "-fy", "-E", "journal_only", name) // not 0 if it has changed anything
			require.NotContains(t, out, "unexpected")
		}
		out, err := fstest.Tool(t, "e2fsck", "-fn", name)
		require.NoError(t, err, out)
	})
}

func mount(t testing.TB, d *fstest.Disk) *FS {
	t.Helper()
	fs, err := Mount(blockfs.NewCache(d), false, func(s string) { t.Log("ext4:", s) })
	require.NoError(t, err)
	return fs
}

var (
	ok       = fstest.OK
	create   = fstest.Create
	contents = fstest.Contents
)

// at finds a file by its path.
func at(t testing.TB, fs *FS, path string) vfs.Inode {
	t.Helper()
	var n vfs.Inode = fs.Root()
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name == "" {
			continue
		}
		var err calls.Errno
		n, err = n.(vfs.Directory).Lookup(name)
		ok(t, err)
	}
	return n
}

var formats = [][]string{
	{"-b", "4096"},
	{"-b", "1024"},
	{"-b", "2048", "-I", "128"},
	{"-b", "4096", "-O", "^metadata_csum"},
	{"-b", "4096", "-O", "^64bit"},
	{"-b", "1024", "-O", "metadata_csum_seed,orphan_file", "-g", "1024"},
}

func each(t *testing.T, test func(t *testing.T, format []string)) {
	for _, f := range formats {
		t.Run(strings.Join(f, " "), func(t *testing.T) { test(t, f) })
	}
}

// What mkfs.ext4 has put there is read as it is.
func TestForeign(t *testing.T) {
	each(t, func(t *testing.T, format []string) {
		src := t.TempDir()
		rng := rand.New(rand.NewPCG(1, 2))
		want := map[string][]byte{}
		for n := range 300 {
			name := fmt.Sprintf("many/file-with-a-name-that-is-not-short-%03d", n)
			data := make([]byte, rng.IntN(20000))
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			want[name] = data
		}
		want["large"] = bytes.Repeat([]byte("0123456789abcdef"), 300000)
		for name, data := range want {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(src, name), data, 0o640))
		}
		require.NoError(t, os.Symlink("large", filepath.Join(src, "short")))
		require.NoError(t, os.Symlink(strings.Repeat("x/", 100), filepath.Join(src, "long")))
		d := mkfs(t, 40, append(format, "-d", src)...)
		d.Sealed = true
		fs := mount(t, d)
		for name, data := range want {
			require.True(t, bytes.Equal(data, contents(t, at(t, fs, name))), name)
		}
		target, err := at(t, fs, "short").(vfs.Symlink).Readlink()
		ok(t, err)
		require.Equal(t, "large", target)
		target, err = at(t, fs, "long").(vfs.Symlink).Readlink()
		ok(t, err)
		require.Equal(t, strings.Repeat("x/", 100), target)
		require.Len(t, fstest.List(t, at(t, fs, "many").(vfs.Directory)), 300)
	})
}

// What is written here is read by others, and e2fsck finds nothing wrong with it.
func TestWritten(t *testing.T) {
	each(t, func(t *testing.T, format []string) {
		d := mkfs(t, 40, format...)
		fs := mount(t, d)
		dir := fstest.Mkdir(t, fs.Root(), "dir")
		for n := range 500 {
			create(t, dir, fmt.Sprintf("file-%03d", n), bytes.Repeat([]byte{byte(n)}, n*7))
		}
		large := bytes.Repeat([]byte("0123456789abcdef"), 200000)
		f := create(t, fs.Root(), "large", large)
		_, _, err := f.WriteAt([]byte("hole before"), 5<<20)
		ok(t, err)
		ok(t, f.Sync())
		fsck(t, d, true)
		_, err = fs.Root().Create("short", &vfs.New{Mode: vfs.S_IFLNK | 0o777, Target: "large"})
		ok(t, err)
		_, err = fs.Root().Create("long", &vfs.New{Mode: vfs.S_IFLNK | 0o777, Target: strings.Repeat("y", 200)})
		ok(t, err)
		for n := range 400 {
			ok(t, dir.Remove(fmt.Sprintf("file-%03d", n), false))
		}
		ok(t, dir.Rename("file-450", fs.Root(), "moved", 0))
		ok(t, fs.Root().Link("another", f))
		ok(t, fs.Unmount())
		fsck(t, d, false)

		again := mount(t, d)
		got := contents(t, at(t, again, "another"))
		require.True(t, bytes.Equal(large, got[:len(large)]))
		require.Equal(t, "hole before", string(got[5<<20:]))
		require.Equal(t, bytes.Repeat([]byte{byte(450 & 0xff)}, 450*7), contents(t, at(t, again, "moved")))
		require.Equal(t, []string{"another", "dir", "large", "long", "lost+found", "moved", "short"}, fstest.List(t, again.Root()))
		ok(t, again.Unmount())

		d.InFile(t, func(name string) {
			copied := name + ".copied"
			out, err := fstest.Tool(t, "debugfs", "-R", "dump /dir/file-499 "+copied, name)
			require.NoError(t, err, out)
			got, err := os.ReadFile(copied)
			require.NoError(t, err)
			require.Equal(t, bytes.Repeat([]byte{byte(499 & 0xff)}, 499*7), got)
		})
	})
}

// BenchmarkRead reads pages of a file that the cache has.
func BenchmarkRead(b *testing.B) {
	fs := mount(b, mkfs(b, 64))
	const size = 8 << 20
	f := create(b, fs.Root(), "f", bytes.Repeat([]byte("x"), size))
	p := make([]byte, 4096)
	rng := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		_, err := f.ReadAt(p, rng.Int64N(size/4096)*4096)
		ok(b, err)
	}
}
