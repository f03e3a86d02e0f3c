//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// The thread scheduler: which thread runs on which vCPU.
//
// Threads that want to run stand in a queue. A thread runs until it sleeps,
// until its time slice ends while another waits, or until an event wakes a
// thread that slept: that one runs at once, as the one who slept has the better
// claim, and the other has the rest of its slice afterwards. A vCPU without work
// runs its idle thread, which sleeps in the hypervisor. Threads that are for some
// vCPUs only: affinity_xenpv.go.
//
// All of it is nanokernel code: kernel stack, events masked, xenSched.lock.
// xenSched.lock is never held together with xenVM.lock.
type xenScheduler struct {
	lock     xenSpin
	ready    xenQueue
	sleepers *xenThread // by deadline
	futexes  [64]xenQueue
	dead     *xenThread // to be freed by who creates the next thread
	idle     xenVCPUSet // vCPUs that sleep and were not told of work
	alarm    int64      // deadline that no thread sleeps for (xenAlarmWait), 0 for none
	busy     int64      // ns that vCPUs were not idle
	profile  int64      // ns between two SIGPROF of a busy vCPU, 0 for none

	switches  uint64 // from a thread to another, idle ones apart
	preempted uint64 // threads that had to wait and would have gone on
}

var xenSched xenScheduler

// xenReadyCount is how many threads stand in the queue that any vCPU may run; the
// idle thread reads it, as xenPinned, without the lock.
var xenReadyCount uint32

// xenVCPUCount is how many vCPUs have been started: those that may have
// translations in mind.
var xenVCPUCount = 1

const xenSlice = 4e6 // ns

// xenTimerMax is how far ahead a timer is set, in ns: beyond 2^50 Xen takes what it is
// asked for to be a mistake, and makes it 100 ms.
const xenTimerMax = 1 << 49

// xenSpin is a lock for nanokernel code. The holder has events masked, so it
// is never preempted by its own vCPU's threads. Xen may take its processor
// away, though: who has waited for long lets others run.
type xenSpin struct{ v uint32 }

func (l *xenSpin) lock() {
	for n := 1; !atomic.Cas(&l.v, 0, 1); n++ {
		procyield(10)
		if n%128 == 0 {
			xenYieldVCPU()
		}
	}
}

func (l *xenSpin) unlock() {
	atomic.Store(&l.v, 0)
}

// enter begins a call of the nanokernel by a thread: it takes the lock and
// returns the vCPU, whose now is to be read anew.
func (s *xenScheduler) enter() *xenVCPU {
	s.lock.lock()
	v := xenCurrentVCPU()
	v.clock = 0
	return v
}

// now returns the system time, read at most once in a stay in the nanokernel:
// where Xen traps RDTSC, that costs more than all the rest. It is never ahead
// of the clock that programs read.
func (v *xenVCPU) now() int64 {
	if v.clock == 0 {
		v.clock = xenSystemTime()
	}
	return v.clock
}

// xenQueue is a list of threads, linked by next.
type xenQueue struct{ head, tail *xenThread }

func (q *xenQueue) push(t *xenThread) {
	t.next = nil
	if q.tail == nil {
		q.head = t
	} else {
		q.tail.next = t
	}
	q.tail = t
}

func (q *xenQueue) pushFront(t *xenThread) {
	t.next = q.head
	q.head = t
	if q.tail == nil {
		q.tail = t
	}
}

// remove takes t out, prev being the one before it.
func (q *xenQueue) remove(prev, t *xenThread) {
	if prev == nil {
		q.head = t.next
	} else {
		prev.next = t.next
	}
	if q.tail == t {
		q.tail = prev
	}
	t.next = nil
}

// makeReady lets t run: on this vCPU if it is idle, on another one that is, or
// when its turn comes. byEvent: it was woken by an event rather than by
// another thread, and goes first.
func (s *xenScheduler) makeReady(t *xenThread, byEvent bool) {
	v := xenCurrentVCPU()
	t.free()
	mine := v.thread.idle && !v.hasWork() && t.mayRunOn(v)
	t.count(1)
	if mine || s.kickIdle(t) {
		s.ready.push(t)
		return
	}
	on := v
	if !t.mayRunOn(v) {
		on = t.anyVCPU()
		xenNotify(on.ipi) // looks at its slice there
	}
	if byEvent {
		s.ready.pushFront(t)
		on.woke = true
	} else {
		s.ready.push(t)
	}
	if on == v && v.slice == 0 && !v.thread.idle {
		v.slice = v.now() + xenSlice
		v.arm()
	}
}

