package abi

import "structs"

// Commands of hvm_op (hvm/hvm_op.h, HVMOP_*).
const (
	HVMOpSetParam              = 0
	HVMOpGetParam              = 1
	HVMOpFlushTLBs             = 5
	HVMOpPagetableDying        = 9
	HVMOpGetTime               = 10
	HVMOpSetEvtchnUpcallVector = 23
)

// XenHVMParam is struct xen_hvm_param.
type XenHVMParam struct {
	_     structs.HostLayout
	DomID uint16
	_     uint16
	Index uint32
	Value uint64
}

// XenHVMEvtchnUpcallVector is struct xen_hvm_evtchn_upcall_vector.
type XenHVMEvtchnUpcallVector struct {
	_      structs.HostLayout
	VCPU   uint32
	Vector uint8
	_      [3]uint8
}

// Indices of HVM parameters (hvm/params.h, HVM_PARAM_*).
const (
	HVMParamCallbackIRQ   = 0
	HVMParamStorePFN      = 1
	HVMParamStoreEvtchn   = 2
	HVMParamConsolePFN    = 17
	HVMParamConsoleEvtchn = 18
)

// HVMParamCallbackTypeVector, shifted left by 56 and or'ed with a vector, is a
// value of HVMParamCallbackIRQ (HVM_PARAM_CALLBACK_TYPE_VECTOR).
const (
	HVMParamCallbackTypeVector = 2
	HVMParamCallbackTypeShift  = 56
)

// HVMStartMagic is the magic value of HVMStartInfo: "xEn3", top bit set.
const HVMStartMagic = 0x336ec578

// HVMStartInfo is struct hvm_start_info, which a PVH guest finds at %ebx
// (arch-x86/hvm/start_info.h). All addresses are guest physical.
type HVMStartInfo struct {
	_            structs.HostLayout
	Magic        uint32
	Version      uint32
	Flags        uint32 // SIF*
	NrModules    uint32
	ModlistPaddr uint64 // of NrModules HVMModlistEntry
	CmdlinePaddr uint64 // of a NUL terminated string, or 0
	RSDPPaddr    uint64 // of the ACPI RSDP

	// From version 1 on.
	MemmapPaddr   uint64 // of MemmapEntries HVMMemmapTableEntry
	MemmapEntries uint32 // 0 if there is no map
	_             uint32
}

// HVMModlistEntry is struct hvm_modlist_entry.
type HVMModlistEntry struct {
	_            structs.HostLayout
	Paddr        uint64
	Size         uint64 // bytes
	CmdlinePaddr uint64
	_            uint64
}

// HVMMemmapTableEntry is struct hvm_memmap_table_entry.
type HVMMemmapTableEntry struct {
	_    structs.HostLayout
	Addr uint64
	Size uint64 // bytes
	Type uint32 // HVMMemmapType*
	_    uint32
}

// Types of memory (XEN_HVM_MEMMAP_TYPE_*).
const (
	HVMMemmapTypeRAM      = 1
	HVMMemmapTypeReserved = 2
	HVMMemmapTypeACPI     = 3
	HVMMemmapTypeNVS      = 4
	HVMMemmapTypeUnusable = 5
	HVMMemmapTypeDisabled = 6
	HVMMemmapTypePMEM     = 7
)

// Values of VCPUHVMContext.Mode (hvm/hvm_vcpu.h, VCPU_HVM_MODE_*).
const (
	VCPUHVMMode32B = 0
	VCPUHVMMode64B = 1
)

// VCPUHVMX8632 is struct vcpu_hvm_x86_32: a vCPU that starts in 32-bit
// protected mode or with 32-bit paging.
type VCPUHVMX8632 struct {
	_       structs.HostLayout
	EAX     uint32
	ECX     uint32
	EDX     uint32
	EBX     uint32
	ESP     uint32
	EBP     uint32
	ESI     uint32
	EDI     uint32
	EIP     uint32
	EFLAGS  uint32
	CR0     uint32
	CR3     uint32
	CR4     uint32
	_       uint32
	EFER    uint64
	CSBase  uint32
	DSBase  uint32
	SSBase  uint32
	ESBase  uint32
	TRBase  uint32
	CSLimit uint32
	DSLimit uint32
	SSLimit uint32
	ESLimit uint32
	TRLimit uint32
	CSAR    uint16 // attributes: type 0-3, S 4, DPL 5-6, P 7, AVL 8, L 9, D/B 10, G 11
	DSAR    uint16
	SSAR    uint16
	ESAR    uint16
	TRAR    uint16
	_       [3]uint16
}

// VCPUHVMX8664 is struct vcpu_hvm_x86_64: a vCPU that starts in 64-bit mode
// with flat segments.
type VCPUHVMX8664 struct {
	_      structs.HostLayout
	RAX    uint64
	RCX    uint64
	RDX    uint64
	RBX    uint64
	RSP    uint64
	RBP    uint64
	RSI    uint64
	RDI    uint64
	RIP    uint64
	RFLAGS uint64
	CR0    uint64
	CR3    uint64
	CR4    uint64
	EFER   uint64
}

// VCPUHVMContext is struct vcpu_hvm_context, with the 64-bit member of its
// union, which is as large as the 32-bit one or larger.
type VCPUHVMContext struct {
	_      structs.HostLayout
	Mode   uint32 // VCPUHVMMode64B
	_      uint32
	X86_64 VCPUHVMX8664
	_      [vcpuHVMUnionSize - 112]uint8
}

const vcpuHVMUnionSize = 112 // bytes: sizeof(VCPUHVMX8664) == sizeof(VCPUHVMX8632)
