// Package ninepback is a simulated backend of Xen's 9pfs devices, for tests of a
// frontend. It is strict: a frontend that does what would trouble a real backend is
// reported. It is hostile where a test makes it so, by Attack. What answers the
// requests is a server of the test's.
package ninepback

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"sync"

	"internal/xengo/drivers/ninepfront/flexring"
	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest"
	"internal/xengo/xen/xentest/split"
)

// Config is how a backend is set up.
type Config struct {
	Name  string            // of the device; "0" if empty
	Tag   string            // of the share
	Index uint32            // where ring indices begin
	Offer map[string]string // nodes in the backend's directory, in place of the usual ones
	Piece int               // most bytes of a reply that are published at once; 0: all there is room for

	// Serve answers requests, which it reads from the one end, by replies that
	// it writes to the other, until reading fails. Nil: nobody does.
	Serve func(r io.Reader, w io.Writer)
}

// A Backend is one end of a simulated device.
type Backend struct {
	*split.Backend
	cfg Config

	mu       sync.Mutex
	changed  sync.Cond // an event came, or the end
	attached bool
	in       *flexring.Writer
	out      *flexring.Reader
	maps     []*xentest.Mapping
	port     hv.Port
	checker  checker
}

// New creates a device of guest's, in the state in which a toolstack leaves it.
func New(tb xentest.TB, store *xentest.Store, dom0, guest *xentest.Domain, cfg Config) *Backend {
	if cfg.Name == "" {
		cfg.Name = "0"
	}
	offer := map[string]string{"versions": "1", "max-rings": "4", "max-ring-page-order": "9"}
	if cfg.Offer != nil {
		offer = cfg.Offer
	}
	b := &Backend{Backend: split.NewBackend(tb, store, dom0, guest, "9pfs", cfg.Name, offer, map[string]string{"tag": cfg.Tag}), cfg: cfg}
	b.changed.L = &b.mu
	b.Workers.Go(func() { b.Follow(b.Usual(xenbus.Initialised, b.attach, b.Detach)) })
	return b
}

// Vanish removes the device's directories.
func (b *Backend) Vanish() {
	b.Detach()
	b.Remove()
}

// number returns a node of the frontend's.
func (b *Backend) number(key string) uint32 {
	v, _ := b.Store.Read(b.Front + "/" + key)
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		b.TB.Errorf("ninepback: the frontend's %s is %q", key, v)
	}
	return uint32(n)
}

// attach maps the ring and binds the event channel. It reports whether the device is
// to be connected by that.
func (b *Backend) attach() bool {
	if v, n := b.number("version"), b.number("num-rings"); v != 1 || n != 1 {
		b.TB.Errorf("ninepback: the frontend wants version %d and %d rings", v, n)
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.attached {
		return false
	}
	page, ok := b.mapPage(b.number("ring-ref0"))
	if !ok {
		return false
	}
	intf := flexring.Interface(page)
	most, _ := b.Store.Read(b.Back + "/max-ring-page-order")
	if order, _ := strconv.Atoi(most); intf.RingOrder < 1 || int(intf.RingOrder) > min(order, abi.NinePFSMaxOrder) {
		b.TB.Errorf("ninepback: the frontend's ring has order %d", intf.RingOrder)
		return false
	}
	var pages [][]byte
	for _, ref := range flexring.Refs(page, 1<<intf.RingOrder) {
		data, ok := b.mapPage(ref)
		if !ok {
			return false
		}
		pages = append(pages, data)
	}
	half := len(pages) / 2
	b.in = flexring.NewWriter(&intf.InProd, &intf.InCons, pages[:half], b.cfg.Index)
	b.out = flexring.NewReader(&intf.OutProd, &intf.OutCons, pages[half:], b.cfg.Index)
	b.checker = checker{tb: b.TB, limit: half * abi.PageSize}
	local, err := b.Dom0.Bind(b.Guest.ID, hv.Port(b.number("event-channel-0")))
	if err != nil {
		b.TB.Errorf("ninepback: binding: %v", err)
		return false
	}
	b.port, b.attached = local, true
	b.Workers.Go(func() { b.listen(local) })
	if b.cfg.Serve != nil {
		b.Workers.Go(func() { b.cfg.Serve(requests{b}, replies{b}) })
	}
	return true
}

func (b *Backend) mapPage(ref uint32) ([]byte, bool) {
	m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(ref), false)
	if err != nil {
		b.TB.Errorf("ninepback: mapping a page: %v", err)
		return nil, false
	}
	b.maps = append(b.maps, m)
	return m.Mem, true
}

