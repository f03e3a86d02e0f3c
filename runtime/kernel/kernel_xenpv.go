//go:build xenpv

package kernel

import "unsafe"

func runtime_exit(code int32)
func runtime_beforeExit(f func())
func runtime_nanotime() int64
func runtime_walltime() int64
func runtime_random(p []byte)
func runtime_memTotal() uint64
func runtime_memFree() uint64
func runtime_ncpu() int32
func runtime_cputime() int64
func runtime_vcpuTimes(id int32) (running, runnable, blocked int64, ok bool)
func runtime_threadCounts() (switches, preempted, upcalls, created uint64, running uint32)
func runtime_cpuName() string
func runtime_setAlarm(ns int64)
func runtime_waitAlarm()
func runtime_startTimer(ns int64, f func()) unsafe.Pointer
func runtime_stopTimer(timer unsafe.Pointer) bool

func runtime_after(ns int64, f func()) (stop func() bool) {
	t := runtime_startTimer(ns, f)
	return func() bool { return runtime_stopTimer(t) }
}

func runtime_threads() int32
func runtime_munmap(p unsafe.Pointer, n uintptr)
func runtime_reserve(at, n uintptr, prot int32) unsafe.Pointer
func runtime_discard(p unsafe.Pointer, n uintptr)
func runtime_bound(p unsafe.Pointer, n, end uintptr)
func runtime_populate(p unsafe.Pointer, n uintptr) bool
func runtime_untouched(p unsafe.Pointer, n uintptr) uintptr
func runtime_mprotect(p unsafe.Pointer, n uintptr, prot int32) int32
func runtime_raiseSignal(sig uint32)
func runtime_raiseThread(tid int32, sig uint32) bool
func runtime_netpollReady(pd, seq uintptr, mode int32)
func runtime_consoleWrite(p []byte) int
func runtime_consoleRead(p []byte) int
func runtime_consoleWait(write, user bool) bool
func runtime_consoleWake()
func runtime_option(name string) string
func runtime_args() (argv, envp []string)

// A Sleeper is where one goroutine at a time waits in a system call. Goroutines that do are not deadlocked, as an event
// may come from outside; their state in dumps is "syscall", and runtime/metrics counts them as not in Go.
type Sleeper struct {
	word uintptr // package runtime knows its meaning
}

// Sleep waits until Wake has been called since the last Sleep returned, or at all.
func (s *Sleeper) Sleep() { runtime_sleep(&s.word) }

// Wake may be called by anyone at any time.
func (s *Sleeper) Wake() { runtime_wake(&s.word) }

func runtime_sleep(word *uintptr)
func runtime_wake(word *uintptr)
func runtime_yield()
func runtime_threadID() int32
func runtime_affinity(tid int32) (cpus CPUSet, found bool)
func runtime_setAffinity(tid int32, cpus CPUSet) (found, ok bool)
func runtime_cpu() uint32
func runtime_ramdisk() []byte
func runtime_freeRamdisk(p []byte)
func runtime_image() []byte
