package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// MkfsExt4 and MkfsFAT32 are commands for Disk.
var (
	MkfsExt4  = []string{"mkfs.ext4", "-q", "-F"}
	MkfsFAT32 = []string{"mkfs.fat", "-F", "32", "-s", "1"}
)

// Disk makes the image of a disk of so many MiB, on which a command (OnDisk) makes a file system if there is one, and returns its
// name.
func Disk(t *testing.T, mib int64, mkfs ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk.img") // each call has another directory
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, mib<<20); err != nil {
		t.Fatal(err)
	}
	if len(mkfs) > 0 {
		OnDisk(t, name, mkfs...)
	}
	return name
}

// OnDisk runs a command of this machine with the name of a disk after its arguments. The test fails if that does.
func OnDisk(t *testing.T, disk string, command ...string) {
	t.Helper()
	program, args := command[0], append(command[1:len(command):len(command)], disk)
	if _, err := exec.LookPath(program); err != nil {
		program = "/sbin/" + program
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}