// next takes the thread with the best claim that v may run off the queue, the
// idle thread if there is none.
func (s *xenScheduler) next(v *xenVCPU) *xenThread {
	if !v.hasWork() {
		return v.idle
	}
	var prev *xenThread
	t := s.ready.head
	for !t.mayRunOn(v) {
		prev, t = t, t.next
	}
	s.ready.remove(prev, t)
	t.count(-1)
	return t
}

// schedule gives the vCPU to the next thread. The running one has been put
// where it belongs: a queue, a futex, the dead. It returns, with the lock
// released, when that one runs again.
func (s *xenScheduler) schedule(v *xenVCPU) {
	s.switchTo(v, s.next(v))
}

func (s *xenScheduler) switchTo(v *xenVCPU, next *xenThread) {
	v.slice = 0
	if v.hasWork() && !next.idle {
		v.slice = v.now() + xenSlice
		if next.left > 0 {
			v.slice += next.left - xenSlice
		}
	}
	next.left = 0
	v.arm()
	t := v.thread
	if next != t {
		if next.idle || t.idle {
			v.charge(v.now())
		}
		if next.idle {
			s.idle.add(v.id)
		} else {
			s.idle.remove(v.id)
		}
		if !next.idle {
			s.switches++
		}
		t.vcpu = nil
		next.vcpu = v
		v.setThread(next)
		xenSwitch(t, next)
		if t.idle {
			if v := xenCurrentVCPU(); v.offline {
				s.leave(v)
			}
		}
	}
	s.lock.unlock()
}

// yield lets the threads that are ready run before the running one goes on.
// It releases the lock.
func (s *xenScheduler) yield(v *xenVCPU) {
	t := v.thread
	if !v.hasWork() {
		s.lock.unlock()
		return
	}
	if !t.idle {
		s.preempted++
		if t.mayRunOn(v) {
			s.ready.push(t)
			t.count(1)
		} else {
			s.makeReady(t, false)
		}
	}
	s.schedule(v)
}

// sleepUntil puts t on the list of sleepers.
func (s *xenScheduler) sleepUntil(v *xenVCPU, t *xenThread, deadline int64) {
	t.deadline = deadline
	link := &s.sleepers
	for *link != nil && (*link).deadline <= deadline {
		link = &(*link).later
	}
	t.later = *link
	*link = t
	v.arm()
}

func (s *xenScheduler) dropSleeper(t *xenThread) {
	if t.deadline == 0 {
		return
	}
	link := &s.sleepers
	for *link != t {
		link = &(*link).later
	}
	*link = t.later
	t.later = nil
	t.deadline = 0
}

// wake ends t's sleep.
func (s *xenScheduler) wake(t *xenThread, byEvent bool) {
	s.dropSleeper(t)
	if t.futex != 0 {
		q := xenFutexQueue(t.futex)
		var prev *xenThread
		for u := q.head; u != t; u = u.next {
			prev = u
		}
		q.remove(prev, t)
		t.futex = 0
	}
	s.makeReady(t, byEvent)
}

// expire wakes whose time has come. Never early: the deadline is compared with
// the clock the sleeper reads.
func (s *xenScheduler) expire(now int64) {
	for t := s.sleepers; t != nil && t.deadline <= now; t = s.sleepers {
		s.wake(t, true)
	}
	if s.alarm != 0 && s.alarm <= now {
		s.alarm = 0
		s.fire(xenAlarmPort)
	}
}

