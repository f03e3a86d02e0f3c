//go:build xenpv

package runtime

import (
	"internal/abi"
	"internal/runtime/atomic"
	"internal/runtime/sys"
	"unsafe"
)

// xenThread is a kernel thread: an M's, or a vCPU's idle thread. It lies at
// the top of its kernel stack.
type xenThread struct {
	_      sys.NotInHeap
	sp     uintptr  // saved stack pointer while another thread runs
	kstack uintptr  // top of the kernel stack
	kg     guintptr // g while on the kernel stack
	next   *xenThread
	idle   bool

	// Guarded by xenSched.lock.
	futex    uintptr    // address of what it sleeps on, 0 if nothing
	deadline int64      // system time, 0 if none
	left     int64      // ns of its slice when an event's thread took its place, 0 for a whole one
	later    *xenThread // list of sleepers
	vcpu     *xenVCPU   // where it runs, nil if it does not
	pinned   bool       // to the vCPUs in cpus
	cpus     xenVCPUSet

	// Signals, as on Unix: pending ones are set by anyone under
	// xenSched.lock, the rest is the thread's own.
	pending  uint64
	sigmask  uint64
	altstack stack

	// How it starts.
	stackHi uintptr
	g0      guintptr
	entry   uintptr

	kgmem g
}

const (
	xenKernelStackSize = 16 << 10
	xenThreadStackSize = 32 << 10 // of an M's g0
	xenMainStackSize   = 64 << 10 // of m0's: rt0_go takes that for granted
)

// xenPC returns the PC of a nanokernel function for xenKernelCall.
//
//go:nosplit
func xenPC(f func(unsafe.Pointer)) uintptr {
	return **(**uintptr)(unsafe.Pointer(&f))
}

// A thread's memory:
//
//	| guard | kernel stack, xenThread | guard | stack | guard |
//
//go:nosplit
func xenThreadAreaSize(stackSize uintptr) uintptr {
	return xenKernelStackSize + stackSize + 3*xenPageSize
}

//go:nosplit
func xenThreadStackBase(area uintptr) uintptr {
	return area + xenPageSize + xenKernelStackSize + xenPageSize
}

// xenThreadNew makes a thread with stacks of its own, each with an unmapped
// page below. It returns nil if memory is short.
//
//go:nosplit
func xenThreadNew(stackSize uintptr) *xenThread {
	size := xenThreadAreaSize(stackSize)
	area := xenReserve(0, size)
	if area == 0 {
		return nil
	}
	if !xenBack(area+xenPageSize, xenKernelStackSize) || !xenBack(xenThreadStackBase(area), stackSize) {
		xenUnback(area, size, false)
		xenRelease(area, size)
		return nil
	}
	return xenThreadAt(area, stackSize)
}

// xenThreadAt makes a thread in mapped, zeroed memory.
//
//go:nosplit
func xenThreadAt(area, stackSize uintptr) *xenThread {
	kbase := area + xenPageSize
	t := (*xenThread)(unsafe.Pointer((kbase + xenKernelStackSize - unsafe.Sizeof(xenThread{})) &^ 63))
	t.kstack = uintptr(unsafe.Pointer(t))
	t.stackHi = xenThreadStackBase(area) + stackSize
	kg := &t.kgmem
	kg.stack.lo = kbase
	kg.stack.hi = t.kstack
	kg.stackguard0 = kbase + stackGuard
	kg.stackguard1 = kg.stackguard0
	t.kg.set(kg)
	return t
}

// bind makes t the thread of mp, whose g0 is gp.
//
//go:nosplit
func (t *xenThread) bind(gp *g, mp *m) {
	t.g0.set(gp)
	setMNoWB(&t.kgmem.m, mp)
}

// prepare makes t start at entry when it first runs.
//
//go:nosplit
func (t *xenThread) prepare(entry uintptr) {
	t.entry = entry
	// What xenSwitch pops: BP and the return address.
	t.sp = t.kstack - 2*8
	*(*uintptr)(unsafe.Pointer(t.sp)) = 0
	*(*uintptr)(unsafe.Pointer(t.sp + 8)) = abi.FuncPCABI0(xenThreadStart)
}

//go:nowritebarrierrec
func xenThreadStartK(arg unsafe.Pointer) {
	t := (*xenThread)(arg)
	s := &xenSched
	parent := s.enter().thread
	t.pinned, t.cpus = parent.pinned, parent.cpus
	s.makeReady(t, false)
	s.lock.unlock()
}

// xenThreadFirst ends the switch into a new thread, for xenThreadStart.
//
//go:nowritebarrierrec
func xenThreadFirst() (sp uintptr, gp *g, entry uintptr) {
	xenSched.lock.unlock()
	t := xenCurrentVCPU().thread
	return t.stackHi, t.g0.ptr(), t.entry
}

// xenThreadExitK ends the running thread, on its kernel stack.
//
//go:nowritebarrierrec
func xenThreadExitK() {
	s := &xenSched
	v := s.enter()
	t := v.thread
	t.later, s.dead = s.dead, t
	s.schedule(v)
	xenFatal("a dead thread ran")
}

// xenThreadTakeDeadK sets *arg to a thread that has ended, made new, or to
// nil. A dead thread's stacks are kept for the next one: programs that make
// threads at all make them again.
//
//go:nowritebarrierrec
func xenThreadTakeDeadK(arg unsafe.Pointer) {
	s := &xenSched
	s.enter()
	t := s.dead
	if t != nil {
		s.dead = t.later
		t.later, t.pending, t.altstack, t.left = nil, 0, stack{}, 0
	}
	s.lock.unlock()
	*(*uintptr)(arg) = uintptr(unsafe.Pointer(t))
}

// newosproc starts mp on a thread of its own.
//
// May run with m.p==nil, so write barriers are not allowed.
//
//go:nowritebarrier
func newosproc(mp *m) {
	t := (*xenThread)(nil)
	xenKernelCall(xenPC(xenThreadTakeDeadK), unsafe.Pointer(&t))
	if t == nil {
		t = xenThreadNew(xenThreadStackSize)
	}
	if t == nil {
		print("runtime: no memory for the stack of a new thread (have ", mcount(), " already)\n")
		throw("newosproc")
	}
	mp.thread = t
	mp.procid = xenThreadID(mp)
	// mstart0 takes the bounds of a system stack from here.
	mp.g0.stack.hi = t.stackHi
	mp.g0.stack.lo = t.stackHi - xenThreadStackSize
	mp.g0.stackguard0 = mp.g0.stack.lo + stackGuard
	mp.g0.stackguard1 = mp.g0.stackguard0
	t.sigmask = ^uint64(0) // minit sets the M's
	t.bind(mp.g0, mp)
	t.prepare(abi.FuncPCABI0(mstart))
	xenKernelCall(xenPC(xenThreadStartK), unsafe.Pointer(t))
}

// exitThread is for threads whose stack the Go heap owns; here it never does.
func exitThread(wait *atomic.Uint32) {
	throw("exitThread")
}
