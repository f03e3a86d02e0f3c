package blkfront

import (
	"errors"
	"sync"

	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xenstore"
)

const class = "device/vbd"

// Handler is told of devices. Its methods are called by several goroutines.
type Handler interface {
	// Found is told of a device that works.
	Found(d *Device)

	// Lost is told that a device which was found begins to end.
	Lost(d *Device)

	// Failed is told of a device that could not be opened, once for each
	// reason in a row.
	Failed(name string, err error)
}

// Probe opens the devices that there are, tells h of each, and returns when that
// is done. Afterwards it goes on, in goroutines, to open devices that are
// attached later, and those whose backend comes back.
//
// stop ends the search; the devices stay open.
func Probe(p hv.Platform, xs *xenstore.Client, o Options, h Handler) (stop func() error, err error) {
	w, err := xs.Watch(class)
	if err != nil {
		return nil, err
	}
	pr := &prober{p: p, xs: xs, o: o, h: h, keepers: map[string]*keeper{}, stopped: make(chan struct{})}
	if err := pr.scan(); err != nil {
		w.Close() // err says what is wrong
		return nil, err
	}
	for _, k := range pr.keepers {
		<-k.settled
	}
	unwatch := w.Serve(func() {
		if err := pr.scan(); err != nil {
			p.Print("blkfront: looking for new devices: " + err.Error())
		}
	})
	return func() error {
		err := unwatch()
		close(pr.stopped)
		for _, k := range pr.keepers {
			<-k.ended
		}
		return err
	}, nil
}

// prober knows who cares for which device.
type prober struct {
	p       hv.Platform
	xs      *xenstore.Client
	o       Options
	h       Handler
	keepers map[string]*keeper // by name; only who scans uses it
	stopped chan struct{}
}

// keeper cares for the device of a name, whether there is one or not.
type keeper struct {
	*prober
	name    string
	said    string        // why it could not be opened the last time
	changed chan struct{} // something about devices has; has room for one
	settled chan struct{} // closed when opening it was tried, or is not wanted
	once    sync.Once     // closes it
	ended   chan struct{}
}

func (k *keeper) settle() { k.once.Do(func() { close(k.settled) }) }

// scan sees to it that there is a keeper for every device, and wakes all.
func (pr *prober) scan() error {
	names, err := xenbus.Devices(pr.xs, "vbd")
	if err != nil {
		return err
	}
	for _, name := range names {
		if pr.keepers[name] == nil {
			k := &keeper{
				prober: pr, name: name, changed: make(chan struct{}, 1),
				settled: make(chan struct{}), ended: make(chan struct{}),
			}
			pr.keepers[name] = k
			go k.run()
		}
	}
	for _, k := range pr.keepers {
		select {
		case k.changed <- struct{}{}:
		default: // it will look anyway
		}
	}
	return nil
}

// run opens the device whenever it is offered, until the search ends.
func (k *keeper) run() {
	defer close(k.ended)
	for well := true; k.await(well); {
		well = k.open()
	}
}

// open opens the device, and returns when it has ended or the search has. It
// reports whether all went well; that a backend is slow is nothing wrong.
func (k *keeper) open() (well bool) {
	d, err := Open(k.p, k.xs, k.name, k.o)
	if err != nil {
		if k.said != err.Error() {
			k.said = err.Error()
			k.h.Failed(k.name, err)
		}
		k.settle()
		return errors.Is(err, xenbus.ErrTimeout)
	}
	k.said = ""
	k.h.Found(d)
	k.settle()
	select {
	case <-d.Ending():
	case <-k.stopped:
		return false
	}
	k.h.Lost(d)
	<-d.Done()
	return d.Err() == ErrClosed
}

// await waits until a device is offered, and returns false if the search ends
// before: by the toolstack or, if all went well, by a backend that waits for a
// frontend once more. After a failure it waits for a change first.
func (k *keeper) await(well bool) bool {
	for look := well; ; look = true {
		bus, err := xenbus.Open(k.p, k.xs, class+"/"+k.name)
		if err == nil && look && bus.State() == xenbus.Initialising {
			return true
		}
		if err == nil && well && bus.BackendState() == xenbus.InitWait {
			if bus.SetState(xenbus.Initialising) == nil {
				return true
			}
			well = false
		}
		if err != nil || !well { // it has gone, or is not to be trusted
			bus = nil
		}
		k.settle()
		if !k.wait(bus) {
			return false
		}
	}
}

// wait waits until something about devices has changed or the backend of bus, if
// that is not nil, is in InitWait. It returns false if the search ends before.
func (k *keeper) wait(bus *xenbus.Device) bool {
	w := &xenstore.Watch{} // without a backend to watch its channel is never ready
	if bus != nil {
		var err error
		if w, err = bus.WatchBackend(); err != nil {
			k.h.Failed(k.name, err)
			return false
		}
		defer w.Close() // an error changes nothing
	}
	for {
		select {
		case <-k.stopped:
			return false
		case <-k.changed:
			return true
		case <-w.C:
			w.Events()
			if bus.BackendState() == xenbus.InitWait {
				return true
			}
		}
	}
}
