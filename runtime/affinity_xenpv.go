//go:build xenpv

package runtime

import (
	"internal/runtime/sys"
	"unsafe"
)

// Threads that shall run on some vCPUs only, as sched_setaffinity(2) has it.
// They stand in the scheduler's queue with the others; each vCPU has its own
// count of those it may run, so that one with nothing to do but what is for
// others sleeps. All of it is guarded by xenSched.lock, but for the idle
// threads' look at the counts.

// xenPinned is, for each vCPU, how many threads that are for some vCPUs only
// stand in the queue and may run there.
var xenPinned [xenVCPULimit]uint32

// hasWork reports whether a thread stands in the queue that v may run.
func (v *xenVCPU) hasWork() bool {
	return !v.offline && xenReadyCount+xenPinned[v.id] != 0
}

// mayRunOn reports whether v may run t.
func (t *xenThread) mayRunOn(v *xenVCPU) bool {
	return v != nil && !v.offline && (!t.pinned || t.cpus.has(v.id))
}

// anyVCPU returns a vCPU that may run t, nil if there is none.
//
//go:noinline
func (t *xenThread) anyVCPU() *xenVCPU {
	for _, v := range xenVCPUs[:xenVCPUMax] {
		if t.mayRunOn(v) {
			return v
		}
	}
	return nil
}

// free lets t run everywhere if none of its vCPUs is there any more, as Linux
// does when a processor goes (select_fallback_rq in kernel/sched/core.c, 6.16).
func (t *xenThread) free() {
	if t.pinned && t.anyVCPU() == nil {
		t.pinned = false
	}
}

// count notes that t has joined the queue (n is 1) or left it (-1).
//
//go:noinline
func (t *xenThread) count(n int32) {
	if !t.pinned {
		xenReadyCount += uint32(n)
		return
	}
	for w, bits := range t.cpus {
		for ; bits != 0; bits &= bits - 1 {
			xenPinned[w*64+sys.TrailingZeros64(bits)] += uint32(n)
		}
	}
}

// freeQueued frees the threads in the queue, now that a vCPU shall go.
func (s *xenScheduler) freeQueued() {
	for t := s.ready.head; t != nil; t = t.next {
		t.count(-1)
		t.free()
		t.count(1)
	}
}

// xenOnlineVCPUs returns the vCPUs that run threads.
//
//go:noinline
func xenOnlineVCPUs() (online xenVCPUSet) {
	for id, v := range xenVCPUs[:xenVCPUMax] {
		if v != nil && !v.offline {
			online.add(uint32(id))
		}
	}
	return online
}

type xenAffinityArgs struct {
	t    *xenThread
	cpus xenVCPUSet
	ok   bool // xenSetAffinityK: one of cpus is online
}

// xenAffinityK sets cpus to those that may run t.
//
//go:nowritebarrierrec
func xenAffinityK(arg unsafe.Pointer) {
	a := (*xenAffinityArgs)(arg)
	s := &xenSched
	s.enter()
	a.cpus = xenOnlineVCPUs()
	if a.t.pinned {
		a.cpus = a.cpus.and(&a.t.cpus)
	}
	s.lock.unlock()
}

// xenSetAffinityK lets cpus, and no others, run t, unless none of them is
// online. A thread that runs elsewhere moves at once.
//
//go:nowritebarrierrec
func xenSetAffinityK(arg unsafe.Pointer) {
	a := (*xenAffinityArgs)(arg)
	s := &xenSched
	v := s.enter()
	online := xenOnlineVCPUs()
	if allowed := a.cpus.and(&online); allowed == (xenVCPUSet{}) {
		s.lock.unlock()
		return
	}
	a.ok = true
	t := a.t
	queued := s.ready.takeOut(t)
	if queued {
		t.count(-1)
	}
	t.cpus, t.pinned = a.cpus, false
	for id := range xenVCPUMax {
		t.pinned = t.pinned || !a.cpus.has(id)
	}
	switch on := t.vcpu; {
	case queued:
		s.makeReady(t, false)
	case on == v && !t.mayRunOn(v):
		s.makeReady(t, false)
		s.schedule(v)
		return
	case on != nil && on != v:
		xenNotify(on.ipi) // moves it
	}
	s.lock.unlock()
}

// takeOut takes t out of the queue, if it stands there.
func (q *xenQueue) takeOut(t *xenThread) bool {
	var prev *xenThread
	for u := q.head; u != nil; prev, u = u, u.next {
		if u == t {
			q.remove(prev, t)
			return true
		}
	}
	return false
}

// xenKernelAffinity asks which vCPUs may run the thread with the number tid.
//
//go:linkname xenKernelAffinity internal/xengo/runtime/kernel.runtime_affinity
func xenKernelAffinity(tid int32) (cpus [2]uint64, found bool) {
	var a xenAffinityArgs
	found = xenCallForThread(tid, &a, xenPC(xenAffinityK))
	return a.cpus, found
}

//go:linkname xenKernelSetAffinity internal/xengo/runtime/kernel.runtime_setAffinity
func xenKernelSetAffinity(tid int32, cpus [2]uint64) (found, ok bool) {
	a := xenAffinityArgs{cpus: cpus}
	found = xenCallForThread(tid, &a, xenPC(xenSetAffinityK))
	return found, a.ok
}

// xenCallForThread calls the nanokernel with a for the thread with the number
// tid, and returns false if there is none.
func xenCallForThread(tid int32, a *xenAffinityArgs, fn uintptr) bool {
	lock(&sched.lock) // Ms do not go meanwhile
	mp := xenThreadByID(tid)
	if mp != nil {
		a.t = mp.thread
		xenKernelCall(fn, unsafe.Pointer(a))
	}
	unlock(&sched.lock)
	return mp != nil
}

// xenKernelCPU is the number of the vCPU that the caller ran on just now.
//
//go:linkname xenKernelCPU internal/xengo/runtime/kernel.runtime_cpu
func xenKernelCPU() uint32 { return xenCurrentVCPU().id }
