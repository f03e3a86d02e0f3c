//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// vCPUs come and go as the toolstack wants it (`xl vcpu-set`). One that is told
// to leave puts its thread back into the queue, changes to its idle thread and
// takes itself down there; when it is wanted again it goes on from that place.
// The first vCPU stays: drivers' event channels are bound to it.

// xenOnlineCount is how many vCPUs are online.
var xenOnlineCount int32 = 1

// xenVCPUSetOnline brings a vCPU of the domain online, or has it leave soon.
// There is one caller at a time.
func xenVCPUSetOnline(id uint32, online bool) {
	v := xenVCPUs[id]
	switch {
	case v == nil && online:
		xenVCPUStart(id)
	case v == nil || id == 0 || online != v.offline:
	case online:
		// Before it is down, VCPUOP_up would do nothing.
		for xenVCPUIsUp(id) {
			timeSleep(1e6)
		}
		atomic.Xaddint32(&xenOnlineCount, 1)
		xenKernelCall(xenPC(xenVCPUTurnK), unsafe.Pointer(v))
		xenMust("vcpu_op(up)", xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpUp, uintptr(id), 0, 0, 0))
	default:
		xenKernelCall(xenPC(xenVCPUTurnK), unsafe.Pointer(v))
	}
}

// xenVCPUIsUp reports whether a vCPU that exists has not taken itself down.
func xenVCPUIsUp(id uint32) bool {
	return xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpIsUp, uintptr(id), 0, 0, 0) == 1
}

// xenVCPUTurnK changes whether the vCPU shall be offline, and tells it.
//
//go:nowritebarrierrec
func xenVCPUTurnK(arg unsafe.Pointer) {
	v := (*xenVCPU)(arg)
	s := &xenSched
	s.enter()
	v.offline = !v.offline
	if v.offline {
		s.freeQueued()
	}
	xenNotify(v.ipi)
	s.lock.unlock()
}

// leave takes v, which runs its idle thread, down for as long as it shall be
// offline. The lock is held, before and after.
func (s *xenScheduler) leave(v *xenVCPU) {
	s.idle.remove(v.id)
	v.charge(v.now())
	v.slice, v.armed = 0, 0
	xenMust("vcpu_op(stop timer)", xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpStopSingleshotTimer, uintptr(v.id), 0, 0, 0))
	atomic.Xaddint32(&xenOnlineCount, -1)
	v.stopped.Store(1)
	// What v was to do is for others now: to run who is ready, and to wake who
	// sleeps.
	for t := s.ready.head; t != nil; t = t.next {
		s.kickIdle(t)
	}
	xenNotify(xenVCPUs[0].ipi)
	for v.offline { // until VCPUOP_up
		s.lock.unlock()
		xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpDown, uintptr(v.id), 0, 0, 0)
		if xenStopping.Load() != 0 {
			xenStopHere(v)
		}
		s.lock.lock()
	}
	v.stopped.Store(0)
	v.clock = 0
	v.since = v.now()
	s.idle.add(v.id)
}
