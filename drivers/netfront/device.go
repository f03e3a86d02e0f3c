// Package netfront is the frontend of Xen's network devices (io/netif.h).
//
// A Device sends and receives Ethernet frames. device.go has the handshake
// through xenstore, queue.go the pair of rings, receive.go and send.go the
// directions, package netif the format on the wire.
//
// It asks for no offloads and uses one queue. Frames are copied between the
// rings' buffers, which the backend can access, and memory that it cannot; a
// backend that breaks the rules loses the device, and nothing else happens.
package netfront

import (
	"cmp"
	"errors"
	"sync"
	"sync/atomic"

	"internal/xengo/drivers/netfront/netif"
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xenstore"
)

var (
	// ErrFull means that the transmit ring has no room; the callback of
	// SetRoom says when to try again.
	ErrFull = errors.New("netfront: the transmit ring is full")

	// ErrSize means that a frame is too short or too long.
	ErrSize = errors.New("netfront: a frame of impossible size")

	// ErrClosed means that the device was closed, by either end.
	ErrClosed = errors.New("netfront: the device is closed")

	// ErrMAC means that the toolstack gave the device no usable address.
	ErrMAC = errors.New("netfront: no MAC address")
)

// Times that a backend has for its parts of the handshake, in nanoseconds.
// A hotplug script in dom0 may be slow.
const (
	connectTimeout = 30e9
	closeTimeout   = 5e9
)

// A Device is a connected network interface. Its methods are safe for
// concurrent use.
type Device struct {
	name string
	mac  [6]byte
	mtu  int
	ips  []string

	p     hv.Platform
	bus   *xenbus.Device
	watch *xenstore.Watch
	q     *queue
	st    counters

	deliver atomic.Pointer[func([]byte)]
	room    atomic.Pointer[func()]
	running sync.Once

	life *xenbus.Life
}

// Open connects to the device of that name ("0" is device/vif/0), and waits
// for the backend to be connected too. No frame is lost before SetReceiver.
func Open(p hv.Platform, xs *xenstore.Client, name string) (*Device, error) {
	return open(p, xs, name, 0)
}

// open is Open with ring indices that begin at index.
func open(p hv.Platform, xs *xenstore.Client, name string, index uint32) (*Device, error) {
	bus, err := xenbus.Open(p, xs, "device/vif/"+name)
	if err != nil {
		return nil, err
	}
	d := &Device{name: name, p: p, bus: bus, life: xenbus.NewLife(ErrClosed)}
	if err := d.connect(index); err != nil {
		bus.Fail(err)
		return nil, err
	}
	go d.monitor()
	return d, nil
}

// connect goes through the handshake: wait for the backend to have found its
// features, publish the rings, wait for it to have mapped them (Linux 6.1,
// drivers/net/xen-netfront.c, netback_changed).
func (d *Device) connect(index uint32) error {
	ready := func(s xenbus.State) bool { return s == xenbus.InitWait || s == xenbus.Connected }
	if _, err := d.bus.WaitBackend(ready, connectTimeout); err != nil {
		return err
	}
	if err := d.configure(); err != nil {
		return err
	}
	offer := netif.ReadBackend(d.bus.BackendFeature)
	mtu, err := d.bus.Read("mtu")
	if err != nil && !errors.Is(err, hv.ENOENT) {
		return err
	}
	d.mtu = netif.MTU(mtu, offer)
	if d.q, err = newQueue(d.p, d.bus.BackendID, offer.SplitEvents, index, &d.st); err != nil {
		return err
	}
	if err = d.publish(); err == nil {
		d.watch, err = d.bus.WatchBackend()
	}
	if err != nil {
		d.q.stop()
		d.q.release()
		d.bus.SetState(xenbus.Closed) // err says what went wrong first
		return err
	}
	return nil
}

// configure reads what the toolstack configured.
func (d *Device) configure() error {
	mac, err := d.bus.Read("mac")
	if err != nil {
		return err
	}
	var ok bool
	if d.mac, ok = netif.ParseMAC(mac); !ok {
		return ErrMAC
	}
	ips, err := d.bus.ReadBackend("ip")
	if err != nil && !errors.Is(err, hv.ENOENT) && !errors.Is(err, hv.EACCES) {
		return err
	}
	d.ips = ascii.Fields(ips)
	return nil
}

