//go:build xenpv

package runtime

import (
	"internal/abi"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// xenVCPUArch is the processor state of a vCPU that PVH has to provide itself:
// its GDT and its TSS, whose first interrupt stack (IST1) follows the running
// thread. PV guests use Xen's.
type xenVCPUArch struct {
	gdt        [5]uint64 // null, code, data, TSS (two entries)
	tss        xenTSS
	gdtr, idtr xenTableRegister
}

// xenTSS is the 64-bit task state segment (Intel SDM 3A, 8.7). Its fields are
// not naturally aligned: 64-bit ones are kept as pairs.
type xenTSS struct {
	_      uint32
	rsp    [3][2]uint32
	_      [2]uint32
	ist    [7][2]uint32
	_      [2]uint32
	_      uint16
	iomap  uint16
	_align uint64
}

const (
	xenKernelCS = 8
	xenTSSSel   = 24
)

// xenIDT is shared by all vCPUs of a PVH guest.
var xenIDT [xenUpcallVector + 1][2]uint64

// xenLoadTables loads v's GDT, TSS and IDT.
//
//go:noescape
func xenLoadTables(v *xenVCPU)

// xenTableRegister is the operand of LGDT and LIDT: limit in the first two
// bytes, base in the next eight.
type xenTableRegister [5]uint16

func (r *xenTableRegister) set(base, size uintptr) {
	r[0] = uint16(size - 1)
	for i := 1; i < 5; i++ {
		r[i] = uint16(base)
		base >>= 16
	}
}

const xenStubSize = 16

// xenTrapsInit makes this vCPU's traps and event upcalls arrive in xenTrap.
func xenTrapsInit(v *xenVCPU) {
	if xenIsPV {
		xenTrapsInitPV()
		return
	}
	xenTrapsInitPVH(v)
}

func xenTrapsInitPV() {
	var traps [xenUpcallVector + 1]xabi.TrapInfo // the last one ends the table
	xenFillTrapsPV(traps[:])
	xenMust("set_trap_table", xenHypercall(xabi.HypercallSetTrapTable, uintptr(unsafe.Pointer(&traps)), 0, 0, 0, 0))
	event := xabi.CallbackRegister{
		Type:    xabi.CallbackTypeEvent,
		Address: xenUpcallPV(),
	}
	xenMust("callback_op(event)", xenHypercall(xabi.HypercallCallbackOp, xabi.CallbackOpRegister, uintptr(unsafe.Pointer(&event)), 0, 0, 0))
	failsafe := xabi.CallbackRegister{
		Type:    xabi.CallbackTypeFailsafe,
		Flags:   xabi.CallbackFMaskEvents,
		Address: uint64(abi.FuncPCABI0(xenFailsafePV)),
	}
	xenMust("callback_op(failsafe)", xenHypercall(xabi.HypercallCallbackOp, xabi.CallbackOpRegister, uintptr(unsafe.Pointer(&failsafe)), 0, 0, 0))
}

// xenFillTrapsPV describes the exceptions' entries.
func xenFillTrapsPV(traps []xabi.TrapInfo) {
	for i := range traps[:xenUpcallVector] {
		t := &traps[i]
		t.Vector = uint8(i)
		t.Flags = xabi.TrapFlagIF
		if i == 3 || i == 4 {
			t.Flags |= 3 // INT3, INTO are instructions of ring 3, where we are
		}
		t.CS = xabi.FlatKernelCS64
		t.Address = uint64(abi.FuncPCABI0(xenTrapStubsPV)) + uint64(i)*xenStubSize
	}
}

// xenUpcallPV is the address of the event upcall's entry.
func xenUpcallPV() uint64 {
	return uint64(abi.FuncPCABI0(xenTrapStubsPV)) + xenUpcallVector*xenStubSize
}

// xenTrapsInitPVH is for the first vCPU; the IDT and the vector of the upcall
// serve all.
func xenTrapsInitPVH(v *xenVCPU) {
	for i := range xenIDT[:xenUpcallVector] {
		addr := uint64(abi.FuncPCABI0(xenTrapStubs)) + uint64(i)*xenStubSize
		// Interrupt gate, present, IST1 (Intel SDM 3A, 6.14.1).
		xenIDT[i][0] = addr&0xffff | xenKernelCS<<16 | 1<<32 | 0x8e<<40 | addr>>16&0xffff<<48
		xenIDT[i][1] = addr >> 32
	}
	// Interrupt gate, present, on the interrupted stack.
	addr := uint64(abi.FuncPCABI0(xenUpcallPVH))
	xenIDT[xenUpcallVector] = [2]uint64{addr&0xffff | xenKernelCS<<16 | 0x8e<<40 | addr>>16&0xffff<<48, addr >> 32}
	v.fillTables()
	xenLoadTables(v)
	p := xabi.XenHVMParam{
		DomID: xabi.DomIDSelf,
		Index: xabi.HVMParamCallbackIRQ,
		Value: xabi.HVMParamCallbackTypeVector<<xabi.HVMParamCallbackTypeShift | xenUpcallVector,
	}
	xenMust("hvm_op(set callback vector)", xenHypercall(xabi.HypercallHVMOp, xabi.HVMOpSetParam, uintptr(unsafe.Pointer(&p)), 0, 0, 0))
}

// fillTables makes v's GDT and TSS.
func (v *xenVCPU) fillTables() {
	tss := uint64(uintptr(unsafe.Pointer(&v.arch.tss)))
	v.arch.tss.iomap = uint16(unsafe.Sizeof(xenTSS{}))
	v.arch.gdt = [5]uint64{
		0,
		0x00af9b000000ffff, // code: long mode, ring 0
		0x00cf93000000ffff, // data
		uint64(unsafe.Offsetof(xenTSS{}._align)-1) | tss&0xffffff<<16 | 0x89<<40 | tss>>24&0xff<<56,
		tss >> 32,
	}
	v.arch.gdtr.set(uintptr(unsafe.Pointer(&v.arch.gdt)), unsafe.Sizeof(v.arch.gdt))
	v.arch.idtr.set(uintptr(unsafe.Pointer(&xenIDT)), unsafe.Sizeof(xenIDT))
}

// setThread makes t the running thread, whose kernel stack traps on this vCPU
// use.
//
//go:nosplit
func (v *xenVCPU) setThread(t *xenThread) {
	v.thread = t
	v.kstack = t.kstack
	if !xenIsPV {
		v.arch.tss.ist[0] = [2]uint32{uint32(t.kstack), uint32(t.kstack >> 32)}
	}
}
