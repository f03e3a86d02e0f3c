package xentest

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
)

const grantsPerFrame = hv.PageSize / 8

// tableFrames gives a domain's grant.Table its memory.
type tableFrames struct{ d *Domain }

func (f tableFrames) Limit() (int, error) { return f.d.GrantFrames, nil }

func (f tableFrames) Map(i int) ([]byte, error) {
	d := f.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if i >= d.GrantFrames {
		return nil, hv.EINVAL
	}
	for len(d.granted) <= i {
		mem := make([]uint64, hv.PageSize/8)
		d.granted = append(d.granted, unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), hv.PageSize))
	}
	return d.granted[i], nil
}

// Grant implements hv.Grants.
func (d *Domain) Grant(dom hv.DomID, page []byte, readOnly bool) (hv.GrantRef, error) {
	return d.Table.Grant(dom, d.FrameOf(page), readOnly)
}

// entry returns both words of a grant entry, or nil.
func (d *Domain) entry(ref hv.GrantRef) *[2]uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := int(ref) / grantsPerFrame
	if i >= len(d.granted) {
		return nil
	}
	return (*[2]uint32)(unsafe.Pointer(&d.granted[i][int(ref)%grantsPerFrame*8]))
}

// grantOf returns the reference by which frame is granted.
func (d *Domain) grantOf(frame hv.Frame) (hv.GrantRef, bool) {
	for ref := range d.active {
		if e := d.entry(ref); atomic.LoadUint32(&e[1]) == uint32(frame) {
			return ref, true
		}
	}
	return 0, false
}

// active yields the references that are granted.
func (d *Domain) active(yield func(hv.GrantRef) bool) {
	for ref := hv.GrantRef(0); ; ref++ {
		e := d.entry(ref)
		if e == nil {
			return
		}
		if atomic.LoadUint32(&e[0])&abi.GTFTypeMask != abi.GTFInvalid && !yield(ref) {
			return
		}
	}
}

// ActiveGrants returns how many grants there are.
func (d *Domain) ActiveGrants() int {
	n := 0
	for range d.active {
		n++
	}
	return n
}

// A Mapping is a page of another domain that this one has mapped.
type Mapping struct {
	Mem []byte

	owner *Domain
	ref   hv.GrantRef
	bits  uint32
}

// Map maps a page that domain dom granted to d.
func (d *Domain) Map(dom hv.DomID, ref hv.GrantRef, readOnly bool) (*Mapping, error) {
	owner := d.xen.domain(dom)
	if owner == nil {
		return nil, hv.GrantStatus(abi.GNTSTBadDomain)
	}
	e := owner.entry(ref)
	if e == nil {
		return nil, hv.GrantStatus(abi.GNTSTBadGntref)
	}
	bits := uint32(abi.GTFReading)
	if !readOnly {
		bits |= abi.GTFWriting
	}
	owner.mu.Lock()
	defer owner.mu.Unlock()
	for {
		old := atomic.LoadUint32(&e[0])
		if old&abi.GTFTypeMask != abi.GTFPermitAccess || hv.DomID(old>>16) != d.ID {
			return nil, hv.GrantStatus(abi.GNTSTBadGntref)
		}
		if old&abi.GTFReadOnly != 0 && !readOnly {
			return nil, hv.GrantStatus(abi.GNTSTGeneralError)
		}
		if atomic.CompareAndSwapUint32(&e[0], old, old|bits) {
			break
		}
	}
	owner.pins[ref]++
	frame := hv.Frame(atomic.LoadUint32(&e[1]))
	d.xen.mu.Lock()
	mem := d.xen.pages[frame]
	d.xen.mu.Unlock()
	if mem == nil {
		panic(fmt.Sprintf("xentest: grant %d is of frame %#x, which does not exist", ref, frame))
	}
	return &Mapping{mem, owner, ref, bits}, nil
}

// Unmap undoes Map.
func (m *Mapping) Unmap() {
	m.owner.mu.Lock()
	defer m.owner.mu.Unlock()
	m.Mem = nil
	if m.owner.pins[m.ref]--; m.owner.pins[m.ref] > 0 {
		return
	}
	delete(m.owner.pins, m.ref)
	i := int(m.ref)
	e := (*[2]uint32)(unsafe.Pointer(&m.owner.granted[i/grantsPerFrame][i%grantsPerFrame*8]))
	atomic.AndUint32(&e[0], ^uint32(abi.GTFReading|abi.GTFWriting))
}
