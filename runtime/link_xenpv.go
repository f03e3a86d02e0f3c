//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	"internal/xengo/xen/cmdline"
	"unsafe"
)

// What the packages above are given: package hv for hypervisor interfaces and
// drivers, package kernel for the services under package syscall, package
// lifecycle for the toolstack's wishes. Their declarations say what each
// function does.

//go:linkname xenHVHypercall internal/xengo/xen/hv.runtime_hypercall
func xenHVHypercall(op, a1, a2, a3, a4, a5 uintptr) uintptr {
	return xenHypercall(op, a1, a2, a3, a4, a5)
}

//go:linkname xenHVAllocPages internal/xengo/xen/hv.runtime_allocPages
func xenHVAllocPages(n uintptr) unsafe.Pointer {
	return unsafe.Pointer(xenPagesAlloc(n * xenPageSize))
}

//go:linkname xenHVFreePages internal/xengo/xen/hv.runtime_freePages
func xenHVFreePages(p unsafe.Pointer, n uintptr) {
	xenPagesFree(uintptr(p), n*xenPageSize)
}

//go:linkname xenHVFrameOf internal/xengo/xen/hv.runtime_frameOf
func xenHVFrameOf(p unsafe.Pointer) uint64 {
	e := xenWalk(uintptr(p), 1, false)
	if e == nil || *e&xenPTEPresent == 0 {
		throw("xengo: frame of an address that is not mapped")
	}
	return *e & xenPTEAddr >> xenPageShift
}

//go:linkname xenHVMapFrames internal/xengo/xen/hv.runtime_mapFrames
func xenHVMapFrames(frames *uint64, n uintptr) unsafe.Pointer {
	va := xenReserve(0, n*xenPageSize)
	if va == 0 {
		return nil
	}
	a := xenForeignArgs{va: va, frames: unsafe.Pointer(frames), n: n}
	xenKernelCall(xenPC(xenMapForeignK), unsafe.Pointer(&a))
	if !a.ok {
		xenHVUnmapFrames(unsafe.Pointer(va), n)
		return nil
	}
	return unsafe.Pointer(va)
}

type xenForeignArgs struct {
	va     uintptr
	frames unsafe.Pointer
	n      uintptr
	ok     bool
}

//go:nowritebarrierrec
func xenMapForeignK(arg unsafe.Pointer) {
	a := (*xenForeignArgs)(arg)
	xenVM.lock.lock()
	defer xenVM.lock.unlock()
	for i := uintptr(0); i < a.n; i++ {
		e := xenWalk(a.va+i*xenPageSize, 1, true)
		if e == nil {
			return
		}
		xenSetPTE(e, *(*uint64)(add(a.frames, i*8))<<xenPageShift|xenPTERW)
	}
	a.ok = true
}

//go:linkname xenHVUnmapFrames internal/xengo/xen/hv.runtime_unmapFrames
func xenHVUnmapFrames(p unsafe.Pointer, n uintptr) {
	xenUnback(uintptr(p), n*xenPageSize, true)
	xenRelease(uintptr(p), n*xenPageSize)
}

//go:linkname xenHVSpareFrames internal/xengo/xen/hv.runtime_spareFrames
func xenHVSpareFrames(n uintptr) uint64 {
	a := xenForeignArgs{n: n}
	xenKernelCall(xenPC(xenSpareFramesK), unsafe.Pointer(&a))
	return uint64(a.va)
}

//go:nowritebarrierrec
func xenSpareFramesK(arg unsafe.Pointer) {
	a := (*xenForeignArgs)(arg)
	xenVM.lock.lock()
	a.va = uintptr(xenBoot.spareFrames)
	xenBoot.spareFrames += xenPFN(a.n)
	xenVM.lock.unlock()
}

//go:linkname xenHVPages internal/xengo/xen/hv.runtime_pages
func xenHVPages() (have, spare int) { return xenPages() }

//go:linkname xenHVWithhold internal/xengo/xen/hv.runtime_withhold
func xenHVWithhold(pfns, frames *uint64, n uintptr) uintptr { return xenWithhold(pfns, frames, n) }

//go:linkname xenHVRestore internal/xengo/xen/hv.runtime_restore
func xenHVRestore(pfns, frames *uint64, n uintptr) uintptr { return xenRestore(pfns, frames, n) }

