//go:build xenpv

package runtime

import xabi "internal/xengo/xen/abi"

// The processor's exceptions that mean something here.
const (
	xenTrapDivide     = 0
	xenTrapDebug      = 1
	xenTrapNMI        = 2
	xenTrapBreakpoint = 3
	xenTrapOverflow   = 4
	xenTrapInvalid    = 6
	xenTrapDouble     = 8
	xenTrapProtection = 13
	xenTrapPage       = 14
	xenTrapFPU        = 16
	xenTrapAlignment  = 17
	xenTrapMachine    = 18
	xenTrapSIMD       = 19
)

// xenTrap is the Go side of every trap and event upcall: it runs on the kernel
// stack of the thread it hit, with events masked, and returns into what f says
// then.
//
//go:nowritebarrierrec
func xenTrap(f *xenTrapFrame) {
	v := xenCurrentVCPU()
	v.clock = 0
	t := v.thread
	if f.g == t.kg {
		xenDumpFrame(f)
		xenFatal("trap in the nanokernel")
	}
	if f.sc.trapno == xenUpcallVector {
		v.upcalls++
		xenEventsPending(v)
		xenReschedule(v)
	} else {
		xenException(t, f)
	}
	if !t.idle {
		xenDeliverSignals(t, f)
	}
}

// xenException turns a processor exception into the signal that Unix has for
// it.
func xenException(t *xenThread, f *xenTrapFrame) {
	if xenIsPV && f.sc.trapno == xenTrapPage {
		f.sc.cr2 = xenCurrentVCPU().info.Arch.CR2
	}
	var sig uint32
	code := int32(_SI_KERNEL)
	addr := f.sc.rip
	switch f.sc.trapno {
	case xenTrapDivide:
		sig, code = _SIGFPE, _FPE_INTDIV
	case xenTrapFPU, xenTrapSIMD:
		sig, code = _SIGFPE, _FPE_FLTINV
	case xenTrapDebug, xenTrapBreakpoint:
		sig = _SIGTRAP
	case xenTrapInvalid:
		sig = _SIGILL
	case xenTrapProtection, xenTrapOverflow:
		sig, addr = _SIGSEGV, 0
	case xenTrapAlignment:
		sig, code = _SIGBUS, _BUS_ADRALN
	case xenTrapPage:
		sig, code, addr = _SIGSEGV, _SEGV_MAPERR, f.sc.cr2
		if f.sc.err&1 != 0 {
			code = _SEGV_ACCERR
			break
		}
		var b xenPTEBatch
		xenVM.lock.lock()
		outcome := xenTouch(uintptr(addr), &b)
		b.flush()
		xenVM.lock.unlock()
		switch outcome {
		case xenTouchThere:
			return
		case xenTouchShort:
			xenPuts("xengo: no memory is left for a page that the program has mapped and touched now: raise memory= in the domain's config\n")
			fallthrough
		case xenTouchBeyond:
			sig, code = _SIGBUS, _BUS_ADRERR
		}
	default:
		xenDumpFrame(f)
		xenFatal("unexpected trap")
	}
	// A handler cannot be entered again while it runs: as on Linux, a fault
	// whose signal is blocked is the end.
	if t.sigmask&(1<<(sig-1)) != 0 || t.altstack.hi == 0 {
		xenDumpFrame(f)
		xenFatal("fault where no handler can run")
	}
	xenDeliver(t, f, sig, code, addr)
}

// xenDumpFrame prints an interrupted context.
func xenDumpFrame(f *xenTrapFrame) {
	sc := &f.sc
	xenPuts("xengo: trap ")
	xenPutDec(sc.trapno)
	for _, r := range [...]struct {
		name string
		val  uint64
	}{
		{"error", sc.err}, {"cr2", sc.cr2}, {"rip", sc.rip}, {"rsp", sc.rsp}, {"rflags", sc.eflags},
		{"rax", sc.rax}, {"rbx", sc.rbx}, {"rcx", sc.rcx}, {"rdx", sc.rdx}, {"rsi", sc.rsi}, {"rdi", sc.rdi},
		{"rbp", sc.rbp}, {"r8", sc.r8}, {"r9", sc.r9}, {"r10", sc.r10}, {"r11", sc.r11}, {"r12", sc.r12},
		{"r13", sc.r13}, {"r14", sc.r14}, {"r15", sc.r15}, {"g", uint64(f.g)}, {"kstack", uint64(xenThis().kstack)},
	} {
		xenPuts(" ")
		xenPuts(r.name)
		xenPuts("=")
		xenPutHex(r.val)
	}
	if f := findfunc(uintptr(sc.rip)); f.valid() {
		xenPuts(" in ")
		xenPuts(funcname(f))
	}
	xenPuts("\n")
}

// xenFatal ends the domain as crashed. It is for nanokernel code, where throw
// has no stack to run on.
//
//go:nosplit
func xenFatal(why string) {
	xenPuts("xengo: fatal: ")
	xenPuts(why)
	xenPuts("\n")
	xenShutdown(xabi.ShutdownCrash)
}

// xenMust ends the domain if a hypercall that cannot fail has failed.
//
//go:nosplit
func xenMust(what string, r uintptr) {
	if e := xenErrno(r); e != 0 {
		xenPuts("xengo: ")
		xenPuts(what)
		xenPuts(" failed: errno ")
		xenPutDec(uint64(e))
		xenPuts("\n")
		xenFatal("hypercall failed")
	}
}
