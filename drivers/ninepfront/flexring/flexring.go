// Package flexring is the pair of byte rings of Xen's 9pfs (io/ring.h,
// DEFINE_XEN_FLEX_RING_AND_INTF; docs/misc/9pfs.pandoc): a stream in each
// direction, through one half each of some pages, and a page of indices.
//
// Neither side believes the other: indices of one's own are kept in private
// memory and only published, the other's are read once and compared with what
// they can be, and bytes are copied out before anyone looks at them (XSA-155).
//
// Indices run freely through 32 bits; a byte's place is its index modulo the
// ring's size, a power of two. Storing an index publishes the bytes before it,
// and loading the peer's comes before reading them, as sync/atomic has it.
//
// A Reader or Writer is not safe for concurrent use.
package flexring

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"internal/xengo/xen/abi"
)

// ErrOverrun means that the peer claims to have written more than there is room
// for, or read more than there was. The ring is not to be used any more.
var ErrOverrun = errors.New("xen: flexring: the peer's index is out of bounds")

// Interface returns the indices in an interface page.
func Interface(page []byte) *abi.NinePFSInterface {
	_ = page[abi.PageSize-1]
	return (*abi.NinePFSInterface)(unsafe.Pointer(&page[0]))
}

// Refs returns where an interface page has the references of the data's pages.
func Refs(page []byte, n int) []uint32 {
	_ = page[abi.NinePFSRefs+4*n-1]
	return unsafe.Slice((*uint32)(unsafe.Pointer(&page[abi.NinePFSRefs])), n)
}

// ring is one direction.
type ring struct {
	pages [][]byte
	size  uint32 // bytes, a power of two
}

func newRing(pages [][]byte) ring { return ring{pages, uint32(len(pages)) * abi.PageSize} }

// at returns the bytes from an index up to the end of its page.
func (r *ring) at(index uint32) []byte {
	i := index & (r.size - 1)
	return r.pages[i/abi.PageSize][i%abi.PageSize:]
}

// Writer is the writing side of a ring.
type Writer struct {
	ring
	prod       uint32 // index of the next byte
	sharedProd *uint32
	sharedCons *uint32
}

// NewWriter returns the writing side of the ring of pages, a power of two of them,
// with indices that begin at index.
func NewWriter(prod, cons *uint32, pages [][]byte, index uint32) *Writer {
	return &Writer{newRing(pages), index, prod, cons}
}

// Size returns the ring's size in bytes.
func (w *Writer) Size() int { return int(w.size) }

// Room returns how many bytes can be written.
func (w *Writer) Room() (int, error) {
	used := w.prod - atomic.LoadUint32(w.sharedCons)
	if used > w.size {
		return 0, ErrOverrun
	}
	return int(w.size - used), nil
}

// Write copies p, for which there is room, into the ring. The peer does not see
// it before Publish.
func (w *Writer) Write(p []byte) {
	for len(p) > 0 {
		n := copy(w.at(w.prod), p)
		w.prod += uint32(n)
		p = p[n:]
	}
}

// Publish lets the peer see what was written.
func (w *Writer) Publish() { atomic.StoreUint32(w.sharedProd, w.prod) }

// Forge publishes any index at all, as a hostile peer may. For tests.
func (w *Writer) Forge(prod uint32) { atomic.StoreUint32(w.sharedProd, prod) }

// Reader is the reading side of a ring.
type Reader struct {
	ring
	cons       uint32 // index of the next byte
	sharedProd *uint32
	sharedCons *uint32
}

// NewReader returns the reading side of the ring of pages.
func NewReader(prod, cons *uint32, pages [][]byte, index uint32) *Reader {
	return &Reader{newRing(pages), index, prod, cons}
}

// Size returns the ring's size in bytes.
func (r *Reader) Size() int { return int(r.size) }

// Available returns how many bytes there are to read.
func (r *Reader) Available() (int, error) {
	n := atomic.LoadUint32(r.sharedProd) - r.cons
	if n > r.size {
		return 0, ErrOverrun
	}
	return int(n), nil
}

// Read fills p, for which there are enough bytes. Their room is the peer's again
// after Release.
func (r *Reader) Read(p []byte) {
	for len(p) > 0 {
		n := copy(p, r.at(r.cons))
		r.cons += uint32(n)
		p = p[n:]
	}
}

// Peek returns the next n bytes, which are there, and leaves them. For tests.
func (r *Reader) Peek(n int) []byte {
	again := *r
	p := make([]byte, n)
	again.Read(p)
	return p
}

// Release gives the room of what was read back to the peer.
func (r *Reader) Release() { atomic.StoreUint32(r.sharedCons, r.cons) }

// Forge publishes any index at all, as a hostile peer may. For tests.
func (r *Reader) Forge(cons uint32) { atomic.StoreUint32(r.sharedCons, cons) }
