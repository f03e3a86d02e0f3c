// Package kernel is what the services under package syscall need from package runtime.
//
// In a kernel the functions of kernel_xenpv.go have no bodies: package runtime pushes them with
// go:linkname. On the host kernel_host.go stands in for them, so that everything above runs, races and
// fuzzes with a stock Go.
package kernel

import "unsafe"

// Exit ends the program with the status code. It does not return.
func Exit(code int32) { runtime_exit(code) }

// BeforeExit has f called when the program ends in order, before what it was given earlier. The end waits half a minute for
// all of it.
func BeforeExit(f func()) { runtime_beforeExit(f) }

// Nanotime returns the monotonic clock in nanoseconds since boot.
func Nanotime() int64 { return runtime_nanotime() }

// Walltime returns the time in nanoseconds since 1970.
func Walltime() int64 { return runtime_walltime() }

// Random fills p with cryptographically secure random bytes.
func Random(p []byte) { runtime_random(p) }

// MemTotal and MemFree return the memory of the domain and what of it is unused, in bytes.
func MemTotal() uint64 { return runtime_memTotal() }
func MemFree() uint64  { return runtime_memFree() }

// NCPU returns the number of virtual CPUs that are online.
func NCPU() int32 { return runtime_ncpu() }

// Threads returns the number of kernel threads (Ms).
func Threads() int32 { return runtime_threads() }

// CPUTime returns the time in nanoseconds that all virtual CPUs together were not idle.
func CPUTime() int64 { return runtime_cputime() }

// VCPUTimes are nanoseconds that a virtual CPU has spent.
type VCPUTimes struct {
	Running  int64 // on a processor
	Runnable int64 // waiting for one that others had
	Blocked  int64 // without work
}

// VCPUTimesOf returns those of a virtual CPU, from number 0. It returns false if there is no such one.
func VCPUTimesOf(id int32) (t VCPUTimes, ok bool) {
	t.Running, t.Runnable, t.Blocked, ok = runtime_vcpuTimes(id)
	return t, ok
}

// CPUName returns the brand string of the processor, "" if it has none.
func CPUName() string { return runtime_cpuName() }

// ThreadCounts are numbers of events since the start, and of threads now.
type ThreadCounts struct {
	Switches  uint64 // a virtual CPU went on with a thread
	Preempted uint64 // a thread had to wait for others that would have gone on
	Upcalls   uint64 // events of the hypervisor arrived
	Created   uint64 // threads were made
	Running   uint32 // threads that run or are ready to
}

// CountThreads returns them.
func CountThreads() (c ThreadCounts) {
	c.Switches, c.Preempted, c.Upcalls, c.Created, c.Running = runtime_threadCounts()
	return c
}

// After calls f on a goroutine of its own when ns nanoseconds have passed. stop cancels that and
// reports whether it came in time. It is for what a program waits for; for other work there is AfterFunc.
func After(ns int64, f func()) (stop func() bool) { return runtime_after(ns, f) }

// Reserve returns n bytes (a multiple of the page size) of zeroed, page-aligned memory that the garbage collector neither scans
// nor frees, with the protection prot (PROT_* of Linux), at the address at unless that is 0. It is taken page by page as it is
// touched; that nothing is left then is SIGBUS. Nil if there is no room in the address space, or not there.
func Reserve(at, n uintptr, prot int32) unsafe.Pointer { return runtime_reserve(at, n, prot) }

// Populate takes the memory of n bytes at p, page-aligned and part of what Reserve returned, as if all were touched. False if
// there is not enough.
func Populate(p unsafe.Pointer, n uintptr) bool { return runtime_populate(p, n) }

// Discard takes the memory of n bytes at p, page-aligned and part of what Reserve returned: they are as if never touched.
func Discard(p unsafe.Pointer, n uintptr) { runtime_discard(p, n) }

// Bound has the pages of the first end of n bytes at p, page-aligned and part of what Reserve returned, to be read and written,
// get memory when they are touched; the others, while they have none, are SIGBUS then, and do not get any from Populate. If there
// is no memory to note that in, they do.
func Bound(p unsafe.Pointer, n, end uintptr) { runtime_bound(p, n, end) }

