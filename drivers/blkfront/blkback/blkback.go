// Package blkback is a simulated backend of Xen's block devices, for tests of a
// frontend: a disk in memory. It is strict: a frontend that does what would
// trouble a real backend is reported. It is hostile where a test makes it so, by
// Attack.
package blkback

import (
	"maps"
	"strconv"
	"sync"

	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/ring"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest"
	"internal/xengo/xen/xentest/split"
)

// Config is how a backend is set up.
type Config struct {
	Name   string            // of the vbd; "51712", xvda, if empty
	Index  uint32            // where ring indices begin
	Offer  map[string]string // nodes in the backend's directory
	Disk   []byte            // contents; 1 MiB of zeros if nil
	Silent bool              // do not answer requests
	Reopen bool              // go on after a frontend has closed

	// Status, if set, may answer a request with another status than that it
	// was carried out, by returning one.
	Status func(r blkif.Request) int16
}

// Full is all that Linux's backend offers, with the limits that a test likes.
var Full = map[string]string{
	"feature-flush-cache": "1", "feature-barrier": "1", "feature-discard": "1", "feature-persistent": "1",
	"feature-max-indirect-segments": "256", "max-ring-page-order": "4", "multi-queue-max-queues": "2",
}

// Ring is the backend's end of a ring.
type Ring = ring.Back[abi.BlkifRequest, abi.BlkifResponse]

// A Backend is one end of a simulated vbd.
type Backend struct {
	*split.Backend
	cfg    Config
	offer  map[string]string
	closed chan struct{} // closed at the frontend's end

	mu       sync.Mutex
	attached bool
	rings    []*ringEnd
	maps     []*xentest.Mapping          // of the rings
	grants   map[uint32]*xentest.Mapping // persistent, by reference
	disk     []byte
	stable   []byte // what a loss of power would leave
	flushes  int
	requests int
}

// ringEnd is a ring in use.
type ringEnd struct {
	*Ring
	port hv.Port
}

// New creates a vbd of guest's, in the state in which a toolstack leaves it.
func New(tb xentest.TB, store *xentest.Store, dom0, guest *xentest.Domain, cfg Config) *Backend {
	if cfg.Name == "" {
		cfg.Name = "51712"
	}
	if cfg.Disk == nil {
		cfg.Disk = make([]byte, 1<<20)
	}
	offer := map[string]string{"sector-size": "512", "info": "0"}
	maps.Copy(offer, cfg.Offer)
	b := &Backend{
		Backend: split.NewBackend(tb, store, dom0, guest, "vbd", cfg.Name, offer, map[string]string{"virtual-device": cfg.Name, "device-type": "disk"}),
		cfg:     cfg, offer: offer, disk: cfg.Disk, stable: append([]byte(nil), cfg.Disk...),
		closed: make(chan struct{}), grants: map[uint32]*xentest.Mapping{},
	}
	b.Workers.Go(func() {
		defer close(b.closed)
		b.Follow(b.react)
	})
	return b
}

// Resize gives the disk another size, as Linux's backend does (xen-blkback,
// xen_vbd_resize).
func (b *Backend) Resize(bytes int) {
	b.mu.Lock()
	disk := make([]byte, bytes)
	copy(disk, b.disk)
	b.disk = disk
	b.mu.Unlock()
	b.SetNode("sectors", strconv.Itoa(bytes/blkif.SectorSize))
	b.SetState(xenbus.Connected)
}

// Vanish removes the device's directories.
func (b *Backend) Vanish() {
	b.Detach()
	b.Remove()
}

// react does what Linux's blkback does.
func (b *Backend) react(s xenbus.State) bool {
	switch s {
	case xenbus.Initialising:
		own, _ := b.Store.Read(b.Back + "/state")
		if xenbus.ParseState(own) == xenbus.Closed {
			b.SetState(xenbus.InitWait)
		}
	case xenbus.Initialised, xenbus.Connected:
		if b.attach() {
			b.SetNode("sectors", strconv.Itoa(len(b.disk)/blkif.SectorSize))
			b.SetState(xenbus.Connected)
		}
	case xenbus.Closing:
		b.SetState(xenbus.Closing)
	case xenbus.Closed:
		b.Detach()
		b.SetState(xenbus.Closed)
		return b.cfg.Reopen
	}
	return true
}

