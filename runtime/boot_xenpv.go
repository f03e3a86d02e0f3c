//go:build xenpv

package runtime

import (
	"internal/abi"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// xenBoot is what the start info said.
var xenBoot struct {
	cmdline     unsafe.Pointer // NUL terminated, or nil
	ramdisk     uintptr
	ramdiskLen  uintptr
	store       unsafe.Pointer // xenstore ring
	storePort   uint32
	spareFrames xenPFN // PVH: first frame number with nothing behind it
}

// xenStart brings the guest from the entry code to where rt0_go can run: memory,
// traps, events, clock and console of vCPU 0. It returns the arguments of
// rt0_go and the stack to run it on.
//
// It runs on the boot stack as g0, events masked, single-threaded. None of its
// work may grow with the size of the domain, but for the table entries of 2 MiB
// pages above 4 GiB in a PVH guest.
func xenStart() (argc int32, argv **byte, sp uintptr) {
	v := xenCurrentVCPU()
	v.info.EvtchnUpcallMask = 1
	xenVMInit()
	if xenIsPV {
		xenStartPV((*xabi.StartInfo)(unsafe.Pointer(xenStartInfoAddr)))
	} else {
		xenStartPVH((*xabi.HVMStartInfo)(unsafe.Pointer(xenStartInfoAddr)))
	}
	xenProtectImage()
	xenRegisterVCPUInfo(v)
	xenClockInit(v)
	xenFirstThread(v)
	xenTrapsInit(v)
	xenEventsInit(v)
	xenRandomInit()
	argc, argv = xenArguments()
	t := v.thread
	return argc, argv, t.stackHi
}

// xenStartPV reads struct start_info (public/xen.h).
func xenStartPV(si *xabi.StartInfo) {
	xenFrames.total = uintptr(si.NrPages)
	xenPagingInitPV(si)
	// The domain builder's order: image, ramdisk, p2m list, start info,
	// xenstore ring, console ring, page tables, boot stack. What follows the
	// page tables is free, and so is what lies below the image.
	text, _, _, _ := xenImageBounds()
	end := xenPFN(uintptr(si.PTBase)>>xenPageShift + uintptr(si.NrPTFrames))
	xenFramesAdd(end, xenPFN(si.NrPages))
	xenFramesAdd(xenUnmappedLow>>xenPageShift, xenPFN(text>>xenPageShift))

	b := &xenBoot
	b.cmdline = unsafe.Pointer(&si.CmdLine)
	b.ramdisk, b.ramdiskLen = uintptr(si.ModStart), uintptr(si.ModLen)
	if si.StoreMFN != 0 {
		b.store = unsafe.Pointer(xenMFNToPFN(si.StoreMFN).va())
		b.storePort = si.StoreEvtchn
	}
	if si.ConsoleMFN != 0 {
		xenConsole.ring = (*xabi.XenconsInterface)(unsafe.Pointer(xenMFNToPFN(si.ConsoleMFN).va()))
		xenConsole.port = si.ConsoleEvtchn
	}

	// Shared info is a machine page of Xen's; give it an address.
	va := xenAreaTake(xenVMStart, xenVMEnd, xenPageSize)
	e := xenWalk(va, 1, true)
	if va == 0 || e == nil {
		xenFatal("no memory for page tables")
	}
	xenSetPTE(e, si.SharedInfo|xenPTERW)
	xenSharedInfo = (*xabi.SharedInfo)(unsafe.Pointer(va))
}

// xenStartPVH reads struct hvm_start_info (public/arch-x86/hvm/start_info.h).
func xenStartPVH(si *xabi.HVMStartInfo) {
	if si.Magic != xabi.HVMStartMagic {
		xenFatal("bad magic in hvm_start_info")
	}
	if si.Version < 1 || si.MemmapEntries == 0 {
		xenFatal("the start info has no memory map: this Xen is too old for PVH guests (4.11 or later is needed)")
	}
	entries := unsafe.Slice((*xabi.HVMMemmapTableEntry)(unsafe.Pointer(uintptr(si.MemmapPaddr))), si.MemmapEntries)
	var ram, top xenPFN
	for i := range entries {
		e := &entries[i]
		start, end := alignUp(uintptr(e.Addr), xenPageSize), alignDown(uintptr(e.Addr+e.Size), xenPageSize)
		top = max(top, xenPFN(end>>xenPageShift))
		if e.Type != xabi.HVMMemmapTypeRAM || start >= end {
			continue
		}
		ram = max(ram, xenPFN(end>>xenPageShift))
		xenFramesAdd(xenPFN(start>>xenPageShift), xenPFN(end>>xenPageShift))
		xenFrames.total += (end - start) >> xenPageShift
	}
	text, _, _, end := xenImageBounds()
	xenFramesReserve(0, xenUnmappedLow>>xenPageShift)
	xenReservePhys(text, end-text)
	xenReservePhys(xenStartInfoAddr, unsafe.Sizeof(*si))
	xenReservePhys(uintptr(si.MemmapPaddr), uintptr(si.MemmapEntries)*unsafe.Sizeof(entries[0]))
	b := &xenBoot
	if si.CmdlinePaddr != 0 {
		b.cmdline = unsafe.Pointer(uintptr(si.CmdlinePaddr))
		xenReservePhys(uintptr(si.CmdlinePaddr), uintptr(findnull((*byte)(b.cmdline)))+1)
	}
	if si.NrModules > 0 {
		mods := unsafe.Slice((*xabi.HVMModlistEntry)(unsafe.Pointer(uintptr(si.ModlistPaddr))), si.NrModules)
		xenReservePhys(uintptr(si.ModlistPaddr), uintptr(si.NrModules)*unsafe.Sizeof(mods[0]))
		for i := range mods {
			xenReservePhys(uintptr(mods[i].Paddr), uintptr(mods[i].Size))
		}
		b.ramdisk, b.ramdiskLen = uintptr(mods[0].Paddr), uintptr(mods[0].Size)
	}

	if have := xenReservation(); xenFrames.total > have {
		xenFramesHold(xenFrames.total - have + xenPagesOfXen)
	}

	// Frame numbers for what Xen shares with us: above everything, on a large
	// page boundary, one large page for now.
	b.spareFrames = max(xenPFN(alignUp(uintptr(top), 512)), 4<<30>>xenPageShift)
	xenPagingInitPVH(max(ram, b.spareFrames+512))

	shared := xenSpareFrame()
	add := xabi.XenAddToPhysmap{DomID: xabi.DomIDSelf, Space: xabi.XenMapSpaceSharedInfo, GPFN: uint64(shared)}
	xenMust("memory_op(map shared info)", xenHypercall(xabi.HypercallMemoryOp, xabi.XenMemAddToPhysmap, uintptr(unsafe.Pointer(&add)), 0, 0, 0))
	xenSharedInfo = (*xabi.SharedInfo)(unsafe.Pointer(shared.va()))

	if p := xenPFN(xenHVMParam(xabi.HVMParamStorePFN)); p != 0 {
		b.store = unsafe.Pointer(p.va())
		b.storePort = uint32(xenHVMParam(xabi.HVMParamStoreEvtchn))
	}
	if p := xenPFN(xenHVMParam(xabi.HVMParamConsolePFN)); p != 0 {
		xenConsole.ring = (*xabi.XenconsInterface)(unsafe.Pointer(p.va()))
		xenConsole.port = uint32(xenHVMParam(xabi.HVMParamConsoleEvtchn))
	}
}

// xenPagesOfXen is more than there are pages that count as the domain's memory
// and are not in its memory map: the rings of console and xenstore and the like.
const xenPagesOfXen = 64

// xenReservePhys keeps the pages of [pa, pa+n) out of the frame allocator.
func xenReservePhys(pa, n uintptr) {
	xenFramesReserve(xenPFN(pa>>xenPageShift), xenPFN(alignUp(pa+n, xenPageSize)>>xenPageShift))
}

// xenSpareFrame takes a frame number that no memory stands behind, PVH only.
func xenSpareFrame() xenPFN {
	p := xenBoot.spareFrames
	xenBoot.spareFrames++
	return p
}

// xenHVMParam reads a parameter of the domain, 0 if it is not set.
func xenHVMParam(index uint32) uint64 {
	p := xabi.XenHVMParam{DomID: xabi.DomIDSelf, Index: index}
	if xenErrno(xenHypercall(xabi.HypercallHVMOp, xabi.HVMOpGetParam, uintptr(unsafe.Pointer(&p)), 0, 0, 0)) != 0 {
		return 0
	}
	return p.Value
}

// xenRegisterVCPUInfo moves the vCPU's vcpu_info into its xenVCPU.
func xenRegisterVCPUInfo(v *xenVCPU) {
	at := uintptr(unsafe.Pointer(&v.info))
	r := xabi.VCPURegisterVCPUInfo{MFN: *xenWalk(at, 1, false) & xenPTEAddr >> xenPageShift, Offset: uint32(at % xenPageSize)}
	xenMust("vcpu_op(register vcpu_info)", xenHypercall(xabi.HypercallVCPUOp, xabi.VCPUOpRegisterVCPUInfo, uintptr(v.id), uintptr(unsafe.Pointer(&r)), 0, 0))
}

// xenFirstThread makes what runs now m0's thread, and an idle thread beside it.
func xenFirstThread(v *xenVCPU) {
	t := xenThreadNewEarly(xenMainStackSize)
	t.bind(&g0, &m0)
	t.vcpu = v
	m0.thread = t

	v.setIdle(xenThreadNewEarly(xenPageSize))
	v.setThread(t)
	xenVCPUs[v.id] = v
}

// setIdle makes t, which has a stack of one page, v's idle thread.
func (v *xenVCPU) setIdle(t *xenThread) {
	g := &v.idleG
	g.stack.hi = t.stackHi
	g.stack.lo = t.stackHi - xenPageSize
	g.stackguard0 = g.stack.lo + stackGuard
	g.stackguard1 = g.stackguard0
	t.bind(g, nil)
	t.idle = true
	t.prepare(abi.FuncPCABIInternal(xenIdle))
	v.idle = t
}

// xenThreadNewEarly is xenThreadNew before there is a kernel stack to call the
// nanokernel on.
func xenThreadNewEarly(stackSize uintptr) *xenThread {
	size := xenThreadAreaSize(stackSize)
	area := xenAreaTake(xenVMStart, xenVMEnd, size)
	if area == 0 || !xenMapRange(area+xenPageSize, xenKernelStackSize) || !xenMapRange(xenThreadStackBase(area), stackSize) {
		xenFatal("not enough memory to start: raise memory= in the domain config")
	}
	return xenThreadAt(area, stackSize)
}
