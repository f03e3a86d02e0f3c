package abi

import "structs"

// Commands of event_channel_op (event_channel.h, EVTCHNOP_*).
const (
	EvtchnOpBindInterdomain = 0
	EvtchnOpBindVIRQ        = 1
	EvtchnOpBindPIRQ        = 2
	EvtchnOpClose           = 3
	EvtchnOpSend            = 4
	EvtchnOpStatus          = 5
	EvtchnOpAllocUnbound    = 6
	EvtchnOpBindIPI         = 7
	EvtchnOpBindVCPU        = 8
	EvtchnOpUnmask          = 9
	EvtchnOpReset           = 10
	EvtchnOpInitControl     = 11
	EvtchnOpExpandArray     = 12
	EvtchnOpSetPriority     = 13
)

// EvtchnAllocUnbound is struct evtchn_alloc_unbound. Port is a result.
type EvtchnAllocUnbound struct {
	_         structs.HostLayout
	Dom       uint16
	RemoteDom uint16
	Port      uint32
}

// EvtchnBindInterdomain is struct evtchn_bind_interdomain. LocalPort is a
// result.
type EvtchnBindInterdomain struct {
	_          structs.HostLayout
	RemoteDom  uint16
	_          uint16
	RemotePort uint32
	LocalPort  uint32
}

// EvtchnBindVIRQ is struct evtchn_bind_virq. Port is a result.
type EvtchnBindVIRQ struct {
	_    structs.HostLayout
	VIRQ uint32
	VCPU uint32
	Port uint32
}

// EvtchnBindIPI is struct evtchn_bind_ipi. Port is a result.
type EvtchnBindIPI struct {
	_    structs.HostLayout
	VCPU uint32
	Port uint32
}

// EvtchnClose is struct evtchn_close.
type EvtchnClose struct {
	_    structs.HostLayout
	Port uint32
}

// EvtchnSend is struct evtchn_send.
type EvtchnSend struct {
	_    structs.HostLayout
	Port uint32
}

// EvtchnUnmask is struct evtchn_unmask.
type EvtchnUnmask struct {
	_    structs.HostLayout
	Port uint32
}

// EvtchnBindVCPU is struct evtchn_bind_vcpu.
type EvtchnBindVCPU struct {
	_    structs.HostLayout
	Port uint32
	VCPU uint32
}

// EvtchnReset is struct evtchn_reset.
type EvtchnReset struct {
	_   structs.HostLayout
	Dom uint16
}

// EvtchnStatus is struct evtchn_status; everything after Port is a result.
type EvtchnStatus struct {
	_      structs.HostLayout
	Dom    uint16
	_      uint16
	Port   uint32
	Status uint32    // EvtchnStat*
	VCPU   uint32    // vCPU that gets the event
	U      [2]uint32 // unbound, interdomain: [0]&0xFFFF domid, [1] port; else [0] irq
}

// Values of EvtchnStatus.Status (EVTCHNSTAT_*).
const (
	EvtchnStatClosed      = 0
	EvtchnStatUnbound     = 1
	EvtchnStatInterdomain = 2
	EvtchnStatPIRQ        = 3
	EvtchnStatVIRQ        = 4
	EvtchnStatIPI         = 5
)

// EvtchnInitControl is struct evtchn_init_control (FIFO events).
type EvtchnInitControl struct {
	_          structs.HostLayout
	ControlGFN uint64
	Offset     uint32
	VCPU       uint32
	LinkBits   uint8 // result
	_          [7]uint8
}

// EvtchnExpandArray is struct evtchn_expand_array (FIFO events).
type EvtchnExpandArray struct {
	_        structs.HostLayout
	ArrayGFN uint64
}

// EvtchnSetPriority is struct evtchn_set_priority (FIFO events).
type EvtchnSetPriority struct {
	_        structs.HostLayout
	Port     uint32
	Priority uint32
}

// Evtchn2LChannels is the number of ports of the two-level bitmap.
const Evtchn2LChannels = 8 * 8 * 64

// FIFO event channels (EVTCHN_FIFO_*).
const (
	EvtchnFIFOPriorityMax     = 0
	EvtchnFIFOPriorityDefault = 7
	EvtchnFIFOPriorityMin     = 15
	EvtchnFIFOMaxQueues       = EvtchnFIFOPriorityMin + 1

	EvtchnFIFOPending = 31 // bits of an event word
	EvtchnFIFOMasked  = 30
	EvtchnFIFOLinked  = 29
	EvtchnFIFOBusy    = 28

	EvtchnFIFOLinkBits = 17
	EvtchnFIFOLinkMask = 1<<EvtchnFIFOLinkBits - 1
	EvtchnFIFOChannels = 1 << EvtchnFIFOLinkBits
)

// EvtchnFIFOControlBlock is struct evtchn_fifo_control_block.
type EvtchnFIFOControlBlock struct {
	_     structs.HostLayout
	Ready uint32
	_     uint32
	Head  [EvtchnFIFOMaxQueues]uint32
}
