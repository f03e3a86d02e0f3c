package bench

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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
		{"Linux, plain", true, rootfs(t, root, init, false, plain)},
		{"Linux, zstd", true, rootfs(t, root, init, false, compressed)},
		{"xengo, plain", false, rootfs(t, root, nil, false, plain)},
		{"xengo, zstd", false, rootfs(t, root, nil, false, compressed)},
		{"xengo, --compress", false, rootfs(t, root, nil, true, plain)},
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

// rootfs makes an archive of a directory's files, behind others that it is not to compress.
func rootfs(t *testing.T, root string, first []cpio.Record, pack bool, by func(*testing.T, io.Writer) io.WriteCloser) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ramdisk")
	f, err := os.Create(name)
	require.NoError(t, err)
	if first != nil {
		require.NoError(t, ramdisk.Write(f, first, nil))
	}
	s, err := ramdisk.Open(root)
	require.NoError(t, err)
	if pack {
		require.NoError(t, s.Compress())
	}
	w := by(t, f)
	require.NoError(t, errors.Join(ramdisk.Write(w, nil, s), w.Close()))
	return name
}

func plain(_ *testing.T, w io.Writer) io.WriteCloser { return w.(io.WriteCloser) }

func compressed(t *testing.T, w io.Writer) io.WriteCloser {
	z, err := zstd.NewWriter(w)
	require.NoError(t, err)
	return z
}

// number returns what a guest says.
func number(t *testing.T, where *regexp.Regexp, output string) int64 {
	t.Helper()
	m := where.FindStringSubmatch(output)
	require.NotNil(t, m, "no number in:\n%s", output)
	n, err := strconv.ParseInt(m[1], 10, 64)
	require.NoError(t, err)
	return n
}
