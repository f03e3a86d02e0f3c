package abi

import "structs"

// Commands of sched_op (sched.h, SCHEDOP_*).
const (
	SchedOpYield          = 0
	SchedOpBlock          = 1 // unmasks events and waits, atomically
	SchedOpShutdown       = 2
	SchedOpPoll           = 3
	SchedOpRemoteShutdown = 4
	SchedOpShutdownCode   = 5 // latch a code for a later shutdown
	SchedOpWatchdog       = 6
	SchedOpPinOverride    = 7
)

// SchedShutdown is struct sched_shutdown.
type SchedShutdown struct {
	_      structs.HostLayout
	Reason uint32 // Shutdown*
}

// SchedPoll is struct sched_poll.
type SchedPoll struct {
	_       structs.HostLayout
	Ports   uintptr // address of NrPorts port numbers (uint32)
	NrPorts uint32
	_       uint32
	Timeout uint64 // absolute system time in ns; 0 is none
}

// SchedWatchdog is struct sched_watchdog.
type SchedWatchdog struct {
	_       structs.HostLayout
	ID      uint32
	Timeout uint32 // seconds
}

// Reasons of SchedShutdown (SHUTDOWN_*).
const (
	ShutdownPoweroff  = 0
	ShutdownReboot    = 1
	ShutdownSuspend   = 2
	ShutdownCrash     = 3
	ShutdownWatchdog  = 4
	ShutdownSoftReset = 5
)
