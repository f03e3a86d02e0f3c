package main

import (
	"fmt"

	"internal/xengo/xen/abi"
)

// names are those of xen/include/public/trace.h (Xen 4.20), without TRC_.
var names = map[uint32]string{
	vmentry: "HVM_VMENTRY", 0x81002: "HVM_VMEXIT", vmexit: "HVM_VMEXIT64",
	0x82003: "HVM_INJ_EXC", 0x82004: "HVM_INJ_VIRQ", 0x8200c: "HVM_MSR_READ", 0x8200d: "HVM_MSR_WRITE", 0x8200e: "HVM_CPUID",
	0x8200f: "HVM_INTR", vmmcall: "HVM_VMMCALL", 0x82013: "HVM_HLT", 0x82020: "HVM_INTR_WINDOW", 0x82021: "HVM_NPF",
	0x21002: "SCHED_CONTINUE_RUNNING",
	0x28003: "SCHED_SLEEP", 0x28004: "SCHED_WAKE", 0x28005: "SCHED_YIELD", 0x28006: "SCHED_BLOCK", 0x2800a: "SCHED_SWITCH",
	0x2800e: "SCHED_SWITCH_INFPREV", 0x2800f: "SCHED_SWITCH_INFNEXT", 0x28011: "SCHED_SWITCH_INFCONT",
	pvHypercall: "PV_HYPERCALL_V2", 0x201103: "PV_TRAP", 0x201104: "PV_PAGE_FAULT",
}

const (
	vmentry = 0x81001
	vmexit  = 0x81103
	vmmcall = 0x82012

	pvHypercall = 0x20100d
	runstate    = 0x21001 // TRC_SCHED_RUNSTATE_CHANGE, bits 8 and 9: from what, bits 4 and 5: to what
)

func (x record) name() string {
	if s := names[x.event]; s != "" {
		return s
	}
	if states := []string{"running", "runnable", "blocked", "offline"}; x.event&^0x330 == runstate {
		return fmt.Sprintf("%s -> %s", states[x.event>>8&3], states[x.event>>4&3])
	}
	return fmt.Sprintf("%#x", x.event)
}

// exits are some of SVM's exit codes (AMD64 Architecture Programmer's Manual, volume 2, appendix C).
var exits = map[uint32]string{0x60: "INTR", 0x64: "VINTR", 0x72: "CPUID", 0x78: "HLT", 0x7b: "IOIO", 0x7c: "MSR", 0x81: "VMMCALL", 0x400: "NPF"}

// hypercalls are those that guests make all the time.
var hypercalls = map[uint32]string{
	abi.HypercallSetTimerOp: "set_timer_op", abi.HypercallSchedOp: "sched_op", abi.HypercallEventChannelOp: "event_channel_op",
	abi.HypercallVCPUOp: "vcpu_op", abi.HypercallGrantTableOp: "grant_table_op", abi.HypercallMemoryOp: "memory_op",
}