// Untouched returns how many of the n bytes at p, page-aligned and part of what Reserve returned, come before the first page
// that has memory which can be read; n if none has.
func Untouched(p unsafe.Pointer, n uintptr) uintptr { return runtime_untouched(p, n) }

// Unmap frees n bytes at p, page-aligned and part of what Reserve returned.
func Unmap(p unsafe.Pointer, n uintptr) { runtime_munmap(p, n) }

// Protect sets the protection (PROT_* of Linux) of n bytes at p, part of what Reserve returned. It returns a Linux error number, 0 for success.
func Protect(p unsafe.Pointer, n uintptr, prot int32) int32 { return runtime_mprotect(p, n, prot) }

// RaiseSignal sends the signal sig (1 to 64, Linux numbers) to the program: to os/signal, or its default action.
func RaiseSignal(sig uint32) { runtime_raiseSignal(sig) }

// RaiseThread sends the signal sig to the thread with the number tid (ThreadID), and returns false if there is none. 0
// only asks that.
func RaiseThread(tid int32, sig uint32) bool { return runtime_raiseThread(tid, sig) }

// NetpollReady makes the goroutines ready that wait on the runtime's poll descriptor pd, with the
// sequence number seq that netpollOpen was given. mode is 'r', 'w' or 'r'+'w'.
func NetpollReady(pd, seq uintptr, mode int32) { runtime_netpollReady(pd, seq, mode) }

// ConsoleWrite queues as much of p for the console as there is room for and returns how much that was.
func ConsoleWrite(p []byte) int { return runtime_consoleWrite(p) }

// ConsoleRead moves input of the console to p and returns how much there was. It does not wait.
func ConsoleRead(p []byte) int { return runtime_consoleRead(p) }

// ConsoleWait parks the goroutine until there may be room for output or, with write false, input.
// user tells whether this is a reason for the program to live: a wait that is none does not keep a deadlock from being
// found. It returns false when the console is gone. One goroutine at a time may wait in each direction.
func ConsoleWait(write, user bool) bool { return runtime_consoleWait(write, user) }

// ConsoleWake ends the wait for input as if there were some, or the next one if nobody waits.
func ConsoleWake() { runtime_consoleWake() }

// Option returns the value of the word name=value on the kernel's command line, "" if there is none.
func Option(name string) string { return runtime_option(name) }

// Args returns the command line of the program as its arguments and environment.
func Args() (argv, envp []string) { return runtime_args() }

// Yield lets other goroutines run.
func Yield() { runtime_yield() }

// ThreadID returns the number of the kernel thread (the M) that the goroutine runs on, from 1.
func ThreadID() int32 { return runtime_threadID() }

// CPUSet is a set of virtual CPUs: CPU n is bit n%64 of word n/64.
type CPUSet = [2]uint64

// Affinity returns the virtual CPUs that are online and may run the thread with the number tid, false if there is none.
func Affinity(tid int32) (cpus CPUSet, found bool) { return runtime_affinity(tid) }

// SetAffinity lets only cpus run the thread with the number tid, and those it starts. found is false if there is none,
// ok if none of cpus is online. When all of them have gone offline, every virtual CPU may run it.
func SetAffinity(tid int32, cpus CPUSet) (found, ok bool) { return runtime_setAffinity(tid, cpus) }

// CPU returns the virtual CPU that the goroutine ran on just now.
func CPU() uint32 { return runtime_cpu() }

// Ramdisk returns the domain's ramdisk, empty if it has none. It is never written to.
func Ramdisk() []byte { return runtime_ramdisk() }

// FreeRamdisk gives the whole pages of p, a part of the ramdisk, back to the memory of the domain. Nothing may use it any more.
func FreeRamdisk(p []byte) { runtime_freeRamdisk(p) }

// Image returns the ELF image of the running program where it is in memory, or nil.
func Image() []byte { return runtime_image() }
