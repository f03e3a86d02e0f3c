// Package netback is a simulated backend of Xen's network devices, for tests
// of a frontend. It is strict: a frontend that does what would trouble a real
// backend is reported. It is hostile where a test makes it so, by Attack.
package netback

import (
	"maps"
	"sync"

	"internal/xengo/drivers/netfront/netif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/ring"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest"
	"internal/xengo/xen/xentest/split"
)

// Config is how a backend is set up.
type Config struct {
	Name   string            // of the vif; "0" if empty
	Index  uint32            // where ring indices begin
	Offer  map[string]string // nodes in the backend's directory
	Front  map[string]string // nodes in the frontend's directory, such as mtu
	Got    func(frame []byte)
	Silent bool // do not answer requests to send
}

type (
	txRing = ring.Back[abi.NetifTxRequest, abi.NetifTxResponse]
	rxRing = ring.Back[abi.NetifRxRequest, abi.NetifRxResponse]
)

// A Backend is one end of a simulated vif.
type Backend struct {
	*split.Backend
	cfg Config

	mu       sync.Mutex
	room     sync.Cond // requests to receive may have come
	attached bool
	tx       *txRing
	rx       *rxRing
	maps     []*xentest.Mapping
	ports    []hv.Port // tx, rx
}

// New creates a vif of guest's, in the state in which a toolstack leaves it.
func New(tb xentest.TB, store *xentest.Store, dom0, guest *xentest.Domain, cfg Config) *Backend {
	if cfg.Name == "" {
		cfg.Name = "0"
	}
	front := map[string]string{"mac": "00:16:3e:01:02:03"}
	maps.Copy(front, cfg.Front)
	b := &Backend{Backend: split.NewBackend(tb, store, dom0, guest, "vif", cfg.Name, cfg.Offer, front), cfg: cfg}
	b.room.L = &b.mu
	b.Workers.Go(func() { b.Follow(b.Usual(xenbus.Connected, b.attach, b.Detach)) })
	return b
}

// Vanish removes the device's directories.
func (b *Backend) Vanish() {
	b.Detach()
	b.Remove()
}

// attach maps the rings and binds the event channels. It reports whether the
// device is to be connected by that.
func (b *Backend) attach() bool {
	f, ok := netif.ReadFrontend(func(k string) (string, bool) { return b.Store.Read(b.Front + "/" + k) })
	if !ok {
		b.TB.Errorf("netback: the frontend lacks a node")
		return false
	}
	if v, _ := b.Store.Read(b.Front + "/request-rx-copy"); v != "1" {
		b.TB.Errorf("netback: request-rx-copy is %q", v)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.attached {
		return false
	}
	for _, ref := range []uint32{f.TxRef, f.RxRef} {
		m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(ref), false)
		if err != nil {
			b.TB.Errorf("netback: mapping a ring: %v", err)
			return false
		}
		b.maps = append(b.maps, m)
	}
	b.tx = ring.NewBackAt[abi.NetifTxRequest, abi.NetifTxResponse](b.maps[0].Mem, b.cfg.Index)
	b.rx = ring.NewBackAt[abi.NetifRxRequest, abi.NetifRxResponse](b.maps[1].Mem, b.cfg.Index)
	for _, port := range []uint32{f.TxPort, f.RxPort} {
		if len(b.ports) == 1 && f.TxPort == f.RxPort {
			b.ports = append(b.ports, b.ports[0])
			continue
		}
		local, err := b.Dom0.Bind(b.Guest.ID, hv.Port(port))
		if err != nil {
			b.TB.Errorf("netback: binding port %d: %v", port, err)
			return false
		}
		b.ports = append(b.ports, local)
		b.Workers.Go(func() { b.serve(local) })
	}
	b.attached = true
	return true
}

// Detach lets go of everything.
func (b *Backend) Detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.attached {
		return
	}
	b.attached = false
	b.Dom0.ClosePort(b.ports[0])
	if b.ports[1] != b.ports[0] {
		b.Dom0.ClosePort(b.ports[1])
	}
	for _, m := range b.maps {
		m.Unmap()
	}
	b.maps, b.ports = nil, nil
	b.room.Broadcast()
}

// serve handles the events of a port.
func (b *Backend) serve(port hv.Port) {
	for b.Dom0.Wait(port) {
		b.mu.Lock()
		if b.attached {
			b.send()
			b.room.Broadcast()
		}
		b.mu.Unlock()
	}
}

