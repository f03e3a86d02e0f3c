package abi

import "structs"

// RingHeader is the fixed head of every shared ring that io/ring.h's
// DEFINE_RING_TYPES makes; the slots follow it.
type RingHeader struct {
	_        structs.HostLayout
	ReqProd  uint32
	ReqEvent uint32
	RspProd  uint32
	RspEvent uint32
	_        [48]uint8
}

// RingHeaderSize is the offset of the first slot in bytes.
const RingHeaderSize = 64
