//go:build xenpv

package runtime

import "unsafe"

// The memory states of mem.go on Xen: Reserved is address space (xenVM),
// Prepared the same, Ready has frames behind it. As on Windows, memory is
// committed in sysUsed and given back in sysUnused, so what the heap does not
// use is free for everything else at once, and running out of it is seen here
// and not by a fault later.

const (
	_EACCES = 13
	_EBADF  = 9
	_EINVAL = 22
)

// Don't split the stack as this method may be invoked without a valid G, which
// prevents us from allocating more stack.
//
//go:nosplit
func sysAllocOS(n uintptr, _ string) unsafe.Pointer {
	n = alignUp(n, xenPageSize)
	va := xenReserve(0, n)
	if va != 0 && !xenBack(va, n) {
		xenUnback(va, n, false)
		xenRelease(va, n)
		va = 0
	}
	return unsafe.Pointer(va)
}

func sysUnusedOS(v unsafe.Pointer, n uintptr) {
	if uintptr(v)&(physPageSize-1) != 0 || n&(physPageSize-1) != 0 {
		throw("unaligned sysUnused")
	}
	xenUnback(uintptr(v), n, false)
}

func sysUsedOS(v unsafe.Pointer, n uintptr) {
	start := alignDown(uintptr(v), physPageSize)
	end := alignUp(uintptr(v)+n, physPageSize)
	if !xenBack(start, end-start) {
		xenNoMemory(n)
	}
}

// xenNoMemory ends the program for want of n bytes, and says what has the others.
func xenNoMemory(n uintptr) {
	c := &gcController
	print("runtime: the domain has no memory left for ", n, " bytes (", xenMemTotal()>>20, " MB in all): raise memory= in its config, or lower GOMEMLIMIT\n")
	print("runtime: of ", c.mappedReady.Load()>>10, " kB in use (limit ", c.memoryLimit.Load()>>10,
		") the heap's objects have ", (c.totalAlloc.Load()-c.totalFree.Load())>>10, ", its free pages ", c.heapFree.load()>>10,
		"; ", c.heapMarked>>10, " were live in collection ", memstats.numgc, ", the next ends at ", c.heapGoal()>>10, "\n")
	throw("runtime: out of memory")
}

func sysHugePageOS(v unsafe.Pointer, n uintptr)         {}
func sysNoHugePageOS(v unsafe.Pointer, n uintptr)       {}
func sysHugePageCollapseOS(v unsafe.Pointer, n uintptr) {}

//go:nosplit
func sysFreeOS(v unsafe.Pointer, n uintptr) {
	va := uintptr(v)
	n = alignUp(n, xenPageSize)
	xenUnback(va, n, false)
	xenRelease(va, n)
}

func sysFaultOS(v unsafe.Pointer, n uintptr) {
	xenUnback(uintptr(v), n, false)
}

func sysReserveOS(v unsafe.Pointer, n uintptr, what string) unsafe.Pointer {
	n = alignUp(n, xenPageSize)
	if v != nil {
		if va := xenReserve(uintptr(v), n); va != 0 {
			return unsafe.Pointer(va)
		}
	}
	if what == "heap" { // mheap.sysAlloc, all of whose hints are taken
		return unsafe.Pointer(xenReserveIn(xenHeapStart, xenHeapEnd, n))
	}
	return unsafe.Pointer(xenReserve(0, n))
}

func sysMapOS(v unsafe.Pointer, n uintptr, _ string) {}

// sysUsedOS zeroes what it maps.
func needZeroAfterSysUnusedOS() bool { return false }

// xenMemTotal and xenMemFree return the domain's memory and what of it is not
// in use, in bytes.
func xenMemTotal() uintptr { return xenFrames.total << xenPageShift }
func xenMemFree() uintptr  { return xenFrames.nfree << xenPageShift }

// memoryLimitOS is the memory limit where GOMEMLIMIT sets none.
func memoryLimitOS() int64 {
	limit, _ := xenMemoryLimit()
	xenBalloon.limit = limit
	return limit
}

// maxStackOS bounds the default of debug.SetMaxStack: a growing stack needs
// room for itself and its double.
func maxStackOS() uintptr { return xenMemTotal() / 4 }
