//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	"internal/runtime/sys"
	xabi "internal/xengo/xen/abi"
	"internal/xengo/xen/xenstore/xswire"
	"unsafe"
)

// Further vCPUs. The first one, which booted, starts those that the toolstack
// says are online, before package runtime counts them. Each then runs its idle
// thread, which takes work from the common queues like the first one's.
//
// Later ones come as hotplug_xenpv.go says.
//
// vCPUs talk to one another by an IPI event channel each (xenVCPU.ipi): "look
// at the queues, at your thread's signals, and whether the end has come".

// xenVCPULimit is how many vCPUs are used at most: what PVH guests can have
// (HVM_MAX_VCPUS, public/hvm/hvm_info_table.h).
const xenVCPULimit = 128

// xenVCPUs are the vCPUs that were started, by number.
var xenVCPUs [xenVCPULimit]*xenVCPU

// xenVCPUMax is how many vCPUs the domain can have.
var xenVCPUMax uint32 = 1

type xenVCPUSet [xenVCPULimit / 64]uint64

func (s *xenVCPUSet) add(id uint32)      { s[id/64] |= 1 << (id % 64) }
func (s *xenVCPUSet) remove(id uint32)   { s[id/64] &^= 1 << (id % 64) }
func (s *xenVCPUSet) has(id uint32) bool { return s[id/64]>>(id%64)&1 != 0 }

// and returns what is in both sets.
func (s *xenVCPUSet) and(other *xenVCPUSet) (both xenVCPUSet) {
	for w := range s {
		both[w] = s[w] & other[w]
	}
	return both
}

// first returns the lowest number in the set.
func (s *xenVCPUSet) first() (id uint32, ok bool) {
	for w, bits := range s {
		if bits != 0 {
			return uint32(w*64 + sys.TrailingZeros64(bits)), true
		}
	}
	return 0, false
}

// xenSMPInit starts the other vCPUs.
func xenSMPInit() {
	for xenVCPUMax < xenVCPULimit && xenVCPUExists(xenVCPUMax) {
		xenVCPUMax++
	}
	n := xenVCPUMax
	if n == 1 {
		return
	}
	online := xenVCPUsOnline(n)
	for id := uint32(1); id < n; id++ {
		if online.has(id) && !xenVCPUStart(id) {
			return
		}
	}
}

func xenVCPUExists(id uint32) bool {
	return xenErrno(xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpIsUp, uintptr(id), 0, 0, 0)) == 0
}

// xenVCPUStart starts a vCPU. If memory is short it says so and reports false.
func xenVCPUStart(id uint32) bool {
	block := xenPagesAlloc(xenVCPUBlockSize)
	context := xenPagesAlloc(unsafe.Sizeof(xenVCPUContext{}))
	var idle *xenThread
	if block != 0 && context != 0 {
		idle = xenThreadNew(xenPageSize)
	}
	if idle == nil {
		xenPagesFree(block, xenVCPUBlockSize)
		xenPagesFree(context, unsafe.Sizeof(xenVCPUContext{}))
		print("xengo: not enough memory for vCPU ", id, " of ", xenVCPUMax, ", continuing with fewer: raise memory= in the domain config\n")
		return false
	}
	v := (*xenVCPU)(unsafe.Pointer(block + xenVCPUAlign))
	v.self = v
	v.id = id
	v.setIdle(idle)
	idle.vcpu = v
	v.setThread(idle)
	v.stopped.Store(1) // until it runs
	xenRegisterVCPUInfo(v)
	v.info.EvtchnUpcallMask = 1
	xenVCPUEventsInit(v)
	c := (*xenVCPUContext)(unsafe.Pointer(context))
	c.fill(v)
	xenMust("vcpu_op(initialise)", xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpInitialise, uintptr(id), context, 0, 0))
	xenVCPUs[id] = v
	// From here on translations are flushed everywhere.
	xenVCPUCount++
	atomic.Xaddint32(&xenOnlineCount, 1)
	xenMust("vcpu_op(up)", xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpUp, uintptr(id), 0, 0, 0))
	xenPagesFree(context, unsafe.Sizeof(xenVCPUContext{}))
	return true
}

// xenVCPUMain is the Go side of a vCPU's start, on its idle thread's kernel
// stack with events masked. It returns with the scheduler lock held, as a
// switch to a new thread does.
//
//go:nowritebarrierrec
func xenVCPUMain() {
	s := &xenSched
	v := s.enter()
	v.since = v.now()
	v.stopped.Store(0)
	s.idle.add(v.id)
}

