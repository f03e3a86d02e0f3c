// Package std has Go's own tests of its standard library as the judge of the
// port.
package std

import (
	"os"
	"slices"
	"strings"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/test/judge"
)

func TestMain(m *testing.M) { harness.Main(m) }

// tenth are the packages that are tested where time is short: about a tenth of
// std's tests, of what the port is made of.
var tenth = []string{
	"bufio", "context", "crypto/rand", "errors", "internal/poll", "io", "io/fs", "log", "os", "os/signal", "os/user", "path/filepath",
	"strings", "sync", "sync/atomic", "syscall", "net/netip", "net/textproto", "unique", "weak",
}

// whole are the packages whose tests also run without -short where there is time.
var whole = []string{
	"runtime", "sync", "sync/atomic", "time", "os", "syscall", "net", "net/http", "crypto/tls", "os/signal", "internal/poll", "reflect", "testing",
}

// suite is what all runs have in common. Of some packages the tests want more
// memory, or files of others.
func suite() *judge.Suite {
	return &judge.Suite{
		Dir:        "GOROOT/src",
		Exceptions: []string{"exceptions.txt"},
		Table:      os.Getenv("XENGO_STD_TABLE"),
		Spawn:      os.Getenv("XENGO_STD") != "", // each program takes seconds
		Needs: []judge.Need{
			{Packages: "encoding/gob", Flags: "--memory 2048"},
			{Packages: "crypto/internal/fips140test", Flags: "--files GOROOT/src/crypto/internal/entropy --files GOROOT/src/crypto/internal/fips140"},
			// What the go command makes is in the host's cache; go/types panics where it finds nothing there.
			{Packages: "go/types", Flags: sources + " --spawn=false"},
			{Packages: "go/*", Flags: sources}, {Packages: "go/*/*", Flags: sources},
			{Packages: "internal/types/errors", Flags: sources}, {Packages: "crypto", Flags: sources},
			{Packages: "io/ioutil", Flags: "--files GOROOT/src/io"},
			{Packages: "math/big/internal/asmgen", Flags: "--files GOROOT/src/math/big"},
			{Packages: "simd/archsimd/internal/simd_test", Flags: "--memory 2048"}, // its vectors are 1.6 GiB
			{Packages: "path/filepath", Flags: "--files GOROOT/src/unicode"},
			{Packages: "runtime", Flags: "--memory 832"}, // programs that it starts have half of that, and TestArenaCollision wants it
		},
	}
}

// sources are all of std's.
const sources = "--memory 1024 --files GOROOT/src --files-limit 256"

func all() bool { return os.Getenv("XENGO_STD") == "all" }

// chosen are those of the packages that XENGO_STD names. Without any the test is skipped.
func chosen(t *testing.T, pkgs []string) []string {
	named := slices.DeleteFunc(strings.Fields(os.Getenv("XENGO_STD")), func(pkg string) bool { return !slices.Contains(pkgs, pkg) })
	if len(named) == 0 {
		t.Skip("none of the packages in XENGO_STD")
	}
	return named
}

// TestStd runs std's own tests in guests. XENGO_STD=all runs those of all
// packages, as PVH and PV with 1 and 4 vCPUs, XENGO_STD="PACKAGE..." runs these.
// XENGO_KINDS="pv/4 pvh/1" names other kinds, XENGO_STD_TABLE the file for the
// table.
func TestStd(t *testing.T) {
	s := suite()
	s.Flags, s.Packages = []string{"-short"}, tenth
	s.Kinds = judge.Kinds(t, judge.Kind{Type: "pvh", VCPUs: 2}, judge.Kind{Type: "pv", VCPUs: 1})
	if all() {
		s.Packages = []string{"std"}
		s.Kinds = judge.Kinds(t, judge.Kind{Type: "pvh", VCPUs: 1}, judge.Kind{Type: "pvh", VCPUs: 4},
			judge.Kind{Type: "pv", VCPUs: 1}, judge.Kind{Type: "pv", VCPUs: 4})
		s.Limits = []judge.Limit{{Percent: 97}, {Percent: 95, Package: "runtime"}}
	} else if some := os.Getenv("XENGO_STD"); some != "" {
		s.Packages = strings.Fields(some)
	}
	s.Run(t)
}

// TestWhole is TestStd without -short, for some packages: with XENGO_STD=all, or those of them that it names.
func TestWhole(t *testing.T) {
	if os.Getenv("XENGO_STD") == "" {
		t.Skip("takes hours; XENGO_STD=all runs it")
	}
	s := suite()
	s.Needs = append([]judge.Need{{Packages: "runtime", Flags: "--memory 1280"}}, s.Needs...) // for its hashes, and half of it twice for programs that it starts
	s.Packages = whole
	if !all() {
		s.Packages = chosen(t, whole)
	}
	s.Kinds = judge.Kinds(t, judge.Kind{Type: "pvh", VCPUs: 4}, judge.Kind{Type: "pv", VCPUs: 4})
	s.Run(t)
}
