package std

import (
	"os"
	"strings"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/test/judge"
)

// filePackages are those whose tests use files.
var filePackages = []string{
	"archive/tar", "archive/zip", "embed/...", "internal/poll", "io/fs", "os", "os/user", "path/filepath", "testing/fstest",
}

// TestFiles runs tests that use files in guests whose temporary folder is not in memory: with XENGO_LONG a part of them, with
// XENGO_STD all of those packages, or those that it names.
func TestFiles(t *testing.T) {
	if !harness.Long() && os.Getenv("XENGO_STD") == "" {
		t.Skip("takes minutes, and on 9pfs much longer; XENGO_LONG=1 runs it")
	}
	t.Run("ext4", testExt4)
	t.Run("9pfs", test9P)
}

func testExt4(t *testing.T) { files(t, "os").RunOnExt4(t, 64) }

// test9P does so in a directory that QEMU in dom0 serves. The other server, xen-9pfsd, cannot remove files.
func test9P(t *testing.T) {
	s := files(t, "testing/fstest")
	dir := strings.TrimSpace(harness.Dom0(t, harness.Platforms()[0].Bed(t), "mktemp", "-d"))
	s.Exec, s.Tags = "--share dom0:"+dir+":/mnt --env TMPDIR=/mnt", []string{"xengo_9p"}
	s.Run(t)
}

// files is a suite of the packages that are to be tested: one guest at a time, since they have the same folder.
func files(t *testing.T, part ...string) *judge.Suite {
	s := suite()
	s.Exceptions = append([]string{"exceptions_files.txt"}, s.Exceptions...)
	s.Flags, s.Packages, s.Alone, s.Spawn = []string{"-short"}, part, true, false
	s.Kinds = judge.Kinds(t, judge.Kind{Type: "pvh", VCPUs: 2})
	if all() {
		s.Packages = filePackages
		s.Kinds = judge.Kinds(t, judge.Kind{Type: "pvh", VCPUs: 2}, judge.Kind{Type: "pv", VCPUs: 2})
	} else if os.Getenv("XENGO_STD") != "" {
		s.Packages = chosen(t, filePackages)
	}
	return s
}