//go:linkname xenHVRoom internal/xengo/xen/hv.runtime_room
func xenHVRoom(static uintptr) (first, end uintptr) { return xenRoom(static) }

//go:linkname xenHVAim internal/xengo/xen/hv.runtime_aim
func xenHVAim(pages uintptr) { xenAim(pages) }

//go:linkname xenHVReclaim internal/xengo/xen/hv.runtime_reclaim
func xenHVReclaim() { xenReclaim() }

//go:linkname xenHVIsPV internal/xengo/xen/hv.runtime_isPV
func xenHVIsPV() bool { return xenIsPV }

//go:linkname xenHVEventOpen internal/xengo/xen/hv.runtime_eventOpen
func xenHVEventOpen(port uint32) { xenEventOpen(port) }

//go:linkname xenHVEventWait internal/xengo/xen/hv.runtime_eventWait
func xenHVEventWait(port uint32, user bool) bool { return xenEventWait(port, 0, user) }

//go:linkname xenHVEventClose internal/xengo/xen/hv.runtime_eventClose
func xenHVEventClose(port uint32) { xenEventClose(port) }

//go:linkname xenHVEventHold internal/xengo/xen/hv.runtime_eventHold
func xenHVEventHold(delta int32) { xenEvents.program.Add(delta) }

// xenInCalls counts goroutines that wait in system calls.
var xenInCalls atomic.Int32

// xenAwake is a sleeper that need not sleep.
const xenAwake = 1

// xenKernelSleep waits until the sleeper is awake, and makes it one that is not. A sleeper is a word: 0, xenAwake,
// or its goroutine. One that waits is not deadlocked, as an event may come from outside.
//
//go:linkname xenKernelSleep internal/xengo/runtime/kernel.runtime_sleep
func xenKernelSleep(sleeper *uintptr) {
	if atomic.Casuintptr(sleeper, xenAwake, 0) {
		return
	}
	xenInCalls.Add(1)
	xenEvents.program.Add(1)
	gopark(xenSleepPark, unsafe.Pointer(sleeper), waitReasonSyscall, traceBlockGeneric, 2)
	atomic.Storeuintptr(sleeper, 0)
	xenInCalls.Add(-1)
	xenEvents.program.Add(-1)
}

// xenSleepPark publishes the goroutine, unless it was woken before.
func xenSleepPark(gp *g, sleeper unsafe.Pointer) bool {
	return atomic.Casuintptr((*uintptr)(sleeper), 0, uintptr(unsafe.Pointer(gp)))
}

//go:linkname xenKernelWake internal/xengo/runtime/kernel.runtime_wake
func xenKernelWake(sleeper *uintptr) {
	if gp := atomic.Xchguintptr(sleeper, xenAwake); gp > xenAwake {
		goready(guintptr(gp).ptr(), 2)
	}
}

// gInCalls returns how many goroutines wait in system calls that are calls of functions.
func gInCalls() uint64 { return uint64(xenInCalls.Load()) }

//go:linkname xenHVStoreRing internal/xengo/xen/hv.runtime_storeRing
func xenHVStoreRing() (unsafe.Pointer, uint32) { return xenBoot.store, xenBoot.storePort }

//go:linkname xenHVConsoleRing internal/xengo/xen/hv.runtime_consoleRing
func xenHVConsoleRing() (unsafe.Pointer, uint32) {
	return unsafe.Pointer(xenConsole.ring), xenConsole.port
}

//go:linkname xenHVCmdline internal/xengo/xen/hv.runtime_cmdline
func xenHVCmdline() string { return xenCmdline() }

//go:linkname xenHVRamdisk internal/xengo/xen/hv.runtime_ramdisk
func xenHVRamdisk() []byte { return xenRamdisk() }

//go:linkname xenHVSleep internal/xengo/xen/hv.runtime_sleep
func xenHVSleep(ns int64) { timeSleep(ns) }

//go:linkname xenHVNanotime internal/xengo/xen/hv.runtime_nanotime
func xenHVNanotime() int64 { return nanotime() }

//go:linkname xenHVPrint internal/xengo/xen/hv.runtime_print
func xenHVPrint(s string) { print(s) }

//go:linkname xenLifecycleRaise internal/xengo/xen/lifecycle.runtime_raiseSignal
func xenLifecycleRaise(sig uint32) { xenRaise(sig) }

