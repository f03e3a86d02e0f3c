// Package ring is the shared ring of Xen's split drivers (io/ring.h): request
// and response slots in one page or several, and four indices. Front is the side
// that makes requests, Back the one that answers.
//
// Neither side believes the other. Indices of one's own are kept in private
// memory and only published; the other's are read once and compared with what
// they can be; a slot is copied out before anyone looks at it (XSA-155).
//
// Indices run freely through 32 bits; a slot's number is its index modulo the
// ring's size, a power of two.
//
// # Ordering
//
// sync/atomic gives what ring.h asks for: a Store of an index publishes the
// slots written before it (wmb), a Load of the peer's index comes before reads
// of its slots (rmb), and since stores are sequentially consistent with loads,
// Push's store of the producer index comes before its load of the peer's event
// index, as does the final check's the other way round (mb). One of the two
// sides hence sees the other's store, and no wakeup is lost.
//
// A Front or Back is not safe for concurrent use.
package ring

import (
	"errors"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"internal/xengo/xen/abi"
)

// ErrOverrun means that the peer claims to have produced more than fits or
// was asked for, or that its index went backwards. The ring is not to be used
// any more.
var ErrOverrun = errors.New("xen: ring: the peer's producer index is out of bounds")

// shared is the ring's memory and its geometry.
type shared struct {
	hdr   *abi.RingHeader
	slots unsafe.Pointer
	slot  uintptr // bytes per slot
	size  uint32  // number of slots
}

// attach lays a ring with slots for the types Req and Rsp over pages.
func attach[Req, Rsp any](pages []byte) shared {
	var (
		req Req
		rsp Rsp
	)
	slot := max(unsafe.Sizeof(req), unsafe.Sizeof(rsp))
	_ = pages[abi.PageSize-1] // less than a page would put slots outside
	return shared{
		hdr:   (*abi.RingHeader)(unsafe.Pointer(&pages[0])),
		slots: unsafe.Pointer(&pages[abi.RingHeaderSize]),
		slot:  slot,
		size:  Size(uintptr(len(pages)), slot),
	}
}

// Size returns the number of slots in a ring of that many bytes whose larger
// slot type has slot bytes (ring.h, __RING_SIZE): the largest power of two that
// fits.
func Size(bytes, slot uintptr) uint32 {
	n := uint32((bytes - abi.RingHeaderSize) / slot)
	return 1 << (bits.Len32(n) - 1)
}

// at returns the address of the slot with that index.
func (s *shared) at(index uint32) unsafe.Pointer {
	return unsafe.Add(s.slots, uintptr(index&(s.size-1))*s.slot)
}

// Front is the requesting side of a ring.
type Front[Req, Rsp any] struct {
	shared
	reqProd uint32 // index of the next request
	pushed  uint32 // requests before it have been published
	rspCons uint32 // index of the next response
}

// NewFront initialises pages, which the peer cannot access yet, as a ring.
func NewFront[Req, Rsp any](pages []byte) *Front[Req, Rsp] {
	return NewFrontAt[Req, Rsp](pages, 0)
}

// NewFrontAt is NewFront with indices that begin elsewhere than at 0; the
// peer's have to begin there too.
func NewFrontAt[Req, Rsp any](pages []byte, index uint32) *Front[Req, Rsp] {
	f := &Front[Req, Rsp]{attach[Req, Rsp](pages), index, index, index}
	atomic.StoreUint32(&f.hdr.ReqProd, index)
	atomic.StoreUint32(&f.hdr.RspProd, index)
	atomic.StoreUint32(&f.hdr.ReqEvent, index+1)
	atomic.StoreUint32(&f.hdr.RspEvent, index+1)
	return f
}

// Size returns the number of slots.
func (f *Front[Req, Rsp]) Size() int { return int(f.size) }

// Free returns how many more requests fit before responses are consumed.
func (f *Front[Req, Rsp]) Free() int { return int(f.size - (f.reqProd - f.rspCons)) }

// Next returns the index that the next request will have.
func (f *Front[Req, Rsp]) Next() uint32 { return f.reqProd }

// Put writes a request into the next slot. The caller has seen that Free is
// not 0. The peer does not see it before Push.
func (f *Front[Req, Rsp]) Put(req Req) {
	*(*Req)(f.at(f.reqProd)) = req
	f.reqProd++
}

