//go:build xenpv

package runtime

import (
	"internal/abi"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

func xenVCPUEntry()

// xenVCPUContext is what VCPUOP_initialise is told: how a vCPU starts.
type xenVCPUContext struct {
	pv  xabi.VCPUGuestContext
	pvh xabi.VCPUHVMContext // at the start of the page in a PVH guest
}

// Registers of a PVH vCPU as the entry code of the first one set them: PG, WP,
// NE, MP, PE; OSXMMEXCPT, OSFXSR, PAE; NXE, LME.
const (
	xenCR0  = 0x80010023
	xenCR4  = 0x620
	xenEFER = 0x900
)

// fill makes v start at xenVCPUEntry on its idle thread's kernel stack.
func (c *xenVCPUContext) fill(v *xenVCPU) {
	entry, vcpu := uint64(abi.FuncPCABI0(xenVCPUEntry)), uint64(uintptr(unsafe.Pointer(v)))
	if !xenIsPV {
		v.fillTables()
		h := (*xabi.VCPUHVMContext)(unsafe.Pointer(c))
		h.Mode = xabi.VCPUHVMMode64B
		r := &h.X86_64
		r.RIP, r.RSP, r.RDI = entry, uint64(v.kstack), vcpu
		r.CR0, r.CR3, r.CR4, r.EFER = xenCR0, uint64(xenReadCR3()), xenCR4, xenEFER
		return
	}
	p := &c.pv
	p.Flags = xabi.VGCFInKernel
	r := &p.UserRegs
	r.RIP, r.RSP, r.RDI = entry, uint64(v.kstack), vcpu
	r.CS, r.SS = xabi.FlatKernelCS64, xabi.FlatKernelSS64
	xenFillTrapsPV(p.TrapCtxt[:])
	p.KernelSS, p.KernelSP = xabi.FlatKernelSS64, uint64(v.kstack)
	p.CtrlReg[3] = xenPFNToMFN(xenPFN(xenPaging.root>>xenPageShift)) << xabi.CR3FrameShift
	p.EventCallbackEIP = xenUpcallPV()
	p.FailsafeCallbackEIP = uint64(abi.FuncPCABI0(xenFailsafePV))
	p.SyscallCallbackEIP = p.FailsafeCallbackEIP // nothing runs in user mode
	p.FSBase = vcpu
}