//go:linkname xenLifecycleReason internal/xengo/xen/lifecycle.runtime_setShutdownReason
func xenLifecycleReason(reason uint32) { xenShutdownReason = reason }

//go:linkname xenLifecycleExitHook internal/xengo/xen/lifecycle.runtime_setExitHook
func xenLifecycleExitHook(f func(status int32)) { xenSetExitHook(f) }

//go:linkname xenLifecycleTraces internal/xengo/xen/lifecycle.runtime_printGoroutines
func xenLifecycleTraces() { xenPrintGoroutines() }

//go:linkname xenLifecycleFatal internal/xengo/xen/lifecycle.runtime_fatal
func xenLifecycleFatal(why string) { throw(why) }

//go:linkname xenLifecycleVCPUs internal/xengo/xen/lifecycle.runtime_vcpus
func xenLifecycleVCPUs() int { return int(xenVCPUMax) }

//go:linkname xenLifecycleSetVCPU internal/xengo/xen/lifecycle.runtime_setVCPU
func xenLifecycleSetVCPU(id int, online bool) { xenVCPUSetOnline(uint32(id), online) }

// xenRaise sends sig to the program: os/signal gets it if it wants it, else
// the signal does what it does by default.
func xenRaise(sig uint32) {
	if sig == 0 || sig >= uint32(len(sigtable)) {
		return
	}
	flags := sigtable[sig].flags
	if flags&_SigNotify != 0 && (signal_ignored(sig) || sigsend(sig)) {
		return
	}
	switch {
	case flags&_SigKill != 0, sig == _SIGKILL:
		exit(128 + int32(sig))
	case flags&_SigThrow != 0, flags&_SigPanic != 0:
		raise(sig)
	}
}

// xenRaiseThread sends sig to the thread with the number tid, whose handler runs
// before this returns if that is the caller's. It returns false if there is none.
func xenRaiseThread(tid int32, sig uint32) bool {
	lock(&sched.lock) // Ms do not go meanwhile
	mp := xenThreadByID(tid)
	if mp != nil && sig != 0 {
		a := xenSignalArgs{mp.thread, sig}
		xenKernelCall(xenPC(xenSignalK), unsafe.Pointer(&a))
	}
	unlock(&sched.lock)
	xenCheckSignals()
	return mp != nil
}

//go:linkname xenKernelRaiseThread internal/xengo/runtime/kernel.runtime_raiseThread
func xenKernelRaiseThread(tid int32, sig uint32) bool { return xenRaiseThread(tid, sig) }

//go:linkname xenKernelBeforeExit internal/xengo/runtime/kernel.runtime_beforeExit
func xenKernelBeforeExit(f func()) { xenExit.first = append(xenExit.first, f) }

//go:linkname xenKernelExit internal/xengo/runtime/kernel.runtime_exit
func xenKernelExit(code int32) { exit(code) }

//go:linkname xenKernelNanotime internal/xengo/runtime/kernel.runtime_nanotime
func xenKernelNanotime() int64 { return nanotime() }

//go:linkname xenKernelWalltime internal/xengo/runtime/kernel.runtime_walltime
func xenKernelWalltime() int64 {
	sec, nsec := xenWallTime(xenSystemTime())
	return sec*1e9 + int64(nsec)
}

//go:linkname xenKernelRandom internal/xengo/runtime/kernel.runtime_random
func xenKernelRandom(p []byte) { readRandom(p) }

//go:linkname xenKernelMemTotal internal/xengo/runtime/kernel.runtime_memTotal
func xenKernelMemTotal() uint64 { return uint64(xenMemTotal()) }

//go:linkname xenKernelMemFree internal/xengo/runtime/kernel.runtime_memFree
func xenKernelMemFree() uint64 { return uint64(xenMemFree()) }

//go:linkname xenKernelNCPU internal/xengo/runtime/kernel.runtime_ncpu
func xenKernelNCPU() int32 { return getCPUCount() }

//go:linkname xenKernelCPUTime internal/xengo/runtime/kernel.runtime_cputime
func xenKernelCPUTime() int64 {
	var ns int64
	xenKernelCall(xenPC(xenCPUTimeK), unsafe.Pointer(&ns))
	return ns
}

