package abi

import "structs"

// Commands of vcpu_op (vcpu.h, VCPUOP_*).
const (
	VCPUOpInitialise           = 0
	VCPUOpUp                   = 1
	VCPUOpDown                 = 2
	VCPUOpIsUp                 = 3
	VCPUOpGetRunstateInfo      = 4
	VCPUOpRegisterRunstateArea = 5
	VCPUOpSetPeriodicTimer     = 6
	VCPUOpStopPeriodicTimer    = 7
	VCPUOpSetSingleshotTimer   = 8
	VCPUOpStopSingleshotTimer  = 9
	VCPUOpRegisterVCPUInfo     = 10
	VCPUOpSendNMI              = 11
	VCPUOpGetPhysID            = 12
	VCPUOpRegisterVCPUTimeArea = 13
)

// VCPURunstateInfo is struct vcpu_runstate_info.
type VCPURunstateInfo struct {
	_              structs.HostLayout
	State          int32 // Runstate*
	_              uint32
	StateEntryTime uint64    // ns; top bit is set during an update, if asked for
	Time           [4]uint64 // ns in each state
}

// RunstateUpdate in StateEntryTime: an update is under way.
const RunstateUpdate = 1 << 63

// Values of VCPURunstateInfo.State (RUNSTATE_*).
const (
	RunstateRunning  = 0
	RunstateRunnable = 1
	RunstateBlocked  = 2
	RunstateOffline  = 3
)

// VCPURegisterArea is struct vcpu_register_runstate_memory_area and struct
// vcpu_register_time_memory_area.
type VCPURegisterArea struct {
	_    structs.HostLayout
	Addr uint64 // virtual address
}

// VCPUSetPeriodicTimer is struct vcpu_set_periodic_timer.
type VCPUSetPeriodicTimer struct {
	_        structs.HostLayout
	PeriodNS uint64
}

// VCPUSetSingleshotTimer is struct vcpu_set_singleshot_timer.
type VCPUSetSingleshotTimer struct {
	_            structs.HostLayout
	TimeoutAbsNS uint64 // system time
	Flags        uint32 // VCPUSShotTmr*
	_            uint32
}

// VCPUSShotTmrFuture: answer ETIME if the timeout has already passed.
const VCPUSShotTmrFuture = 1 << 0

// VCPURegisterVCPUInfo is struct vcpu_register_vcpu_info.
type VCPURegisterVCPUInfo struct {
	_      structs.HostLayout
	MFN    uint64 // frame of the page
	Offset uint32 // bytes into it; the structure must not cross a page
	_      uint32
}
