//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// Address space
//
//	0x0000_0000_0001_0000  the guest's memory, each frame at its own number
//	                       ("identity map"); the image lies at 4 MiB. The first
//	                       64 KiB are not mapped: nil checks rely on it.
//	0x0000_00c0_0000_0000  Go's heap arenas, up to 1 TiB (heapAddrBits is 40)
//	0x0000_1000_0000_0000  everything else that is mapped on demand: the
//	                       runtime's own memory, thread stacks, foreign frames
//
// On PVH the identity map is complete from the start, in 2 MiB pages. On PV it
// is the domain builder's, and grows 2 MiB at a time as frames are first taken
// (xenExtendIdentity): building page tables for all of the domain's memory at
// boot would make the boot time grow with it.
//
// Table entries hold machine frame numbers (MFN). On PVH the hypervisor
// translates, and they are the guest's own numbers (PFN). On PV the kernel
// translates, by the p2m list; tables are read-only to it and written by
// hypercall.

// xenPFN is a guest frame number: what the frame allocator hands out.
type xenPFN uintptr

const (
	xenPageShift = 12
	xenPageSize  = 1 << xenPageShift

	xenPTEPresent = 1 << 0
	xenPTEWrite   = 1 << 1
	xenPTEUser    = 1 << 2
	xenPTELarge   = 1 << 7
	xenPTEBeyond  = 1 << 9 // ours, of a xenArea: it is SIGBUS to touch its pages
	xenPTENoExec  = 1 << 63
	xenPTEAddr    = 0x000ffffffffff000

	xenPTERW = xenPTEPresent | xenPTEWrite | xenPTENoExec
	xenPTERO = xenPTEPresent | xenPTENoExec
	xenPTERX = xenPTEPresent

	xenUnmappedLow = 0x10000      // bytes
	xenIdentityEnd = 0xc000000000 // where Go's arenas begin
)

// va returns where the identity map has the frame.
//
//go:nosplit
func (p xenPFN) va() uintptr { return uintptr(p) << xenPageShift }

// xenPaging is guarded by xenVM.lock once threads run.
var xenPaging struct {
	root   uintptr // virtual address of the level 4 table
	p2m    *[1 << 40]uint64
	p2mLen uintptr
	idEnd  xenPFN // PV: the identity map reaches to here

	// Address of the p2m list of frames that the guest did not have at first,
	// from p2mLen to p2mMax, see xenP2MRoom.
	p2mMore uintptr
	p2mMax  uintptr
}

//go:nosplit
func xenPFNToMFN(p xenPFN) uint64 {
	if !xenIsPV {
		return uint64(p)
	}
	return *xenP2MEntry(p)
}

// xenP2MEntry returns where the p2m list has the frame, which it must reach to, PV
// only.
//
//go:nosplit
func xenP2MEntry(p xenPFN) *uint64 {
	m := &xenPaging
	if uintptr(p) < m.p2mLen {
		return &m.p2m[p]
	}
	if uintptr(p) >= m.p2mMax {
		xenFatal("frame beyond the p2m list")
	}
	return (*uint64)(unsafe.Pointer(m.p2mMore + (uintptr(p)-m.p2mLen)*8))
}

//go:nosplit
func xenMFNToPFN(m uint64) xenPFN {
	if !xenIsPV {
		return xenPFN(m)
	}
	return *(*xenPFN)(unsafe.Pointer(uintptr(xabi.Mach2PhysVirtStart) + uintptr(m)*8))
}

//go:nosplit
func xenPTE(p xenPFN, flags uint64) uint64 {
	return xenPFNToMFN(p)<<xenPageShift | flags
}

//go:nosplit
func xenPTEFrame(e uint64) xenPFN {
	return xenMFNToPFN(e & xenPTEAddr >> xenPageShift)
}

// xenWalk returns the entry that maps va at the given level (1: a page's), or
// nil if a table above it is missing and cannot or shall not be made.
func xenWalk(va uintptr, level uint, alloc bool) *uint64 {
	table := xenPaging.root
	for l := uint(4); ; l-- {
		e := (*uint64)(unsafe.Pointer(table + va>>(xenPageShift+9*(l-1))&511*8))
		if l == level {
			return e
		}
		if *e&xenPTEPresent == 0 {
			if !alloc {
				return nil
			}
			p := xenFrameAlloc()
			if p == 0 {
				return nil
			}
			xenInstallTable(e, p)
		} else if *e&xenPTELarge != 0 {
			return nil
		}
		table = xenPTEFrame(*e).va()
	}
}

// xenWalkOn returns the entry that maps the page at va, as xenWalk, to who has
// that of the page before, or nil.
func xenWalkOn(before *uint64, va uintptr, alloc bool) *uint64 {
	if before == nil || va%(2<<20) == 0 {
		return xenWalk(va, 1, alloc)
	}
	return (*uint64)(unsafe.Add(unsafe.Pointer(before), 8))
}

