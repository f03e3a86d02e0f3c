package integration

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
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
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "tree", "/bin/data", strings.Repeat("x", 2000))
		c.Ramdisk = root
		result, output := harness.Run(t, p, c, 0)
		harness.Ended(t, result, bed.Poweroff, 0)
		if output != string(want) {
			t.Errorf("the guest has\n%s\nhere it is\n%s", output, want)
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
