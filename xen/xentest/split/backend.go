package split

import (
	"strconv"
	"sync"

	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest"
)

// A Backend is the part of a simulated backend that goes through xenbus. Those of
// the drivers embed it.
type Backend struct {
	TB          xentest.TB
	Dom0, Guest *xentest.Domain
	Store       *xentest.Store
	Front, Back string         // directories
	Workers     sync.WaitGroup // what Wait waits for

	events chan struct{} // the frontend's state may have changed
}

// NewBackend creates the device name of a class ("vif") of guest's, with nodes in
// the directory of each end, in the state in which a toolstack leaves it.
func NewBackend(tb xentest.TB, store *xentest.Store, dom0, guest *xentest.Domain, class, name string, back, front map[string]string) *Backend {
	id := strconv.Itoa(int(guest.ID))
	b := &Backend{
		TB: tb, Dom0: dom0, Guest: guest, Store: store,
		Front:  "/local/domain/" + id + "/device/" + class + "/" + name,
		Back:   "/local/domain/0/backend/" + class + "/" + id + "/" + name,
		events: make(chan struct{}, 1),
	}
	for k, v := range back {
		b.SetNode(k, v)
	}
	b.SetState(xenbus.Initialising)
	for k, v := range map[string]string{"backend": b.Back, "backend-id": "0"} {
		store.Write(b.Front+"/"+k, v)
	}
	for k, v := range front {
		store.Write(b.Front+"/"+k, v)
	}
	store.Write(b.Front+"/state", "1")
	b.SetState(xenbus.InitWait)
	store.Watch(b.Front+"/state", func(string) {
		select {
		case b.events <- struct{}{}:
		default:
		}
	})
	return b
}

// Follow calls react with the frontend's state whenever that may have changed, until
// react returns false or the frontend has gone.
func (b *Backend) Follow(react func(s xenbus.State) bool) {
	for range b.events {
		s, ok := b.Store.Read(b.Front + "/state")
		if !ok || !react(xenbus.ParseState(s)) {
			return
		}
	}
}

// Usual returns a reaction for Follow: the backend attaches when the frontend is in
// the state offered, and lets go when that closes.
func (b *Backend) Usual(offered xenbus.State, attach func() (connected bool), detach func()) func(s xenbus.State) bool {
	return func(s xenbus.State) bool {
		switch s {
		case offered:
			if attach() {
				b.SetState(xenbus.Connected)
			}
		case xenbus.Closing, xenbus.Closed:
			detach()
			b.SetState(s)
		}
		return s != xenbus.Closed
	}
}

// Wait waits until the frontend has closed.
func (b *Backend) Wait() { b.Workers.Wait() }

// SetState sets the backend's state, as a toolstack or a whim might.
func (b *Backend) SetState(s xenbus.State) { b.SetNode("state", strconv.Itoa(int(s))) }

// SetNode sets a node of the backend's.
func (b *Backend) SetNode(key, value string) { b.Store.Write(b.Back+"/"+key, value) }

// FrontState returns the frontend's state.
func (b *Backend) FrontState() xenbus.State {
	s, _ := b.Store.Read(b.Front + "/state")
	return xenbus.ParseState(s)
}

// Remove removes the device's directories.
func (b *Backend) Remove() {
	b.Store.Remove(b.Front)
	b.Store.Remove(b.Back)
}
