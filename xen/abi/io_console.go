package abi

import "structs"

// Sizes of the console's rings in bytes (io/console.h).
const (
	XenconsInSize  = 1024
	XenconsOutSize = 2048
)

// XenconsInterface is struct xencons_interface. In goes to the guest. Indices
// run freely; an index into a ring is its value modulo the ring's size.
type XenconsInterface struct {
	_       structs.HostLayout
	In      [XenconsInSize]uint8
	Out     [XenconsOutSize]uint8
	InCons  uint32
	InProd  uint32
	OutCons uint32
	OutProd uint32
}
