package abi

import "structs"

// Commands of memory_op (memory.h, XENMEM_*).
const (
	XenMemIncreaseReservation = 0
	XenMemDecreaseReservation = 1
	XenMemMaximumRAMPage      = 2
	XenMemCurrentReservation  = 3
	XenMemMaximumReservation  = 4
	XenMemMachphysMFNList     = 5
	XenMemPopulatePhysmap     = 6
	XenMemAddToPhysmap        = 7
	XenMemMemoryMap           = 9
	XenMemExchange            = 11
	XenMemMachphysMapping     = 12
	XenMemMaximumGPFN         = 14
	XenMemRemoveFromPhysmap   = 15
	XenMemAddToPhysmapBatch   = 23
)

// XenMemoryReservation is struct xen_memory_reservation.
type XenMemoryReservation struct {
	_           structs.HostLayout
	ExtentStart uintptr // address of NrExtents frame numbers (uint64)
	NrExtents   uint64
	ExtentOrder uint32 // log2 of pages per extent
	MemFlags    uint32
	DomID       uint16
	_           [6]uint8
}

// XenMemoryExchange is struct xen_memory_exchange.
type XenMemoryExchange struct {
	_           structs.HostLayout
	In          XenMemoryReservation
	Out         XenMemoryReservation
	NrExchanged uint64 // 0 before the first call
}

// XenMemoryDomain is struct xen_memory_domain.
type XenMemoryDomain struct {
	_     structs.HostLayout
	DomID uint16
}

// XenMachphysMapping is struct xen_machphys_mapping, all results.
type XenMachphysMapping struct {
	_      structs.HostLayout
	VStart uint64
	VEnd   uint64
	MaxMFN uint64
}

// What XenAddToPhysmap maps (memory.h, XENMAPSPACE_*).
const (
	XenMapSpaceSharedInfo = 0
	XenMapSpaceGrantTable = 1
)

// XenMapIdxGrantTableStatus in XenAddToPhysmap.Idx selects status frames.
const XenMapIdxGrantTableStatus = 0x80000000

// XenAddToPhysmap is struct xen_add_to_physmap.
type XenAddToPhysmap struct {
	_     structs.HostLayout
	DomID uint16
	Size  uint16 // pages, for ranges
	Space uint32 // XenMapSpace*
	Idx   uint64 // index into the space
	GPFN  uint64 // guest frame where it shall appear
}

// XenRemoveFromPhysmap is struct xen_remove_from_physmap.
type XenRemoveFromPhysmap struct {
	_     structs.HostLayout
	DomID uint16
	_     [6]uint8
	GPFN  uint64
}

// XenMemoryMap is struct xen_memory_map.
type XenMemoryMap struct {
	_         structs.HostLayout
	NrEntries uint32 // room in Buffer; on return, entries written
	_         uint32
	Buffer    uintptr // of E820Entry
}

// E820Entry is struct e820entry (hvm/e820.h and xen/include/xen/e820.h): 20
// bytes, so its 64-bit members are kept as pairs, low half first.
type E820Entry struct {
	_    structs.HostLayout
	Addr [2]uint32
	Size [2]uint32
	Type uint32 // 1 is RAM
}
