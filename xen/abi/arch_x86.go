package abi

import "structs"

// From arch-x86/xen.h and arch-x86/xen-x86_64.h.

// LegacyMaxVCPUs is the number of VCPUInfo in the shared info page; others
// have to register theirs.
const LegacyMaxVCPUs = 32

// First entry of the GDT that is Xen's own.
const (
	FirstReservedGDTPage  = 14
	FirstReservedGDTByte  = FirstReservedGDTPage * 4096
	FirstReservedGDTEntry = FirstReservedGDTByte / 8
)

// Selectors of Xen's flat segments (FLAT_*). A 64-bit PV kernel runs in ring 3.
const (
	FlatRing3CS32  = 0xe023
	FlatRing3CS64  = 0xe033
	FlatRing3DS32  = 0xe02b
	FlatRing3DS64  = 0
	FlatRing3SS32  = 0xe02b
	FlatRing3SS64  = 0xe02b
	FlatKernelCS64 = FlatRing3CS64
	FlatKernelDS64 = FlatRing3DS64
	FlatKernelSS64 = FlatRing3SS64
)

// The part of the address space that is Xen's in a 64-bit PV guest.
const (
	HypervisorVirtStart = 0xFFFF800000000000
	HypervisorVirtEnd   = 0xFFFF880000000000
	Mach2PhysVirtStart  = 0xFFFF800000000000 // []uint64: PFN by MFN, read-only
	Mach2PhysVirtEnd    = 0xFFFF804000000000
)

// First argument of set_segment_base (SEGBASE_*).
const (
	SegBaseFS        = 0
	SegBaseGSUser    = 1
	SegBaseGSKernel  = 2
	SegBaseGSUserSel = 3
)

// TrapInfo is struct trap_info.
type TrapInfo struct {
	_       structs.HostLayout
	Vector  uint8
	Flags   uint8 // 0-3: privilege level; bit 2: clear event enable
	CS      uint16
	_       uint32
	Address uint64
}

// TrapFlagIF in TrapInfo.Flags masks event delivery on entry.
const TrapFlagIF = 1 << 2

// CPUUserRegs is struct cpu_user_regs.
type CPUUserRegs struct {
	_               structs.HostLayout
	R15             uint64
	R14             uint64
	R13             uint64
	R12             uint64
	RBP             uint64
	RBX             uint64
	R11             uint64
	R10             uint64
	R9              uint64
	R8              uint64
	RAX             uint64
	RCX             uint64
	RDX             uint64
	RSI             uint64
	RDI             uint64
	ErrorCode       uint32
	EntryVector     uint32
	RIP             uint64
	CS              uint16
	_               [1]uint16
	SavedUpcallMask uint8
	_               [3]uint8
	RFLAGS          uint64
	RSP             uint64
	SS              uint16
	_               [3]uint16
	ES              uint16
	_               [3]uint16
	DS              uint16
	_               [3]uint16
	FS              uint16
	_               [3]uint16
	GS              uint16
	_               [3]uint16
}

// Bits of VCPUGuestContext.Flags and IretContext.Flags (VGCF_*).
const (
	VGCFI387Valid             = 1 << 0
	VGCFInKernel              = 1 << 2
	VGCFFailsafeDisableEvents = 1 << 3
	VGCFSyscallDisableEvents  = 1 << 4
	VGCFOnline                = 1 << 5
	VGCFInSyscall             = 1 << 8
)

// VCPUGuestContext is struct vcpu_guest_context: what VCPUOP_initialise takes
// for a PV guest.
type VCPUGuestContext struct {
	_                   structs.HostLayout
	FPUCtxt             [512]uint8 // FXSAVE layout
	Flags               uint64
	UserRegs            CPUUserRegs
	TrapCtxt            [256]TrapInfo
	LDTBase             uint64
	LDTEnts             uint64
	GDTFrames           [16]uint64 // machine frames
	GDTEnts             uint64
	KernelSS            uint64
	KernelSP            uint64
	CtrlReg             [8]uint64 // CR0-CR7; CR3 by CR3FromPFN
	DebugReg            [8]uint64
	EventCallbackEIP    uint64
	FailsafeCallbackEIP uint64
	SyscallCallbackEIP  uint64
	VMAssist            uint64
	FSBase              uint64
	GSBaseKernel        uint64
	GSBaseUser          uint64
}

// IretContext is struct iret_context, at the stack pointer when calling
// HYPERVISOR_iret.
type IretContext struct {
	_      structs.HostLayout
	RAX    uint64
	R11    uint64
	RCX    uint64
	Flags  uint64 // VGCFInSyscall or 0
	RIP    uint64
	CS     uint64
	RFLAGS uint64
	RSP    uint64
	SS     uint64
}

// ArchVCPUInfo is struct arch_vcpu_info.
type ArchVCPUInfo struct {
	_   structs.HostLayout
	CR2 uint64
	_   uint64
}

// ArchSharedInfo is struct arch_shared_info.
type ArchSharedInfo struct {
	_                     structs.HostLayout
	MaxPFN                uint64 // 0 or number of pages known to the p2m
	PFNToMFNFrameListList uint64
	NMIReason             uint64
	P2MCR3                uint64 // linear p2m: its page table, in CR3 format
	P2MVaddr              uint64
	P2MGeneration         uint64
}

// CR3 of a 64-bit guest is the frame number's address (xen_pfn_to_cr3,
// xen_cr3_to_pfn).
const CR3FrameShift = 12

// Bits of NMIReason (nmi.h, XEN_NMIREASON_*).
const (
	NMIReasonIOError = 1 << 0
	NMIReasonPCISerr = 1 << 1
	NMIReasonUnknown = 1 << 2
)
