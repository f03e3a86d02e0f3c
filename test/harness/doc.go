// Package harness lets tests boot the programs of test/guests and test/examples
// on real Xen.
//
// The test binary starts one bed for each version of Xen that it asks for and
// keeps it until it ends; every program is built once. What is missing on a
// machine skips the tests that need it; but where CI or XENGO_REQUIRE_BED is
// set it fails them.
//
//	XENGO_LONG=1     also what takes long, and the second version of Xen
//	XENGO_GUESTS=n   how many guests run at once, by default 2
//	XENGO_XEN=v      the version of Xen, by default 4.20
package harness

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"internal/xengo/toolchain/bed"
)

// Long reports whether tests that take long are wanted.
func Long() bool { return os.Getenv("XENGO_LONG") != "" }

// required reports whether tests must not be skipped for what is missing.
func required() bool { return os.Getenv("CI") != "" || os.Getenv("XENGO_REQUIRE_BED") != "" }

// need skips or fails a test on a machine that cannot run a bed.
func need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots guests: not with -short")
	}
	why := bed.Missing()
	if why == "" {
		return
	}
	if required() {
		t.Fatalf("no bed: %s", why)
	}
	t.Skipf("no bed: %s", why)
}

// defaultXen is the version of Xen that all tests run on.
func defaultXen() string {
	if v := os.Getenv("XENGO_XEN"); v != "" {
		return v
	}
	return "4.20"
}

// guests limits how many run at once.
var guests = make(chan struct{}, AtOnce())

// AtOnce is how many guests run at once.
func AtOnce() int {
	s := os.Getenv("XENGO_GUESTS")
	if s == "" {
		return 2
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		panic(fmt.Sprintf("XENGO_GUESTS=%s is not a number of guests", s))
	}
	return n
}

// Platform is a kind of domain on a version of Xen.
type Platform struct {
	Xen  string
	Type string // "pv" or "pvh"
}

func (p Platform) String() string {
	if p.Xen == defaultXen() {
		return p.Type
	}
	return p.Type + "-" + p.Xen
}

// Platforms are those of every test: PVH and PV on one Xen.
func Platforms() []Platform {
	xen := defaultXen()
	return []Platform{{xen, "pvh"}, {xen, "pv"}}
}

// AllPlatforms are, if there is time, also those on the other Xen.
func AllPlatforms() []Platform {
	all := Platforms()
	if Long() {
		all = append(all, Platform{"4.17", "pvh"}, Platform{"4.17", "pv"})
	}
	return all
}

// Each runs a test on each platform, at the same time as other tests of guests.
func Each(t *testing.T, platforms []Platform, test func(t *testing.T, p Platform)) {
	t.Helper()
	need(t)
	for _, p := range platforms {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// EachAlone is Each for tests that measure or need all of the machine: one after
// the other, and with no other test.
func EachAlone(t *testing.T, platforms []Platform, test func(t *testing.T, p Platform)) {
	t.Helper()
	need(t)
	for _, p := range platforms {
		t.Run(p.String(), func(t *testing.T) { test(t, p) })
	}
}

// Bed returns the bed with p's Xen.
func (p Platform) Bed(t testing.TB) *bed.Bed {
	t.Helper()
	need(t)
	b, err := shared.get(p.Xen)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
