//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"internal/xengo/xen/xenstore/xswire"
	"unsafe"
)

// xenShutdownReason is what the domain asks of the toolstack when the program
// ends in order: power off, or reboot if that was what `xl` wanted.
var xenShutdownReason uint32 = xabi.ShutdownPoweroff

// xenExitHook, if set, tells the toolstack the exit status. It is called on an
// ordinary goroutine. (A variable, as exit may not call what can allocate.)
var xenExitHook func(status int32)

var xenExiting atomic.Uint32

// exit ends the program and with it the domain. After a panic or a fatal
// error the domain counts as crashed, which is what `xl` acts on.
//
//go:nosplit
func exit(code int32) {
	gp := getg()
	if gp.m.dying != 0 {
		xenStop(code, xabi.ShutdownCrash)
	}
	if gp == gp.m.curg && gp.m.locks == 0 && xenExitHook != nil {
		xenExitHook(code)
	}
	xenStop(code, xenShutdownReason)
}

// xenSetExitHook makes f the exit hook.
func xenSetExitHook(f func(status int32)) {
	xenExit.hook = f
	xenExitHook = xenExitInOrder
}

var xenExit struct {
	hook   func(status int32)
	first  []func() // what is done before, from the last to the first
	status int32
	steps  atomic.Uint32 // of hook and first, how many are done
}

// xenExitInOrder gives file systems half a minute to be unmounted, and the hook
// 2 s: a toolstack that has gone away is not waited for. Who comes second waits
// for what the first has begun.
func xenExitInOrder(status int32) {
	getg().bubble = nil // its time may stand still (testing/synctest)
	if xenExiting.CompareAndSwap(0, 1) {
		xenExit.status = status
		go xenExitRun()
	}
	xenExitAwait(1, 30e9)
	xenExitAwait(2, 2e9)
}

func xenExitAwait(steps uint32, patience int64) {
	for deadline := nanotime() + patience; xenExit.steps.Load() < steps && nanotime() < deadline; {
		timeSleep(1e5)
	}
}

func xenExitRun() {
	for i := len(xenExit.first) - 1; i >= 0; i-- {
		xenExit.first[i]()
	}
	xenExit.steps.Store(1)
	xenExit.hook(xenExit.status)
	xenExit.steps.Store(2)
}

// xenStop writes what the console still has to take, leaves the exit status in
// xenstore if the hook could not, and shuts the domain down.
//
//go:nosplit
func xenStop(code int32, reason uint32) {
	a := xenStopArgs{code, reason}
	xenKernelCall(xenPC(xenStopK), unsafe.Pointer(&a))
}

type xenStopArgs struct {
	code   int32
	reason uint32
}

//go:nowritebarrierrec
func xenStopK(arg unsafe.Pointer) {
	a := (*xenStopArgs)(arg)
	xenStopOthers()
	if xenExit.steps.Load() < 2 {
		xenExitLastWord(a.code)
	}
	xenConsoleFlush()
	xenShutdown(a.reason)
}

// xenExitPatience is how long the last word waits for xenstored.
const xenExitPatience = 2e9 // ns

// xenExitLastWord leaves the exit status in xenstore without the help of any
// goroutine: for panics, and programs that came without package lifecycle.
// Nothing else runs any more.
func xenExitLastWord(code int32) {
	b := &xenBoot
	if b.store == nil {
		return
	}
	var digits [11]byte
	i := len(digits)
	for n := uint32(max(code, -code)); ; n /= 10 {
		i--
		digits[i] = byte('0' + n%10)
		if n < 10 {
			break
		}
	}
	if code < 0 {
		i--
		digits[i] = '-'
	}
	var buf [64]byte
	msg := xswire.AppendMessage(buf[:0], xabi.XSWrite, 0, 0,
		"data/exit-status\x00", slicebytetostringtmp(&digits[i], len(digits)-i))
	deadline := xenSystemTime() + xenExitPatience
	xswire.LastWord((*xabi.XenstoreDomainInterface)(b.store), xswire.Mem{Load: atomic.Load, Store: atomic.Store}, msg,
		func() { xenNotify(b.storePort) },
		func() bool {
			now := xenSystemTime()
			xenPollPort(b.storePort, now+10e6)
			return now < deadline
		})
}

// xenShutdown does not return.
//
//go:nosplit
func xenShutdown(reason uint32) {
	s := xabi.SchedShutdown{Reason: reason}
	for {
		xenHypercall(xabi.HypercallSchedOp, xabi.SchedOpShutdown, uintptr(unsafe.Pointer(&s)), 0, 0, 0)
	}
}
