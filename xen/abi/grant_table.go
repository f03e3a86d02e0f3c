package abi

import "structs"

// GrantEntryV1 is struct grant_entry_v1, eight bytes that Xen and the domain
// share. Fill DomID and Frame, then a write barrier, then Flags.
type GrantEntryV1 struct {
	_     structs.HostLayout
	Flags uint16 // GTF*
	DomID uint16 // who is granted access
	Frame uint32 // which page
}

// GnttabReservedEntries is the number of references with a fixed meaning
// (GNTTAB_NR_RESERVED_ENTRIES).
const (
	GnttabReservedEntries  = 8
	GnttabReservedConsole  = 0
	GnttabReservedXenstore = 1
)

// Bits of GrantEntryV1.Flags (GTF_*).
const (
	GTFInvalid        = 0
	GTFPermitAccess   = 1
	GTFAcceptTransfer = 2
	GTFTransitive     = 3
	GTFTypeMask       = 3
	GTFReadOnly       = 1 << 2
	GTFReading        = 1 << 3 // set by Xen: mapped for reading
	GTFWriting        = 1 << 4 // set by Xen: mapped for writing
	GTFSubPage        = 1 << 8
)

// Commands of grant_table_op (GNTTABOP_*).
const (
	GnttabOpMapGrantRef     = 0
	GnttabOpUnmapGrantRef   = 1
	GnttabOpSetupTable      = 2
	GnttabOpDumpTable       = 3
	GnttabOpTransfer        = 4
	GnttabOpCopy            = 5
	GnttabOpQuerySize       = 6
	GnttabOpUnmapAndReplace = 7
	GnttabOpSetVersion      = 8
	GnttabOpGetStatusFrames = 9
	GnttabOpGetVersion      = 10
	GnttabOpSwapGrantRef    = 11
	GnttabOpCacheFlush      = 12
)

// GnttabSetupTable is struct gnttab_setup_table.
type GnttabSetupTable struct {
	_         structs.HostLayout
	Dom       uint16
	_         uint16
	NrFrames  uint32
	Status    int16 // result, GNTST*
	_         [6]uint8
	FrameList uintptr // of NrFrames frame numbers (uint64), result
}

// GnttabQuerySize is struct gnttab_query_size.
type GnttabQuerySize struct {
	_           structs.HostLayout
	Dom         uint16
	_           uint16
	NrFrames    uint32 // results
	MaxNrFrames uint32
	Status      int16 // GNTST*
	_           uint16
}

// GnttabSetVersion is struct gnttab_set_version.
type GnttabSetVersion struct {
	_       structs.HostLayout
	Version uint32
}

// GnttabGetVersion is struct gnttab_get_version.
type GnttabGetVersion struct {
	_       structs.HostLayout
	Dom     uint16
	_       uint16
	Version uint32 // result
}

// GnttabMapGrantRef is struct gnttab_map_grant_ref.
type GnttabMapGrantRef struct {
	_          structs.HostLayout
	HostAddr   uint64
	Flags      uint32 // GntMap*
	Ref        uint32
	Dom        uint16
	Status     int16  // result, GNTST*
	Handle     uint32 // result
	DevBusAddr uint64 // result
}

// GnttabUnmapGrantRef is struct gnttab_unmap_grant_ref.
type GnttabUnmapGrantRef struct {
	_          structs.HostLayout
	HostAddr   uint64
	DevBusAddr uint64
	Handle     uint32
	Status     int16 // result, GNTST*
	_          uint16
}

// Flags of GnttabMapGrantRef (GNTMAP_*).
const (
	GntMapDeviceMap   = 1 << 0
	GntMapHostMap     = 1 << 1
	GntMapReadOnly    = 1 << 2
	GntMapContainsPTE = 1 << 4
)

// Statuses of grant operations (GNTST_*).
const (
	GNTSTOkay             = 0
	GNTSTGeneralError     = -1
	GNTSTBadDomain        = -2
	GNTSTBadGntref        = -3
	GNTSTBadHandle        = -4
	GNTSTBadVirtAddr      = -5
	GNTSTBadDevAddr       = -6
	GNTSTNoDeviceSpace    = -7
	GNTSTPermissionDenied = -8
	GNTSTBadPage          = -9
	GNTSTBadCopyArg       = -10
	GNTSTAddressTooBig    = -11
	GNTSTEagain           = -12
	GNTSTNoSpace          = -13
)
