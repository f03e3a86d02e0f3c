// Package ninepfront is the frontend of Xen's 9pfs devices (io/9pfs.h,
// docs/misc/9pfs.pandoc): directories that another domain shares.
//
// A Device carries requests of 9P to a server and its replies back. device.go has
// the handshake through xenstore, queue.go the rings and the requests under way,
// package p9 the messages, package flexring the rings. Which requests there are
// is no concern of the driver's: it looks at sizes and tags only.
//
// A backend that breaks the rules loses the device, and with it all requests under
// way and to come; nothing else happens.
package ninepfront

import (
	"cmp"
	"errors"

	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xenstore"
)

var (
	// ErrVersion means that the backend does not speak version 1 of the
	// transport.
	ErrVersion = errors.New("ninepfront: the backend speaks no version of the protocol that is known here")

	// ErrRings means that the backend offers no ring, or none of two pages.
	ErrRings = errors.New("ninepfront: the backend offers no rings")

	// ErrClosed means that the device was closed, by either end.
	ErrClosed = errors.New("ninepfront: the device is closed")

	// ErrServerGone means that the server has ended without a word.
	ErrServerGone = errors.New("ninepfront: the server is gone")

	// ErrSize means that a request is longer than MaxMessage, or that a reply
	// has an impossible size.
	ErrSize = errors.New("ninepfront: a message of impossible size")

	// ErrTag means that a reply answers no request under way.
	ErrTag = errors.New("ninepfront: a reply to no request")
)

// Times that a backend has for its parts of the handshake, in nanoseconds. One
// that is a program of its own may have to start first.
const (
	connectTimeout = 60e9
	closeTimeout   = 5e9
)

// maxOrder is how many pages of data a device has at most, as a power of two: a
// quarter of it, 64 KiB, is the longest message.
const maxOrder = 6

// A Device is a connection to a server. Its methods are safe for concurrent use.
type Device struct {
	name string
	tag  string

	p     hv.Platform
	bus   *xenbus.Device
	watch *xenstore.Watch
	q     *queue

	life *xenbus.Life
}

// Tags returns the tags of the devices that there are, by name ("0" is
// device/9pfs/0).
func Tags(xs *xenstore.Client) (map[string]string, error) {
	names, err := xenbus.Devices(xs, "9pfs")
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string)
	for _, name := range names {
		tag, err := xs.Read("device/9pfs/" + name + "/tag")
		if err != nil && !errors.Is(err, hv.ENOENT) {
			return nil, err
		}
		tags[name] = tag
	}
	return tags, nil
}

// Open connects to the device of that name and waits for the backend to be
// connected too.
func Open(p hv.Platform, xs *xenstore.Client, name string) (*Device, error) {
	return open(p, xs, name, 0)
}

// open is Open with ring indices that begin at index.
func open(p hv.Platform, xs *xenstore.Client, name string, index uint32) (*Device, error) {
	bus, err := xenbus.Open(p, xs, "device/9pfs/"+name)
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

// connect goes through the handshake of io/9pfs.h: wait for the backend to have
// found its features, publish the ring, wait for it to have mapped it.
func (d *Device) connect(index uint32) error {
	ready := func(s xenbus.State) bool { return s == xenbus.InitWait }
	if _, err := d.bus.WaitBackend(ready, connectTimeout); err != nil {
		return err
	}
	versions, err := d.bus.ReadBackend("versions")
	if err != nil {
		return err
	}
	if !speaks(versions, "1") {
		return ErrVersion
	}
	order := min(maxOrder, d.bus.BackendFeature("max-ring-page-order"))
	if d.bus.BackendFeature("max-rings") == 0 || order == 0 {
		return ErrRings
	}
	if d.q, err = newQueue(d.p, d.bus.BackendID, uint32(order), index, d.life.Fail); err != nil {
		return err
	}
	if err = d.publish(); err == nil {
		d.watch, err = d.bus.WatchBackend()
	}
	if err != nil {
		d.q.stop(err)
		d.q.release()
		d.bus.SetState(xenbus.Closed) // err says what went wrong first
	}
	return err
}

// speaks reports whether a version is in a list with commas.
func speaks(list, version string) bool {
	for start, i := 0, 0; i <= len(list); i++ {
		if i == len(list) || list[i] == ',' {
			if list[start:i] == version {
				return true
			}
			start = i + 1
		}
	}
	return false
}

// publish tells the backend of the ring and waits until it uses it.
func (d *Device) publish() error {
	connected, err := d.bus.Offer(func(set func(key, value string) error) error {
		for _, kv := range [][2]string{
			{"version", "1"}, {"num-rings", "1"},
			{"ring-ref0", ascii.Utoa(uint64(d.q.intf.ref))},
			{"event-channel-0", ascii.Utoa(uint64(d.q.port))},
		} {
			if err := set(kv[0], kv[1]); err != nil {
				return err
			}
		}
		return nil
	}, xenbus.Initialised, connectTimeout)
	if err == nil && !connected {
		err = ErrClosed
	}
	if err != nil {
		return err
	}
	return d.bus.SetState(xenbus.Connected)
}

// monitor waits for the end of the device, whoever brings it about.
func (d *Device) monitor() {
	err := d.untilEnd()
	if err != ErrClosed {
		d.p.Print("ninepfront: share " + d.tag + " (9pfs " + d.name + ") is closed: " + err.Error())
		d.bus.Fail(err)
	}
	d.q.stop(err)
	d.life.End(err, d.shutdown())
}

// untilEnd returns why the device has to be closed. A backend that was started anew
// knows nothing of it.
func (d *Device) untilEnd() error {
	for {
		select {
		case <-d.life.Closing():
			return ErrClosed
		case err := <-d.life.Broken():
			return err
		case <-d.watch.C:
			d.watch.Events()
			if s := d.bus.BackendState(); s != xenbus.Connected {
				return ErrClosed
			}
		}
	}
}

// shutdown closes this end, gives the backend time to let go, and frees
// everything. What the backend still has is freed when it lets go of it.
func (d *Device) shutdown() error {
	err := d.bus.Leave(closeTimeout)
	then := d.watch.Close()
	d.q.release()
	return cmp.Or(err, then)
}

// MaxMessage returns how long a message may be, in bytes.
func (d *Device) MaxMessage() int { return d.q.limit }

// Start sends a request, whose tag it sets, and calls done with the reply, or with
// an error if there will be none: at once, or from a goroutine that must not be
// kept waiting. The reply is in room if it fits there; req and room may be the
// same memory, which belongs to the device until then. Requests of one goroutine
// reach the server in order.
//
// It waits while many requests are under way.
func (d *Device) Start(req, room []byte, done func(reply []byte, err error)) {
	d.q.start(req, room, done)
}

// Call is Start and waits for the reply.
func (d *Device) Call(req, room []byte) (reply []byte, err error) {
	wait := make(chan struct{})
	d.q.start(req, room, func(r []byte, e error) {
		reply, err = r, e
		close(wait)
	})
	<-wait
	return reply, err
}

// Break closes the device for an error in what the server says.
func (d *Device) Break(err error) { d.q.fail(err) }

// Close closes the device and waits until all of it has been given back.
func (d *Device) Close() error { return d.life.Close() }

// Done returns a channel that is closed when the device has ended, by Close or
// because of the backend.
func (d *Device) Done() <-chan struct{} { return d.life.Done() }

// Err returns why the device ended, ErrClosed if nothing was wrong. It is to be
// called after Done.
func (d *Device) Err() error { return d.life.Err() }
