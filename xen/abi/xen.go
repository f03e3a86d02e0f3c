package abi

import "structs"

// Hypercall numbers (xen.h, __HYPERVISOR_*).
const (
	HypercallSetTrapTable      = 0
	HypercallMMUUpdate         = 1
	HypercallSetGDT            = 2
	HypercallStackSwitch       = 3
	HypercallSetCallbacks      = 4
	HypercallFPUTaskSwitch     = 5
	HypercallPlatformOp        = 7
	HypercallSetDebugReg       = 8
	HypercallGetDebugReg       = 9
	HypercallUpdateDescriptor  = 10
	HypercallMemoryOp          = 12
	HypercallMulticall         = 13
	HypercallUpdateVAMapping   = 14
	HypercallSetTimerOp        = 15
	HypercallXenVersion        = 17
	HypercallConsoleIO         = 18
	HypercallGrantTableOp      = 20
	HypercallVMAssist          = 21
	HypercallUpdateVAMappingOD = 22 // update_va_mapping_otherdomain
	HypercallIret              = 23
	HypercallVCPUOp            = 24
	HypercallSetSegmentBase    = 25
	HypercallMMUExtOp          = 26
	HypercallXSMOp             = 27
	HypercallNMIOp             = 28
	HypercallSchedOp           = 29
	HypercallCallbackOp        = 30
	HypercallXenoprofOp        = 31
	HypercallEventChannelOp    = 32
	HypercallPhysdevOp         = 33
	HypercallHVMOp             = 34
	HypercallSysctl            = 35
	HypercallDomctl            = 36
	HypercallKexecOp           = 37
	HypercallTmemOp            = 38
	HypercallArgoOp            = 39
	HypercallXenPMUOp          = 40
	HypercallDMOp              = 41
	HypercallHypfsOp           = 42
)

// Virtual interrupts (xen.h, VIRQ_*). V is per vCPU, G is global.
const (
	VIRQTimer    = 0  // V. Timebase update or requested timeout.
	VIRQDebug    = 1  // V. Ask the guest to dump its state.
	VIRQConsole  = 2  // G. (dom0) Bytes on the emergency console.
	VIRQDomExc   = 3  // G. (dom0) A domain stopped exceptionally.
	VIRQTBuf     = 4  // G. (dom0) Trace buffer has records.
	VIRQDebugger = 6  // G. (dom0) A domain has paused for debugging.
	VIRQXenoprof = 7  // V. Xenoprofile sample.
	VIRQConRing  = 8  // G. (dom0) Bytes on the console ring.
	VIRQPCPU     = 9  // G. (dom0) Physical CPU state changed.
	VIRQMemEvent = 10 // G. (dom0) Memory event.
	VIRQArgo     = 11 // G. Argo message notification.
	VIRQEnomem   = 12 // G. (dom0) Low on heap memory.
	VIRQXenPMU   = 13 // V. Performance counter interrupt.
	NumVIRQs     = 24
)

// Low bits of MMUUpdate.Ptr: what the update is (xen.h, MMU_*).
const (
	MMUNormalPTUpdate      = 0 // *ptr = val, ptr is a machine address
	MMUMachPhysUpdate      = 1 // ptr = machine address of a frame, val = its PFN
	MMUPTUpdatePreserveAD  = 2 // as normal, keeping the accessed and dirty bits
	MMUPTUpdateNoTranslate = 3 // as normal, val is not translated
)

// Commands of MMUExtOp (xen.h, MMUEXT_*).
const (
	MMUExtPinL1Table       = 0
	MMUExtPinL2Table       = 1
	MMUExtPinL3Table       = 2
	MMUExtPinL4Table       = 3
	MMUExtUnpinTable       = 4
	MMUExtNewBasePtr       = 5
	MMUExtTLBFlushLocal    = 6
	MMUExtInvlpgLocal      = 7
	MMUExtTLBFlushMulti    = 8
	MMUExtInvlpgMulti      = 9
	MMUExtTLBFlushAll      = 10
	MMUExtInvlpgAll        = 11
	MMUExtFlushCache       = 12
	MMUExtSetLDT           = 13
	MMUExtNewUserBasePtr   = 15
	MMUExtClearPage        = 16
	MMUExtCopyPage         = 17
	MMUExtFlushCacheGlobal = 18
)

// MMUExtOp is struct mmuext_op.
type MMUExtOp struct {
	_    structs.HostLayout
	Cmd  uint32
	_    uint32
	Arg1 uint64 // mfn or linear address
	Arg2 uint64 // number of entries, address of the vCPU mask, or source mfn
}

// Flags of update_va_mapping (xen.h, UVMF_*).
const (
	UVMFNone          = 0
	UVMFTLBFlush      = 1 << 0
	UVMFInvlpg        = 2 << 0
	UVMFFlushTypeMask = 3 << 0
	UVMFMulti         = 0 << 2 // or'ed with the address of a vCPU mask
	UVMFLocal         = 0 << 2
	UVMFAll           = 1 << 2
)

