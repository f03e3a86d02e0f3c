// Into and out of the nanokernel.
//
// Every thread has a kernel stack. On it, with events masked on this vCPU, run
// the handlers of traps and events (xenTrap) and what a thread asks of the
// nanokernel itself (xenKernelCall). While there, g is the thread's kernel g,
// whose bounds are those of the kernel stack, so this is ordinary Go with
// ordinary stack checks. A thread switch happens only between two kernel
// stacks (xenSwitch).
//
// FS base points at the vCPU's xenVCPU; g lies in the word below it. A thread
// takes its g with it when it moves.

//go:build xenpv

#include "go_asm.h"
#include "go_tls.h"
#include "textflag.h"
#include "asm_xenpv_amd64.h"

// The vCPU's fields, by FS. One instruction each, so that a thread which is
// moved to another vCPU between two of them never touches a third one's.
#define VCPU_THREAD	xenVCPU_thread(FS)
#define VCPU_KSTACK	xenVCPU_kstack(FS)
#define VCPU_PENDING	(xenVCPU_info+0)(FS)	// vcpu_info.evtchn_upcall_pending
#define VCPU_MASK	(xenVCPU_info+1)(FS)	// vcpu_info.evtchn_upcall_mask
#define G_WORD		-8(FS)

// Mask event delivery on this vCPU. On PV the mask is a byte in vcpu_info, on
// PVH the interrupt flag.
#define MASK_EVENTS(pvh, done) \
	CMPB	runtime·xenIsPV(SB), $0; \
	JEQ	pvh; \
	MOVB	$1, VCPU_MASK; \
	JMP	done; \
pvh: \
	CLI; \
done:

// func xenKernelCall(fn uintptr, arg unsafe.Pointer)
//
// Calls fn, the PC of a func(unsafe.Pointer), on the thread's kernel stack
// with events masked. In the kernel already, it is a plain call.
//
// The frame is counted in the caller's nosplit chain; fn's is not, it has a
// stack of its own.
TEXT runtime·xenKernelCall(SB),NOSPLIT,$16-16
	MOVQ	fn+0(FP), BX
	MOVQ	arg+8(FP), AX
	MASK_EVENTS(pvh, masked)
	MOVQ	VCPU_THREAD, CX
	MOVQ	G_WORD, DX
	MOVQ	xenThread_kg(CX), R14
	PXOR	X15, X15
	CMPQ	DX, R14
	JEQ	nested
	MOVQ	SP, SI
	MOVQ	VCPU_KSTACK, SP
	PUSHQ	SI
	PUSHQ	DX
	MOVQ	R14, G_WORD
	PUSHQ	BP
	XORL	BP, BP
	CALL	BX
	POPQ	BP
	POPQ	R14
	MOVQ	R14, G_WORD
	POPQ	SP
	CMPB	runtime·xenIsPV(SB), $0
	JEQ	sti
	MOVB	$0, VCPU_MASK
	CMPB	VCPU_PENDING, $0
	JEQ	done
	// Something came while masked. Any hypercall delivers it.
	MOVL	$HYPERVISOR_xen_version, AX
	XORL	DI, DI
	XORL	SI, SI
	SYSCALL_HYPERCALL
done:
	RET
sti:
	STI
	RET
nested:
	CALL	BX
	RET

// func xenSwitch(from, to *xenThread)
//
// Leaves the thread from inside its kernel stack and returns in to's call of
// xenSwitch. The caller has made to the vCPU's thread and holds the scheduler
// lock, which the new thread releases.
TEXT runtime·xenSwitch(SB),NOSPLIT|NOFRAME,$0-16
	MOVQ	from+0(FP), AX
	MOVQ	to+8(FP), BX
	PUSHQ	BP
	MOVQ	SP, xenThread_sp(AX)
	MOVQ	xenThread_sp(BX), SP
	POPQ	BP
	MOVQ	xenThread_kg(BX), R14
	MOVQ	R14, G_WORD
	RET

