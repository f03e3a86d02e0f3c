package fstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Tool runs a program that scripts/prerequisites installs, and returns what it prints.
func Tool(t testing.TB, program string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	return string(out), err
}

// Make returns a disk of so many KiB after a program has run, with the name of its file as the last argument.
func Make(t testing.TB, kib int64, program string, args ...string) *Disk {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	require.NoError(t, os.Truncate(name, kib<<10))
	out, err := Tool(t, program, append(args[:len(args):len(args)], name)...)
	require.NoError(t, err, out)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return &Disk{Data: data}
}

// InFile calls f with the name of a file with what is on the disk.
func (d *Disk) InFile(t testing.TB, f func(name string)) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(name, d.Data, 0o600))
	defer os.Remove(name)
	f(name)
}

// Times is how often a test does something: more often where XENGO_LONG is set.
func Times(n, long int) int {
	if os.Getenv("XENGO_LONG") != "" {
		return long
	}
	return n
}