// Commands of console_io (xen.h, CONSOLEIO_*).
const (
	ConsoleIOWrite = 0
	ConsoleIORead  = 1
)

// Commands and types of vm_assist (xen.h, VMASST_*).
const (
	VMAssistEnable  = 0
	VMAssistDisable = 1

	VMAssist4GBSegments        = 0
	VMAssist4GBSegmentsNotify  = 1
	VMAssistWritablePageTables = 2
	VMAssistPAEExtendedCR3     = 3
	VMAssistArchitecturalIOPL  = 4
	VMAssistRunstateUpdateFlag = 5
	VMAssistM2PStrict          = 32
)

// Domain ids with a meaning (xen.h, DOMID_*).
const (
	DomIDFirstReserved = 0x7FF0
	DomIDSelf          = 0x7FF0
	DomIDIO            = 0x7FF1
	DomIDXen           = 0x7FF2
	DomIDCow           = 0x7FF3
	DomIDInvalid       = 0x7FF4
	DomIDIdle          = 0x7FFF
)

// MMUUpdate is struct mmu_update.
type MMUUpdate struct {
	_   structs.HostLayout
	Ptr uint64 // machine address, with an MMU* command in its low bits
	Val uint64 // new contents
}

// MulticallEntry is struct multicall_entry.
type MulticallEntry struct {
	_      structs.HostLayout
	Op     uint64
	Result uint64
	Args   [6]uint64
}

// VCPUTimeInfo is struct vcpu_time_info: the parameters that turn a time
// stamp counter into nanoseconds. Version is odd while it is being updated.
type VCPUTimeInfo struct {
	_              structs.HostLayout
	Version        uint32
	_              uint32
	TSCTimestamp   uint64 // time stamp counter at the last update
	SystemTime     uint64 // nanoseconds since boot at the last update
	TSCToSystemMul uint32 // ns = ((ticks << shift) * mul) >> 32
	TSCShift       int8
	Flags          uint8
	_              [2]uint8
}

// Bits of VCPUTimeInfo.Flags (xen.h, XEN_PVCLOCK_*).
const (
	PVClockTSCStable    = 1 << 0
	PVClockGuestStopped = 1 << 1
)

// VCPUInfo is struct vcpu_info.
type VCPUInfo struct {
	_                   structs.HostLayout
	EvtchnUpcallPending uint8
	EvtchnUpcallMask    uint8
	_                   [6]uint8
	EvtchnPendingSel    uint64
	Arch                ArchVCPUInfo
	Time                VCPUTimeInfo
}

// SharedInfo is struct shared_info, the page that Xen shares with a domain.
type SharedInfo struct {
	_             structs.HostLayout
	VCPUInfo      [LegacyMaxVCPUs]VCPUInfo
	EvtchnPending [64]uint64
	EvtchnMask    [64]uint64

	// Wall clock at SystemTime 0: seqlock WCVersion around seconds (low and
	// high half) and nanoseconds since 1970.
	WCVersion uint32
	WCSec     uint32
	WCNsec    uint32
	WCSecHi   uint32

	Arch ArchSharedInfo
}

// MaxGuestCmdline is the size of a PV guest's command line, in bytes.
const MaxGuestCmdline = 1024

// StartInfo is struct start_info, which a PV guest finds at %rsi.
type StartInfo struct {
	_             structs.HostLayout
	Magic         [32]uint8 // "xen-<version>-<platform>"
	NrPages       uint64    // pages of the domain
	SharedInfo    uint64    // machine address of the shared info page
	Flags         uint32    // SIF*
	_             uint32
	StoreMFN      uint64 // machine page number of the xenstore ring
	StoreEvtchn   uint32
	_             uint32
	ConsoleMFN    uint64 // machine page number of the console ring (domU)
	ConsoleEvtchn uint32
	_             uint32
	PTBase        uint64 // virtual address of the page directory
	NrPTFrames    uint64
	MFNList       uint64 // virtual address of the pfn to mfn list
	ModStart      uint64 // virtual address of the ramdisk (PFN with SIFModStartPFN)
	ModLen        uint64 // bytes
	CmdLine       [MaxGuestCmdline]uint8
	FirstP2MPFN   uint64 // with INIT_P2M: where the p2m frames are
	NrP2MFrames   uint64
}

// Bits of StartInfo.Flags and HVMStartInfo.Flags (xen.h, SIF_*).
const (
	SIFPrivileged    = 1 << 0
	SIFInitDomain    = 1 << 1
	SIFMultibootMod  = 1 << 2
	SIFModStartPFN   = 1 << 3
	SIFVirtP2M4Tools = 1 << 4
	SIFPMMask        = 0xFF << 8
)
