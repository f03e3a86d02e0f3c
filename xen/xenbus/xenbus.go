// Package xenbus is how the two ends of a split device find each other and
// agree, through xenstore (io/xenbus.h):
// each end has a directory with a state, and watches the other's.
package xenbus

import (
	"cmp"
	"errors"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
)

var (
	// ErrTimeout means that the other end did not do its part in time.
	ErrTimeout = errors.New("xenbus: the backend did not answer in time")

	// ErrGone means that the device's directory has disappeared.
	ErrGone = errors.New("xenbus: the device is gone")

	// ErrValue means that a node has a value that makes no sense.
	ErrValue = errors.New("xenbus: a node has an impossible value")
)

// A State is the state of one end of a device (enum xenbus_state).
type State uint32

// States, in the order in which a device usually passes through them.
const (
	Unknown       State = abi.XenbusStateUnknown
	Initialising  State = abi.XenbusStateInitialising
	InitWait      State = abi.XenbusStateInitWait
	Initialised   State = abi.XenbusStateInitialised
	Connected     State = abi.XenbusStateConnected
	Closing       State = abi.XenbusStateClosing
	Closed        State = abi.XenbusStateClosed
	Reconfiguring State = abi.XenbusStateReconfiguring
	Reconfigured  State = abi.XenbusStateReconfigured
)

var stateNames = [...]string{
	"Unknown", "Initialising", "InitWait", "Initialised", "Connected", "Closing", "Closed", "Reconfiguring", "Reconfigured",
}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "state " + ascii.Utoa(uint64(s))
}

// Ended reports whether an end in this state has let go of the device, or is about
// to.
func (s State) Ended() bool { return s == Closing || s == Closed || s == Unknown }

// ParseState parses the value of a state node. What is not one is Unknown.
func ParseState(s string) State {
	n, ok := ascii.ParseUint(s, uint64(Reconfigured))
	if !ok {
		return Unknown
	}
	return State(n)
}

// A Device is the frontend's end of a device.
type Device struct {
	xs    *xenstore.Client
	clock Clock

	Path      string   // of this end, as in "device/vif/0"
	Backend   string   // path of the other end
	BackendID hv.DomID // the domain the other end is in
}

// Clock is what of hv.Clock and hv.Events is used here.
type Clock interface {
	Sleep(ns int64)
	Hold(delta int)
}

// Open finds the other end of the device at path.
func Open(clock Clock, xs *xenstore.Client, path string) (*Device, error) {
	d := &Device{xs: xs, clock: clock, Path: path}
	var err error
	if d.Backend, err = xs.Read(path + "/backend"); err != nil {
		return nil, err
	}
	id, err := xs.Read(path + "/backend-id")
	if err != nil {
		return nil, err
	}
	n, ok := ascii.ParseUint(id, abi.DomIDFirstReserved-1)
	if !ok || !ascii.HasPrefix(d.Backend, "/") {
		return nil, ErrValue
	}
	d.BackendID = hv.DomID(n)
	return d, nil
}

// Devices returns the names of the devices of a class, as "0" of class "vif".
// There are none if the class has no directory.
func Devices(xs *xenstore.Client, class string) ([]string, error) {
	names, err := xs.List("device/" + class)
	if errors.Is(err, hv.ENOENT) {
		return nil, nil
	}
	return names, err
}

// Read returns a node of this end.
func (d *Device) Read(key string) (string, error) { return d.xs.Read(d.Path + "/" + key) }

// ReadBackend returns a node of the other end.
func (d *Device) ReadBackend(key string) (string, error) { return d.xs.Read(d.Backend + "/" + key) }

// BackendFeature returns the number in a node of the other end; a node that is
// missing, or no number, counts as 0, the absence of a feature.
func (d *Device) BackendFeature(key string) uint64 {
	s, err := d.ReadBackend(key)
	if err != nil {
		return 0
	}
	n, _ := ascii.ParseUint(s, 1<<32-1)
	return n
}

