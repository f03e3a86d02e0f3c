//go:build !xenpv

package kernel

import (
	"crypto/rand"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Host is what the functions of this package do on the host. Tests replace its fields.
var Host struct {
	Exit         func(code int32)
	RaiseSignal  func(sig uint32)
	RaiseThread  func(tid int32, sig uint32) bool
	NetpollReady func(pd, seq uintptr, mode int32)
	Console      *FakeConsole
	MemTotal     uint64
	Argv, Envp   []string
	Options      map[string]string
}

var start = time.Now()

func runtime_exit(code int32) {
	if Host.Exit != nil {
		Host.Exit(code)
	}
	os.Exit(int(code))
}

func runtime_beforeExit(func()) {}

func runtime_nanotime() int64 { return int64(time.Since(start)) }
func runtime_walltime() int64 { return time.Now().UnixNano() }

func runtime_random(p []byte) {
	if _, err := rand.Read(p); err != nil {
		panic(err)
	}
}

func runtime_memTotal() uint64 {
	if Host.MemTotal != 0 {
		return Host.MemTotal
	}
	return 256 << 20
}

func runtime_memFree() uint64           { return runtime_memTotal() / 2 }
func runtime_ncpu() int32               { return int32(runtime.NumCPU()) }
func runtime_cputime() int64            { return int64(time.Since(start)) }
func runtime_cpuName() string           { return "host" }
func runtime_option(name string) string { return Host.Options[name] }
func runtime_yield()                    { runtime.Gosched() }
func runtime_threadID() int32           { return 1 }
func runtime_cpu() uint32               { return 0 }
func runtime_ramdisk() []byte           { return nil }
func runtime_image() []byte             { return nil }
func runtime_freeRamdisk([]byte)        {}

func runtime_vcpuTimes(id int32) (running, runnable, blocked int64, ok bool) {
	return runtime_cputime() / int64(runtime.NumCPU()), 0, 0, id < runtime_ncpu()
}

// A Sleeper is a channel on the host.
type Sleeper struct {
	once  sync.Once
	woken chan struct{}
}

func (s *Sleeper) init() { s.once.Do(func() { s.woken = make(chan struct{}, 1) }) }

// Sleep waits until Wake has been called since the last Sleep returned, or at all.
func (s *Sleeper) Sleep() {
	s.init()
	<-s.woken
}

// Wake may be called by anyone at any time.
func (s *Sleeper) Wake() {
	s.init()
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// On the host each thread runs everywhere.
func runtime_affinity(tid int32) (cpus CPUSet, found bool) {
	for id := range min(runtime_ncpu(), 128) {
		cpus[id/64] |= 1 << (id % 64)
	}
	return cpus, tid == runtime_threadID()
}

func runtime_setAffinity(tid int32, cpus CPUSet) (found, ok bool) {
	online, found := runtime_affinity(tid)
	return found, cpus[0]&online[0]|cpus[1]&online[1] != 0
}

func runtime_threadCounts() (switches, preempted, upcalls, created uint64, running uint32) {
	return 2, 1, 3, 1, 1
}

func runtime_args() (argv, envp []string) { return Host.Argv, Host.Envp }

// alarm is given a value when the time has come that was set last, or one before.
var alarm = make(chan struct{}, 1)

func runtime_setAlarm(ns int64) {
	time.AfterFunc(time.Duration(ns), func() {
		select {
		case alarm <- struct{}{}:
		default: // runTimers will look anyway
		}
	})
}

func runtime_waitAlarm() { <-alarm }

func runtime_after(ns int64, f func()) (stop func() bool) {
	return time.AfterFunc(time.Duration(ns), f).Stop
}

func runtime_reserve(at, n uintptr, prot int32) unsafe.Pointer {
	const fixedNoReplace = 0x100000 // MAP_FIXED_NOREPLACE
	flags := uintptr(syscall.MAP_ANON | syscall.MAP_PRIVATE | syscall.MAP_NORESERVE)
	if at != 0 {
		flags |= fixedNoReplace
	}
	p, _, e := syscall.Syscall6(syscall.SYS_MMAP, at, n, uintptr(prot), flags, ^uintptr(0), 0)
	if e != 0 {
		return nil
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

func runtime_discard(p unsafe.Pointer, n uintptr) {
	if _, _, e := syscall.Syscall(syscall.SYS_MADVISE, uintptr(p), n, syscall.MADV_DONTNEED); e != 0 {
		panic(e)
	}
}

func runtime_bound(p unsafe.Pointer, n, end uintptr) {} // what is behind the end is zeros on the host

func runtime_populate(p unsafe.Pointer, n uintptr) bool {
	for at := uintptr(0); at < n; at += uintptr(os.Getpagesize()) {
		atomic.AddUint32((*uint32)(unsafe.Add(p, at)), 0)
	}
	return true
}

func runtime_untouched(p unsafe.Pointer, n uintptr) uintptr {
	page := uintptr(os.Getpagesize())
	pages := make([]byte, n/page)
	if _, _, e := syscall.Syscall(syscall.SYS_MINCORE, uintptr(p), n, uintptr(unsafe.Pointer(unsafe.SliceData(pages)))); e != 0 {
		panic(e)
	}
	for i, v := range pages {
		if v&1 != 0 {
			return uintptr(i) * page
		}
	}
	return n
}

func runtime_munmap(p unsafe.Pointer, n uintptr) {
	if _, _, e := syscall.Syscall(syscall.SYS_MUNMAP, uintptr(p), n, 0); e != 0 {
		panic(e)
	}
}

func runtime_mprotect(p unsafe.Pointer, n uintptr, prot int32) int32 {
	_, _, e := syscall.Syscall(syscall.SYS_MPROTECT, uintptr(p), n, uintptr(prot))
	return int32(e)
}

func runtime_raiseSignal(sig uint32) {
	if Host.RaiseSignal != nil {
		Host.RaiseSignal(sig)
	}
}

func runtime_threads() int32 { return 1 }

func runtime_raiseThread(tid int32, sig uint32) bool {
	return Host.RaiseThread != nil && Host.RaiseThread(tid, sig)
}

func runtime_netpollReady(pd, seq uintptr, mode int32) {
	if Host.NetpollReady != nil {
		Host.NetpollReady(pd, seq, mode)
	}
}

func runtime_consoleWrite(p []byte) int         { return Host.Console.write(p) }
func runtime_consoleRead(p []byte) int          { return Host.Console.read(p) }
func runtime_consoleWait(write, user bool) bool { return Host.Console.wait(write, user) }
func runtime_consoleWake()                      { Host.Console.wake() }

// A FakeConsole is the other end of the console for tests: what the program writes is held until it is
// taken with Output, with room for Room bytes, and Input is what it reads.
type FakeConsole struct {
	Room int // bytes of output held before writes find the ring full

	mu      sync.Mutex
	changed sync.Cond
	in, out []byte
	closed  bool
	woken   bool
	user    bool
	waiting [2]atomic.Bool
}

// NewFakeConsole returns a console with room for room bytes of output.
func NewFakeConsole(room int) *FakeConsole {
	c := &FakeConsole{Room: room}
	c.changed.L = &c.mu
	return c
}

// Input types p.
func (c *FakeConsole) Input(p string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = append(c.in, p...)
	c.changed.Broadcast()
}

// Output takes what was written so far.
func (c *FakeConsole) Output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := string(c.out)
	c.out = nil
	c.changed.Broadcast()
	return s
}

// Close takes the console away.
func (c *FakeConsole) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
}

func (c *FakeConsole) write(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), c.Room-len(c.out))
	c.out = append(c.out, p[:n]...)
	return n
}

func (c *FakeConsole) read(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n
}

// wait panics if two goroutines wait in one direction, which the real console does not support.
func (c *FakeConsole) wait(write, user bool) bool {
	busy := &c.waiting[0]
	if write {
		busy = &c.waiting[1]
	}
	if !busy.CompareAndSwap(false, true) {
		panic("kernel: two goroutines wait for the console in one direction")
	}
	defer busy.Store(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !write {
		c.user = user
	}
	for !c.closed && !(write && len(c.out) < c.Room) && !(!write && (len(c.in) > 0 || c.woken)) {
		c.changed.Wait()
	}
	if !write {
		c.woken = false
	}
	return !c.closed
}

func (c *FakeConsole) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.woken = true
	c.changed.Broadcast()
}

// KeepsAlive reports whether somebody waits for input whose wait is a reason for the program to live.
func (c *FakeConsole) KeepsAlive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.user && c.waiting[0].Load()
}
