//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	"internal/runtime/sys"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// Event channels (public/event_channel.h), two-level ABI.
//
// An upcall clears a pending port and then handles it, never the other way
// round, so that an event which comes meanwhile is seen. The timer's and the
// vCPU's own ports are handled at once. A driver's port is masked until the
// driver waits for it again: a peer that sends more than the driver takes
// costs nothing (XSA-391 is about storms of them).

var xenSharedInfo *xabi.SharedInfo

const (
	xenPortNone  = iota
	xenPortTimer // VIRQ_TIMER of a vCPU
	xenPortIPI   // another vCPU's: look at the queues, signals, and xenStopping
	xenPortUser  // a driver's
)

// xenPort is a port that goroutines wait for, at most one in each slot.
type xenPort struct {
	_      sys.NotInHeap
	slots  [2]xenPortSlot
	closed atomic.Bool
}

type xenPortSlot struct {
	_     sys.NotInHeap
	fired atomic.Uint32
	g     atomic.Uintptr // guintptr of who waits
	user  atomic.Bool    // the wait is a reason for the program to live
	owner *xenPort
}

var xenEvents struct {
	kind  [xabi.Evtchn2LChannels]uint8
	owner [xabi.Evtchn2LChannels]uint8 // number of the only vCPU that may handle it, plus one; 0: any
	ports [xabi.Evtchn2LChannels / 64]*[64]xenPort
	lock  mutex // guards ports

	fired  [xabi.Evtchn2LChannels / 64]uint64 // to be seen by netpoll
	any    atomic.Uint32                      // some bit of fired is set
	seq    uint32                             // futex: netpoll sleeps here
	system atomic.Int32                       // waiters that are no reason to live

	program atomic.Int32 // waiters, calls and holds that are
}

// xenEventsInit prepares event delivery, and vCPU 0's own ports.
func xenEventsInit(v *xenVCPU) {
	for i := range xenSharedInfo.EvtchnMask {
		xenSharedInfo.EvtchnMask[i] = ^uint64(0)
	}
	xenVCPUEventsInit(v)
}

// xenVCPUEventsInit binds v's own ports.
func xenVCPUEventsInit(v *xenVCPU) {
	xenMust("vcpu_op(stop periodic timer)", xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpStopPeriodicTimer, uintptr(v.id), 0, 0, 0))
	virq := xabi.EvtchnBindVIRQ{VIRQ: xabi.VIRQTimer, VCPU: v.id}
	xenMust("event_channel_op(bind timer)", xenHypercall(xabi.HypercallEventChannelOp, xabi.EvtchnOpBindVIRQ, uintptr(unsafe.Pointer(&virq)), 0, 0, 0))
	v.own(virq.Port, xenPortTimer)
	ipi := xabi.EvtchnBindIPI{VCPU: v.id}
	xenMust("event_channel_op(bind IPI)", xenHypercall(xabi.HypercallEventChannelOp, xabi.EvtchnOpBindIPI, uintptr(unsafe.Pointer(&ipi)), 0, 0, 0))
	v.ipi = ipi.Port
	v.own(ipi.Port, xenPortIPI)
}

// own opens a port that only v handles.
func (v *xenVCPU) own(port uint32, kind uint8) {
	xenEvents.kind[port] = kind
	xenEvents.owner[port] = uint8(v.id) + 1
	xenPortUnmask(port)
}

// xenPortUnmask opens the port. It reports whether an event was waiting, and
// takes it.
//
//go:nosplit
func xenPortUnmask(port uint32) bool {
	bit := uint64(1) << (port % 64)
	atomic.And64(&xenSharedInfo.EvtchnMask[port/64], ^bit)
	return atomic.Load64(&xenSharedInfo.EvtchnPending[port/64])&bit != 0 &&
		atomic.And64(&xenSharedInfo.EvtchnPending[port/64], ^bit)&bit != 0
}

//go:nosplit
func xenPortMask(port uint32) {
	atomic.Or64(&xenSharedInfo.EvtchnMask[port/64], 1<<(port%64))
}

// xenEventsPending handles what has come for vCPU v. What comes meanwhile sets
// the pending byte again, and with it the next upcall. The pending bits are
// those of all vCPUs: another's own ports are left to it.
func xenEventsPending(v *xenVCPU) {
	s := xenSharedInfo
	atomic.Xchg8(&v.info.EvtchnUpcallPending, 0)
	words := atomic.Xchg64(&v.info.EvtchnPendingSel, 0)
	for ; words != 0; words &= words - 1 {
		w := sys.TrailingZeros64(words)
		ports := atomic.Load64(&s.EvtchnPending[w]) &^ atomic.Load64(&s.EvtchnMask[w])
		for ; ports != 0; ports &= ports - 1 {
			port := uint32(w*64 + sys.TrailingZeros64(ports))
			bit := uint64(1) << (port % 64)
			if owner := xenEvents.owner[port]; owner != 0 && uint32(owner) != v.id+1 {
				continue
			}
			if atomic.And64(&s.EvtchnPending[w], ^bit)&bit == 0 {
				// Whoever waits for the port was faster, and may be waiting
				// again: it must not be masked.
				continue
			}
			if xenEvents.kind[port] == xenPortUser {
				xenPortMask(port)
			}
			xenEvent(v, port)
		}
	}
}