// xenVCPUsOnline asks xenstore which of the n vCPUs are online
// (~/cpu/N/availability in docs/misc/xenstore-paths.pandoc); in a domain with
// maxvcpus > vcpus some are not. The client has not started yet.
func xenVCPUsOnline(n uint32) xenVCPUSet {
	var online xenVCPUSet
	for id := uint32(0); id < n; id++ {
		if id == 0 || xenVCPUAvailable(id) {
			online.add(id)
		}
	}
	return online
}

// xenVCPUAvailable reads one availability node. A toolstack that has not
// written it keeps nothing back.
func xenVCPUAvailable(id uint32) bool {
	page := (*xabi.XenstoreDomainInterface)(xenBoot.store)
	if page == nil {
		return true
	}
	var buf, reply [64]byte
	var name [32]byte
	path := append(append(name[:0], "cpu/"...), xenItoa(reply[:], id)...)
	path = append(path, "/availability\x00"...)
	msg := xswire.AppendMessage(buf[:0], xabi.XSRead, 0, 0, slicebytetostringtmp(&path[0], len(path)))
	mem := xswire.Mem{Load: atomic.Load, Store: atomic.Store}
	if _, ok := xswire.Requests(page).Write(mem, msg); !ok {
		return true
	}
	xenNotify(xenBoot.storePort)
	deadline := xenSystemTime() + xenExitPatience
	n, want := 0, xswire.HeaderSize
	for n < want {
		got, ok := xswire.Responses(page).Read(mem, reply[n:want])
		if !ok {
			return true
		}
		if n += got; n == xswire.HeaderSize && want == n {
			want += min(int(xswire.ParseHeader(reply[:]).Len), len(reply)-n)
		}
		if got == 0 {
			now := xenSystemTime()
			if now > deadline {
				xenPuts("xengo: xenstore does not answer\n")
				return true
			}
			xenPollPort(xenBoot.storePort, now+10e6)
		}
	}
	xenNotify(xenBoot.storePort) // there is room again
	return slicebytetostringtmp(&reply[xswire.HeaderSize], n-xswire.HeaderSize) != "offline"
}

// xenItoa writes n in decimal to the end of b and returns the digits.
func xenItoa(b []byte, n uint32) []byte {
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return b[i:]
		}
	}
}

// kickIdle makes an idle vCPU that may run t look at the queue. It reports whether
// there is one that was not on its way already.
func (s *xenScheduler) kickIdle(t *xenThread) bool {
	idle := s.idle
	if t.pinned {
		idle = idle.and(&t.cpus)
	}
	id, ok := idle.first()
	if !ok {
		return false
	}
	s.idle.remove(id)
	xenNotify(xenVCPUs[id].ipi)
	return true
}

// xenKickThread makes a thread that runs on another vCPU look at its signals.
// One that does not run looks when it runs again.
func xenKickThread(t *xenThread) {
	if v := t.vcpu; v != nil && v != xenCurrentVCPU() {
		xenNotify(v.ipi)
	}
}

// xenStopping is set when the domain is about to end, and vCPUs other than
// the one that ends it must not run any more.
var xenStopping atomic.Uint32

// xenStopPatience is how long the others have to stop. One that does not, for
// Xen does not run it, cannot do harm in the last moments either.
const xenStopPatience = 100e6 // ns

// xenStopOthers stops all vCPUs but this one, which it stops too if another
// has come first.
func xenStopOthers() {
	me := xenCurrentVCPU()
	if !xenStopping.CompareAndSwap(0, me.id+1) {
		if xenStopping.Load() == me.id+1 {
			return
		}
		xenStopHere(me)
	}
	for _, v := range xenVCPUs {
		if v != nil && v != me {
			xenNotify(v.ipi)
		}
	}
	for deadline := xenSystemTime() + xenStopPatience; xenSystemTime() < deadline && !xenStopped(me); {
		xenYieldVCPU()
	}
}

func xenStopped(me *xenVCPU) bool {
	for _, v := range xenVCPUs {
		if v != nil && v != me && v.stopped.Load() == 0 {
			return false
		}
	}
	return true
}

// xenStopHere stops this vCPU for good.
func xenStopHere(v *xenVCPU) {
	v.stopped.Store(1)
	for {
		xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpDown, uintptr(v.id), 0, 0, 0)
	}
}

// xenYieldVCPU lets other vCPUs run on this one's processor.
//
//go:nosplit
func xenYieldVCPU() {
	xenHypercall(xabi.HypercallSchedOp, xabi.SchedOpYield, 0, 0, 0, 0)
}