// State returns the state of this end, Unknown if there is none.
func (d *Device) State() State { return d.stateAt(d.Path) }

// BackendState returns the state of the other end, Unknown if there is none.
func (d *Device) BackendState() State { return d.stateAt(d.Backend) }

func (d *Device) stateAt(path string) State {
	s, err := d.xs.Read(path + "/state")
	if err != nil {
		return Unknown
	}
	return ParseState(s)
}

// SetState sets the state of this end. It returns ErrGone rather than bring
// back a directory that the toolstack has removed.
func (d *Device) SetState(s State) error {
	return d.Publish(func(set func(key, value string) error) error {
		return set("state", ascii.Utoa(uint64(s)))
	})
}

// Publish lets f set nodes of this end, all at once. It returns ErrGone if
// this end does not exist.
func (d *Device) Publish(f func(set func(key, value string) error) error) error {
	return d.xs.Transact(func(tx *xenstore.Tx) error {
		if _, err := tx.Read(d.Path + "/state"); err != nil {
			if errors.Is(err, hv.ENOENT) {
				return ErrGone
			}
			return err
		}
		return f(func(key, value string) error { return tx.Write(d.Path+"/"+key, value) })
	})
}

// Offer publishes what f sets, goes to the state s, and waits until the other end
// uses it. It reports false if that closes instead. A backend connects at once or, if
// it waits for a hotplug script, when that has run.
func (d *Device) Offer(f func(set func(key, value string) error) error, s State, timeout int64) (connected bool, err error) {
	if err := d.Publish(f); err != nil {
		return false, err
	}
	if err := d.SetState(s); err != nil {
		return false, err
	}
	settled := func(s State) bool { return s >= Connected || s == Unknown }
	got, err := d.WaitBackend(settled, timeout)
	return got == Connected, err
}

// Leave goes through Closing to Closed, and gives the other end timeout
// nanoseconds to follow each. That it does not, or that the device's directory has
// gone, changes nothing any more.
func (d *Device) Leave(timeout int64) error {
	err := d.leave(Closing, State.Ended, timeout)
	then := d.leave(Closed, func(s State) bool { return s == Closed || s == Unknown }, timeout)
	return cmp.Or(err, then)
}

func (d *Device) leave(s State, followed func(State) bool, timeout int64) error {
	err := d.SetState(s)
	if err == nil {
		_, err = d.WaitBackend(followed, timeout)
	}
	if errors.Is(err, ErrGone) || err == ErrTimeout {
		return nil
	}
	return err
}

// Fail leaves the reason for a failure where tools look for it, as Linux does
// (xenbus_client.c, xenbus_va_dev_error). That it may not be written is no
// further error.
func (d *Device) Fail(err error) { d.xs.Write("error/"+d.Path+"/error", err.Error()) }

// WatchBackend watches the state of the other end.
func (d *Device) WatchBackend() (*xenstore.Watch, error) { return d.WatchBackendNode("state") }

// WatchBackendNode watches a node of the other end.
func (d *Device) WatchBackendNode(key string) (*xenstore.Watch, error) {
	return d.xs.Watch(d.Backend + "/" + key)
}

// WaitBackend waits until the state of the other end is one that ok accepts,
// and returns that. It gives up after timeout nanoseconds.
func (d *Device) WaitBackend(ok func(State) bool, timeout int64) (State, error) {
	w, err := d.WatchBackend()
	if err != nil {
		return Unknown, err
	}
	defer w.Close()
	d.clock.Hold(+1)
	defer d.clock.Hold(-1)
	late := After(d.clock, timeout)
	for {
		select {
		case <-w.C:
			w.Events()
			if s := d.BackendState(); ok(s) {
				return s, nil
			}
		case <-late:
			return d.BackendState(), ErrTimeout
		}
	}
}

// After returns a channel that is closed after ns nanoseconds.
func After(clock interface{ Sleep(ns int64) }, ns int64) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		clock.Sleep(ns)
		close(c)
	}()
	return c
}
