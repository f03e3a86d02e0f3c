//go:build xenpv

package runtime

import (
	"internal/cpu"
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// What package kernel tells of processors and threads, for /proc.

// xenKernelVCPUTimes asks Xen how long, in ns, a vCPU has run, waited for a
// processor, and slept. It returns false if there is no such vCPU.
//
//go:linkname xenKernelVCPUTimes internal/xengo/runtime/kernel.runtime_vcpuTimes
func xenKernelVCPUTimes(id int32) (running, runnable, blocked int64, ok bool) {
	var r xabi.VCPURunstateInfo
	if xenErrno(xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpGetRunstateInfo, uintptr(id), uintptr(unsafe.Pointer(&r)), 0, 0)) != 0 {
		return 0, 0, 0, false
	}
	return int64(r.Time[xabi.RunstateRunning]), int64(r.Time[xabi.RunstateRunnable]), int64(r.Time[xabi.RunstateBlocked]), true
}

// xenThreadCounts are numbers of since the start, and of now.
type xenThreadCounts struct {
	switches, preempted, upcalls uint64
	running                      uint32
}

// xenThreadCountsK fills in a xenThreadCounts.
//
//go:nowritebarrierrec
func xenThreadCountsK(arg unsafe.Pointer) {
	c := (*xenThreadCounts)(arg)
	s := &xenSched
	s.enter()
	c.switches, c.preempted = s.switches, s.preempted
	for t := s.ready.head; t != nil; t = t.next {
		c.running++
	}
	for _, v := range xenVCPUs {
		if v == nil {
			continue
		}
		c.upcalls += atomic.Load64(&v.upcalls)
		if !v.thread.idle {
			c.running++
		}
	}
	s.lock.unlock()
}

//go:linkname xenKernelThreadCounts internal/xengo/runtime/kernel.runtime_threadCounts
func xenKernelThreadCounts() (switches, preempted, upcalls, created uint64, running uint32) {
	var c xenThreadCounts
	xenKernelCall(xenPC(xenThreadCountsK), unsafe.Pointer(&c))
	lock(&sched.lock)
	created = uint64(sched.mnext)
	unlock(&sched.lock)
	return c.switches, c.preempted, c.upcalls, created, c.running
}

// xenKernelCPUName is what the processor says it is.
//
//go:linkname xenKernelCPUName internal/xengo/runtime/kernel.runtime_cpuName
func xenKernelCPUName() string { return cpu.Name() }
