//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	"internal/runtime/sys"
	"unsafe"
)

// Integrated poller. Two kinds of goroutines wait here:
//
//   - those of std, on descriptors: the services under package syscall know
//     when one becomes ready and call xenNetpollReady, from a goroutine;
//   - drivers, on event channels (xenEventWait): upcalls mark their ports, and
//     netpoll makes them ready.
//
// The idle wait of the scheduler is netpoll's sleep on xenEvents.seq, and the
// idle thread's in the hypervisor.

func netpollinit() {}

func netpollIsPollDescriptor(fd uintptr) bool { return false }

// Implemented by package internal/xengo/runtime/files.
//
//go:linkname xenNetpollOpen
var xenNetpollOpen func(fd int32, pd, seq uintptr) int32

//go:linkname xenNetpollClose
var xenNetpollClose func(fd int32) int32

func netpollopen(fd uintptr, pd *pollDesc) uintptr {
	if xenNetpollOpen == nil {
		return _EPERM
	}
	bubble := xenLeaveBubble()
	errno := xenNetpollOpen(int32(fd), uintptr(unsafe.Pointer(pd)), pd.fdseq.Load())
	xenEnterBubble(bubble)
	return uintptr(errno)
}

func netpollclose(fd uintptr) uintptr {
	if xenNetpollClose == nil {
		return 0
	}
	bubble := xenLeaveBubble()
	errno := xenNetpollClose(int32(fd))
	xenEnterBubble(bubble)
	return uintptr(errno)
}

func netpollarm(pd *pollDesc, mode int) {
	throw("runtime: unused")
}

const _EPERM = 1

// xenNetpollReady makes the goroutines that wait on pd ready, if pd still is
// what it was when netpollopen gave it out. mode is 'r', 'w' or 'r'+'w'.
func xenNetpollReady(pd, seq uintptr, mode int32) {
	p := (*pollDesc)(unsafe.Pointer(pd))
	if p.fdseq.Load() != seq {
		return
	}
	var list gList
	netpollAdjustWaiters(netpollready(&list, p, mode))
	for !list.empty() {
		goready(list.pop(), 2)
	}
}

var netpollWakeSig atomic.Uint32 // used to avoid duplicate calls of netpollBreak

// netpollBreak interrupts netpoll's sleep.
func netpollBreak() {
	if !netpollWakeSig.CompareAndSwap(0, 1) {
		return
	}
	xenKernelCall(xenPC(xenNetpollBreakK), nil)
}

//go:nowritebarrierrec
func xenNetpollBreakK(unsafe.Pointer) {
	s := &xenSched
	s.enter()
	xenEvents.seq++
	s.wakeFutex(&xenEvents.seq, 1, false)
	s.lock.unlock()
}

// netpoll checks for ready goroutines.
// Returns a list of goroutines that become runnable,
// and a delta to add to netpollWaiters.
// This must never return an empty list with a non-zero delta.
//
// delay < 0: blocks indefinitely
// delay == 0: does not block, just polls
// delay > 0: block for up to that many nanoseconds
func netpoll(delay int64) (gList, int32) {
	var list gList
	seq := atomic.Load(&xenEvents.seq)
	xenNetpollCollect(&list)
	if delay == 0 || !list.empty() {
		return list, 0
	}
	if netpollWakeSig.Load() == 0 {
		// This M sleeps for the sake of drivers. Unless somebody waits
		// whom they may wake, that is no sign of life: see checkdead.
		incidlelocked(1)
		xenFutexSleep(xenFutexArgs{addr: &xenEvents.seq, val: seq, ns: delay}) // the program's timers: without a yield
		incidlelocked(-1)
	}
	netpollWakeSig.Store(0)
	xenNetpollCollect(&list)
	return list, 0
}

// xenNetpollCollect takes the goroutines whose ports have fired.
func xenNetpollCollect(list *gList) {
	if xenEvents.any.Load() == 0 {
		return
	}
	xenEvents.any.Store(0)
	for w := range xenEvents.fired {
		if atomic.Load64(&xenEvents.fired[w]) == 0 {
			continue
		}
		ports := atomic.Xchg64(&xenEvents.fired[w], 0)
		for ; ports != 0; ports &= ports - 1 {
			p := &xenEvents.ports[w][sys.TrailingZeros64(ports)]
			for i := range p.slots {
				if gp := p.slots[i].take(); gp != nil {
					list.push(gp)
				}
			}
		}
	}
}

// netpollProgramWaiters reports whether the program waits for what may come from
// outside.
func netpollProgramWaiters() bool { return netpollWaiters.Load() > 0 || xenEvents.program.Load() > 0 }

// netpollSystemWaiters reports whether drivers wait for events, or the program does
// elsewhere than in netpoll: then an idle M must poll, though no one counts in
// netpollWaiters.
func netpollSystemWaiters() bool {
	return xenEvents.system.Load() > 0 || xenEvents.program.Load() > 0
}
