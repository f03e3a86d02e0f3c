//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// What drivers/balloon does to the guest's frames. The balloon knows which frames
// have no memory; here they are just not there: in no list, not in the identity
// map of a PV guest, and without a machine frame in its p2m list.

// xenNoMFN stands in the p2m list for a frame without memory (INVALID_P2M_ENTRY in
// arch/x86/include/asm/xen/page.h of Linux).
const xenNoMFN = ^uint64(0)

// xenBalloon is guarded by xenVM.lock, but for limit.
var xenBalloon struct {
	held  [4]xenFrameRange // see xenFramesHold
	nheld uintptr          // frames in it
	want  uintptr          // frames that the guest is to have, 0 if nobody has said
	limit int64            // GOMEMLIMIT, if the last one to set it was us
	gcs   uint32           // collections until the last xenReclaim
}

// xenFreshTop returns the range of frames never used that ends highest, or nil.
func xenFreshTop() *xenFrameRange {
	var top *xenFrameRange
	for i := range xenFrames.fresh[:xenFrames.nfresh] {
		if r := &xenFrames.fresh[i]; r.next < r.end && (top == nil || r.end > top.end) {
			top = r
		}
	}
	return top
}

// xenFramesHold keeps n of the frames from use, before the first is handed out:
// a PVH guest made with memory < maxmem has a memory map for maxmem, but only
// memory Xen puts behind frames when they are first touched. Until the balloon has
// given the others to Xen, touching too many would be the end of the domain
// (xen/arch/x86/mm/p2m-pod.c).
func xenFramesHold(n uintptr) {
	b := &xenBalloon
	for i := range b.held {
		r := xenFreshTop()
		if r == nil || n == 0 {
			break
		}
		k := min(n, uintptr(r.end-r.next))
		b.held[i] = xenFrameRange{r.end - xenPFN(k), r.end}
		r.end -= xenPFN(k)
		b.nheld += k
		n -= k
	}
	xenFrames.nfree -= b.nheld
	xenFrames.total -= b.nheld
}

// xenReservation returns how many pages of memory the domain has of Xen.
func xenReservation() uintptr {
	d := xabi.XenMemoryDomain{DomID: xabi.DomIDSelf}
	n := xenHypercall(xabi.HypercallMemoryOp, xabi.XenMemCurrentReservation, uintptr(unsafe.Pointer(&d)), 0, 0, 0)
	xenMust("memory_op(current reservation)", n)
	return n
}

// xenTakeLast removes a frame from the end of the first range that has one.
func xenTakeLast(ranges []xenFrameRange) (p xenPFN, ok bool) {
	for i := range ranges {
		if r := &ranges[i]; r.next < r.end {
			r.end--
			return r.end, true
		}
	}
	return 0, false
}

type xenBalloonArgs struct {
	pfns, mfns *uint64
	n          uintptr
	done       uintptr
}

func (a *xenBalloonArgs) at(list *uint64, i uintptr) *uint64 {
	return (*uint64)(add(unsafe.Pointer(list), i*8))
}

// xenWithholdK takes up to n free frames out of use. Those that were in use before
// are cleared: Xen does not do it.
//
//go:nowritebarrierrec
func xenWithholdK(arg unsafe.Pointer) {
	a := (*xenBalloonArgs)(arg)
	xenVM.lock.lock()
	var b xenPTEBatch
	for a.done < a.n {
		p, ok := xenWithholdOne()
		if !ok {
			break
		}
		*a.at(a.pfns, a.done) = uint64(p)
		*a.at(a.mfns, a.done) = xenPFNToMFN(p)
		a.done++
		if !xenIsPV {
			continue
		}
		if e := xenWalk(p.va(), 1, false); e != nil && *e != 0 {
			b.set(e, 0)
		}
		*xenP2MEntry(p) = xenNoMFN
	}
	b.flush()
	if xenIsPV && a.done != 0 {
		xenFlushTLB()
	}
	xenVM.lock.unlock()
}

func xenWithholdOne() (p xenPFN, ok bool) {
	if p, ok = xenTakeLast(xenBalloon.held[:]); ok {
		xenBalloon.nheld--
		return p, true
	}
	f := &xenFrames
	if r := xenFreshTop(); r != nil {
		r.end--
		p = r.end
	} else if f.free != 0 {
		p = xenPFN(f.free >> xenPageShift)
		f.free = *(*uintptr)(unsafe.Pointer(f.free))
		memclrNoHeapPointers(unsafe.Pointer(p.va()), xenPageSize)
	} else {
		return 0, false
	}
	f.nfree--
	f.total--
	return p, true
}

// xenRestoreK puts frames with memory into use, as many as there are page tables
// for.
//
//go:nowritebarrierrec
func xenRestoreK(arg unsafe.Pointer) {
	a := (*xenBalloonArgs)(arg)
	xenVM.lock.lock()
	if xenIsPV {
		var b xenPTEBatch
		for i := uintptr(0); i < a.n; i++ {
			p := xenPFN(*a.at(a.pfns, i))
			e := xenWalk(p.va(), 1, true)
			if e == nil {
				a.n = i
				break
			}
			*xenP2MEntry(p) = *a.at(a.mfns, i)
			b.set(e, xenPTE(p, xenPTERW))
		}
		b.flush()
	}
	for ; a.done < a.n; a.done++ {
		xenFrameFree(xenPFN(*a.at(a.pfns, a.done)))
	}
	xenFrames.total += a.n
	xenVM.lock.unlock()
}