func xenEvent(v *xenVCPU, port uint32) {
	switch xenEvents.kind[port] {
	case xenPortTimer:
		xenTimerEvent(v)
	case xenPortIPI:
		if xenStopping.Load() != 0 {
			xenStopHere(v)
		}
	case xenPortUser:
		s := &xenSched
		s.lock.lock()
		s.fire(port)
		s.lock.unlock()
	}
}

// fire notes an event for the port's waiters, and wakes an M that waits for one:
// netpoll takes it from there.
func (s *xenScheduler) fire(port uint32) {
	p := &xenEvents.ports[port/64][port%64]
	p.slots[0].fired.Store(1)
	p.slots[1].fired.Store(1)
	atomic.Or64(&xenEvents.fired[port/64], 1<<(port%64))
	xenEvents.any.Store(1)
	xenEvents.seq++
	s.wakeFutex(&xenEvents.seq, 1, true)
}

// xenEventOpen makes the port's events available to xenEventWait.
func xenEventOpen(port uint32) {
	netpollGenericInit()
	lock(&xenEvents.lock)
	group := &xenEvents.ports[port/64]
	if *group == nil {
		*group = (*[64]xenPort)(persistentalloc(unsafe.Sizeof([64]xenPort{}), 64, &memstats.other_sys))
	}
	p := &(*group)[port%64]
	p.closed.Store(false)
	for i := range p.slots {
		p.slots[i].fired.Store(0)
		p.slots[i].owner = p
	}
	xenEvents.owner[port] = 0
	xenEvents.kind[port] = xenPortUser
	unlock(&xenEvents.lock)
}

// xenEventClose ends the waiting for a port.
func xenEventClose(port uint32) {
	xenPortMask(port)
	p := &xenEvents.ports[port/64][port%64]
	p.closed.Store(true)
	xenEvents.kind[port] = xenPortNone
	for i := range p.slots {
		p.slots[i].ready()
	}
}

// take removes the goroutine that waits.
func (p *xenPortSlot) take() *g {
	gp := guintptr(p.g.Swap(0)).ptr()
	if gp != nil {
		p.count(-1)
	}
	return gp
}

// ready wakes the goroutine that waits.
func (p *xenPortSlot) ready() {
	if gp := p.take(); gp != nil {
		goready(gp, 2)
	}
}

func (p *xenPortSlot) count(n int32) {
	if p.user.Load() {
		xenEvents.program.Add(n)
	} else {
		xenEvents.system.Add(n)
	}
}

// xenEventWait parks the goroutine until the port has fired since the slot's
// last return. user tells whether this wait is a reason for the program to
// live. It reports false once the port is closed.
func xenEventWait(port uint32, slot int, user bool) bool {
	p := &xenEvents.ports[port/64][port%64]
	me := &p.slots[slot]
	for {
		if p.closed.Load() {
			return false
		}
		if me.fired.Swap(0) != 0 {
			return true
		}
		if xenPortUnmask(port) {
			xenPortMask(port)
			other := &p.slots[slot^1]
			other.fired.Store(1)
			other.ready()
			return true
		}
		me.user.Store(user)
		gopark(xenPortPark, unsafe.Pointer(me), waitReasonIOWait, traceBlockNet, 2)
		// sysmon, which preempts, sleeps through idle times. Elsewhere the
		// first system call after one wakes it; here an event is what ends it.
		if sched.sysmonwait.Load() {
			systemstack(entersyscallWakeSysmon)
		}
	}
}

// xenPortPark publishes the goroutine that is about to sleep. An event before
// that has set fired, one after it finds the goroutine.
func xenPortPark(gp *g, arg unsafe.Pointer) bool {
	p := (*xenPortSlot)(arg)
	p.count(1)
	p.g.Store(uintptr(unsafe.Pointer(gp)))
	if p.fired.Load() == 0 && !p.owner.closed.Load() {
		return true
	}
	return p.take() == nil
}

// xenNotify sends an event to the other end of the port.
//
//go:nosplit
func xenNotify(port uint32) {
	send := xabi.EvtchnSend{Port: port}
	xenHypercall(xabi.HypercallEventChannelOp, xabi.EvtchnOpSend, uintptr(unsafe.Pointer(&send)), 0, 0, 0)
}