// Push publishes the requests that were Put, and reports whether the peer
// wants to be notified.
func (f *Front[Req, Rsp]) Push() (notify bool) {
	old := f.pushed
	f.pushed = f.reqProd
	atomic.StoreUint32(&f.hdr.ReqProd, f.reqProd)
	return crossed(old, f.reqProd, atomic.LoadUint32(&f.hdr.ReqEvent))
}

// crossed reports whether event lies in (old, new], modulo 2³².
func crossed(old, new, event uint32) bool { return new-event < new-old }

// Pending returns how many responses there are to Get.
func (f *Front[Req, Rsp]) Pending() (int, error) {
	n := atomic.LoadUint32(&f.hdr.RspProd) - f.rspCons
	if n > f.pushed-f.rspCons {
		return 0, ErrOverrun
	}
	return int(n), nil
}

// Get returns a copy of the next response and consumes it. The caller has
// seen that Pending is not 0.
func (f *Front[Req, Rsp]) Get() Rsp {
	rsp := *(*Rsp)(f.at(f.rspCons))
	f.rspCons++
	return rsp
}

// NextResponse returns the index of the response that Get will return.
func (f *Front[Req, Rsp]) NextResponse() uint32 { return f.rspCons }

// FinalCheck asks for an event with the next response and returns how many
// there are by now. If it returns 0, an event will come.
func (f *Front[Req, Rsp]) FinalCheck() (int, error) { return f.Arm(1) }

// Arm asks for an event once n more responses have been produced, and returns
// how many there are to Get by now. If that is fewer than n, an event will
// come.
func (f *Front[Req, Rsp]) Arm(n int) (int, error) {
	atomic.StoreUint32(&f.hdr.RspEvent, f.rspCons+uint32(n))
	return f.Pending()
}

// Back is the answering side of a ring.
type Back[Req, Rsp any] struct {
	shared
	reqCons uint32 // index of the next request
	rspProd uint32 // index of the next response
	pushed  uint32 // responses before it have been published
}

// NewBack uses a ring that the other side has initialised.
func NewBack[Req, Rsp any](pages []byte) *Back[Req, Rsp] { return NewBackAt[Req, Rsp](pages, 0) }

// NewBackAt is NewBack for a ring whose indices begin elsewhere than at 0.
func NewBackAt[Req, Rsp any](pages []byte, index uint32) *Back[Req, Rsp] {
	return &Back[Req, Rsp]{attach[Req, Rsp](pages), index, index, index}
}

// Pending returns how many requests there are to Get.
func (b *Back[Req, Rsp]) Pending() (int, error) {
	prod := atomic.LoadUint32(&b.hdr.ReqProd)
	// What was taken and not yet answered still occupies its slots.
	if n := prod - b.reqCons; n <= b.size-(b.reqCons-b.rspProd) {
		return int(n), nil
	}
	return 0, ErrOverrun
}

// Get returns a copy of the next request and consumes it. The caller has seen
// that Pending is not 0.
func (b *Back[Req, Rsp]) Get() Req {
	req := *(*Req)(b.at(b.reqCons))
	b.reqCons++
	return req
}

// Put writes a response into the next slot. There is room for one for every
// request that was got.
func (b *Back[Req, Rsp]) Put(rsp Rsp) {
	*(*Rsp)(b.at(b.rspProd)) = rsp
	b.rspProd++
}

// Push publishes the responses that were Put, and reports whether the peer
// wants to be notified.
func (b *Back[Req, Rsp]) Push() (notify bool) {
	old := b.pushed
	b.pushed = b.rspProd
	atomic.StoreUint32(&b.hdr.RspProd, b.rspProd)
	return crossed(old, b.rspProd, atomic.LoadUint32(&b.hdr.RspEvent))
}

// FinalCheck asks for an event with the next request and returns how many
// there are by now. If it returns 0, an event will come.
func (b *Back[Req, Rsp]) FinalCheck() (int, error) { return b.Arm(1) }

// Arm asks for an event once there are n requests to Get, and returns how many
// there are by now. If that is fewer than n, an event will come.
func (b *Back[Req, Rsp]) Arm(n int) (int, error) {
	atomic.StoreUint32(&b.hdr.ReqEvent, b.reqCons+uint32(n))
	return b.Pending()
}

// Forge publishes any producer index at all, as a hostile peer may. For tests.
func (b *Back[Req, Rsp]) Forge(rspProd uint32) { atomic.StoreUint32(&b.hdr.RspProd, rspProd) }