// Wait waits until the frontend has closed.
func (b *Backend) Wait() { <-b.closed }

// number returns the number in a node of the backend's, 0 if there is none.
func (b *Backend) number(key string) uint64 {
	n, _ := strconv.ParseUint(b.offer[key], 10, 64)
	return n
}

// attach maps the rings and binds the event channels. It reports whether the
// device is to be connected by that.
func (b *Backend) attach() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.attached {
		return false
	}
	f, ok := blkif.ReadFrontend(blkif.ReadTransport(b.number), func(k string) (string, bool) { return b.Store.Read(b.Front + "/" + k) })
	if !ok {
		b.TB.Errorf("blkback: the frontend lacks a node, or asks for more than was offered")
		return false
	}
	for _, q := range f.Queues {
		pages, ok := b.mapRing(q.Refs)
		if !ok {
			return false
		}
		port, err := b.Dom0.Bind(b.Guest.ID, hv.Port(q.Port))
		if err != nil {
			b.TB.Errorf("blkback: binding port %d: %v", q.Port, err)
			return false
		}
		r := &ringEnd{ring.NewBackAt[abi.BlkifRequest, abi.BlkifResponse](pages, b.cfg.Index), port}
		b.rings = append(b.rings, r)
		b.Workers.Go(func() { b.serve(r) })
	}
	b.attached = true
	return true
}

// mapRing maps the pages of a ring, which are neighbours in the frontend's memory:
// that is how they come to be here, too.
func (b *Backend) mapRing(refs []uint32) ([]byte, bool) {
	var pages []byte
	for i, ref := range refs {
		m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(ref), false)
		if err != nil {
			b.TB.Errorf("blkback: mapping a ring: %v", err)
			return nil, false
		}
		b.maps = append(b.maps, m)
		if i == 0 {
			pages = m.Mem[:len(refs)*hv.PageSize]
		} else if &pages[i*hv.PageSize] != &m.Mem[0] {
			b.TB.Errorf("blkback: page %d of the ring is another one", i)
		}
	}
	return pages, true
}

// Detach lets go of everything.
func (b *Backend) Detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.attached {
		return
	}
	b.attached = false
	for _, r := range b.rings {
		b.Dom0.ClosePort(r.port)
	}
	for _, m := range b.maps {
		m.Unmap()
	}
	for _, m := range b.grants {
		m.Unmap()
	}
	clear(b.grants)
	b.maps, b.rings = nil, nil
}

// serve handles the events of a ring.
func (b *Backend) serve(r *ringEnd) {
	for b.Dom0.Wait(r.port) {
		b.mu.Lock()
		if b.attached && !b.cfg.Silent {
			b.answer(r)
		}
		b.mu.Unlock()
	}
}

// answer carries out all requests. b.mu is held.
func (b *Backend) answer(r *ringEnd) {
	for {
		n, err := r.Pending()
		if n == 0 && err == nil {
			n, err = r.FinalCheck()
		}
		if err != nil {
			b.TB.Errorf("blkback: the frontend's indices: %v", err)
		}
		if n == 0 || err != nil {
			return
		}
		for range n {
			req, err := blkif.Decode(r.Get())
			if err != nil {
				b.TB.Errorf("blkback: %+v: %v", req, err)
			}
			r.Put(abi.BlkifResponse{ID: req.ID, Operation: req.Op, Status: b.carryOut(req)})
		}
		if r.Push() {
			b.Dom0.Notify(r.port)
		}
	}
}

// Attack lets f do as it likes with the ring of a queue of a connected device, and
// then notifies the guest.
func (b *Backend) Attack(queue int, f func(*Ring)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.attached {
		b.TB.Errorf("blkback: there is nothing to attack")
		return
	}
	f(b.rings[queue].Ring)
	b.Dom0.Notify(b.rings[queue].port)
}

// Flush answers the requests that a silent backend has left alone, and those to come.
func (b *Backend) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cfg.Silent = false
	for _, r := range b.rings {
		b.answer(r)
	}
}

// Outstanding returns how many requests wait for an answer.
func (b *Backend) Outstanding() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	total := 0
	for _, r := range b.rings {
		n, err := r.Pending()
		if err != nil {
			b.TB.Errorf("blkback: the frontend's indices: %v", err)
		}
		total += n
	}
	return total
}