// xenLeaveBubble takes the goroutine out of its synctest bubble, and
// xenEnterBubble brings it back: between the two it runs the system's code.
//
//go:linkname xenLeaveBubble syscall.runtime_leaveBubble
func xenLeaveBubble() unsafe.Pointer {
	gp := getg()
	bubble := gp.bubble
	if bubble != nil {
		gp.bubble = nil
	}
	return unsafe.Pointer(bubble)
}

//go:linkname xenEnterBubble syscall.runtime_enterBubble
func xenEnterBubble(bubble unsafe.Pointer) {
	if bubble != nil {
		getg().bubble = (*synctestBubble)(bubble)
	}
}

//go:linkname xenKernelStartTimer internal/xengo/runtime/kernel.runtime_startTimer
func xenKernelStartTimer(ns int64, f func()) unsafe.Pointer {
	return unsafe.Pointer(newTimer(nanotime()+ns, 0, xenTimerRun, f, nil))
}

//go:linkname xenKernelStopTimer internal/xengo/runtime/kernel.runtime_stopTimer
func xenKernelStopTimer(t unsafe.Pointer) bool {
	return stopTimer((*timeTimer)(t))
}

// xenTimerRun runs on behalf of a timer and must not block.
func xenTimerRun(arg any, _ uintptr, _ int64) {
	go arg.(func())()
}

// xenKernelReserve returns n bytes of address space in which pages get memory
// when they are touched, at the address at unless that is 0; nil if there is no
// room.
//
//go:linkname xenKernelReserve internal/xengo/runtime/kernel.runtime_reserve
func xenKernelReserve(at, n uintptr, prot int32) unsafe.Pointer {
	if at != 0 && (at < xenVMStart || at > xenVMEnd || n > xenVMEnd-at) {
		return nil
	}
	va := xenReserve(at, n)
	if va != 0 && xenProtect(va, n, prot) != 0 {
		xenRelease(va, n)
		va = 0
	}
	return unsafe.Pointer(va)
}

//go:linkname xenKernelDiscard internal/xengo/runtime/kernel.runtime_discard
func xenKernelDiscard(p unsafe.Pointer, n uintptr) {
	xenCountMapped(-int64(xenUnback(uintptr(p), n, false)))
}

//go:linkname xenKernelBound internal/xengo/runtime/kernel.runtime_bound
func xenKernelBound(p unsafe.Pointer, n, end uintptr) {
	end = alignUp(end, xenPageSize)
	a := xenVMArgs{op: xenVMSet, va: uintptr(p), n: end, flags: xenPTERW}
	xenVMCall(&a)
	a.va, a.n, a.flags = uintptr(p)+end, n-end, xenPTERW|xenPTEBeyond
	xenVMCall(&a)
}

//go:linkname xenKernelPopulate internal/xengo/runtime/kernel.runtime_populate
func xenKernelPopulate(p unsafe.Pointer, n uintptr) bool { return xenPopulate(uintptr(p), n) }

//go:linkname xenKernelUntouched internal/xengo/runtime/kernel.runtime_untouched
func xenKernelUntouched(p unsafe.Pointer, n uintptr) uintptr {
	return xenNextMapped(uintptr(p), uintptr(p)+n) - uintptr(p)
}

//go:linkname xenKernelMunmap internal/xengo/runtime/kernel.runtime_munmap
func xenKernelMunmap(p unsafe.Pointer, n uintptr) {
	xenKernelDiscard(p, n)
	xenRelease(uintptr(p), n)
}

//go:linkname xenKernelMprotect internal/xengo/runtime/kernel.runtime_mprotect
func xenKernelMprotect(p unsafe.Pointer, n uintptr, prot int32) int32 {
	return xenProtect(uintptr(p), n, prot)
}

//go:linkname xenKernelRaiseSignal internal/xengo/runtime/kernel.runtime_raiseSignal
func xenKernelRaiseSignal(sig uint32) { xenRaise(sig) }

//go:linkname xenKernelNetpollReady internal/xengo/runtime/kernel.runtime_netpollReady
func xenKernelNetpollReady(pd, seq uintptr, mode int32) { xenNetpollReady(pd, seq, mode) }

//go:linkname xenKernelConsoleWrite internal/xengo/runtime/kernel.runtime_consoleWrite
func xenKernelConsoleWrite(p []byte) int { return xenConsoleWrite(p) }

