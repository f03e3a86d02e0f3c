//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	"internal/stringslite"
	"unsafe"
)

type mOS struct {
	thread   *xenThread
	waitsema uint32 // semaphore for parking on locks
}

// sigPerThreadSyscall is Linux's for AllThreadsSyscall, which has no meaning
// here; the signal's number is kept out of the program's hands all the same.
const sigPerThreadSyscall = _SIGRTMIN + 1

//go:nosplit
//go:nowritebarrierrec
func runPerThreadSyscall() {
	throw("runPerThreadSyscall only valid on linux")
}

// getCPUCount is asked again while the program runs: GOMAXPROCS follows it
// unless the program has set it.
func getCPUCount() int32 {
	return atomic.Loadint32(&xenOnlineCount)
}

func osinit() {
	xenSMPInit()
	numCPUStartup = getCPUCount()
	physPageSize = xenPageSize
}

// sysargs sets the auxiliary vector that golang.org/x/sys/unix.Auxv returns:
// AT_PAGESZ, AT_CLKTCK and AT_SECURE, as in /proc/self/auxv (runtime/files/proc.go).
func sysargs(argc int32, argv **byte) { auxv = xenAuxv[:] }

var xenAuxv = [...]uintptr{6, xenPageSize, 17, 100, 23, 0}

func goenvs() {
	goenvs_unix()
}

//go:nosplit
//go:nowritebarrierrec
func libpreinit() {
	initsig(true)
}

// newosproc0 starts a thread without a g, which only C archives need.
//
//go:nosplit
func newosproc0(stacksize uintptr, fn unsafe.Pointer) {
	writeErrStr(failthreadcreate)
	exit(1)
}

// xenThreadID is what gettid returns on mp's thread. It is not used again.
//
//go:nosplit
func xenThreadID(mp *m) uint64 { return uint64(mp.id) + 1 }

// xenThreadByID returns the M whose thread has the number tid, nil if there is
// none. sched.lock is held.
func xenThreadByID(tid int32) *m {
	mp := allm
	for mp != nil && (mp.thread == nil || xenThreadID(mp) != uint64(uint32(tid))) {
		mp = mp.alllink
	}
	return mp
}

// Called to initialize a new m (including the bootstrap m).
// Called on the parent thread (main thread in case of bootstrap), can allocate memory.
func mpreinit(mp *m) {
	mp.gsignal = malg(32 * 1024)
	mp.gsignal.m = mp
}

// Called to initialize a new m (including the bootstrap m).
// Called on the new thread, cannot allocate memory.
func minit() {
	minitSignals()
	getg().m.procid = xenThreadID(getg().m)
}

// Called from dropm to undo the effect of an minit.
//
//go:nosplit
func unminit() {
	unminitSignals()
	getg().m.procid = 0
}

// Called from mexit, but not from dropm, to undo the effect of thread-owned
// resources in minit, semacreate, or elsewhere. Do not take locks after calling this.
//
// This always runs without a P, so //go:nowritebarrierrec is required.
//
//go:nowritebarrierrec
func mdestroy(mp *m) {
}

// isSystemPackage reports whether goroutines started in the function are the
// system's: the runtime's, the drivers' and the network stack's.
func isSystemPackage(name string) bool {
	return stringslite.HasPrefix(name, "runtime.") || stringslite.HasPrefix(name, "internal/xengo/") || stringslite.HasPrefix(name, "vendor/gvisor.dev/")
}

// Descriptors are the business of the services under package syscall; what
// package runtime itself would open does not exist here.

func read(fd int32, p unsafe.Pointer, n int32) int32 { return -_EBADF }

//go:nosplit
func open(name *byte, mode, perm int32) int32 { return -1 }

//go:nosplit
func closefd(fd int32) int32 { return -1 }

// fcntl is called by other packages, by linkname, too.
func fcntl(fd, cmd, arg int32) (ret int32, errno int32) {
	const sysFcntl = 72
	if xenSyscall6 == nil {
		return -1, _ENOSYS
	}
	r, _, e := xenSyscall6(sysFcntl, uintptr(fd), uintptr(cmd), uintptr(arg), 0, 0, 0)
	if e != 0 {
		return -1, int32(e)
	}
	return int32(r), 0
}

// CPU profiling.

func setProcessCPUProfiler(hz int32) {
	setProcessCPUProfilerTimer(hz)
}

func setThreadCPUProfiler(hz int32) {
	setThreadCPUProfilerHz(hz)
}

// setitimer sets the interval of SIGPROF, which a vCPU raises in the thread it
// runs. A vCPU that is idle raises none, so it is CPU time that is measured.
//
//go:nosplit
func setitimer(mode int32, new, old *itimerval) {
	ns := new.it_interval.tv_sec*1e9 + new.it_interval.tv_usec*1e3
	xenKernelCall(xenPC(xenProfileK), unsafe.Pointer(&ns))
}

//go:nosplit
func validSIGPROF(mp *m, c *sigctxt) bool {
	return true
}
