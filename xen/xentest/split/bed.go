// Package split is what tests of split drivers share: a guest that is connected to
// xenstore, and the part of a simulated backend that goes through xenbus.
package split

import (
	"testing"

	"internal/xengo/xen/xenstore"
	"internal/xengo/xen/xentest"
)

// A Bed is a guest with a connection to xenstore, and the dom0 beside it.
type Bed struct {
	Guest, Dom0 *xentest.Domain
	Store       *xentest.Store
	XS          *xenstore.Client
}

// New makes a bed. When the test ends, nothing of either domain may be left.
func New(t testing.TB) *Bed {
	x := xentest.New(t)
	b := &Bed{Guest: x.Domain(3), Dom0: x.Domain(0)}
	b.Store = xentest.NewStore(b.Dom0)
	page, port, conn := b.Store.Connect(b.Guest, 0)
	b.XS = xenstore.Open(b.Guest, page, port)
	t.Cleanup(func() {
		b.Guest.ClosePort(port)
		conn.Close()
		b.Guest.CheckClean()
		b.Dom0.CheckClean()
	})
	return b
}

// Settle waits until the guest has back what its devices' backends still had when
// they were closed.
func (b *Bed) Settle() {
	for b.Guest.Deferred() > 0 {
		b.Guest.Sleep(1e7)
	}
}

// Clean closes a device and its backend when the test ends, before the bed is taken
// down.
func (b *Bed) Clean(t testing.TB, device interface{ Close() error }, back interface{ Detach() }) {
	t.Cleanup(func() {
		device.Close() // tests look at the error where it matters
		back.Detach()
		b.Settle() // the device was faster than the backend
	})
}
