//go:build xenpv

package runtime

import (
	"internal/runtime/sys"
	"unsafe"
)

// xenVM is the part of the address space that is given out on demand: which
// ranges are taken, and by the page tables which frames stand behind them. As
// on other systems, address space is reserved first and gets memory when the
// runtime says it is about to use it. Only what programs map themselves gets it
// by page fault (xenTouch).
//
// Lock order: xenVM.lock is innermost but for xenConsole's.
var xenVM struct {
	lock  xenSpin
	areas *xenArea // sorted, apart from one another
	spare *xenArea
	first [16]xenArea
}

// xenArea is a range of addresses in use.
type xenArea struct {
	_          sys.NotInHeap
	start, end uintptr
	touched    uint64 // PTE flags of a page that gets memory when it is touched; 0: none does
	next       *xenArea
}

// What the Go heap may use (patch 0004), and the range of everything else.
const (
	xenHeapStart = 0x00c0 << 32
	xenHeapEnd   = 1 << heapAddrBits
	xenVMStart   = 0x100000000000
	xenVMEnd     = 0x200000000000
)

// xenVMInit makes the allocator usable; everything below the heap's arenas is
// the identity map's.
func xenVMInit() {
	for i := range xenVM.first {
		xenVM.first[i].next = xenVM.spare
		xenVM.spare = &xenVM.first[i]
	}
}

func xenAreaNew() *xenArea {
	if xenVM.spare == nil {
		p := xenFrameAlloc()
		if p == 0 {
			return nil
		}
		for at := p.va(); at+unsafe.Sizeof(xenArea{}) <= p.va()+xenPageSize; at += unsafe.Sizeof(xenArea{}) {
			a := (*xenArea)(unsafe.Pointer(at))
			a.next = xenVM.spare
			xenVM.spare = a
		}
	}
	a := xenVM.spare
	xenVM.spare = a.next
	return a
}

// xenAreaTake reserves n bytes in [from, to), the first that are free. It returns 0 if there are none.
func xenAreaTake(from, to, n uintptr) uintptr {
	at := from
	link := &xenVM.areas
	for a := *link; a != nil && at+n > a.start; a = *link {
		at = max(at, a.end)
		link = &a.next
	}
	if at+n < at || at+n > to {
		return 0
	}
	a := xenAreaNew()
	if a == nil {
		return 0
	}
	a.start, a.end, a.touched, a.next = at, at+n, 0, *link
	*link = a
	return at
}

// xenAreaGive ends the reservation of n bytes at start, a whole area or part
// of one or several.
func xenAreaGive(start, n uintptr) {
	end := start + n
	for link := &xenVM.areas; *link != nil; {
		a := *link
		switch {
		case a.end <= start:
			link = &a.next
		case a.start >= end:
			return
		case a.start < start && a.end > end:
			b := xenAreaNew()
			if b == nil {
				return // the hole stays reserved; nothing else is lost
			}
			*b = xenArea{start: end, end: a.end, touched: a.touched, next: a.next}
			a.end, a.next = start, b
			return
		case a.start < start:
			a.end = start
			link = &a.next
		case a.end > end:
			a.start = end
			return
		default:
			*link = a.next
			a.next = xenVM.spare
			xenVM.spare = a
		}
	}
}

// xenAreaCut makes an area begin at va, if one has it in its midst. It reports
// false when memory is short.
func xenAreaCut(va uintptr) bool {
	for a := xenVM.areas; a != nil && a.start < va; a = a.next {
		if va >= a.end {
			continue
		}
		b := xenAreaNew()
		if b == nil {
			return false
		}
		*b = xenArea{start: va, end: a.end, touched: a.touched, next: a.next}
		a.end, a.next = va, b
	}
	return true
}

// xenAreaSet sets what pages of [va, va+n) that have no memory are when they get
// it. It reports false when memory is short.
func xenAreaSet(va, n uintptr, flags uint64) bool {
	if !xenAreaCut(va) || !xenAreaCut(va+n) {
		return false
	}
	for a := xenVM.areas; a != nil; a = a.next {
		if va <= a.start && a.end <= va+n {
			a.touched = flags
		}
	}
	// What is alike again becomes one: a program may do this for each of its pages.
	for a := xenVM.areas; a != nil; a = a.next {
		for b := a.next; b != nil && a.touched != 0 && b.touched == a.touched && b.start == a.end; b = a.next {
			a.end, a.next = b.end, b.next
			b.next = xenVM.spare
			xenVM.spare = b
		}
	}
	return true
}

// xenTouchReserve is how many frames touching leaves: for what ends the program
// that touches too much, or goes on.
const xenTouchReserve = 256

// What comes of touching a page.
const (
	xenTouchNothing = iota // it is not to be touched
	xenTouchThere          // it is there
	xenTouchShort          // there is no memory for it
	xenTouchBeyond         // it is behind the end of a file
)

