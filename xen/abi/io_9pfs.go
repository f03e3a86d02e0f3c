package abi

import "structs"

// NinePFSInterface is struct xen_9pfs_data_intf (io/9pfs.h, made by
// DEFINE_XEN_FLEX_RING_AND_INTF of io/ring.h) without the grant references that
// follow it. Requests go out, replies come in.
type NinePFSInterface struct {
	_         structs.HostLayout
	InCons    uint32
	InProd    uint32
	_         [56]uint8
	OutCons   uint32
	OutProd   uint32
	_         [56]uint8
	RingOrder uint32 // log₂ of the number of pages of data
}

// NinePFSRefs is where in the interface page the references are, 4 bytes each
// (offset of ref in struct xen_9pfs_data_intf).
const NinePFSRefs = 132

// NinePFSMaxOrder is the largest RingOrder whose references the page has room for
// (docs/misc/9pfs.pandoc, "Ring Setup").
const NinePFSMaxOrder = 9
