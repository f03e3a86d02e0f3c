package abi

import "structs"

// Operations of block devices (io/blkif.h, BLKIF_OP_*).
const (
	BlkifOpRead           = 0
	BlkifOpWrite          = 1
	BlkifOpWriteBarrier   = 2
	BlkifOpFlushDiskcache = 3
	BlkifOpDiscard        = 5
	BlkifOpIndirect       = 6 // a read or write whose segments are in pages of their own
)

// BlkifMaxSegmentsPerRequest is the number of segments in a BlkifRequest
// (BLKIF_MAX_SEGMENTS_PER_REQUEST).
const BlkifMaxSegmentsPerRequest = 11

// BlkifMaxIndirectPagesPerRequest is the number of pages of segments that a
// BlkifRequestIndirect names (BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST).
const BlkifMaxIndirectPagesPerRequest = 8

// BlkifDiscardSecure in BlkifRequestDiscard.Flag: nothing may remain of the
// data (BLKIF_DISCARD_SECURE).
const BlkifDiscardSecure = 1 << 0

// Statuses of responses (BLKIF_RSP_*).
const (
	BlkifRspEOpNotSupp = -2
	BlkifRspError      = -1
	BlkifRspOkay       = 0
)

// Bits of a backend's node info (VDISK_*).
const (
	VDiskCDROM     = 0x1
	VDiskRemovable = 0x2
	VDiskReadonly  = 0x4
)

// XenIOProtoABIx86_64 is the value of a frontend's node protocol
// (io/protocols.h, XEN_IO_PROTO_ABI_X86_64).
const XenIOProtoABIx86_64 = "x86_64-abi"

// BlkifRequestSegment is struct blkif_request_segment: a part of a page.
// Sectors have 512 bytes.
type BlkifRequestSegment struct {
	_         structs.HostLayout
	Gref      uint32
	FirstSect uint8 // in the page
	LastSect  uint8 // in the page, and part of the segment
}

// BlkifRequest is struct blkif_request, a slot of the ring. Discards and
// indirect requests are other structures over the same memory.
type BlkifRequest struct {
	_            structs.HostLayout
	Operation    uint8
	NrSegments   uint8
	Handle       uint16
	ID           uint64 // echoed in the response
	SectorNumber uint64 // in units of 512 bytes
	Seg          [BlkifMaxSegmentsPerRequest]BlkifRequestSegment
}

// BlkifRequestDiscard is struct blkif_request_discard.
type BlkifRequestDiscard struct {
	_            structs.HostLayout
	Operation    uint8
	Flag         uint8
	Handle       uint16
	ID           uint64
	SectorNumber uint64
	NrSectors    uint64
}

// BlkifRequestIndirect is struct blkif_request_indirect.
type BlkifRequestIndirect struct {
	_             structs.HostLayout
	Operation     uint8
	IndirectOp    uint8
	NrSegments    uint16
	ID            uint64
	SectorNumber  uint64
	Handle        uint16
	IndirectGrefs [BlkifMaxIndirectPagesPerRequest]uint32
}

// BlkifResponse is struct blkif_response.
type BlkifResponse struct {
	_         structs.HostLayout
	ID        uint64
	Operation uint8
	Status    int16 // BlkifRsp*
}
