// Package xentest is a hypervisor for tests: domains with pages, a grant table
// and event channels in ordinary memory. A Domain is an hv.Platform, so a
// driver runs on it unchanged; the test plays the other end.
//
// It is strict: it refuses what Xen refuses, and reports what Xen would let
// pass to the guest's ruin, such as freeing a page that is still granted. It
// is hostile where a test asks for that.
package xentest

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

	"internal/xengo/xen/grant"
	"internal/xengo/xen/hv"
)

// TB is what of testing.TB is used here.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
}

// Xen is a fake hypervisor.
type Xen struct {
	tb TB

	mu      sync.Mutex
	next    hv.Frame            // the frame that is allocated next
	pages   map[hv.Frame][]byte // by frame
	frames  map[*byte]hv.Frame  // by address of the page
	blocks  map[*byte][]byte    // allocations by address, to check frees
	domains map[hv.DomID]*Domain
}

// New returns a hypervisor without domains.
func New(tb TB) *Xen {
	return &Xen{
		tb:      tb,
		next:    0x1000,
		pages:   map[hv.Frame][]byte{},
		frames:  map[*byte]hv.Frame{},
		blocks:  map[*byte][]byte{},
		domains: map[hv.DomID]*Domain{},
	}
}

// A Domain is one side of whatever is tested. It implements hv.Platform.
type Domain struct {
	ID  hv.DomID
	xen *Xen

	// GrantFrames is the largest number of frames of the grant table.
	GrantFrames int

	// MaxPages, if not 0, is how many pages AllocPages hands out in all.
	MaxPages int

	*grant.Table

	mu       sync.Mutex
	used     int // pages allocated
	hold     int
	granted  [][]byte // frames of the grant table
	pins     map[hv.GrantRef]int
	ports    map[hv.Port]*port
	lastPort hv.Port
	lines    []string
}

// Domain creates a domain.
func (x *Xen) Domain(id hv.DomID) *Domain {
	d := &Domain{ID: id, xen: x, GrantFrames: 64, pins: map[hv.GrantRef]int{}, ports: map[hv.Port]*port{}}
	d.Table = grant.New(tableFrames{d}, d, d)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.domains[id] != nil {
		panic(fmt.Sprintf("xentest: domain %d exists", id))
	}
	x.domains[id] = d
	return d
}

func (x *Xen) domain(id hv.DomID) *Domain {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.domains[id]
}

// alloc returns n aligned zeroed pages and registers them.
func (x *Xen) alloc(n int) []byte {
	raw := make([]byte, (n+1)*hv.PageSize)
	skip := -uintptr(unsafe.Pointer(&raw[0])) % hv.PageSize
	mem := raw[skip:][: n*hv.PageSize : n*hv.PageSize]
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range n {
		page := mem[i*hv.PageSize:][:hv.PageSize]
		x.pages[x.next] = page
		x.frames[&page[0]] = x.next
		x.next += 3 // neighbours in memory are not neighbours in the machine
	}
	x.blocks[&mem[0]] = mem
	return mem
}

// AllocPages implements hv.Memory.
func (d *Domain) AllocPages(n int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.MaxPages > 0 && d.used+n > d.MaxPages {
		return nil, hv.ENOMEM
	}
	d.used += n
	return d.xen.alloc(n), nil
}

// FreePages implements hv.Memory. The contents are destroyed.
func (d *Domain) FreePages(mem []byte) {
	d.xen.tb.Helper()
	x := d.xen
	x.mu.Lock()
	block := x.blocks[unsafe.SliceData(mem)]
	delete(x.blocks, unsafe.SliceData(mem))
	x.mu.Unlock()
	if len(block) == 0 || len(block) != len(mem) {
		x.tb.Errorf("xentest: freed %d bytes that were not allocated like that", len(mem))
		return
	}
	for i := 0; i < len(mem); i += hv.PageSize {
		frame := d.FrameOf(mem[i:])
		if ref, ok := d.grantOf(frame); ok {
			x.tb.Errorf("xentest: freed a page that is granted by reference %d", ref)
		}
		x.mu.Lock()
		delete(x.pages, frame)
		delete(x.frames, &mem[i])
		x.mu.Unlock()
	}
	for i := range mem {
		mem[i] = 0xDE
	}
	d.mu.Lock()
	d.used -= len(mem) / hv.PageSize
	d.mu.Unlock()
}

// FrameOf returns the frame of the page that begins at page[0].
func (d *Domain) FrameOf(page []byte) hv.Frame {
	d.xen.mu.Lock()
	defer d.xen.mu.Unlock()
	frame, ok := d.xen.frames[unsafe.SliceData(page)]
	if !ok {
		d.xen.tb.Errorf("xentest: no page begins at %p", unsafe.SliceData(page))
	}
	return frame
}

// PagesUsed returns the number of pages that are allocated.
func (d *Domain) PagesUsed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// Hold implements hv.Events.
func (d *Domain) Hold(delta int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hold += delta; d.hold < 0 {
		d.xen.tb.Errorf("xentest: Hold went to %d", d.hold)
	}
}

// Held returns the balance of Hold.
func (d *Domain) Held() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hold
}

// Nanotime implements hv.Clock.
func (d *Domain) Nanotime() int64 { return int64(time.Since(start)) }

var start = time.Now()

// Sleep implements hv.Clock.
func (d *Domain) Sleep(ns int64) { time.Sleep(time.Duration(ns)) }

// Print implements hv.Log.
func (d *Domain) Print(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// Lines returns what was printed.
func (d *Domain) Lines() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

var _ hv.Platform = (*Domain)(nil)

// CheckClean reports what the domain has not given back: pages, grants, open
// ports, holds. Call it after everything was closed.
func (d *Domain) CheckClean() {
	d.xen.tb.Helper()
	if n := d.PagesUsed(); n != 0 {
		d.xen.tb.Errorf("xentest: domain %d leaks %d pages", d.ID, n)
	}
	if n := d.ActiveGrants(); n != 0 {
		d.xen.tb.Errorf("xentest: domain %d leaks %d grants", d.ID, n)
	}
	if n := d.OpenPorts(); n != 0 {
		d.xen.tb.Errorf("xentest: domain %d leaks %d event channels", d.ID, n)
	}
	if n := d.Held(); n != 0 {
		d.xen.tb.Errorf("xentest: domain %d holds %d", d.ID, n)
	}
}