// xenLookup reports whether a page can be read at va, and returns its size, or
// that of the hole that va is in as far as the tables tell. It takes no lock: a
// mapping that changes meanwhile is the caller's race.
func xenLookup(va uintptr) (size uintptr, there bool) {
	table := xenPaging.root
	for l := uint(4); ; l-- {
		size = 1 << (xenPageShift + 9*(l-1))
		e := atomic.Load64((*uint64)(unsafe.Pointer(table + va>>(xenPageShift+9*(l-1))&511*8)))
		there = e&xenPTEPresent != 0
		if !there || l == 1 || e&xenPTELarge != 0 {
			return size, there
		}
		table = xenPTEFrame(e).va()
	}
}

// xenPageMapped returns the size of the page that va is in, 0 if nothing is
// mapped there.
func xenPageMapped(va uintptr) uintptr {
	if size, there := xenLookup(va); there {
		return size
	}
	return 0
}

// xenNextMapped returns the address of the first page of [va, end) that can be
// read, or end. It passes tables that are not there as wholes.
func xenNextMapped(va, end uintptr) uintptr {
	for va < end {
		size, there := xenLookup(va)
		if there {
			return va
		}
		va = alignDown(va, size) + size
	}
	return end
}

// xenInstallTable makes the frame p an empty page table below entry e.
func xenInstallTable(e *uint64, p xenPFN) {
	memclrNoHeapPointers(unsafe.Pointer(p.va()), xenPageSize)
	if !xenIsPV {
		*e = xenPTE(p, xenPTEPresent|xenPTEWrite)
		return
	}
	// A page table has no writable mapping, not even ours.
	xenUpdateVA(p.va(), xenPTE(p, xenPTERO))
	xenSetPTE(e, xenPTE(p, xenPTEPresent|xenPTEWrite|xenPTEUser))
}

// xenUpdateVA sets the page table entry of va, PV only.
func xenUpdateVA(va uintptr, pte uint64) {
	xenMust("update_va_mapping", xenHypercall(xabi.HypercallUpdateVAMapping, va, uintptr(pte), xabi.UVMFInvlpg|xabi.UVMFAll, 0, 0))
}

// xenSetPTE writes one table entry.
func xenSetPTE(e *uint64, val uint64) {
	if !xenIsPV {
		atomic.Store64(e, val)
		return
	}
	var b xenPTEBatch
	b.set(e, val)
	b.flush()
}

// xenPTEBatch collects table writes, so that PV makes one hypercall for many.
type xenPTEBatch struct {
	n   int
	ops [32]xabi.MMUUpdate
}

func (b *xenPTEBatch) set(e *uint64, val uint64) {
	if !xenIsPV {
		atomic.Store64(e, val)
		return
	}
	if b.n == len(b.ops) {
		b.flush()
	}
	at := uintptr(unsafe.Pointer(e))
	b.ops[b.n].Ptr = xenPFNToMFN(xenPFN(at>>xenPageShift))<<xenPageShift | uint64(at%xenPageSize) | xabi.MMUNormalPTUpdate
	b.ops[b.n].Val = val
	b.n++
}

func (b *xenPTEBatch) flush() {
	if b.n == 0 {
		return
	}
	n := b.n
	b.n = 0
	xenMust("mmu_update", xenHypercall(xabi.HypercallMMUUpdate, uintptr(unsafe.Pointer(&b.ops)), uintptr(n), 0, xabi.DomIDSelf, 0))
}

// xenFlushTLB forgets stale translations on every vCPU.
func xenFlushTLB() {
	switch {
	case xenIsPV:
		op := xabi.MMUExtOp{Cmd: xabi.MMUExtTLBFlushAll}
		if xenVCPUCount == 1 {
			op.Cmd = xabi.MMUExtTLBFlushLocal
		}
		xenMust("mmuext_op(tlb flush)", xenHypercall(xabi.HypercallMMUExtOp, uintptr(unsafe.Pointer(&op)), 1, 0, xabi.DomIDSelf, 0))
	case xenVCPUCount == 1:
		xenReloadCR3()
	default:
		xenMust("hvm_op(flush tlbs)", xenHypercall(xabi.HypercallHVMOp, xabi.HVMOpFlushTLBs, 0, 0, 0, 0))
	}
}

func xenReloadCR3()
func xenReadCR3() uintptr

// xenPagingInitPV adopts the domain builder's tables.
func xenPagingInitPV(si *xabi.StartInfo) {
	p := &xenPaging
	p.root = uintptr(si.PTBase)
	p.p2m = (*[1 << 40]uint64)(unsafe.Pointer(uintptr(si.MFNList)))
	p.p2mLen = uintptr(si.NrPages)
	end := xenPFN(uintptr(si.PTBase)>>xenPageShift + uintptr(si.NrPTFrames))
	for uintptr(end) < p.p2mLen {
		e := xenWalk(end.va(), 1, false)
		if e == nil || *e&xenPTEPresent == 0 {
			break
		}
		end++
	}
	p.idEnd = end
}

