package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"
)

// archive makes a ramdisk.
func archive(t *testing.T, files []cpio.Record) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ramdisk")
	f, err := os.Create(name)
	require.NoError(t, err)
	w := cpio.Newc.Writer(f)
	require.NoError(t, cpio.WriteRecords(w, files))
	require.NoError(t, cpio.WriteTrailer(w))
	require.NoError(t, f.Close())
	return name
}

// initIs are the files of Linux's first root file system, with a program as its
// init.
func initIs(t *testing.T, file string) []cpio.Record {
	t.Helper()
	return []cpio.Record{
		cpio.Directory("dev", 0o755), cpio.CharDev("dev/console", 0o600, 5, 1), program(t, "init", file),
	}
}

// program is an executable file of a ramdisk.
func program(t *testing.T, name, file string) cpio.Record {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return cpio.StaticFile(name, string(data), 0o755)
}
