//go:build xenpv

package hv

import "unsafe"

// Implemented in package runtime.

// runtime_hypercall returns what Xen left in RAX. It does not grow the stack:
// arguments may be addresses on it.
//
//go:linkname runtime_hypercall
func runtime_hypercall(op, a1, a2, a3, a4, a5 uintptr) uintptr

//go:linkname runtime_allocPages
func runtime_allocPages(n uintptr) unsafe.Pointer

//go:linkname runtime_freePages
func runtime_freePages(p unsafe.Pointer, n uintptr)

//go:linkname runtime_frameOf
func runtime_frameOf(p unsafe.Pointer) uint64

//go:linkname runtime_mapFrames
func runtime_mapFrames(frames *uint64, n uintptr) unsafe.Pointer

//go:linkname runtime_unmapFrames
func runtime_unmapFrames(p unsafe.Pointer, n uintptr)

//go:linkname runtime_spareFrames
func runtime_spareFrames(n uintptr) uint64

//go:linkname runtime_pages
func runtime_pages() (have, spare int)

//go:linkname runtime_withhold
func runtime_withhold(pfns, frames *uint64, n uintptr) uintptr

//go:linkname runtime_restore
func runtime_restore(pfns, frames *uint64, n uintptr) uintptr

//go:linkname runtime_room
func runtime_room(static uintptr) (first, end uintptr)

//go:linkname runtime_aim
func runtime_aim(pages uintptr)

//go:linkname runtime_reclaim
func runtime_reclaim()

//go:linkname runtime_isPV
func runtime_isPV() bool

//go:linkname runtime_eventOpen
func runtime_eventOpen(port uint32)

//go:linkname runtime_eventWait
func runtime_eventWait(port uint32, user bool) bool

//go:linkname runtime_eventClose
func runtime_eventClose(port uint32)

//go:linkname runtime_eventHold
func runtime_eventHold(delta int32)

//go:linkname runtime_storeRing
func runtime_storeRing() (ring unsafe.Pointer, port uint32)

//go:linkname runtime_consoleRing
func runtime_consoleRing() (ring unsafe.Pointer, port uint32)

//go:linkname runtime_cmdline
func runtime_cmdline() string

//go:linkname runtime_ramdisk
func runtime_ramdisk() []byte

//go:linkname runtime_nanotime
func runtime_nanotime() int64

//go:linkname runtime_sleep
func runtime_sleep(ns int64)

//go:linkname runtime_print
func runtime_print(s string)

// hypercall is nosplit so that arg, an address from here on, cannot move.
//
//go:nosplit
func hypercall(op, cmd uintptr, arg unsafe.Pointer, n uintptr) uintptr {
	return runtime_hypercall(op, cmd, uintptr(arg), n, 0, 0)
}

// AllocPages returns n zeroed pages, or nil if there is no memory.
func AllocPages(n int) []byte {
	p := runtime_allocPages(uintptr(n))
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), n*PageSize)
}

// FreePages frees what AllocPages returned.
func FreePages(mem []byte) {
	runtime_freePages(unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem)/PageSize))
}

// FrameOf returns the frame of the page that begins at page[0].
func FrameOf(page []byte) Frame {
	return Frame(runtime_frameOf(unsafe.Pointer(unsafe.SliceData(page))))
}

// MapFrames makes frames readable and writable, or returns nil.
func MapFrames(frames []Frame) []byte {
	p := runtime_mapFrames((*uint64)(unsafe.SliceData(frames)), uintptr(len(frames)))
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(p), len(frames)*PageSize)
}

// UnmapFrames undoes MapFrames.
func UnmapFrames(mem []byte) {
	runtime_unmapFrames(unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem)/PageSize))
}

// SpareFrames returns the first of n guest frames in a row with no memory
// behind them, in a PVH guest.
func SpareFrames(n int) Frame { return Frame(runtime_spareFrames(uintptr(n))) }

// Pages is Reservation.Pages.
func Pages() (have, spare int) { return runtime_pages() }

// Withhold is Reservation.Withhold.
func Withhold(pfns []PFN, frames []Frame) int {
	n := min(len(pfns), len(frames))
	return int(runtime_withhold((*uint64)(unsafe.SliceData(pfns)), (*uint64)(unsafe.SliceData(frames)), uintptr(n)))
}

// Restore is Reservation.Restore.
func Restore(pfns []PFN, frames []Frame) int {
	n := min(len(pfns), len(frames))
	return int(runtime_restore((*uint64)(unsafe.SliceData(pfns)), (*uint64)(unsafe.SliceData(frames)), uintptr(n)))
}

// Room is Reservation.Room.
func Room(static int) (first, end PFN) {
	f, e := runtime_room(uintptr(static))
	return PFN(f), PFN(e)
}

// Aim is Reservation.Aim.
func Aim(pages int) { runtime_aim(uintptr(pages)) }

// Reclaim is Reservation.Reclaim.
func Reclaim() { runtime_reclaim() }

// IsPV reports whether this is a PV guest, rather than PVH.
func IsPV() bool { return runtime_isPV() }

// OpenEvent starts delivering port to WaitEvent and unmasks it.
func OpenEvent(port Port) { runtime_eventOpen(uint32(port)) }

// WaitEvent waits for port as Events.Wait does. user says that waiting is a
// reason for the program to go on living.
func WaitEvent(port Port, user bool) bool { return runtime_eventWait(uint32(port), user) }

// CloseEvent ends delivery; waiters return false.
func CloseEvent(port Port) { runtime_eventClose(uint32(port)) }

// HoldEvent is Events.Hold.
func HoldEvent(delta int) { runtime_eventHold(int32(delta)) }

// StoreRing returns the page shared with xenstored, and its event channel.
func StoreRing() (unsafe.Pointer, Port) {
	ring, port := runtime_storeRing()
	return ring, Port(port)
}

// ConsoleRing returns the page shared with the console, and its event channel.
func ConsoleRing() (unsafe.Pointer, Port) {
	ring, port := runtime_consoleRing()
	return ring, Port(port)
}

// CommandLine returns the domain's command line.
func CommandLine() string { return runtime_cmdline() }

// Ramdisk returns the domain's ramdisk, nil if it has none.
func Ramdisk() []byte { return runtime_ramdisk() }

// Nanotime is Clock.Nanotime.
func Nanotime() int64 { return runtime_nanotime() }

// Sleep is Clock.Sleep.
func Sleep(ns int64) { runtime_sleep(ns) }

// Print is Log.Print.
func Print(line string) { runtime_print(line + "\n") }
