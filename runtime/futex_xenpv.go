//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	"unsafe"
)

type xenFutexArgs struct {
	addr  *uint32
	val   uint32
	count uint32
	ns    int64
	yield bool // before it sleeps, to threads that are ready
}

// xenShortWait is how long, in ns, whoever stops the world or wants something of all Ps
// waits before it looks again. What it waits for is often a thread in the queue; a timer
// that is set in vain costs two hypercalls and an event.
const xenShortWait = 100e3

// Atomically,
//
//	if(*addr == val) sleep
//
// Might be woken up spuriously; that's allowed.
// Don't sleep longer than ns; ns < 0 means forever.
//
//go:nosplit
func futexsleep(addr *uint32, val uint32, ns int64) {
	xenFutexSleep(xenFutexArgs{addr: addr, val: val, ns: ns, yield: 0 <= ns && ns <= xenShortWait})
}

//go:nosplit
func xenFutexSleep(a xenFutexArgs) {
	xenKernelCall(xenPC(xenFutexSleepK), unsafe.Pointer(&a))
	xenCheckSignals()
}

// If any procs are sleeping on addr, wake up at most cnt.
//
//go:nosplit
func futexwakeup(addr *uint32, cnt uint32) {
	a := xenFutexArgs{addr: addr, count: cnt}
	xenKernelCall(xenPC(xenFutexWakeK), unsafe.Pointer(&a))
}

func xenFutexQueue(addr uintptr) *xenQueue {
	return &xenSched.futexes[addr>>2%uintptr(len(xenSched.futexes))]
}

// The value is compared under the lock that wakers take: whoever changes it
// and then wakes finds the sleeper in the queue or makes it see the change.
//
//go:nowritebarrierrec
func xenFutexSleepK(arg unsafe.Pointer) {
	a := (*xenFutexArgs)(arg)
	s := &xenSched
	v := s.enter()
	var deadline int64
	if a.ns >= 0 {
		deadline = v.deadline(a.ns)
	}
	if a.yield && atomic.Load(a.addr) == a.val {
		s.yield(v)
		v = s.enter()
	}
	if atomic.Load(a.addr) != a.val {
		s.lock.unlock()
		return
	}
	t := v.thread
	t.futex = uintptr(unsafe.Pointer(a.addr))
	xenFutexQueue(t.futex).push(t)
	if a.ns >= 0 {
		s.sleepUntil(v, t, deadline)
	}
	s.schedule(v)
}

// deadline returns the system time ns from now.
func (v *xenVCPU) deadline(ns int64) int64 {
	now := v.now()
	if d := now + ns; d > now {
		return d
	}
	if ns <= 0 {
		return now
	}
	return 1<<63 - 1
}

//go:nowritebarrierrec
func xenFutexWakeK(arg unsafe.Pointer) {
	a := (*xenFutexArgs)(arg)
	s := &xenSched
	s.enter()
	s.wakeFutex(a.addr, a.count, false)
	s.lock.unlock()
}

// wakeFutex wakes at most n threads that sleep on addr.
func (s *xenScheduler) wakeFutex(addr *uint32, n uint32, byEvent bool) {
	at := uintptr(unsafe.Pointer(addr))
	q := xenFutexQueue(at)
	for t := q.head; t != nil && n > 0; {
		next := t.next
		if t.futex == at {
			s.wake(t, byEvent)
			n--
		}
		t = next
	}
}

//go:nosplit
func osyield() {
	xenKernelCall(xenPC(xenYieldK), nil)
	xenCheckSignals()
}

//go:nosplit
func osyield_no_g() {
	osyield()
}

//go:nosplit
func usleep(usec uint32) {
	ns := int64(usec) * 1000
	xenKernelCall(xenPC(xenSleepK), unsafe.Pointer(&ns))
	xenCheckSignals()
}

//go:nosplit
func usleep_no_g(usec uint32) {
	usleep(usec)
}

// xenSleepSlack makes the runtime's own short sleeps longer, as Linux does by
// default (timer_slack_ns in prctl(2)). The program's timers come by way of
// futexsleep and are not late.
const xenSleepSlack = 50e3 // ns

//go:nowritebarrierrec
func xenSleepK(arg unsafe.Pointer) {
	s := &xenSched
	v := s.enter()
	s.sleepUntil(v, v.thread, v.deadline(*(*int64)(arg)+xenSleepSlack))
	s.schedule(v)
}