// xenThreadStart is where xenSwitch "returns" in a new thread: still in the
// kernel, scheduler lock held. It leaves for the thread's entry on its own
// stack.
TEXT runtime·xenThreadStart(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PXOR	X15, X15
	CALL	runtime·xenThreadFirst<ABIInternal>(SB)	// AX = stack top, BX = g, CX = entry
	MOVQ	AX, SP
	MOVQ	BX, R14
	MOVQ	BX, G_WORD
	XORL	BP, BP
	PUSHQ	CX
	CALL	runtime·xenUnmaskEvents(SB)
	POPQ	CX
	CALL	CX
	// mstart has returned: the M is gone, the thread follows.
	JMP	runtime·xenThreadGone(SB)

// xenThreadGone leaves a thread for good. What it stands on is kept for a new
// thread.
TEXT runtime·xenThreadGone(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MASK_EVENTS(pvh, masked)
	MOVQ	VCPU_THREAD, CX
	MOVQ	VCPU_KSTACK, SP
	MOVQ	xenThread_kg(CX), R14
	MOVQ	R14, G_WORD
	PXOR	X15, X15
	XORL	BP, BP
	CALL	runtime·xenThreadExitK<ABIInternal>(SB)
	UNDEF

// func xenMaskEvents()
TEXT runtime·xenMaskEvents(SB),NOSPLIT|NOFRAME,$0
	MASK_EVENTS(pvh, masked)
	RET

// func xenUnmaskEvents()
//
// Delivers at once what came while events were masked.
TEXT runtime·xenUnmaskEvents(SB),NOSPLIT|NOFRAME,$0
	CMPB	runtime·xenIsPV(SB), $0
	JEQ	sti
	MOVB	$0, VCPU_MASK
	CMPB	VCPU_PENDING, $0
	JEQ	done
	MOVL	$HYPERVISOR_xen_version, AX
	XORL	DI, DI
	XORL	SI, SI
	SYSCALL_HYPERCALL
done:
	RET
sti:
	STI
	RET

// func xenSelfUpcall()
//
// Takes an event upcall now, as if an event had come. Called with events
// unmasked.
TEXT runtime·xenSelfUpcall(SB),NOSPLIT|NOFRAME,$0
	CMPB	runtime·xenIsPV(SB), $0
	JEQ	pvh
	MOVB	$1, VCPU_PENDING
	MOVL	$HYPERVISOR_xen_version, AX
	XORL	DI, DI
	XORL	SI, SI
	SYSCALL_HYPERCALL
	RET
pvh:
	BYTE	$0xcd; BYTE $const_xenUpcallVector	// int
	RET

// HAS_WORK sets ZF unless a thread stands in the queue that this vCPU may run.
#define HAS_WORK \
	MOVL	(xenVCPU_id)(FS), AX; \
	LEAQ	runtime·xenPinned(SB), CX; \
	MOVL	(CX)(AX*4), AX; \
	ORL	runtime·xenReadyCount(SB), AX

// func xenIdleWait()
//
// Sleeps in the hypervisor until an event has been delivered, unless a thread
// is ready. Runs on the idle thread's own stack, never on a kernel stack:
// the upcall takes that. The test and the sleep are one step as far as this
// vCPU's events are concerned: they are masked, and both ways of sleeping
// unmask atomically. A thread made ready by another vCPU comes with an event.
TEXT runtime·xenIdleWait(SB),NOSPLIT|NOFRAME,$0
	CMPB	runtime·xenIsPV(SB), $0
	JEQ	pvh
	MOVB	$1, VCPU_MASK
	HAS_WORK
	JNE	pvready
	MOVL	$HYPERVISOR_sched_op, AX
	MOVL	$SCHEDOP_block, DI
	XORL	SI, SI
	SYSCALL_HYPERCALL
	RET
pvready:
	JMP	runtime·xenUnmaskEvents(SB)
pvh:
	CLI
	HAS_WORK
	JNE	pvhready
	STI
	HLT
	RET
pvhready:
	STI
	RET

// Trap entries. Vectors 0 to 31 are the processor's exceptions, then comes the
// event upcall. A stub leaves on the kernel stack
//
//	 0(SP)	vector
//	 8(SP)	error code, or 0
//	16(SP)	RIP, CS, RFLAGS, RSP, SS of what was interrupted
//
// PVH: the processor puts the frame there itself (IST). The stubs are 16 bytes
// apart; their addresses are in the IDT. The event upcall is xenUpcallPVH.
#define STUB(vector) \
	PCALIGN	$16; \
	BYTE	$0x6a; BYTE $0; \	/* push $0 */
	BYTE	$0x6a; BYTE $vector; \
	JMP	xenTrapCommon<>(SB)
#define STUBE(vector) \
	PCALIGN	$16; \
	BYTE	$0x66; BYTE $0x90; \	/* two-byte nop: the processor pushed a code */
	BYTE	$0x6a; BYTE $vector; \
	JMP	xenTrapCommon<>(SB)

TEXT runtime·xenTrapStubs(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	STUB(0)
	STUB(1)
	STUB(2)
	STUB(3)
	STUB(4)
	STUB(5)
	STUB(6)
	STUB(7)
	STUBE(8)
	STUB(9)
	STUBE(10)
	STUBE(11)
	STUBE(12)
	STUBE(13)
	STUBE(14)
	STUB(15)
	STUB(16)
	STUBE(17)
	STUB(18)
	STUB(19)
	STUB(20)
	STUBE(21)
	STUB(22)
	STUB(23)
	STUB(24)
	STUB(25)
	STUB(26)
	STUB(27)
	STUB(28)
	STUBE(29)
	STUBE(30)
	STUB(31)

// PV: Xen pushes RCX, R11, (error code), RIP, CS, RFLAGS, RSP, SS on the
// interrupted stack, below its 16-byte aligned pointer (create_bounce_frame in
// xen/arch/x86/x86_64/entry.S). R11 gets vector and 256 if there is a code.
#define PVSTUB(vector) \
	PCALIGN	$16; \
	BYTE	$0x41; BYTE $0xbb; LONG $(vector); \	/* mov $vector, %r11d */
	JMP	xenTrapPV<>(SB)

TEXT runtime·xenTrapStubsPV(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PVSTUB(0)
	PVSTUB(1)
	PVSTUB(2)
	PVSTUB(3)
	PVSTUB(4)
	PVSTUB(5)
	PVSTUB(6)
	PVSTUB(7)
	PVSTUB(256+8)
	PVSTUB(9)
	PVSTUB(256+10)
	PVSTUB(256+11)
	PVSTUB(256+12)
	PVSTUB(256+13)
	PVSTUB(256+14)
	PVSTUB(15)
	PVSTUB(16)
	PVSTUB(256+17)
	PVSTUB(18)
	PVSTUB(19)
	PVSTUB(20)
	PVSTUB(256+21)
	PVSTUB(22)
	PVSTUB(23)
	PVSTUB(24)
	PVSTUB(25)
	PVSTUB(26)
	PVSTUB(27)
	PVSTUB(28)
	PVSTUB(256+29)
	PVSTUB(256+30)
	PVSTUB(31)
	PVSTUB(const_xenUpcallVector)

// xenUpcallPVH takes an event upcall of a PVH guest, on the interrupted stack as
// on PV: stacks have room for it (stackSystem).
//
// An upcall while events are masked is no event, but one that was delivered
// before and is injected again (QEMU 7.2 does that in nested SVM). On a stack
// of its own, by IST, it would overwrite the frame of the first.
TEXT runtime·xenUpcallPVH(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	BTL	$9, 16(SP)		// RFLAGS.IF
	JCS	event
	IRETQ
event:
	PUSHQ	R11
	PUSHQ	CX
	MOVL	$const_xenUpcallVector, R11
	JMP	xenTrapPV<>(SB)

// xenFailsafePV is the failsafe callback: Xen could not load a segment on the
// way back to us. We never load one, so it is the end.
TEXT runtime·xenFailsafePV(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	UNDEF

TEXT xenTrapPV<>(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ	SP, CX
	MOVQ	VCPU_KSTACK, SP
	BTL	$8, R11
	JCS	code
	PUSHQ	48(CX)			// SS
	PUSHQ	40(CX)			// RSP
	PUSHQ	32(CX)			// RFLAGS
	PUSHQ	24(CX)			// CS (and the saved mask above it)
	PUSHQ	16(CX)			// RIP
	PUSHQ	$0
	JMP	vector
code:
	PUSHQ	56(CX)
	PUSHQ	48(CX)
	PUSHQ	40(CX)
	PUSHQ	32(CX)
	PUSHQ	24(CX)
	PUSHQ	16(CX)
vector:
	ANDL	$0xff, R11
	PUSHQ	R11
	MOVQ	8(CX), R11
	MOVQ	0(CX), CX
	JMP	xenTrapCommon<>(SB)

// xenTrapCommon saves everything in a xenTrapFrame (in Linux's sigcontext
// layout, which the signal code above works on) and an XSAVE area, calls
// xenTrap(frame), and goes back to what the frame says then.
TEXT xenTrapCommon<>(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	SUBQ	$xenTrapFrame__size, SP
	MOVQ	R8, (xenTrapFrame_sc+sigcontext_r8)(SP)
	MOVQ	R9, (xenTrapFrame_sc+sigcontext_r9)(SP)
	MOVQ	R10, (xenTrapFrame_sc+sigcontext_r10)(SP)
	MOVQ	R11, (xenTrapFrame_sc+sigcontext_r11)(SP)
	MOVQ	R12, (xenTrapFrame_sc+sigcontext_r12)(SP)
	MOVQ	R13, (xenTrapFrame_sc+sigcontext_r13)(SP)
	MOVQ	R14, (xenTrapFrame_sc+sigcontext_r14)(SP)
	MOVQ	R15, (xenTrapFrame_sc+sigcontext_r15)(SP)
	MOVQ	DI, (xenTrapFrame_sc+sigcontext_rdi)(SP)
	MOVQ	SI, (xenTrapFrame_sc+sigcontext_rsi)(SP)
	MOVQ	BP, (xenTrapFrame_sc+sigcontext_rbp)(SP)
	MOVQ	BX, (xenTrapFrame_sc+sigcontext_rbx)(SP)
	MOVQ	DX, (xenTrapFrame_sc+sigcontext_rdx)(SP)
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_rax)(SP)
	MOVQ	CX, (xenTrapFrame_sc+sigcontext_rcx)(SP)
	MOVQ	(xenTrapFrame__size+0)(SP), AX
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_trapno)(SP)
	MOVQ	(xenTrapFrame__size+8)(SP), AX
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_err)(SP)
	MOVQ	(xenTrapFrame__size+16)(SP), AX
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_rip)(SP)
	MOVWLZX	(xenTrapFrame__size+24)(SP), AX
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_cs)(SP)	// and clears gs, fs
	MOVQ	(xenTrapFrame__size+32)(SP), AX
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_eflags)(SP)
	MOVQ	(xenTrapFrame__size+40)(SP), AX
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_rsp)(SP)
	MOVQ	(xenTrapFrame__size+48)(SP), AX
	MOVQ	AX, xenTrapFrame_ss(SP)
	MOVQ	G_WORD, AX
	MOVQ	AX, xenTrapFrame_g(SP)
	XORL	AX, AX
	CMPB	runtime·xenIsPV(SB), $0
	JNE	nocr2			// Xen puts it into vcpu_info
	BYTE	$0x0f; BYTE $0x20; BYTE $0xd0	// mov %cr2, %rax
nocr2:
	MOVQ	AX, (xenTrapFrame_sc+sigcontext_cr2)(SP)

	MOVQ	SP, BX			// the frame
	SUBQ	runtime·xenXsaveSize(SB), SP
	ANDQ	$~63, SP
	MOVQ	SP, (xenTrapFrame_sc+sigcontext_fpstate)(BX)
	PUSHQ	BX			// 8 below the area
	SUBQ	$56, SP			// keep SP aligned
	MOVL	runtime·xenXCR0(SB), AX
	TESTL	AX, AX
	JEQ	fxsave
	// XRSTOR refuses an area whose header has reserved bits set, and XSAVE
	// does not write those.
	XORL	CX, CX
	MOVQ	CX, (64+512+0)(SP)
	MOVQ	CX, (64+512+8)(SP)
	MOVQ	CX, (64+512+16)(SP)
	MOVQ	CX, (64+512+24)(SP)
	MOVQ	CX, (64+512+32)(SP)
	MOVQ	CX, (64+512+40)(SP)
	MOVQ	CX, (64+512+48)(SP)
	MOVQ	CX, (64+512+56)(SP)
	XORL	DX, DX
	BYTE	$0x48; BYTE $0x0f; BYTE $0xae; BYTE $0x64; BYTE $0x24; BYTE $64	// xsave64 64(%rsp)
	JMP	saved
fxsave:
	BYTE	$0x48; BYTE $0x0f; BYTE $0xae; BYTE $0x44; BYTE $0x24; BYTE $64	// fxsave64 64(%rsp)
saved:
	CLD
	MOVQ	VCPU_THREAD, AX
	MOVQ	xenThread_kg(AX), R14
	MOVQ	R14, G_WORD
	PXOR	X15, X15
	XORL	BP, BP
	MOVQ	BX, AX
	CALL	runtime·xenTrap<ABIInternal>(SB)

	// The thread may be on another vCPU now; the frame moved with its stack.
	// xenTrap may have made the frame lead elsewhere, the area stays.
	MOVQ	56(SP), BX
	MOVL	runtime·xenXCR0(SB), AX
	TESTL	AX, AX
	JEQ	fxrstor
	XORL	DX, DX
	BYTE	$0x48; BYTE $0x0f; BYTE $0xae; BYTE $0x6c; BYTE $0x24; BYTE $64	// xrstor64 64(%rsp)
	JMP	restored
fxrstor:
	BYTE	$0x48; BYTE $0x0f; BYTE $0xae; BYTE $0x4c; BYTE $0x24; BYTE $64	// fxrstor64 64(%rsp)
restored:
	MOVQ	BX, SP
	JMP	xenTrapReturn<>(SB)

// xenTrapReturn goes to what the frame at SP says, on this kernel stack with
// events masked.
TEXT xenTrapReturn<>(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ	xenTrapFrame_g(SP), AX
	MOVQ	AX, G_WORD
	MOVQ	(xenTrapFrame_sc+sigcontext_r8)(SP), R8
	MOVQ	(xenTrapFrame_sc+sigcontext_r9)(SP), R9
	MOVQ	(xenTrapFrame_sc+sigcontext_r10)(SP), R10
	MOVQ	(xenTrapFrame_sc+sigcontext_r12)(SP), R12
	MOVQ	(xenTrapFrame_sc+sigcontext_r13)(SP), R13
	MOVQ	(xenTrapFrame_sc+sigcontext_r14)(SP), R14
	MOVQ	(xenTrapFrame_sc+sigcontext_r15)(SP), R15
	MOVQ	(xenTrapFrame_sc+sigcontext_rdi)(SP), DI
	MOVQ	(xenTrapFrame_sc+sigcontext_rsi)(SP), SI
	MOVQ	(xenTrapFrame_sc+sigcontext_rbp)(SP), BP
	MOVQ	(xenTrapFrame_sc+sigcontext_rbx)(SP), BX
	MOVQ	(xenTrapFrame_sc+sigcontext_rdx)(SP), DX
	CMPB	runtime·xenIsPV(SB), $0
	JEQ	pvh

	// HYPERVISOR_iret takes RAX, R11, RCX, flags, RIP, CS, RFLAGS, RSP, SS off
	// the stack (struct iret_context, public/arch-x86/xen-x86_64.h) and sets
	// the event mask from RFLAGS.IF in the same step.
	MOVQ	SP, CX
	PUSHQ	xenTrapFrame_ss(CX)
	PUSHQ	(xenTrapFrame_sc+sigcontext_rsp)(CX)
	PUSHQ	(xenTrapFrame_sc+sigcontext_eflags)(CX)
	MOVWLZX	(xenTrapFrame_sc+sigcontext_cs)(CX), AX
	PUSHQ	AX
	PUSHQ	(xenTrapFrame_sc+sigcontext_rip)(CX)
	PUSHQ	$0
	PUSHQ	(xenTrapFrame_sc+sigcontext_rcx)(CX)
	PUSHQ	(xenTrapFrame_sc+sigcontext_r11)(CX)
	PUSHQ	(xenTrapFrame_sc+sigcontext_rax)(CX)
	MOVL	$HYPERVISOR_iret, AX
	SYSCALL_HYPERCALL
	UNDEF
pvh:
	MOVQ	SP, CX
	PUSHQ	xenTrapFrame_ss(CX)
	PUSHQ	(xenTrapFrame_sc+sigcontext_rsp)(CX)
	PUSHQ	(xenTrapFrame_sc+sigcontext_eflags)(CX)
	MOVWLZX	(xenTrapFrame_sc+sigcontext_cs)(CX), AX
	PUSHQ	AX
	PUSHQ	(xenTrapFrame_sc+sigcontext_rip)(CX)
	MOVQ	(xenTrapFrame_sc+sigcontext_r11)(CX), R11
	MOVQ	(xenTrapFrame_sc+sigcontext_rax)(CX), AX
	MOVQ	(xenTrapFrame_sc+sigcontext_rcx)(CX), CX
	IRETQ

// xenSigreturn is where a signal handler returns to: it goes back to the
// interrupted context, as the handler left it in the signal frame.
//
//	SP	the xenSignalFrame, its first word (our address) popped
TEXT runtime·xenSigreturn(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MASK_EVENTS(pvh, masked)
	MOVQ	SP, DI
	SUBQ	$8, DI			// the signal frame
	MOVQ	VCPU_THREAD, CX
	MOVQ	VCPU_KSTACK, SP
	MOVQ	xenThread_kg(CX), R14
	MOVQ	G_WORD, SI
	MOVQ	R14, G_WORD
	SUBQ	$xenTrapFrame__size, SP
	ANDQ	$~63, SP
	MOVQ	SP, BX
	SUBQ	$64, SP
	MOVQ	DI, 0(SP)
	MOVQ	BX, 8(SP)
	PXOR	X15, X15
	XORL	BP, BP
	MOVQ	DI, AX			// signal frame
	MOVQ	SI, CX			// g to go back to
	// func xenSigreturnK(frame *xenSignalFrame, tf *xenTrapFrame, gp *g)
	CALL	runtime·xenSigreturnK<ABIInternal>(SB)
	MOVQ	8(SP), BX
	MOVQ	(xenTrapFrame_sc+sigcontext_fpstate)(BX), CX
	MOVL	runtime·xenXCR0(SB), AX
	TESTL	AX, AX
	JEQ	fxrstor
	XORL	DX, DX
	BYTE	$0x48; BYTE $0x0f; BYTE $0xae; BYTE $0x29	// xrstor64 (%rcx)
	JMP	restored
fxrstor:
	BYTE	$0x48; BYTE $0x0f; BYTE $0xae; BYTE $0x09	// fxrstor64 (%rcx)
restored:
	MOVQ	BX, SP
	JMP	xenTrapReturn<>(SB)

// Signal handlers start here, as set up by xenDeliverSignal:
//
//	DI, SI, DX	signal, *siginfo, *ucontext
//	SP		points at xenSigreturn's address
TEXT runtime·sigtramp(SB),NOSPLIT|TOPFRAME|NOFRAME,$0
	MOVQ	G_WORD, R14
	PXOR	X15, X15
	XORL	BP, BP
	NOP	SP			// disable vet stack checking
	ADJSP	$24
	MOVQ	DI, AX
	MOVQ	SI, BX
	MOVQ	DX, CX
	CALL	·sigtrampgo<ABIInternal>(SB)
	ADJSP	$-24
	RET
