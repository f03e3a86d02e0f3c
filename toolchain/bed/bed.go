// Package bed runs guests on real Xen on any machine: Xen and a Linux dom0 boot
// in QEMU, without virtualisation underneath, and a small agent in dom0 does
// what the host asks for.
//
// Everything comes from Debian packages that are unpacked into a cache. A bed
// boots once; its state is kept, and later beds resume it in seconds, each in a
// QEMU of its own, so that several can run side by side.
//
// The emulator's CPU is slow and shared: measure ratios here, not times.
package bed

import (
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The parts that are ours: the agent's sources and dom0's scripts.
//
//go:embed agent/*.go mux/frame.go mux/handshake.go mux/session.go mux/stream.go proto/file.go proto/part.go proto/proto.go proto/send.go proto/store.go dns/dns.go
//go:embed dom0
var parts embed.FS

// Options say what bed to start. The zero value is a bed of Xen 4.20.
type Options struct {
	Xen   string    // "4.20" or "4.17"; empty: 4.20
	Cache string    // directory; empty: xengo/bed in the user's cache
	Log   io.Writer // progress; nil: none
	GDB   string    // address of a GDB stub for the whole machine, such as "localhost:1234"; empty: none

	// Counting makes the machine's time a count of instructions: one takes 1 ns,
	// on whichever processor, and what waits takes none of the host's time. How
	// busy the host is does not show; nor do caches, and processors work in turn.
	Counting bool

	// Serial has the emulator run the processors in turn, in one thread of the
	// host: together they get as much done as one, and leave the host's others alone.
	Serial bool

	// Shares are directories of the host, at most MaxShares, that dom0 can mount
	// (Bed.MountShare).
	Shares []string
}

// release is where a Xen version comes from.
type release struct {
	xen    string // version, as in package names
	suite  string // of Debian
	kernel string // regular expression of the package of dom0's kernel

	startsQEMU bool // xl does, for a domain with p9=, when no type of backend is named
}

var releases = []release{
	{xen: "4.20", suite: "trixie", kernel: `^linux-image-[0-9].*[0-9]-amd64$`},
	{xen: "4.17", suite: "bookworm", kernel: `^linux-image-[0-9].*[0-9]-amd64$`, startsQEMU: true},
}

// DefaultXen is the version of the zero Options.
const DefaultXen = "4.20"

// Versions returns the versions of Xen that there are beds of.
func Versions() []string {
	var all []string
	for _, r := range releases {
		all = append(all, r.xen)
	}
	return all
}

func (o *Options) release() (release, error) {
	for _, r := range releases {
		if o.Xen == r.xen || o.Xen == "" {
			return r, nil
		}
	}
	return release{}, fmt.Errorf("no Xen %s here, only %s", o.Xen, strings.Join(Versions(), " and "))
}

// kind names the images that differ only in their age.
func (o *Options) kind(r release) string {
	switch {
	case o.Counting:
		return "counting-" + r.xen
	case o.Serial:
		return "serial-" + r.xen
	}
	return r.xen
}

func (o *Options) cache() (string, error) {
	if o.Cache != "" {
		return o.Cache, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "xengo", "bed"), nil
}

// place is the release, and the directory of what is kept.
func (o *Options) place() (r release, cache string, err error) {
	if r, err = o.release(); err != nil {
		return r, "", err
	}
	cache, err = o.cache()
	return r, cache, err
}

func (o *Options) logf(format string, args ...any) {
	if o.Log != nil {
		fmt.Fprintf(o.Log, "xengo: "+format+"\n", args...)
	}
}
