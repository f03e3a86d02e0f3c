//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// The PV console (public/io/console.h): a page with a ring for each direction,
// and an event channel. print, panics and the nanokernel's last words come
// here directly; standard output and input by way of package files.

var xenConsole struct {
	lock xenSpin // guards the output ring; innermost of all locks
	ring *xabi.XenconsInterface
	port uint32
	dead bool // the other end does not take anything any more

	told  atomic.Int64  // when the other end was last told of output, by nanotime
	late  atomic.Uint32 // 1: timer will tell it
	timer timer
}

// xenConsolePatience is how long the last words of a guest wait for room.
const xenConsolePatience = 2e9 // ns without progress

// xenConsolePut copies as much of p into the ring as there is room for.
// Indices come from the other end: what they allow is bounded by the ring's
// size.
//
//go:nosplit
func xenConsolePut(p unsafe.Pointer, n uintptr) uintptr {
	r := xenConsole.ring
	if r == nil {
		return n
	}
	cons, prod := atomic.Load(&r.OutCons), r.OutProd
	used := prod - cons
	if used > xabi.XenconsOutSize {
		return 0 // a lie, or damage; as good as full
	}
	n = min(n, uintptr(xabi.XenconsOutSize-used))
	for i := uintptr(0); i < n; i++ {
		r.Out[(prod+uint32(i))%xabi.XenconsOutSize] = *(*byte)(add(p, i))
	}
	atomic.Store(&r.OutProd, prod+uint32(n)) // after the bytes
	return n
}

type xenConsoleArgs struct {
	p    unsafe.Pointer
	n    uintptr
	done uintptr
	in   bool
	full bool // the output ring is
}

//go:nowritebarrierrec
func xenConsoleK(arg unsafe.Pointer) {
	a := (*xenConsoleArgs)(arg)
	c := &xenConsole
	c.lock.lock()
	if a.in {
		a.done = xenConsoleTake(a.p, a.n)
	} else {
		a.done = xenConsolePut(a.p, a.n)
	}
	a.full = c.ring != nil && c.ring.OutProd-atomic.Load(&c.ring.OutCons) == xabi.XenconsOutSize
	c.lock.unlock()
	if a.done != 0 && (a.in || a.full) {
		xenNotify(c.port)
	}
}

// xenConsoleTake copies waiting input to p.
//
//go:nosplit
func xenConsoleTake(p unsafe.Pointer, n uintptr) uintptr {
	r := xenConsole.ring
	if r == nil {
		return 0
	}
	prod, cons := atomic.Load(&r.InProd), r.InCons
	have := prod - cons
	if have > xabi.XenconsInSize {
		return 0
	}
	n = min(n, uintptr(have))
	for i := uintptr(0); i < n; i++ {
		*(*byte)(add(p, i)) = r.In[(cons+uint32(i))%xabi.XenconsInSize]
	}
	atomic.Store(&r.InCons, cons+uint32(n)) // after the bytes
	return n
}

// xenConsoleWrite gives the console what it has room for. The other end hears
// of it at once if there is none left, else at once or soon.
func xenConsoleWrite(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	a := xenConsoleArgs{p: unsafe.Pointer(&p[0]), n: uintptr(len(p))}
	xenKernelCall(xenPC(xenConsoleK), unsafe.Pointer(&a))
	if a.done != 0 && !a.full {
		xenConsoleNotify()
	}
	return int(a.done)
}

// xenConsoleNotifyEvery is the shortest time between notifications of output
// that does not fill the ring. xenconsoled takes 30 events in 200 ms and then
// none until these are over, however little each of them brings
// (RATE_LIMIT_ALLOWANCE and RATE_LIMIT_PERIOD, tools/console/daemon/io.c of Xen
// 4.20).
const xenConsoleNotifyEvery = 200e6 / 25 // ns

// xenConsoleNotify tells the other end of output, or arms a timer that does.
func xenConsoleNotify() {
	c := &xenConsole
	now, told := nanotime(), c.told.Load()
	if next := told + xenConsoleNotifyEvery; now < next {
		if c.late.CompareAndSwap(0, 1) {
			c.timer.modify(next, 0, xenConsoleNotifyLate, nil, 0)
		}
	} else if c.told.CompareAndSwap(told, now) {
		xenNotify(c.port)
	}
}

// xenConsoleNotifyLate is that timer's function.
func xenConsoleNotifyLate(any, uintptr, int64) {
	xenConsole.late.Store(0) // before the event: who writes after it arms the timer again
	xenConsole.told.Store(nanotime())
	xenNotify(xenConsole.port)
}

func xenConsoleRead(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	a := xenConsoleArgs{p: unsafe.Pointer(&p[0]), n: uintptr(len(p)), in: true}
	xenKernelCall(xenPC(xenConsoleK), unsafe.Pointer(&a))
	return int(a.done)
}

