// Package blkfront is the frontend of Xen's block devices (io/blkif.h).
//
// A Device reads and writes bytes at offsets, and each call returns when the
// backend has answered. device.go has the handshake through xenstore and the
// device's life, io.go what callers see, queue.go the rings, request.go how
// calls become requests, probe.go how devices are found, package blkif the
// format on the wire.
//
// Data is copied between the caller's memory, which the backend cannot access,
// and pages that are granted once and for all (feature-persistent); a backend
// that breaks the rules loses the device, and nothing else happens.
package blkfront

import (
	"cmp"
	"errors"
	"sync/atomic"

	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xenstore"
)

var (
	// ErrClosed means that the device was closed, by either end.
	ErrClosed = errors.New("blkfront: the device is closed")

	// ErrIO means that the backend did not do what it was asked for.
	ErrIO = errors.New("blkfront: the backend reports an error")

	// ErrUnsupported means that the backend does not know the operation.
	ErrUnsupported = errors.New("blkfront: the backend does not support this")

	// ErrReadOnly means that the device cannot be written to.
	ErrReadOnly = errors.New("blkfront: the device is read-only")

	// ErrRange means that an offset or a length is not of this device, or no
	// multiple of the sector size where it has to be.
	ErrRange = errors.New("blkfront: not a range of the device's sectors")

	// ErrDevice means that the backend describes no possible device.
	ErrDevice = errors.New("blkfront: sectors, info or sector-size make no sense")
)

// Times that a backend has for its parts of the handshake, and for what is under
// way when a device ends, in nanoseconds. A hotplug script in dom0 may be slow.
const (
	connectTimeout = 30e9
	closeTimeout   = 5e9
	drainTimeout   = 10e9
)

// Limits of this end. A backend may have lower ones.
const (
	maxQueues    = 4
	maxPageOrder = 2   // of a ring: 128 requests
	maxSegments  = 64  // of a request
	maxBuffers   = 256 // pages of data under way, all queues together
)

// A Device is a connected block device. Its methods are safe for concurrent use.
type Device struct {
	name string
	node blkif.Name

	p       hv.Platform
	bus     *xenbus.Device
	watch   *xenstore.Watch // the backend's state
	resized *xenstore.Watch // its sectors
	queues  []*queue
	turn    atomic.Uint32 // of the queues

	info      blkif.Device
	sectors   atomic.Uint64
	noFlush   atomic.Bool // the backend does not know flushes, or does not need them
	noDiscard atomic.Bool
	ended     atomic.Bool // new calls fail

	life   *xenbus.Life
	ending chan struct{}
}

// Options are a user's wishes.
type Options struct {
	Queues int // at most; 0: 1. As many as there are vCPUs is enough

	// For tests:
	index   uint32 // where the indices of rings begin
	timeout int64  // in place of connectTimeout
}

// Open connects to the device of that name ("51712" is device/vbd/51712), and
// waits for the backend to be connected too.
func Open(p hv.Platform, xs *xenstore.Client, name string, o Options) (*Device, error) {
	bus, err := xenbus.Open(p, xs, class+"/"+name)
	if err != nil {
		return nil, err
	}
	d := &Device{name: name, p: p, bus: bus, life: xenbus.NewLife(ErrClosed), ending: make(chan struct{})}
	if o.timeout == 0 {
		o.timeout = connectTimeout
	}
	if err := d.connect(o); err != nil {
		bus.Fail(err)
		return nil, err
	}
	go d.monitor()
	return d, nil
}

// connect goes through the handshake: wait for the backend to have found its
// features, publish the rings, wait for it to have mapped them, and read what
// the device is (blkif.h, "Startup").
func (d *Device) connect(o Options) error {
	if err := d.identify(); err != nil {
		return err
	}
	// A backend may have gone ahead, and expects what is the default.
	ready := func(s xenbus.State) bool { return s >= xenbus.InitWait && s <= xenbus.Connected }
	if _, err := d.bus.WaitBackend(ready, o.timeout); err != nil {
		return err
	}
	err := d.makeQueues(o)
	if err == nil {
		err = d.publish(o.timeout)
	}
	if err == nil {
		err = d.start()
	}
	if err != nil {
		d.stopQueues()
		d.closeWatches()              // err says what went wrong first
		d.bus.SetState(xenbus.Closed) // the same
		d.release()
	}
	return err
}

// identify reads what the device is called.
func (d *Device) identify() error {
	vdev, err := d.bus.Read("virtual-device")
	if errors.Is(err, hv.ENOENT) {
		vdev, err = d.bus.Read("virtual-device-ext")
	}
	if err == nil {
		d.node, err = blkif.ParseVirtualDevice(vdev)
	}
	return err
}

// makeQueues makes rings of the sizes that both ends like.
func (d *Device) makeQueues(o Options) error {
	t := blkif.ReadTransport(d.bus.BackendFeature)
	n := min(max(o.Queues, 1), maxQueues, int(t.MaxQueues))
	pages := 1 << min(t.MaxPageOrder, maxPageOrder)
	for range n {
		q, err := newQueue(d.p, d.bus.BackendID, pages, maxBuffers/n, o.index)
		if err != nil {
			return err
		}
		d.queues = append(d.queues, q)
	}
	return nil
}