// xenExtendIdentity maps the next frames up to a 2 MiB boundary, PV only. It
// takes up to three frames, all of them mapped already. Frames without memory are
// left out; where some have come back before, there is a table.
func xenExtendIdentity() bool {
	p := &xenPaging
	base := p.idEnd
	if base%512 != 0 || uintptr(base) >= p.p2mLen {
		// The builder maps whole 4 MiB, unless memory ends before.
		return false
	}
	l2 := xenWalk(base.va(), 2, true)
	if l2 == nil {
		return false
	}
	end := min(base+512, xenPFN(p.p2mLen))
	if *l2&xenPTEPresent != 0 {
		xenFillIdentity(base, end)
		p.idEnd = end
		return true
	}
	table := xenFrameAlloc()
	if table == 0 {
		return false
	}
	entries := (*[512]uint64)(unsafe.Pointer(table.va()))
	for i := range entries {
		entries[i] = 0
		if f := base + xenPFN(i); f < end && *xenP2MEntry(f) != xenNoMFN {
			entries[i] = xenPTE(f, xenPTERW)
		}
	}
	xenUpdateVA(table.va(), xenPTE(table, xenPTERO))
	xenSetPTE(l2, xenPTE(table, xenPTEPresent|xenPTEWrite|xenPTEUser))
	p.idEnd = end
	return true
}

// xenFillIdentity maps what a table of the identity map does not map yet of the
// frames from base to end.
func xenFillIdentity(base, end xenPFN) {
	var b xenPTEBatch
	for f := base; f < end; f++ {
		if e := xenWalk(f.va(), 1, false); *e == 0 && *xenP2MEntry(f) != xenNoMFN {
			b.set(e, xenPTE(f, xenPTERW))
		}
	}
	b.flush()
}

// xenPagingInitPVH takes over the tables of the entry code, and maps what lies
// above their 4 GiB.
func xenPagingInitPVH(end xenPFN) {
	p := &xenPaging
	p.root = xenReadCR3() &^ (xenPageSize - 1)
	text, _, _, imageEnd := xenImageBounds()
	for va := uintptr(0); va < 4<<30; va += 2 << 20 {
		if va+2<<20 <= text || va >= imageEnd { // the rest follows in xenProtectImage
			*xenWalk(va, 2, false) |= xenPTENoExec
		}
	}
	for va := uintptr(4 << 30); va < end.va(); va += 2 << 20 {
		e := xenWalk(va, 2, true)
		if e == nil {
			xenFatal("no memory for page tables")
		}
		*e = uint64(va) | xenPTERW | xenPTELarge
	}
}

// xenSplit replaces the 2 MiB page around va by a table of small ones, PVH
// only.
func xenSplit(va uintptr) {
	e := xenWalk(va, 2, false)
	if *e&xenPTELarge == 0 {
		return
	}
	t := xenFrameAlloc()
	if t == 0 {
		xenFatal("no memory for page tables")
	}
	entries := (*[512]uint64)(unsafe.Pointer(t.va()))
	for i := range entries {
		entries[i] = (*e &^ xenPTELarge) + uint64(i)<<xenPageShift
	}
	*e = xenPTE(t, xenPTEPresent|xenPTEWrite)
}

// xenProtectImage gives each part of the image its rights: nothing is both
// writable and executable, and the first pages are not there.
func xenProtectImage() {
	text, etext, data, end := xenImageBounds()
	start := text
	if !xenIsPV {
		start, end = alignDown(start, 2<<20), alignUp(end, 2<<20)
		xenSplit(0)
		for va := start; va < end; va += 2 << 20 {
			xenSplit(va)
		}
	}
	xenSetRange(0, xenUnmappedLow, 0)
	xenSetRange(start, text, xenPTERW)
	xenSetRange(text, etext, xenPTERX)
	xenSetRange(etext, data, xenPTERO)
	xenSetRange(data, end, xenPTERW)
	xenFlushTLB()
}

// xenSetRange gives the identity-mapped pages from start to end the flags.
func xenSetRange(start, end uintptr, flags uint64) {
	var b xenPTEBatch
	for va := start; va < end; va += xenPageSize {
		e := xenWalk(va, 1, false)
		if e == nil {
			continue
		}
		pte := uint64(0)
		if flags != 0 {
			pte = xenPTE(xenPFN(va>>xenPageShift), flags)
		}
		b.set(e, pte)
	}
	b.flush()
}

// xenImageBounds returns the page-rounded bounds of the image: where it
// starts, where code ends, where data starts, where bss ends.
func xenImageBounds() (text, etext, data, end uintptr) {
	md := &firstmoduledata
	text = alignDown(md.text, xenPageSize) - xenPageSize // the ELF header's page
	etext = alignUp(md.etext, xenPageSize)
	data = alignDown(md.noptrdata, xenPageSize)
	if d := alignDown(md.data, xenPageSize); d < data {
		data = d
	}
	end = alignUp(md.end, xenPageSize)
	return
}
