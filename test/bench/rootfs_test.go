package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/ramdisk"
)

// rootfsSize is how much there is in the files of a large ramdisk, in bytes.
const rootfsSize = 200 * MB

// TestRootfs measures what a large ramdisk, Go's sources, costs at the start: the time from the kernel's entry to main, and the
// memory that is then not free, of guests and of Linux, by the form that the ramdisk has.
func TestRootfs(t *testing.T) {
	if os.Getenv("XENGO_BENCH") != "all" && os.Getenv("XENGO_BENCH") != "rootfs" {
		t.Skip("takes minutes; XENGO_BENCH=rootfs runs it")
	}
	root := sources(t)
	init := initIs(t, harness.Linux(t, "guests/boottime"))
	forms := []struct {
		name    string
		linux   bool
		archive string
	}{
		{"Linux, plain", true, rootfs(t, root, init, asItIs)},
		{"Linux, zstd", true, rootfs(t, root, init, asAWhole)},
		{"xengo, plain", false, rootfs(t, root, nil, asItIs)},
		{"xengo, zstd", false, rootfs(t, root, nil, asAWhole)},
		{"xengo, --compress", false, rootfs(t, root, nil, byFile)},
	}
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		kernel, err := bed.LinuxKernel(t.Context(), bed.Options{Xen: p.Xen, Log: os.Stderr})
		require.NoError(t, err)
		for _, f := range forms {
			t.Run(f.name, func(t *testing.T) {
				c := boottime(t, megabytes)
				if f.linux {
					c.Image, c.Name, c.Cmdline = kernel.Kernel, linuxName, "console=hvc0 quiet -- poweroff"
				}
				c.Ramdisk = f.archive
				result, output := harness.Run(t, p, c, 10*time.Minute)
				require.Equal(t, bed.Poweroff, result.Reason)
				size, err := os.Stat(f.archive)
				require.NoError(t, err)
				used := megabytes - number(t, free, output)/MB
				t.Logf("%s: ramdisk of %d MB, main after %v, %d MB used", f.name, size.Size()/MB, time.Duration(number(t, told, output)), used)
			})
		}
	})
}

// sources makes a directory with Go's sources in it, as often as they fit.
func sources(t *testing.T) string {
	t.Helper()
	root, left := t.TempDir(), int64(rootfsSize)
	from := filepath.Join(harness.GOROOT(t), "src")
	full := errors.New("full")
	for i := 0; left > 0; i++ {
		err := filepath.WalkDir(from, func(file string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name := filepath.Join(root, fmt.Sprint("copy", i), file[len(from):])
			data = data[:min(int64(len(data)), left)]
			if left -= int64(len(data)); left == 0 {
				err = full
			}
			return errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, 0o644), err)
		})
		if !errors.Is(err, full) {
			require.NoError(t, err)
		}
	}
	return root
}

// A compression is how an archive is compressed.
type compression int

const (
	asItIs compression = iota
	asAWhole
	byFile
)

// rootfs makes an archive of a directory's files, behind others that are not compressed.
func rootfs(t *testing.T, root string, first []cpio.Record, how compression) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "ramdisk"))
	require.NoError(t, err)
	defer f.Close()
	if first != nil {
		require.NoError(t, ramdisk.Write(f, first, nil))
	}
	s, err := ramdisk.Open(root)
	require.NoError(t, err)
	switch how {
	case asAWhole:
		z, err := zstd.NewWriter(f)
		require.NoError(t, err)
		require.NoError(t, errors.Join(ramdisk.Write(z, nil, s), z.Close()))
		return f.Name()
	case byFile:
		require.NoError(t, s.Compress())
	}
	require.NoError(t, ramdisk.Write(f, nil, s))
	return f.Name()
}
