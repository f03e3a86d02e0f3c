// Package blkif is the wire format of Xen's block devices (io/blkif.h) as both
// ends see it: ring slots, pages of segments, the nodes in xenstore, and the
// names of disks.
package blkif

import (
	"errors"
	"unsafe"

	"internal/xengo/xen/abi"
)

const (
	// SectorSize is what sectors are counted in, in bytes, whatever the
	// device's sector-size is.
	SectorSize = 512

	// PageSectors is how many of them a page has.
	PageSectors = abi.PageSize / SectorSize

	// MaxDirect is the number of segments in a slot, and MaxIndirect that in a
	// page.
	MaxDirect   = abi.BlkifMaxSegmentsPerRequest
	MaxIndirect = int(abi.PageSize / unsafe.Sizeof(Segment{}))
)

// What a slot can say that makes no sense.
var (
	ErrOperation = errors.New("blkif: an unknown operation")
	ErrSegments  = errors.New("blkif: an impossible number of segments")
	ErrSegment   = errors.New("blkif: a segment is not within its page")
)

// A Segment is a part of a page that sectors are read to or written from.
type Segment = abi.BlkifRequestSegment

// SegmentOf returns the segment of the first n sectors of a page.
func SegmentOf(gref uint32, n int) Segment {
	return Segment{Gref: gref, LastSect: uint8(n - 1)}
}

// Sectors returns how many sectors a segment has; ErrSegment if it does not lie in its
// page.
func Sectors(s Segment) (int, error) {
	if s.LastSect < s.FirstSect || s.LastSect >= PageSectors {
		return 0, ErrSegment
	}
	return int(s.LastSect-s.FirstSect) + 1, nil
}

// A Request is what a slot of the ring asks for.
type Request struct {
	Op     uint8 // abi.BlkifOp*, but for BlkifOpIndirect
	Handle uint16
	ID     uint64 // echoed in the response
	Sector uint64 // where it begins, in units of 512 bytes

	Segments   []Segment // of a read or write, if it is direct
	NrSegments int       // of an indirect one
	Indirect   []uint32  // the pages that have those, 0 to 8: it is direct if there is none

	NrSectors uint64 // of a discard
	Secure    bool   // of a discard
}

// over returns a slot as another of the structures that share its memory.
func over[T any](slot *abi.BlkifRequest) *T { return (*T)(unsafe.Pointer(slot)) }

// Encode returns the slot of a request that makes sense.
func (r *Request) Encode() (slot abi.BlkifRequest) {
	switch {
	case r.Op == abi.BlkifOpDiscard:
		d := over[abi.BlkifRequestDiscard](&slot)
		*d = abi.BlkifRequestDiscard{Operation: r.Op, Handle: r.Handle, ID: r.ID, SectorNumber: r.Sector, NrSectors: r.NrSectors}
		if r.Secure {
			d.Flag = abi.BlkifDiscardSecure
		}
	case len(r.Indirect) > 0:
		i := over[abi.BlkifRequestIndirect](&slot)
		*i = abi.BlkifRequestIndirect{
			Operation: abi.BlkifOpIndirect, IndirectOp: r.Op, NrSegments: uint16(r.NrSegments),
			ID: r.ID, SectorNumber: r.Sector, Handle: r.Handle,
		}
		copy(i.IndirectGrefs[:], r.Indirect)
	default:
		slot = abi.BlkifRequest{Operation: r.Op, NrSegments: uint8(len(r.Segments)), Handle: r.Handle, ID: r.ID, SectorNumber: r.Sector}
		copy(slot.Seg[:], r.Segments)
	}
	return slot
}

// Decode returns what a slot asks for. Op and ID are set even if there is an
// error.
func Decode(slot abi.BlkifRequest) (Request, error) {
	switch slot.Operation {
	case abi.BlkifOpDiscard:
		d := over[abi.BlkifRequestDiscard](&slot)
		return Request{
			Op: d.Operation, Handle: d.Handle, ID: d.ID, Sector: d.SectorNumber,
			NrSectors: d.NrSectors, Secure: d.Flag&abi.BlkifDiscardSecure != 0,
		}, nil
	case abi.BlkifOpIndirect:
		return decodeIndirect(over[abi.BlkifRequestIndirect](&slot))
	}
	r := Request{Op: slot.Operation, Handle: slot.Handle, ID: slot.ID, Sector: slot.SectorNumber}
	n := int(slot.NrSegments)
	switch slot.Operation {
	case abi.BlkifOpRead, abi.BlkifOpWrite:
		if n == 0 {
			return r, ErrSegments
		}
	case abi.BlkifOpWriteBarrier, abi.BlkifOpFlushDiskcache:
	default:
		return r, ErrOperation
	}
	if n > MaxDirect {
		return r, ErrSegments
	}
	r.Segments = append([]Segment(nil), slot.Seg[:n]...)
	return r, nil
}

func decodeIndirect(i *abi.BlkifRequestIndirect) (Request, error) {
	r := Request{Op: i.IndirectOp, Handle: i.Handle, ID: i.ID, Sector: i.SectorNumber, NrSegments: int(i.NrSegments)}
	if r.Op != abi.BlkifOpRead && r.Op != abi.BlkifOpWrite {
		return r, ErrOperation
	}
	pages := (r.NrSegments + MaxIndirect - 1) / MaxIndirect
	if pages == 0 || pages > len(i.IndirectGrefs) {
		return r, ErrSegments
	}
	r.Indirect = append([]uint32(nil), i.IndirectGrefs[:pages]...)
	return r, nil
}

// PutSegments writes segments, at most MaxIndirect, to a page of an indirect
// request.
func PutSegments(page []byte, segments []Segment) {
	copy(unsafe.Slice((*Segment)(unsafe.Pointer(unsafe.SliceData(page[:abi.PageSize]))), MaxIndirect), segments)
}

// Segments returns a copy of the first n segments, at most MaxIndirect, of a page of
// an indirect request.
func Segments(page []byte, n int) []Segment {
	return append([]Segment(nil), unsafe.Slice((*Segment)(unsafe.Pointer(unsafe.SliceData(page[:abi.PageSize]))), n)...)
}
