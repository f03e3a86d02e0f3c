// Package hv is the seam between a Xen guest's kernel and everything above
// it: hypercalls, pages, event channels, and the Platform interface that
// drivers are written against.
//
// On xenpv the functions here lead to package runtime, which owns memory and
// events (runtime_xenpv.go). On a host they answer ENOSYS; there, tests give
// drivers the Platform of package xentest.
package hv

import "internal/xengo/xen/abi"

// PageSize is the size of a page, in bytes.
const PageSize = abi.PageSize

// A Port is the local number of an event channel. 0 is never a valid port.
type Port uint32

// A GrantRef is an index into the grant table.
type GrantRef uint32

// A DomID identifies a domain. 0 is dom0.
type DomID uint16

// A Frame is a page's number as Xen's interfaces want it: the machine frame
// in a PV guest, the guest frame in a PVH one.
type Frame uint64

// Self is the domain that asks (xen.h, DOMID_SELF).
const Self DomID = abi.DomIDSelf

// Memory hands out pages that may be shared with other domains.
type Memory interface {
	// AllocPages returns n zeroed pages of contiguous virtual memory. The
	// garbage collector does not look into them.
	AllocPages(n int) ([]byte, error)

	// FreePages gives back what AllocPages returned. No page of it may be
	// granted any more.
	FreePages(mem []byte)
}

// Grants lets other domains use single pages of this one.
type Grants interface {
	// Grant lets dom access the page that begins at page[0].
	Grant(dom DomID, page []byte, readOnly bool) (GrantRef, error)

	// Revoke takes a grant back. It fails with an error, and the grant
	// stays, while the other domain has the page mapped.
	Revoke(ref GrantRef) error

	// Release takes a grant back and frees its page (exactly one, from
	// AllocPages(1)). If the other domain still has it mapped, both are kept
	// aside until it does not: a page that another domain can write to is
	// never used for anything else.
	Release(ref GrantRef, page []byte)

	// ReleaseAll is Release for several pages in one allocation: mem is freed
	// when the grants of all its pages, refs, have ended. It keeps refs.
	ReleaseAll(refs []GrantRef, mem []byte)
}

// Events are event channels.
type Events interface {
	// AllocUnbound makes a port that remote may bind to, and opens it.
	AllocUnbound(remote DomID) (Port, error)

	// Notify sends an event to the other end. It is an error if there is
	// none any more.
	Notify(port Port) error

	// Bound reports whether there is another end.
	Bound(port Port) bool

	// Wait parks the calling goroutine until the port fired since Wait last
	// returned. It returns false once the port is shut. A port has at most one
	// waiter.
	Wait(port Port) bool

	// Shut ends the delivery of events: Wait returns false from now on. The
	// port's number stays taken.
	Shut(port Port)

	// ClosePort closes the port, so that its number may be given out again:
	// nobody may use it any more, in Wait least of all.
	ClosePort(port Port) error

	// Hold adds delta to the number of goroutines that wait, otherwise than
	// in Wait, for something an event will bring about. While it is not
	// zero, a program all of whose goroutines are parked is not deadlocked.
	Hold(delta int)
}

// Clock measures and waits.
type Clock interface {
	Nanotime() int64 // monotonic, ns
	Sleep(ns int64)
}

// Log takes what must be said when nobody is there to return an error to.
type Log interface {
	// Print writes a line to the kernel's console; it adds the newline.
	Print(line string)
}

// Platform is all that a driver knows of the machine.
type Platform interface {
	Memory
	Grants
	Events
	Clock
	Log
}