// xenTouch puts memory behind the page at va if it is to have some when it is
// touched.
func xenTouch(va uintptr, b *xenPTEBatch) (outcome int) {
	a := xenVM.areas
	for a != nil && a.end <= va {
		a = a.next
	}
	if a == nil || va < a.start || a.touched == 0 {
		return xenTouchNothing
	}
	if a.touched&xenPTEBeyond != 0 {
		return xenTouchBeyond
	}
	e := xenWalk(va, 1, true)
	if e == nil {
		return xenTouchShort
	}
	if *e&xenPTEPresent != 0 {
		return xenTouchThere // another vCPU was faster
	}
	if *e != 0 {
		return xenTouchNothing // there is no access
	}
	if xenFrames.nfree < xenTouchReserve {
		return xenTouchShort
	}
	p := xenFrameAlloc()
	if p == 0 {
		return xenTouchShort
	}
	memclrNoHeapPointers(unsafe.Pointer(p.va()), xenPageSize)
	b.set(e, xenPTE(p, a.touched))
	xenCountMapped(xenPageSize)
	return xenTouchThere
}

// xenCountMapped counts what programs have mapped themselves as the runtime's
// own: there is that much less for the heap under a memory limit. Statistics are
// to agree whenever the world stops, so nothing between the two may be a safe
// point.
//
//go:nosplit
func xenCountMapped(n int64) {
	memstats.other_sys.add(n)
	gcController.mappedReady.Add(n)
}

// xenMapRange puts zeroed frames behind the pages of [va, va+n) that have
// none. It reports false when memory is short; what was mapped stays.
func xenMapRange(va, n uintptr) bool {
	var b xenPTEBatch
	ok := true
	var e *uint64
	for end := va + n; va < end; va += xenPageSize {
		e = xenWalkOn(e, va, true)
		if e == nil {
			ok = false
			break
		}
		if *e != 0 {
			continue
		}
		p := xenFrameAlloc()
		if p == 0 {
			ok = false
			break
		}
		memclrNoHeapPointers(unsafe.Pointer(p.va()), xenPageSize)
		b.set(e, xenPTE(p, xenPTERW))
	}
	b.flush()
	return ok
}

// xenUnmapRange takes the frames behind [va, va+n) away and, unless they are
// foreign, gives them back. It returns how many bytes there were. A frame is
// free only when no vCPU can still reach it through a stale translation.
func xenUnmapRange(va, n uintptr, foreign bool) (bytes uintptr) {
	var frames [xenVMStep / xenPageSize]xenPFN
	var e *uint64
	for end := va + n; va < end; {
		var b xenPTEBatch
		got := 0
		for ; va < end && got < len(frames); va += xenPageSize {
			e = xenWalkOn(e, va, false)
			if e == nil {
				// No table: skip to the next one.
				va = alignUp(va+1, 2<<20) - xenPageSize
				continue
			}
			if *e == 0 {
				continue
			}
			if !foreign {
				frames[got] = xenPTEFrame(*e)
			}
			got++
			b.set(e, 0)
		}
		b.flush()
		if got == 0 {
			continue
		}
		bytes += uintptr(got) * xenPageSize
		xenFlushTLB()
		if !foreign {
			for _, p := range frames[:got] {
				xenFrameFree(p)
			}
		}
	}
	return bytes
}

// What follows is for callers outside the nanokernel.

type xenVMArgs struct {
	op      uint8
	foreign bool
	ok      bool
	va, n   uintptr
	end     uintptr // of where to reserve
	flags   uint64
}

const (
	xenVMReserve = iota
	xenVMRelease
	xenVMMap
	xenVMUnmap
	xenVMSet
	xenVMTouch
)

// xenVMStep bounds how many bytes are mapped, unmapped or protected with events
// masked.
const xenVMStep = 1 << 20

//go:nosplit
func xenVMCall(a *xenVMArgs) {
	xenKernelCall(xenPC(xenVMK), unsafe.Pointer(a))
}

//go:nowritebarrierrec
func xenVMK(arg unsafe.Pointer) {
	a := (*xenVMArgs)(arg)
	xenVM.lock.lock()
	switch a.op {
	case xenVMReserve:
		a.va = xenAreaTake(a.va, a.end, a.n)
	case xenVMRelease:
		xenAreaGive(a.va, a.n)
	case xenVMMap:
		a.ok = xenMapRange(a.va, a.n)
	case xenVMUnmap:
		a.n = xenUnmapRange(a.va, a.n, a.foreign)
	case xenVMSet:
		a.ok = xenAreaSet(a.va, a.n, a.flags)
	case xenVMTouch:
		var b xenPTEBatch
		a.ok = true
		for end := a.va + a.n; a.va < end && a.ok; a.va += xenPageSize {
			a.ok = xenTouch(a.va, &b) == xenTouchThere
		}
		b.flush()
	}
	xenVM.lock.unlock()
}