// publish tells the backend of the rings and waits until it uses them.
func (d *Device) publish(timeout int64) error {
	var front blkif.Frontend
	for _, q := range d.queues {
		port := blkif.Queue{Port: uint32(q.port)}
		for _, ref := range q.refs {
			port.Refs = append(port.Refs, uint32(ref))
		}
		front.Queues = append(front.Queues, port)
	}
	connected, err := d.bus.Offer(front.Write, xenbus.Initialised, timeout)
	if err == nil && !connected {
		err = ErrClosed
	}
	return err
}

// start reads the device's properties and begins to work.
func (d *Device) start() error {
	var ok bool
	if d.info, ok = blkif.ReadDevice(d.bus.BackendFeature); !ok {
		return ErrDevice
	}
	if err := d.measure(); err != nil {
		return err
	}
	d.noFlush.Store(!d.info.Flush)
	d.noDiscard.Store(!d.info.Discard)
	segments := max(blkif.MaxDirect, min(int(d.info.MaxIndirectSegments), maxSegments))
	for _, q := range d.queues {
		q.handle, q.segments = handle(d.name), segments
	}
	var err error
	if d.watch, err = d.bus.WatchBackend(); err != nil {
		return err
	}
	if d.resized, err = d.bus.WatchBackendNode("sectors"); err != nil {
		return err
	}
	for _, q := range d.queues {
		q.run(d.life.Fail)
	}
	return d.bus.SetState(xenbus.Connected)
}

// handle returns what requests call the device: the low 16 bits of its name,
// which is a number.
func handle(name string) uint16 {
	n := uint16(0)
	for i := range len(name) {
		n = n*10 + uint16(name[i]-'0')
	}
	return n
}

// measure reads the device's size.
func (d *Device) measure() error {
	node, err := d.bus.ReadBackend("sectors")
	if err != nil {
		return err
	}
	n, ok := blkif.ParseSectors(node)
	if !ok {
		return ErrDevice
	}
	d.sectors.Store(n &^ uint64(d.info.SectorSize/blkif.SectorSize-1))
	return nil
}

// monitor waits for the end of the device, whoever brings it about.
func (d *Device) monitor() {
	err := d.untilEnd()
	if err != ErrClosed {
		d.p.Print("blkfront: " + d.node.Node + " is closed: " + err.Error())
		d.bus.Fail(err)
	}
	d.ended.Store(true)
	close(d.ending)
	d.life.End(err, d.shutdown(err == ErrClosed))
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
		case <-d.resized.C:
			d.resized.Events()
		}
		// A backend that is Connected again, or that writes the node, has
		// another size. One that is about to vanish may have none.
		if err := d.measure(); err != nil && !errors.Is(err, hv.ENOENT) {
			return err
		}
	}
}

// shutdown closes both ends, gives the backend time to finish what it does and
// to let go, and frees everything. What the backend still has is freed when it
// lets go of it.
func (d *Device) shutdown(drain bool) error {
	for _, q := range d.queues {
		q.end(ErrClosed)
	}
	if drain {
		d.drain()
	}
	d.stopQueues()
	err := d.bus.Leave(closeTimeout)
	then := d.closeWatches()
	d.release()
	return cmp.Or(err, then)
}

// drain waits until the backend has answered, or is late, or breaks the rules,
// or has gone.
func (d *Device) drain() {
	idle := make(chan struct{})
	go func() {
		for _, q := range d.queues {
			q.drain()
		}
		close(idle)
	}()
	late := xenbus.After(d.p, drainTimeout)
	for s := d.bus.BackendState(); s != xenbus.Closed && s != xenbus.Unknown; s = d.bus.BackendState() {
		select {
		case <-idle:
			return
		case <-late:
			return
		case <-d.life.Broken():
			return
		case <-d.watch.C:
			d.watch.Events()
		}
	}
}

// stopQueues ends the handling of events; what is under way then has failed.
func (d *Device) stopQueues() {
	for _, q := range d.queues {
		q.stop()
	}
}

func (d *Device) closeWatches() error {
	var first error
	for _, w := range []*xenstore.Watch{d.watch, d.resized} {
		if w == nil {
			continue
		}
		if err := w.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// release gives the memory back, when the backend has been told to let go.
func (d *Device) release() {
	for _, q := range d.queues {
		q.release()
	}
}

// Close closes the device and waits until all of it has been given back.
func (d *Device) Close() error { return d.life.Close() }

// Ending returns a channel that is closed when the device begins to end: what is
// under way may still be finished, new calls fail.
func (d *Device) Ending() <-chan struct{} { return d.ending }

// Done returns a channel that is closed when the device has ended, by Close or
// because of the backend.
func (d *Device) Done() <-chan struct{} { return d.life.Done() }

// Err returns why the device ended, ErrClosed if nothing was wrong. It is to be
// called after Done.
func (d *Device) Err() error { return d.life.Err() }