// arm programs the vCPU's timer for the next thing to happen: a sleeper's
// deadline, the alarm or the end of the time slice. An event that comes too early finds
// nothing to do and arms again. Every deadline is armed on the vCPU that
// entered it, or by the event that found it not yet due.
//
// The hypercall has its argument in a register (do_set_timer_op, xen/common/sched/core.c of
// Xen 4.20): VCPUOP_set_singleshot_timer, which sets the same timer, has Xen walk the page
// tables of PVH guests for it.
func (v *xenVCPU) arm() {
	at := v.slice
	if p := xenSched.profile; p != 0 && !v.thread.idle {
		if v.sample == 0 {
			v.sample = v.now() + p
		}
		if at == 0 || v.sample < at {
			at = v.sample
		}
	}
	if t := xenSched.sleepers; t != nil && (at == 0 || t.deadline < at) {
		at = t.deadline
	}
	if a := xenSched.alarm; a != 0 && (at == 0 || a < at) {
		at = a
	}
	if at == 0 || v.armed != 0 && v.armed <= at {
		return
	}
	at = min(at, v.now()+xenTimerMax)
	v.armed = at
	xenMust("set_timer_op", xenHypercall(xabi.HypercallSetTimerOp, uintptr(at), 0, 0, 0, 0))
}

// xenTimerEvent handles VIRQ_TIMER. xenReschedule arms the timer again, when it
// is clear who runs: to arm it for a slice that is over would bring the next
// event at once, and so on without end.
func xenTimerEvent(v *xenVCPU) {
	s := &xenSched
	s.lock.lock()
	v.armed = 0
	now := v.now()
	if s.profile != 0 && v.sample <= now {
		v.sample = now + s.profile
		if t := v.thread; !t.idle {
			atomic.Or64(&t.pending, 1<<(_SIGPROF-1))
		}
	}
	s.expire(now)
	s.lock.unlock()
}

// xenReschedule runs at the end of every upcall: another thread may have a
// better claim now.
func xenReschedule(v *xenVCPU) {
	s := &xenSched
	s.lock.lock()
	t := v.thread
	woke := v.woke
	v.woke = false
	switch {
	case t.idle && v.offline:
		s.leave(v)
	case !t.idle && !t.mayRunOn(v):
		s.preempted++
		s.makeReady(t, false)
		s.schedule(v)
		return
	}
	switch {
	case !v.hasWork():
		v.slice = 0
		if t.idle {
			s.idle.add(v.id)
		}
	case t.idle:
		s.schedule(v)
		return
	case woke:
		next := s.next(v)
		s.interrupt(v, t)
		s.switchTo(v, next)
		return
	case v.slice == 0: // whoever had one for those in the queue has left
		v.slice = v.now() + xenSlice
	case v.slice <= v.now():
		s.yield(v)
		return
	}
	v.arm()
	s.lock.unlock()
}

// interrupt puts the running thread right behind the one that takes its place,
// to have the rest of its slice: else those who wait would wait for as long as
// events come more often than slices end.
func (s *xenScheduler) interrupt(v *xenVCPU, t *xenThread) {
	s.preempted++
	t.count(1)
	if v.slice != 0 {
		if t.left = v.slice - v.now(); t.left <= 0 {
			s.ready.push(t)
			return
		}
	}
	s.ready.pushFront(t)
}

// xenCPUTimeK sets *arg to the time, in ns, that vCPUs were not idle.
//
//go:nowritebarrierrec
func xenCPUTimeK(arg unsafe.Pointer) {
	s := &xenSched
	now := s.enter().now()
	for _, v := range xenVCPUs {
		if v != nil {
			v.charge(now)
		}
	}
	*(*int64)(arg) = s.busy
	s.lock.unlock()
}

// charge adds the time since the last call to the account of who ran.
func (v *xenVCPU) charge(now int64) {
	if !v.thread.idle {
		xenSched.busy += now - v.since
	}
	v.since = now
}

// xenProfileK sets the interval of SIGPROF.
//
//go:nowritebarrierrec
func xenProfileK(arg unsafe.Pointer) {
	s := &xenSched
	s.enter()
	s.profile = *(*int64)(arg)
	for _, v := range xenVCPUs {
		if v == nil {
			continue
		}
		v.sample = 0 // anew
		if v == xenCurrentVCPU() {
			v.arm()
		} else {
			xenNotify(v.ipi) // arms there
		}
	}
	s.lock.unlock()
}

// xenYieldK is osyield.
//
//go:nowritebarrierrec
func xenYieldK(unsafe.Pointer) {
	s := &xenSched
	s.yield(s.enter())
}

// xenIdle is the idle thread.
//
//go:nosplit
//go:nowritebarrierrec
func xenIdle() {
	for {
		xenIdleWait()
		if xenCurrentVCPU().hasWork() {
			xenKernelCall(xenPC(xenYieldK), nil)
		}
	}
}
