package integration

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/ramdisk"
)

// TestRootfs gives a guest files in its root: a program finds there what it
// finds here. Arguments that are too long for the command line go with them.
func TestRootfs(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "srv/data")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "sub/dir"), 0o755),
		os.Mkdir(filepath.Join(dir, "many"), 0o700),
		os.WriteFile(filepath.Join(dir, "sub/large"), random(t, 1<<20+3), 0o644),
		os.WriteFile(filepath.Join(dir, "empty"), nil, 0o400),
		os.WriteFile(filepath.Join(dir, "name with blanks, ü and \n"), []byte("x"), 0o755),
		os.Link(filepath.Join(dir, "sub/large"), filepath.Join(dir, "also large")),
		os.Symlink("../srv/data/empty", filepath.Join(dir, "symlink")),
		os.Chmod(filepath.Join(dir, "sub/dir"), 0o750|os.ModeSticky),
		os.Symlink("srv", filepath.Join(root, "bin")), // where the guest has a directory
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		if err := os.WriteFile(filepath.Join(dir, "many", fmt.Sprint(i)), []byte(fmt.Sprint("file ", i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"sub/large", "sub", "empty", "."} {
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(int64(1e9+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := exec.Command(harness.Linux(t, "guests/tree"), dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{"directory": root, "gzip": compressed(t, root, gzipped, 0), "zstd": compressed(t, root, zstdCompressed, 0), "packed": root}
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		for name, from := range sources {
			t.Run(name, func(t *testing.T) {
				c := program(t, "tree", "/bin/data", strings.Repeat("x", 2000))
				c.Ramdisk, c.Pack = from, name == "packed"
				result, output := harness.Run(t, p, c, 0)
				harness.Ended(t, result, bed.Poweroff, 0)
				if output != string(want) {
					t.Errorf("the guest has\n%s\nhere it is\n%s", output, want)
				}
			})
		}
	})
}

// compressed makes a compressed archive of a directory, without its last bytes.
func compressed(t *testing.T, dir string, by func(*testing.T, io.Writer) io.WriteCloser, without int) (name string) {
	t.Helper()
	source, err := ramdisk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := by(t, &b)
	if err := errors.Join(ramdisk.Write(w, nil, source), w.Close()); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(t.TempDir(), "archive.cpio")
	if err := os.WriteFile(name, b.Bytes()[:b.Len()-without], 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func gzipped(_ *testing.T, w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func zstdCompressed(t *testing.T, w io.Writer) io.WriteCloser {
	z, err := zstd.NewWriter(w)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestRootfsRefused starts no program without its files.
func TestRootfsRefused(t *testing.T) {
	root := t.TempDir()
	// Larger than a block of zstd's: the file's name is in one that is whole.
	if err := os.WriteFile(filepath.Join(root, "large"), random(t, 1<<18), 0o600); err != nil {
		t.Fatal(err)
	}
	short := map[string]string{"gzip": compressed(t, root, gzipped, 1000), "zstd": compressed(t, root, zstdCompressed, 1000)}
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		for format, name := range short {
			t.Run(format, func(t *testing.T) {
				c := program(t, "hello")
				c.Ramdisk = name
				result, output := harness.Run(t, p, c, 0)
				harness.Ended(t, result, bed.Poweroff, 1)
				says(t, output, "xengo: ramdisk: large: the compressed data ends too early, at byte ")
			})
		}
	})
}

func random(t *testing.T, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}