// xenReserve reserves n bytes of address space, at the address at if that is not 0, and returns 0 if there is no room.
//
//go:nosplit
func xenReserve(at, n uintptr) uintptr {
	if at != 0 {
		return xenReserveIn(at, at+n, n)
	}
	return xenReserveIn(xenVMStart, xenVMEnd, n)
}

// xenReserveIn is xenAreaTake.
//
//go:nosplit
func xenReserveIn(from, to, n uintptr) uintptr {
	a := xenVMArgs{op: xenVMReserve, va: from, end: to, n: n}
	xenVMCall(&a)
	return a.va
}

//go:nosplit
func xenRelease(va, n uintptr) {
	a := xenVMArgs{op: xenVMRelease, va: va, n: n}
	xenVMCall(&a)
}

// xenBack puts memory behind [va, va+n); see xenMapRange.
//
//go:nosplit
func xenBack(va, n uintptr) bool {
	for n > 0 {
		step := min(n, xenVMStep)
		a := xenVMArgs{op: xenVMMap, va: va, n: step}
		xenVMCall(&a)
		if !a.ok {
			return false
		}
		va += step
		n -= step
	}
	return true
}

// xenUnback takes the memory behind [va, va+n) away and returns how many bytes
// it was.
//
//go:nosplit
func xenUnback(va, n uintptr, foreign bool) (bytes uintptr) {
	for n > 0 {
		step := min(n, xenVMStep)
		a := xenVMArgs{op: xenVMUnmap, va: va, n: step, foreign: foreign}
		xenVMCall(&a)
		bytes += a.n
		va += step
		n -= step
	}
	return bytes
}

// xenPopulate puts memory behind the pages of [va, va+n), which are to have some
// when they are touched. It reports whether they are all there then.
func xenPopulate(va, n uintptr) bool {
	for n > 0 {
		step := min(n, xenVMStep)
		a := xenVMArgs{op: xenVMTouch, va: va, n: step}
		if xenVMCall(&a); !a.ok {
			return false
		}
		va += step
		n -= step
	}
	return true
}

// xenProtectK changes the rights of the pages of [va, va+n) that have memory.
//
//go:nowritebarrierrec
func xenProtectK(arg unsafe.Pointer) {
	a := (*xenVMArgs)(arg)
	xenVM.lock.lock()
	var b xenPTEBatch
	stale := false
	var e *uint64
	for va, end := a.va, a.va+a.n; va < end; va += xenPageSize {
		e = xenWalkOn(e, va, false)
		if e == nil {
			// No table: skip to the next one.
			va = alignUp(va+1, 2<<20) - xenPageSize
		} else if *e != 0 {
			b.set(e, *e&xenPTEAddr|a.flags)
			stale = true
		}
	}
	b.flush()
	if stale {
		xenFlushTLB()
	}
	xenVM.lock.unlock()
}

// xenProtect is mprotect(2) on what programs map themselves. Pages that are both
// writable and executable do not exist here.
func xenProtect(va, n uintptr, prot int32) (errno int32) {
	flags := uint64(0)
	switch prot {
	case _PROT_NONE:
	case _PROT_READ:
		flags = xenPTERO
	case _PROT_WRITE, _PROT_READ | _PROT_WRITE:
		flags = xenPTERW
	case _PROT_EXEC, _PROT_READ | _PROT_EXEC:
		flags = xenPTERX
	default:
		return _EACCES
	}
	va, n = alignDown(va, xenPageSize), alignUp(va+n, xenPageSize)-alignDown(va, xenPageSize)
	a := xenVMArgs{op: xenVMSet, va: va, n: n, flags: flags}
	if xenVMCall(&a); !a.ok {
		return _ENOMEM
	}
	for n > 0 {
		a.va, a.n = va, min(n, xenVMStep)
		xenKernelCall(xenPC(xenProtectK), unsafe.Pointer(&a))
		va += a.n
		n -= a.n
	}
	return 0
}

// xenPagesAlloc returns n bytes of zeroed memory outside the heap, or 0. There
// is an unmapped page before and after it.
//
//go:nosplit
func xenPagesAlloc(n uintptr) uintptr {
	n = alignUp(n, xenPageSize)
	va := xenReserve(0, n+2*xenPageSize)
	if va == 0 {
		return 0
	}
	va += xenPageSize
	if !xenBack(va, n) {
		xenPagesFree(va, n)
		return 0
	}
	return va
}

// xenPagesFree frees what xenPagesAlloc returned; 0 is nothing.
//
//go:nosplit
func xenPagesFree(va, n uintptr) {
	if va == 0 {
		return
	}
	n = alignUp(n, xenPageSize)
	xenUnback(va, n, false)
	xenRelease(va-xenPageSize, n+2*xenPageSize)
}
