//go:build xenpv

package runtime

import (
	"internal/runtime/sys"
	"unsafe"
)

// xenVM is the part of the address space that is given out on demand: which
// ranges are taken, and by the page tables which frames stand behind them. As
// on other systems, address space is reserved first and gets memory when the
// runtime says it is about to use it; nothing is mapped by page fault.
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
	next       *xenArea
}

const (
	xenVMStart = 0x100000000000
	xenVMEnd   = 0x200000000000
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

// xenAreaTake reserves n bytes, at the address hint if that is not 0, else
// where there is room. It returns 0 if there is none.
func xenAreaTake(hint, n uintptr) uintptr {
	at := hint
	if hint == 0 {
		at = xenVMStart
	}
	link := &xenVM.areas
	for a := *link; a != nil; a = *link {
		if at+n <= a.start {
			break
		}
		if at < a.end {
			if hint != 0 {
				return 0
			}
			at = a.end
		}
		link = &a.next
	}
	if at+n < at || hint == 0 && at+n > xenVMEnd {
		return 0
	}
	a := xenAreaNew()
	if a == nil {
		return 0
	}
	a.start, a.end, a.next = at, at+n, *link
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
			b.start, b.end, b.next = end, a.end, a.next
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

// xenMapRange puts zeroed frames behind the pages of [va, va+n) that have
// none. It reports false when memory is short; what was mapped stays.
func xenMapRange(va, n uintptr) bool {
	var b xenPTEBatch
	ok := true
	for end := va + n; va < end; va += xenPageSize {
		e := xenWalk(va, 1, true)
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
// foreign, gives them back. A frame is free only when no vCPU can still reach
// it through a stale translation.
func xenUnmapRange(va, n uintptr, foreign bool) {
	var frames [64]xenPFN
	for end := va + n; va < end; {
		var b xenPTEBatch
		got := 0
		for ; va < end && got < len(frames); va += xenPageSize {
			e := xenWalk(va, 1, false)
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
		xenFlushTLB()
		if !foreign {
			for _, p := range frames[:got] {
				xenFrameFree(p)
			}
		}
	}
}

// What follows is for callers outside the nanokernel.

type xenVMArgs struct {
	op      uint8
	foreign bool
	ok      bool
	va, n   uintptr
}

const (
	xenVMReserve = iota
	xenVMRelease
	xenVMMap
	xenVMUnmap
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
		a.va = xenAreaTake(a.va, a.n)
	case xenVMRelease:
		xenAreaGive(a.va, a.n)
	case xenVMMap:
		a.ok = xenMapRange(a.va, a.n)
	case xenVMUnmap:
		xenUnmapRange(a.va, a.n, a.foreign)
	}
	xenVM.lock.unlock()
}

// xenReserve reserves address space; see xenAreaTake.
//
//go:nosplit
func xenReserve(hint, n uintptr) uintptr {
	a := xenVMArgs{op: xenVMReserve, va: hint, n: n}
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

// xenUnback takes the memory behind [va, va+n) away.
//
//go:nosplit
func xenUnback(va, n uintptr, foreign bool) {
	for n > 0 {
		step := min(n, xenVMStep)
		a := xenVMArgs{op: xenVMUnmap, va: va, n: step, foreign: foreign}
		xenVMCall(&a)
		va += step
		n -= step
	}
}

type xenProtectArgs struct {
	va, n uintptr
	prot  int32
	errno int32
}

// xenProtectK is mprotect(2) on memory that xenBack has mapped. Pages that are
// both writable and executable do not exist here.
//
//go:nowritebarrierrec
func xenProtectK(arg unsafe.Pointer) {
	a := (*xenProtectArgs)(arg)
	flags := uint64(0)
	switch a.prot {
	case _PROT_NONE:
	case _PROT_READ:
		flags = xenPTERO
	case _PROT_WRITE, _PROT_READ | _PROT_WRITE:
		flags = xenPTERW
	case _PROT_EXEC, _PROT_READ | _PROT_EXEC:
		flags = xenPTERX
	default:
		a.errno = _EACCES
		return
	}
	xenVM.lock.lock()
	var b xenPTEBatch
	for va := alignDown(a.va, xenPageSize); va < a.va+a.n; va += xenPageSize {
		e := xenWalk(va, 1, false)
		if e == nil || *e == 0 {
			a.errno = _ENOMEM
			break
		}
		b.set(e, *e&xenPTEAddr|flags)
	}
	b.flush()
	xenFlushTLB()
	xenVM.lock.unlock()
}

// xenProtect is mprotect(2); see xenProtectK.
func xenProtect(va, n uintptr, prot int32) (errno int32) {
	for n > 0 {
		a := xenProtectArgs{va: va, n: min(n, xenVMStep), prot: prot}
		xenKernelCall(xenPC(xenProtectK), unsafe.Pointer(&a))
		if a.errno != 0 {
			return a.errno
		}
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