// Detach lets go of everything, without a word to the frontend, as a server does
// that is killed.
func (b *Backend) Detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.maps {
		m.Unmap()
	}
	b.maps = nil
	if b.attached {
		b.attached = false
		b.Dom0.ClosePort(b.port)
	}
	b.changed.Broadcast()
}

// listen turns events into signals.
func (b *Backend) listen(port hv.Port) {
	for b.Dom0.Wait(port) {
		b.mu.Lock()
		b.changed.Broadcast()
		b.mu.Unlock()
	}
}

// requests is the stream of what the frontend sends.
type requests struct{ b *Backend }

func (r requests) Read(p []byte) (int, error) {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.attached {
		n, err := b.out.Available()
		if err != nil {
			b.TB.Errorf("ninepback: %v", err)
			return 0, err
		}
		b.checker.whole(b.out, n)
		if n = min(n, len(p)); n > 0 {
			b.out.Read(p[:n])
			b.out.Release()
			b.checker.requests(p[:n])
			b.Dom0.Notify(b.port)
			return n, nil
		}
		b.changed.Wait()
	}
	return 0, io.EOF
}

// replies is the stream of what the backend sends.
type replies struct{ b *Backend }

var errDetached = errors.New("ninepback: the device is not connected")

func (r replies) Write(p []byte) (int, error) {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checker.replies(p)
	for done := 0; ; {
		if !b.attached {
			return done, errDetached
		}
		if done == len(p) {
			return done, nil
		}
		room, err := b.in.Room()
		if err != nil {
			b.TB.Errorf("ninepback: %v", err)
			return done, err
		}
		if b.cfg.Piece > 0 {
			room = min(room, b.cfg.Piece)
		}
		if n := min(room, len(p)-done); n > 0 {
			b.in.Write(p[done : done+n])
			b.in.Publish()
			b.Dom0.Notify(b.port)
			done += n
			continue
		}
		b.changed.Wait()
	}
}

// Attack lets f do as it likes with the rings of a connected device, and then
// notifies the guest.
func (b *Backend) Attack(f func(in *flexring.Writer, out *flexring.Reader)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.attached {
		b.TB.Errorf("ninepback: there is nothing to attack")
		return
	}
	f(b.in, b.out)
	b.Dom0.Notify(b.port)
}

// checker follows the messages of both directions and reports what would trouble a
// real server.
type checker struct {
	tb      xentest.TB
	limit   int
	in, out []byte          // beginnings of messages
	open    map[uint16]bool // tags of requests that were not answered
}

// next takes a whole message off a stream.
func next(stream *[]byte) []byte {
	if len(*stream) < p9.HeaderSize {
		return nil
	}
	h := p9.ParseHeader(*stream)
	if uint64(h.Size) > uint64(len(*stream)) || h.Size < p9.HeaderSize {
		return nil
	}
	m := (*stream)[:h.Size:h.Size]
	*stream = (*stream)[h.Size:]
	return m
}

// whole reports a request that was published in part, of which QEMU's server makes
// what it likes. n bytes are there to read.
func (c *checker) whole(out *flexring.Reader, n int) {
	seen := append(bytes.Clone(c.out), out.Peek(n)...)
	for len(seen) > 0 {
		if len(seen) < p9.HeaderSize || uint64(p9.ParseHeader(seen).Size) > uint64(len(seen)) {
			c.tb.Errorf("ninepback: %d bytes of a request were published before the rest", len(seen))
			return
		}
		if next(&seen) == nil {
			return // its size is impossible, which is reported elsewhere
		}
	}
}

func (c *checker) requests(p []byte) {
	c.out = append(c.out, p...)
	for m := next(&c.out); m != nil; m = next(&c.out) {
		h := p9.ParseHeader(m)
		known := p9.New(h.Type)
		switch {
		case len(m) > c.limit:
			c.tb.Errorf("ninepback: a request of %d bytes", len(m))
		case known == nil:
			c.tb.Errorf("ninepback: a request of type %d", h.Type)
		case c.open[h.Tag]:
			c.tb.Errorf("ninepback: tag %d is in use", h.Tag)
		default:
			if err := p9.Parse(m, known); err != nil {
				c.tb.Errorf("ninepback: %T: %v", known, err)
			}
		}
		if c.open == nil {
			c.open = map[uint16]bool{}
		}
		c.open[h.Tag] = true
	}
}

func (c *checker) replies(p []byte) {
	c.in = append(c.in, p...)
	for m := next(&c.in); m != nil; m = next(&c.in) {
		delete(c.open, p9.ParseHeader(m).Tag)
	}
}
