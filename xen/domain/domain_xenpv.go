//go:build xenpv

package domain

import (
	"sync"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/grant"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
)

// platform is the machine itself.
type platform struct {
	*grant.Table
}

var _ hv.Platform = platform{}

func (platform) AllocPages(n int) ([]byte, error) {
	mem := hv.AllocPages(n)
	if mem == nil {
		return nil, hv.ENOMEM
	}
	return mem, nil
}

func (platform) FreePages(mem []byte) { hv.FreePages(mem) }

func (p platform) Grant(dom hv.DomID, page []byte, readOnly bool) (hv.GrantRef, error) {
	return p.Table.Grant(dom, hv.FrameOf(page), readOnly)
}

func (platform) AllocUnbound(remote hv.DomID) (hv.Port, error) {
	port, err := hv.AllocUnbound(remote)
	if err != nil {
		return 0, err
	}
	hv.OpenEvent(port)
	return port, nil
}

func (platform) Notify(port hv.Port) error { return hv.Send(port) }

func (platform) Bound(port hv.Port) bool { return hv.Bound(port) }

// Wait does not count as a reason for the program to live: a driver waits
// for as long as there is a program. Hold does, for somebody's request.
func (platform) Wait(port hv.Port) bool { return hv.WaitEvent(port, false) }

func (platform) Shut(port hv.Port) { hv.CloseEvent(port) }

func (platform) ClosePort(port hv.Port) error {
	hv.CloseEvent(port)
	return hv.Close(port)
}

func (platform) Hold(delta int)    { hv.HoldEvent(delta) }
func (platform) Nanotime() int64   { return hv.Nanotime() }
func (platform) Sleep(ns int64)    { hv.Sleep(ns) }
func (platform) Print(line string) { hv.Print(line) }

// grantFrames gets the frames of the grant table from Xen.
type grantFrames struct{}

func (grantFrames) Limit() (int, error) {
	_, limit, err := hv.QueryGrantSize()
	return limit, err
}

// Map maps frame i of the table: in a PV guest the machine frame itself, in a
// PVH guest by way of a guest frame that has no memory.
func (grantFrames) Map(i int) ([]byte, error) {
	frame := make([]hv.Frame, i+1)
	if hv.IsPV() {
		if err := hv.SetupGrantTable(frame); err != nil {
			return nil, err
		}
	} else {
		frame[i] = hv.SpareFrames(1)
		if err := hv.AddToPhysmap(abi.XenMapSpaceGrantTable, i, frame[i]); err != nil {
			return nil, err
		}
	}
	mem := hv.MapFrames(frame[i:])
	if mem == nil {
		return nil, hv.ENOMEM
	}
	return mem, nil
}

var thePlatform = sync.OnceValue(func() platform {
	return platform{grant.New(grantFrames{}, platform{}, platform{})}
})

// Platform returns the machine.
func Platform() hv.Platform { return thePlatform() }

var theStore = sync.OnceValue(func() *xenstore.Client {
	ring, port := hv.StoreRing()
	if ring != nil {
		hv.OpenEvent(port)
	}
	return xenstore.Open(thePlatform(), (*abi.XenstoreDomainInterface)(ring), port)
})

// Store returns the connection to xenstore. In a domain that the toolstack gave
// none, all that is asked of it fails with xenstore.ErrDisconnected.
func Store() *xenstore.Client { return theStore() }
