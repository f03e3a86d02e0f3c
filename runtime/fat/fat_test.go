package fat

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/blockfs/fstest"
)

// A format is what mkfs.fat makes of a disk.
type format struct {
	name string
	kib  int64
	args []string
}

var formats = []format{
	{"12", 1440, []string{"-F", "12"}},
	{"16", 16 << 10, []string{"-F", "16", "-s", "4"}},
	{"32", 40 << 10, []string{"-F", "32", "-s", "1"}},
	{"32-large", 300 << 10, []string{"-F", "32", "-s", "8"}},
}

func mkfs(t testing.TB, f format) *fstest.Disk {
	t.Helper()
	return fstest.Make(t, f.kib, "mkfs.fat", f.args...)
}

func fsck(t testing.TB, d *fstest.Disk) {
	t.Helper()
	d.InFile(t, func(name string) {
		out, err := fstest.Tool(t, "fsck.fat", "-nv", name)
		require.NoError(t, err, out)
	})
}

func each(t *testing.T, f func(t *testing.T, form format)) {
	for _, form := range formats {
		t.Run(form.name, func(t *testing.T) { f(t, form) })
	}
}

func mount(t testing.TB, d *fstest.Disk) *FS {
	t.Helper()
	fs, err := Mount(blockfs.NewCache(d), false, func(s string) { t.Log(s) })
	require.NoError(t, err)
	return fs
}

var (
	ok       = fstest.OK
	create   = fstest.Create
	contents = fstest.Contents
)

// What is written here mtools reads, and the other way round.
func TestMtools(t *testing.T) {
	each(t, func(t *testing.T, form format) {
		d := mkfs(t, form)
		fs := mount(t, d)
		data := bytes.Repeat([]byte("0123456789"), 3000)
		names := []string{"SHORT.TXT", "lower.txt", "A rather long name of a file.text", "grüße-привет.md", "x.y.z", ".profile"}
		sub := fstest.Mkdir(t, fs.Root(), "a directory")
		for _, name := range names {
			create(t, sub, name, data)
		}
		ok(t, fs.Unmount())
		fsck(t, d)
		image := filepath.Join(t.TempDir(), "disk")
		require.NoError(t, os.WriteFile(image, d.Data, 0o600))
		t.Setenv("MTOOLS_SKIP_CHECK", "1")
		t.Setenv("LC_ALL", "C.UTF-8")
		out, err := fstest.Tool(t, "mdir", "-b", "-i", image, "::a directory")
		require.NoError(t, err, out)
		for _, name := range names {
			require.Contains(t, out, "/"+name)
			got, err := fstest.Tool(t, "mtype", "-i", image, "::a directory/"+name)
			require.NoError(t, err)
			require.True(t, got == string(data), name)
		}
		host := filepath.Join(t.TempDir(), "From Mtools.dat")
		require.NoError(t, os.WriteFile(host, data, 0o600))
		out, err = fstest.Tool(t, "mcopy", "-i", image, host, "::")
		require.NoError(t, err, out)
		d.Data, err = os.ReadFile(image)
		require.NoError(t, err)
		fs = mount(t, d)
		n, errno := fs.Root().Lookup("from mtools.DAT")
		ok(t, errno)
		require.True(t, bytes.Equal(data, contents(t, n)))
		require.Equal(t, []string{"From Mtools.dat", "a directory"}, fstest.List(t, fs.Root()))
		ok(t, fs.Unmount())
	})
}
