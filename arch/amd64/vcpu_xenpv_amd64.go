//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	"internal/runtime/sys"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// What kind of guest this is, found by the entry code.
var (
	xenIsPV          bool
	xenHypercallInsn uint8 // xenVMCALL or xenVMMCALL on PVH
	xenStartInfoAddr uintptr
)

const (
	xenVMCALL  = 0
	xenVMMCALL = 1
)

// The XSAVE state components that are enabled (0: the processor has no XSAVE,
// FXSAVE serves), and the bytes they take.
var (
	xenXCR0      uint32
	xenXsaveSize uintptr = 512
)

// xenUpcallVector is the vector of event upcalls: an IDT vector on PVH, a mark
// in the trap frame on PV.
const xenUpcallVector = 32

// xenVCPU is what one vCPU needs at hand. FS base points at it; the word below
// holds the running g, where Go's ELF targets keep it.
type xenVCPU struct {
	_       sys.NotInHeap
	self    *xenVCPU
	thread  *xenThread // running here
	kstack  uintptr    // top of thread's kernel stack
	id      uint32
	_       uint32
	idle    *xenThread
	armed   int64 // system time of the programmed timer event, 0 if none
	slice   int64 // end of thread's time slice, 0 if it has no competitor
	woke    bool  // an event woke a thread: see who runs next
	offline bool  // it shall not run threads, see leave
	_       [6]byte
	sample  int64         // system time of the next SIGPROF
	since   int64         // system time from which thread has not been charged
	ipi     uint32        // port that makes this vCPU take an upcall; 0 if there is but one vCPU
	clock   int64         // see now
	stopped atomic.Uint32 // it will not run any more
	_       uint32
	upcalls uint64   // how often there were events
	_       [16]byte // info on a 64-byte boundary

	// info is registered with Xen (VCPUOP_register_vcpu_info), so that its
	// event mask is one FS-relative instruction away.
	info xabi.VCPUInfo
	arch xenVCPUArch

	idleG g
}

const (
	xenVCPUAlign     = 128 // of the xenVCPU; info must not cross a page
	xenVCPUBlockSize = 4096
)

// xenCurrentVCPU returns the vCPU this runs on. Only with events masked is
// that still true a moment later.
func xenCurrentVCPU() *xenVCPU

func xenEnableCPU()
func xenMaskEvents()
func xenUnmaskEvents()
func xenSelfUpcall()
func xenIdleWait()
func xenTrapStubs()
func xenTrapStubsPV()
func xenFailsafePV()
func xenUpcallPVH()
func xenThreadStart()
func xenSigreturn()

//go:noescape
func xenSwitch(from, to *xenThread)

//go:noescape
func xenHypercall(op, a1, a2, a3, a4, a5 uintptr) uintptr

//go:noescape
func xenKernelCall(fn uintptr, arg unsafe.Pointer)

// xenErrno reads a hypercall's result: the positive errno, or 0.
//
//go:nosplit
func xenErrno(r uintptr) uintptr {
	if int64(r) < 0 && int64(r) >= -4095 {
		return -r
	}
	return 0
}

// xenTrapFrame is what xenTrapCommon saves of an interrupted context. fpstate
// in sc points at the XSAVE area.
type xenTrapFrame struct {
	_  sys.NotInHeap
	sc sigcontext
	ss uint64
	g  guintptr // what the g word held
	_  [(64 - (unsafe.Sizeof(sigcontext{})+16)%64) % 64]byte
}