// xenP2MRoom gives frames up to static a place in the p2m list, PV only: addresses,
// behind which there is no memory yet.
func xenP2MRoom(static uintptr) bool {
	m := &xenPaging
	if static <= m.p2mLen || static > xenIdentityEnd>>xenPageShift {
		return false
	}
	va := xenReserve(0, alignUp((static-m.p2mLen)*8, xenPageSize))
	if va == 0 {
		return false
	}
	m.p2mMore, m.p2mMax = va, static
	return true
}

// xenP2MBack puts memory behind the places of frames in the p2m list, and returns
// for how many of them.
func xenP2MBack(a *xenBalloonArgs) uintptr {
	m := &xenPaging
	for i := uintptr(0); i < a.n; i++ {
		p := uintptr(*a.at(a.pfns, i))
		if p < m.p2mLen {
			continue
		}
		page := alignDown(m.p2mMore+(p-m.p2mLen)*8, xenPageSize)
		if xenPageMapped(page) != 0 {
			continue
		}
		if !xenBack(page, xenPageSize) {
			return i
		}
		for j := uintptr(0); j < xenPageSize; j += 8 {
			*(*uint64)(unsafe.Pointer(page + j)) = xenNoMFN
		}
	}
	return a.n
}

// What package hv asks for; hv.Reservation says what it means.

func xenWithhold(pfns, mfns *uint64, n uintptr) uintptr {
	a := xenBalloonArgs{pfns: pfns, mfns: mfns, n: n}
	xenKernelCall(xenPC(xenWithholdK), unsafe.Pointer(&a))
	return a.done
}

func xenRestore(pfns, mfns *uint64, n uintptr) uintptr {
	a := xenBalloonArgs{pfns: pfns, mfns: mfns, n: n}
	if xenIsPV {
		a.n = xenP2MBack(&a)
	}
	xenKernelCall(xenPC(xenRestoreK), unsafe.Pointer(&a))
	return a.done
}

func xenRoom(static uintptr) (first, end uintptr) {
	first = xenPaging.p2mLen
	if !xenIsPV || !xenP2MRoom(static) {
		return first, first
	}
	return first, static
}

// xenPages returns how many frames have memory and how many the program can do
// without. What it has in use may grow to its limit; where that is not ours, to
// the heap's goal. A program that is above that can do without none: it may have
// no room left until the end of a collection.
func xenPages() (have, spare int) {
	f := &xenFrames
	have, spare = int(f.total+xenBalloon.nheld), int(xenBalloon.nheld)
	limit, margin := xenMemoryLimit()
	if !xenLimitIsOurs() {
		limit = min(gcController.memoryLimit.Load(), xenMemOverhead()+int64(gcController.heapGoal()))
	}
	if growth := limit - int64(gcController.mappedReady.Load()); growth >= 0 {
		spare += max(0, int((int64(xenMemFree())-growth-margin)>>xenPageShift))
	}
	return have, spare
}

// xenMemOverhead is what the runtime has mapped beside the heap, in bytes.
func xenMemOverhead() int64 {
	c := &gcController
	heap := int64(c.heapFree.load()) + int64(c.totalAlloc.Load()) - int64(c.totalFree.Load())
	return max(0, int64(c.mappedReady.Load())-heap)
}

// xenMemoryLimit returns the memory limit that fits the memory there will be,
// and what that leaves for things that it does not cover (page tables, stacks of
// threads, pages shared with backends), and for what the program allocates while a
// collection runs: 1/16 and 1 MiB, twice that as long as the balloon takes frames,
// for a collector that gets a new limit in the middle of its work goes beyond it.
// The balloon does not bring the limit below what is live and a quarter: a
// collector that has less does nothing else.
func xenMemoryLimit() (limit, margin int64) {
	b := &xenBalloon
	all := int64(xenMemFree()) + int64(gcController.mappedReady.Load())
	margin = all/16 + 1<<20
	limit = all - margin
	if b.want != 0 && xenFrames.total > b.want {
		margin *= 2
		all -= int64(xenFrames.total-b.want) << xenPageShift
		live := int64(gcController.heapMarked)
		limit = min(limit, max(all-margin, xenMemOverhead()+live+live/4+1<<20))
	}
	return limit, margin
}

// xenLimitIsOurs reports whether neither GOMEMLIMIT nor debug.SetMemoryLimit has
// set the limit that is in force.
func xenLimitIsOurs() bool {
	l := atomic.Loadint64(&xenBalloon.limit)
	return l != 0 && l == gcController.memoryLimit.Load()
}

// memoryLimitIsHard tells the collector's CPU limiter, which would rather go
// beyond the limit than collect for more than half of the time: beyond ours there
// is nothing.
func memoryLimitIsHard() bool { return xenLimitIsOurs() }

// heapRoomOS returns by how many bytes the heap can grow: beyond that the program
// ends.
func heapRoomOS() uint64 { return uint64(xenMemFree()) + gcController.heapFree.load() }

// xenAim makes the limit, if it is ours, fit the frames that the guest is to have.
func xenAim(pages uintptr) {
	b := &xenBalloon
	b.want = pages
	if !xenLimitIsOurs() {
		return
	}
	limit, _ := xenMemoryLimit()
	atomic.Storeint64(&b.limit, limit)
	setMemoryLimit(limit)
}

// xenReclaim gives what the heap does not use back to the frames, after a
// collection. If the program itself has brought one about since the last time, that
// will do: one more in a program that makes garbage fast needs memory first.
func xenReclaim() {
	b := &xenBalloon
	if memstats.numgc == b.gcs {
		GC()
	}
	b.gcs = memstats.numgc
	systemstack(func() { mheap_.scavengeAll() })
}
