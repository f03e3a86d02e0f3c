//go:build xenpv

package runtime

import (
	"internal/abi"
	"internal/runtime/atomic"
	"internal/runtime/sys"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// Signals are how traps and preemption requests reach Go's handlers, as on
// Unix: a frame in Linux's layout on the M's signal stack, sigtramp, and a
// return that restores all of it.

const (
	_SS_DISABLE  = 2
	_NSIG        = 65
	_SIG_BLOCK   = 0
	_SIG_UNBLOCK = 1
	_SIG_SETMASK = 2

	_SI_USER = 0

	_SIGTERM = 15 // missing in defs_linux_amd64.go

	_si_max_size    = 128
	_sigev_max_size = 64
)

type sigset [2]uint32

var sigset_all = sigset{^uint32(0), ^uint32(0)}

//go:nosplit
//go:nowritebarrierrec
func sigaddset(mask *sigset, i int) {
	(*mask)[(i-1)/32] |= 1 << ((uint32(i) - 1) & 31)
}

func sigdelset(mask *sigset, i int) {
	(*mask)[(i-1)/32] &^= 1 << ((uint32(i) - 1) & 31)
}

//go:nosplit
func sigfillset(mask *uint64) {
	*mask = ^uint64(0)
}

// xenSigactions are the dispositions: a handler, _SIG_DFL or _SIG_IGN.
var xenSigactions [_NSIG]uintptr

//go:nosplit
//go:nowritebarrierrec
func setsig(i uint32, fn uintptr) {
	if fn == abi.FuncPCABIInternal(sighandler) { // abi.FuncPCABIInternal(sighandler) matches the callers in signal_unix.go
		fn = abi.FuncPCABI0(sigtramp)
	}
	atomic.Storeuintptr(&xenSigactions[i], fn)
}

//go:nosplit
//go:nowritebarrierrec
func getsig(i uint32) uintptr {
	return atomic.Loaduintptr(&xenSigactions[i])
}

// Every handler runs on the signal stack.
//
//go:nosplit
func setsigstack(i uint32) {}

//go:nosplit
func sysSigaction(sig uint32, new, old *sigactiont) {
	if old != nil {
		*old = sigactiont{sa_handler: getsig(sig)}
	}
	if new != nil {
		setsig(sig, new.sa_handler)
	}
}

//go:nosplit
func setSignalstackSP(s *stackt, sp uintptr) {
	*(*uintptr)(unsafe.Pointer(&s.ss_sp)) = sp
}

//go:nosplit
func (c *sigctxt) fixsigcode(sig uint32) {
}

func sigtramp()

// xenThis returns the running thread.
func xenThis() *xenThread

//go:nosplit
func sigaltstack(new, old *stackt) {
	t := xenThis()
	if old != nil {
		old.ss_flags = 0
		setSignalstackSP(old, t.altstack.lo)
		old.ss_size = t.altstack.hi - t.altstack.lo
		if old.ss_size == 0 {
			old.ss_flags = _SS_DISABLE
		}
	}
	if new == nil {
		return
	}
	if new.ss_flags&_SS_DISABLE != 0 {
		t.altstack = stack{}
		return
	}
	lo := uintptr(unsafe.Pointer(new.ss_sp))
	t.altstack = stack{lo, lo + new.ss_size}
}

//go:nosplit
//go:nowritebarrierrec
func sigprocmask(how int32, new, old *sigset) {
	t := xenThis()
	if old != nil {
		*old = sigset{uint32(t.sigmask), uint32(t.sigmask >> 32)}
	}
	if new == nil {
		return
	}
	set := uint64(new[0]) | uint64(new[1])<<32
	switch how {
	case _SIG_BLOCK:
		t.sigmask |= set
	case _SIG_UNBLOCK:
		t.sigmask &^= set
	case _SIG_SETMASK:
		t.sigmask = set
	}
	xenCheckSignals()
}

// xenCheckSignals takes the signals that came while the running thread slept
// or blocked them. They are delivered on the way back from an upcall.
//
//go:nosplit
func xenCheckSignals() {
	t := xenThis()
	if atomic.Load64(&t.pending)&^t.sigmask != 0 && !xenInKernel() {
		xenSelfUpcall()
	}
}

// xenInKernel reports whether this runs on a kernel stack.
//
//go:nosplit
func xenInKernel() bool {
	return getg() == xenThis().kg.ptr()
}

type xenSignalArgs struct {
	t   *xenThread
	sig uint32
}

// signalM sends a signal to mp.
func signalM(mp *m, sig int) {
	a := xenSignalArgs{mp.thread, uint32(sig)}
	xenKernelCall(xenPC(xenSignalK), unsafe.Pointer(&a))
	xenCheckSignals()
}

//go:nowritebarrierrec
func xenSignalK(arg unsafe.Pointer) {
	a := (*xenSignalArgs)(arg)
	s := &xenSched
	s.enter()
	atomic.Or64(&a.t.pending, 1<<(a.sig-1))
	xenKickThread(a.t)
	s.lock.unlock()
}

// raise sends sig to the running thread.
//
//go:nosplit
func raise(sig uint32) {
	a := xenSignalArgs{xenThis(), sig}
	xenKernelCall(xenPC(xenSignalK), unsafe.Pointer(&a))
	xenCheckSignals()
}

// raiseproc sends sig to the program; here that is whoever runs.
//
//go:nosplit
func raiseproc(sig uint32) {
	raise(sig)
}

// xenSignalFrame is what a handler finds on its stack.
type xenSignalFrame struct {
	ret  uintptr // xenSigreturn
	info siginfo
	uc   ucontext
}

// xenDeliverSignals makes the frame continue in the handler of a pending
// signal, if there is one. Each handler blocks all signals until it returns.
func xenDeliverSignals(t *xenThread, f *xenTrapFrame) {
	for {
		ready := atomic.Load64(&t.pending) &^ t.sigmask
		if ready == 0 {
			return
		}
		sig := uint32(sys.TrailingZeros64(ready)) + 1
		atomic.And64(&t.pending, ^(uint64(1) << (sig - 1)))
		if xenDeliver(t, f, sig, _SI_USER, 0) {
			return
		}
	}
}

// xenDeliver makes the frame continue in the handler of sig. It reports false
// if the signal is ignored.
func xenDeliver(t *xenThread, f *xenTrapFrame, sig uint32, code int32, addr uint64) bool {
	fn := getsig(sig)
	switch fn {
	case _SIG_IGN:
		return false
	case _SIG_DFL:
		return xenDefaultAction(f, sig)
	}
	sp := uintptr(f.sc.rsp)
	if alt := t.altstack; alt.hi != 0 && (sp <= alt.lo || sp > alt.hi) {
		sp = alt.hi
	}
	if sp-8192 < t.altstack.lo && sp > t.altstack.lo {
		xenDumpFrame(f)
		xenFatal("no room on the signal stack")
	}
	fp := (sp - xenXsaveSize) &^ 63
	memmove(unsafe.Pointer(fp), unsafe.Pointer(f.sc.fpstate), xenXsaveSize)
	sp = (fp-unsafe.Sizeof(xenSignalFrame{}))&^15 - 8
	sf := (*xenSignalFrame)(unsafe.Pointer(sp))
	memclrNoHeapPointers(unsafe.Pointer(sf), unsafe.Sizeof(*sf))
	sf.ret = abi.FuncPCABI0(xenSigreturn)
	sf.info.si_signo = int32(sig)
	sf.info.si_code = code
	sf.info.si_addr = addr
	sc := (*sigcontext)(unsafe.Pointer(&sf.uc.uc_mcontext))
	memmove(unsafe.Pointer(sc), unsafe.Pointer(&f.sc), unsafe.Sizeof(f.sc))
	*(*uintptr)(unsafe.Pointer(&sc.fpstate)) = fp
	sf.uc.uc_sigmask.__val[0] = t.sigmask
	sf.uc.uc_flags = f.ss
	t.sigmask = ^uint64(0)

	f.sc.rip = uint64(fn)
	f.sc.rsp = uint64(sp)
	f.sc.rdi = uint64(sig)
	f.sc.rsi = uint64(uintptr(unsafe.Pointer(&sf.info)))
	f.sc.rdx = uint64(uintptr(unsafe.Pointer(&sf.uc)))
	f.sc.eflags &^= 1<<10 | 1<<8 // direction, trap
	return true
}

// xenSigreturnK fills the trap frame from a signal frame.
//
//go:nowritebarrierrec
func xenSigreturnK(sf *xenSignalFrame, f *xenTrapFrame, gp uintptr) {
	t := xenThis()
	memmove(unsafe.Pointer(&f.sc), unsafe.Pointer(&sf.uc.uc_mcontext), unsafe.Sizeof(f.sc))
	f.ss = sf.uc.uc_flags
	f.g = guintptr(gp)
	t.sigmask = sf.uc.uc_sigmask.__val[0]
	// More signals may be waiting; f's register area is in the signal frame,
	// which the next handler may take the place of: it copies first.
	xenDeliverSignals(t, f)
}

// xenDefaultAction is what a signal does without a handler: nothing, or the
// end.
func xenDefaultAction(f *xenTrapFrame, sig uint32) bool {
	switch sig {
	case _SIGCHLD, _SIGCONT, _SIGURG, _SIGWINCH:
		return false
	case _SIGHUP, _SIGINT, _SIGKILL, _SIGPIPE, _SIGALRM, _SIGTERM, _SIGUSR1, _SIGUSR2, _SIGPROF, _SIGVTALRM, _SIGIO:
		xenStop(128+int32(sig), xenShutdownReason)
	case _SIGABRT:
		xenStop(2, xabi.ShutdownCrash)
	}
	xenPuts("xengo: fatal signal ")
	xenPutDec(uint64(sig))
	xenPuts("\n")
	xenDumpFrame(f)
	xenStop(2, xabi.ShutdownCrash)
	return false
}

// xenPrintGoroutines prints the stacks of all goroutines but the one that asks,
// in the form of GOTRACEBACK=all. It needs no memory: one may want to see them
// because there is none. The world stands still until all is written.
func xenPrintGoroutines() {
	me := getg()
	stw := stopTheWorld(stwAllGoroutinesStack)
	systemstack(func() {
		mp := getg().m
		mp.traceback = 1 // whatever GOTRACEBACK is; that is about crashes
		tracebackothers(me)
		mp.traceback = 0
	})
	startTheWorld(stw)
}