// publish tells the backend of the rings and waits until it uses them.
func (d *Device) publish() error {
	front := netif.Frontend{
		TxRef:  uint32(d.q.tx.mem.ref),
		RxRef:  uint32(d.q.rx.mem.ref),
		TxPort: uint32(d.q.port.tx),
		RxPort: uint32(d.q.port.rx),
	}
	connected, err := d.bus.Offer(front.Write, xenbus.Connected, connectTimeout)
	if err == nil && !connected {
		err = ErrClosed
	}
	return err
}

// monitor waits for the end of the device, whoever brings it about.
func (d *Device) monitor() {
	err := d.untilEnd()
	if err != ErrClosed {
		d.p.Print("netfront: vif " + d.name + " is closed: " + err.Error())
		d.bus.Fail(err)
	}
	d.life.End(err, d.shutdown())
}

// untilEnd returns why the device has to be closed.
func (d *Device) untilEnd() error {
	for {
		select {
		case <-d.life.Closing():
			return ErrClosed
		case err := <-d.life.Broken():
			return err
		case <-d.watch.C:
			d.watch.Events()
			if d.bus.BackendState().Ended() {
				return ErrClosed
			}
		}
	}
}

// shutdown closes both ends, gives the backend time to let go, and frees
// everything (Linux 6.1, xennet_remove). What the backend still has is freed
// when it lets go of it.
func (d *Device) shutdown() error {
	d.q.tx.end()
	d.q.stop()
	err := d.bus.Leave(closeTimeout)
	d.q.release()
	return cmp.Or(err, d.watch.Close())
}

// Name returns the device's name, "0" for the first.
func (d *Device) Name() string { return d.name }

// MAC returns the device's hardware address.
func (d *Device) MAC() [6]byte { return d.mac }

// MTU returns the largest payload of a frame, in bytes.
func (d *Device) MTU() int { return d.mtu }

// IPs returns the addresses that the toolstack configured for the device
// (`vif=['ip=…']`), as they were written; there may be none.
func (d *Device) IPs() []string { return d.ips }

// SetReceiver sets what gets the frames that arrive. It is called by one
// goroutine at a time and may use frame until it returns, and change it.
func (d *Device) SetReceiver(f func(frame []byte)) {
	d.deliver.Store(&f)
	d.running.Do(func() {
		d.q.run(
			func(frame []byte) { (*d.deliver.Load())(frame) },
			func() {
				if f := d.room.Load(); f != nil {
					(*f)()
				}
			},
			d.life.Fail)
	})
}

// SetRoom sets what is called when there is room to send again after ErrFull.
// It must not block. Events arrive from SetReceiver on.
func (d *Device) SetRoom(f func()) { d.room.Store(&f) }

// Send sends a frame that is given in parts, and does not wait: the frame has
// been copied when Send returns. The elements of frame are used up.
func (d *Device) Send(frame [][]byte) error {
	if err := d.Put(frame); err != nil {
		return err
	}
	d.Kick()
	return nil
}

// Put queues a frame as Send does, but it may rest until Kick: one Kick after
// several Puts spares the backend's being woken for each.
func (d *Device) Put(frame [][]byte) error {
	err := d.q.tx.put(frame, d.mtu+netif.HeaderLen+vlanTag, &d.st)
	if err != nil && err != ErrFull && err != ErrSize && err != ErrClosed && !isErrno(err) {
		d.life.Fail(err)
	}
	return err
}

// vlanTag is the length of an IEEE 802.1Q tag, which the MTU does not count.
const vlanTag = 4

// isErrno reports whether err came from this machine, and not from the rings.
func isErrno(err error) bool {
	_, ok := errors.AsType[hv.Errno](err)
	return ok
}

// Kick sends what was Put.
func (d *Device) Kick() {
	if d.q.tx.push() {
		d.q.notify(d.q.port.tx)
	}
}

// Close closes the device and waits until all of it has been given back.
func (d *Device) Close() error { return d.life.Close() }

// Done returns a channel that is closed when the device has ended, by Close or
// because of the backend.
func (d *Device) Done() <-chan struct{} { return d.life.Done() }

// Err returns why the device ended, ErrClosed if nothing was wrong. It is to be
// called after Done.
func (d *Device) Err() error { return d.life.Err() }

// Stats are counts since the device was opened.
type Stats struct {
	RxFrames, RxErrors uint64
	TxFrames, TxErrors uint64
}

// Stats returns what the device has counted.
func (d *Device) Stats() Stats {
	return Stats{d.st.rxFrames.Load(), d.st.rxErrors.Load(), d.st.txFrames.Load(), d.st.txErrors.Load()}
}