// xenConsoleWait parks until there may be room (write) or input, or
// xenConsoleWake. user tells whether this wait is a reason for the program to
// live.
func xenConsoleWait(write, user bool) bool {
	if xenConsole.ring == nil {
		return false
	}
	if xenEvents.kind[xenConsole.port] == xenPortNone {
		xenEventOpen(xenConsole.port)
	}
	slot := 0
	if write {
		slot = 1
	}
	return xenEventWait(xenConsole.port, slot, user)
}

// xenConsoleWake ends the wait for input, or the next one.
func xenConsoleWake() {
	port := xenConsole.port
	if xenConsole.ring == nil || xenEvents.kind[port] == xenPortNone {
		return
	}
	p := &xenEvents.ports[port/64][port%64].slots[0]
	p.fired.Store(1)
	p.ready()
}

// xenConsoleAll writes all of it, waiting for room without the help of any
// thread. Telling the other end is left to the caller. It runs anywhere, and gives
// up on a console that does not move.
//
//go:nosplit
func xenConsoleAll(p unsafe.Pointer, n uintptr) {
	c := &xenConsole
	var last int64
	for n > 0 && !c.dead && c.ring != nil {
		done := xenConsolePut(p, n)
		if done != 0 {
			p, n, last = add(p, done), n-done, 0
			continue
		}
		now := xenSystemTime()
		if last == 0 {
			last = now
			xenNotify(c.port)
		}
		if now-last > xenConsolePatience {
			c.dead = true
			return
		}
		xenPollPort(c.port, now+10e6)
	}
}

// xenPollPort waits in the hypervisor until the port is pending or the system
// time has come.
//
//go:nosplit
func xenPollPort(port uint32, until int64) {
	atomic.And64(&xenSharedInfo.EvtchnPending[port/64], ^(uint64(1) << (port % 64)))
	ports := [1]uint32{port}
	poll := xabi.SchedPoll{Ports: uintptr(unsafe.Pointer(&ports)), NrPorts: 1, Timeout: uint64(until)}
	xenHypercall(xabi.HypercallSchedOp, xabi.SchedOpPoll, uintptr(unsafe.Pointer(&poll)), 0, 0, 0)
}

// xenConsoleFlush waits until the other end has taken everything, within
// reason.
//
//go:nosplit
func xenConsoleFlush() {
	c := &xenConsole
	if c.ring == nil || c.dead {
		return
	}
	start := xenSystemTime()
	for now := start; atomic.Load(&c.ring.OutCons) != c.ring.OutProd && now-start < xenConsolePatience; now = xenSystemTime() {
		xenNotify(c.port)
		xenPollPort(c.port, now+10e6)
	}
}

// write1 is print's and panic's way out, and a heap dump's.
//
//go:nosplit
func write1(fd uintptr, p unsafe.Pointer, n int32) int32 {
	if fd != 1 && fd != 2 {
		return xenDumpWrite(p, n)
	}
	a := xenConsoleArgs{p: p, n: uintptr(n)}
	xenKernelCall(xenPC(xenConsoleAllK), unsafe.Pointer(&a))
	return n
}

//go:nowritebarrierrec
func xenConsoleAllK(arg unsafe.Pointer) {
	a := (*xenConsoleArgs)(arg)
	xenPutsRaw(a.p, a.n)
}

// xenPutsRaw writes to the console, a carriage return before every newline as
// terminals want it, and until there is a console to Xen's own. What does not
// end with a newline may not be seen before more comes, or the end.
//
//go:nosplit
func xenPutsRaw(p unsafe.Pointer, n uintptr) {
	if xenConsole.ring == nil || xenConsole.dead {
		xenHypercall(xabi.HypercallConsoleIO, xabi.ConsoleIOWrite, n, uintptr(p), 0, 0)
		return
	}
	crlf := [2]byte{'\r', '\n'}
	start := uintptr(0)
	for i := uintptr(0); i < n; i++ {
		if *(*byte)(add(p, i)) == '\n' {
			xenConsoleAll(add(p, start), i-start)
			xenConsoleAll(unsafe.Pointer(&crlf), 2)
			start = i + 1
		}
	}
	xenConsoleAll(add(p, start), n-start)
	// Package runtime prints in small pieces, each of which would be an event.
	if start == n {
		xenNotify(xenConsole.port)
	}
}

// xenPuts, xenPutHex and xenPutDec print from anywhere.
//
//go:nosplit
func xenPuts(s string) {
	xenPutsRaw(unsafe.Pointer(unsafe.StringData(s)), uintptr(len(s)))
}

//go:nosplit
func xenPutHex(x uint64) {
	var b [18]byte
	i := len(b)
	for {
		i--
		b[i] = "0123456789abcdef"[x&15]
		x >>= 4
		if x == 0 {
			break
		}
	}
	b[i-1], b[i-2] = 'x', '0'
	xenPutsRaw(unsafe.Pointer(&b[i-2]), uintptr(len(b)-i+2))
}

//go:nosplit
func xenPutDec(x uint64) {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + x%10)
		x /= 10
		if x == 0 {
			break
		}
	}
	xenPutsRaw(unsafe.Pointer(&b[i]), uintptr(len(b)-i))
}