// send takes the frames that the frontend sends. b.mu is held.
func (b *Backend) send() {
	if b.cfg.Silent {
		return
	}
	for {
		n, err := b.tx.Pending()
		if err != nil {
			b.TB.Errorf("netback: transmit ring: %v", err)
			return
		}
		if n == 0 {
			if n, err = b.tx.FinalCheck(); n == 0 {
				return
			}
		}
		for n > 0 {
			n -= b.packet(n)
		}
		if b.tx.Push() {
			b.Dom0.Notify(b.ports[0])
		}
	}
}

// packet takes one packet of at most n slots and returns how many it had.
func (b *Backend) packet(n int) int {
	var (
		frame []byte
		total int
	)
	for slots := 1; ; slots++ {
		r := b.tx.Get()
		size := int(r.Size)
		if slots == 1 {
			total = size
			if r.Flags&abi.NetTxFMoreData != 0 {
				size = min(total, netif.PageSize-int(r.Offset)) // the rest follows
			}
		}
		b.check(r, slots, size)
		if m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(r.Gref), true); err != nil {
			b.TB.Errorf("netback: a sent frame's grant: %v", err)
		} else {
			frame = append(frame, m.Mem[r.Offset:int(r.Offset)+size]...)
			m.Unmap()
		}
		b.tx.Put(abi.NetifTxResponse{ID: r.ID, Status: abi.NetifRspOkay})
		if r.Flags&abi.NetTxFMoreData == 0 {
			if len(frame) != total {
				b.TB.Errorf("netback: a packet of %d bytes says it has %d", len(frame), total)
			}
			if b.cfg.Got != nil {
				b.cfg.Got(frame)
			}
			return slots
		}
		if slots == n {
			b.TB.Errorf("netback: a packet was published in part")
			return slots
		}
	}
}

// check reports what would trouble a real backend about a request.
func (b *Backend) check(r abi.NetifTxRequest, slots, size int) {
	switch {
	case int(r.Offset)+size > netif.PageSize:
		b.TB.Errorf("netback: a fragment crosses its page: offset %d, size %d", r.Offset, size)
	case size == 0:
		b.TB.Errorf("netback: a fragment of no bytes (XSA-448)")
	case slots == 1 && size < netif.HeaderLen:
		b.TB.Errorf("netback: the first fragment has %d bytes", size)
	case slots > netif.MaxSlots:
		b.TB.Errorf("netback: a packet of more than %d slots", netif.MaxSlots)
	case r.Flags&^abi.NetTxFMoreData != 0:
		b.TB.Errorf("netback: flags %#x ask for what was not negotiated", r.Flags)
	}
}

// Deliver sends a frame to the guest, in slots of at most chunk bytes, waiting
// for requests as needed. It returns false if the device is not connected.
func (b *Backend) Deliver(frame []byte, chunk int, flags uint16) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	slots := (len(frame) + chunk - 1) / chunk
	for {
		if !b.attached {
			return false
		}
		n, err := b.rx.Arm(slots)
		if err != nil {
			b.TB.Errorf("netback: receive ring: %v", err)
			return false
		}
		if n >= slots {
			break
		}
		b.room.Wait()
	}
	for first := true; len(frame) > 0; first = false {
		n := min(chunk, len(frame))
		req := b.rx.Get()
		b.fill(req, frame[:n])
		frame = frame[n:]
		rsp := abi.NetifRxResponse{ID: req.ID, Status: int16(n)}
		if first {
			rsp.Flags = flags
		}
		if len(frame) > 0 {
			rsp.Flags |= abi.NetRxFMoreData
		}
		b.rx.Put(rsp)
	}
	if b.rx.Push() {
		b.Dom0.Notify(b.ports[1])
	}
	return true
}

// fill writes into the guest's buffer.
func (b *Backend) fill(req abi.NetifRxRequest, data []byte) {
	m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(req.Gref), false)
	if err != nil {
		b.TB.Errorf("netback: a receive buffer's grant: %v", err)
		return
	}
	copy(m.Mem, data)
	m.Unmap()
}

// Attack lets f do as it likes with the rings of a connected device, and then
// notifies the guest of both.
func (b *Backend) Attack(f func(tx *ring.Back[abi.NetifTxRequest, abi.NetifTxResponse], rx *ring.Back[abi.NetifRxRequest, abi.NetifRxResponse])) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.attached {
		b.TB.Errorf("netback: there is nothing to attack")
		return
	}
	f(b.tx, b.rx)
	b.Dom0.Notify(b.ports[0])
	b.Dom0.Notify(b.ports[1])
}

// Flush answers the requests to send that a silent backend has left alone.
func (b *Backend) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cfg.Silent = false
	b.send()
}