//go:linkname xenKernelConsoleRead internal/xengo/runtime/kernel.runtime_consoleRead
func xenKernelConsoleRead(p []byte) int { return xenConsoleRead(p) }

//go:linkname xenKernelConsoleWait internal/xengo/runtime/kernel.runtime_consoleWait
func xenKernelConsoleWait(write, user bool) bool { return xenConsoleWait(write, user) }

//go:linkname xenKernelConsoleWake internal/xengo/runtime/kernel.runtime_consoleWake
func xenKernelConsoleWake() { xenConsoleWake() }

//go:linkname xenKernelOption internal/xengo/runtime/kernel.runtime_option
func xenKernelOption(name string) string {
	v, _ := cmdline.Lookup(xenCmdline(), name, make([]byte, 0, len(xenCmdline())+1))
	return string(v)
}

//go:linkname xenKernelArgs internal/xengo/runtime/kernel.runtime_args
func xenKernelArgs() (argv, envp []string) { return argslice, envs }

//go:linkname xenKernelYield internal/xengo/runtime/kernel.runtime_yield
func xenKernelYield() { Gosched() }

//go:linkname xenKernelThreads internal/xengo/runtime/kernel.runtime_threads
func xenKernelThreads() int32 { return mcount() }

//go:linkname xenKernelThreadID internal/xengo/runtime/kernel.runtime_threadID
func xenKernelThreadID() int32 { return int32(xenThreadID(getg().m)) }

// xenKernelFreeRamdisk frees frames that only the identity map has. The rest of the ramdisk stays where it is.
//
//go:linkname xenKernelFreeRamdisk internal/xengo/runtime/kernel.runtime_freeRamdisk
func xenKernelFreeRamdisk(p []byte) {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	a := xenFramesArgs{alignUp(start, xenPageSize), alignDown(start+uintptr(len(p)), xenPageSize)}
	for a.at < a.end {
		xenKernelCall(xenPC(xenFramesFreeK), unsafe.Pointer(&a))
	}
}

// xenFramesArgs are addresses of the identity map.
type xenFramesArgs struct{ at, end uintptr }

// xenFramesFreeK frees the next of a range of frames, as many as may be with events masked.
//
//go:nowritebarrierrec
func xenFramesFreeK(arg unsafe.Pointer) {
	a := (*xenFramesArgs)(arg)
	xenVM.lock.lock()
	for stop := min(a.end, a.at+xenVMStep); a.at < stop; a.at += xenPageSize {
		xenFrameFree(xenPFN(a.at >> xenPageShift))
	}
	xenVM.lock.unlock()
}

//go:linkname xenKernelRamdisk internal/xengo/runtime/kernel.runtime_ramdisk
func xenKernelRamdisk() []byte { return xenRamdisk() }

//go:linkname xenKernelImage internal/xengo/runtime/kernel.runtime_image
func xenKernelImage() []byte { return nil }

// xenCallsMapped is for the pointers of system calls: most are to objects in the
// heap or on a stack, which its span tells at once.
//
//go:linkname xenCallsMapped internal/xengo/runtime/calls.runtime_mapped
func xenCallsMapped(p, n uintptr) bool {
	if s := spanOf(p); s != nil && s.state.get() != mSpanDead && p+n <= s.limit {
		return true
	}
	for va := alignDown(p, xenPageSize); va < p+n; {
		size := xenPageMapped(va)
		if size == 0 {
			if size = xenPageSize; !xenPopulate(va, size) {
				return false
			}
		}
		va = alignDown(va, size) + size
	}
	return true
}

// xenSyscall6 is internal/xengo/runtime/calls.Syscall6, set by that package.
//
//go:linkname xenSyscall6
var xenSyscall6 func(nr, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, errno uintptr)

// xenSyscallGo is the Go side of xenSyscallTrampoline. The result is in Linux's
// form: a negative errno or a value, and RDX as it was.
func xenSyscallGo(nr, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr) {
	if xenSyscall6 == nil {
		return ^uintptr(_ENOSYS - 1), 0
	}
	r1, _, errno := xenSyscall6(nr, a1, a2, a3, a4, a5, a6)
	if errno != 0 {
		return -errno, a3
	}
	return r1, a3
}
