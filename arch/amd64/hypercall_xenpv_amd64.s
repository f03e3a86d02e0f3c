//go:build xenpv

#include "go_asm.h"
#include "funcdata.h"
#include "textflag.h"
#include "asm_xenpv_amd64.h"

// func xenHypercall(op, a1, a2, a3, a4, a5 uintptr) uintptr
//
// The result is the raw RAX: an error is a negative errno.
// The hypercall page is not used (XSA-466).
TEXT runtime·xenHypercall(SB),NOSPLIT,$0-56
	MOVQ	op+0(FP), AX
	MOVQ	a1+8(FP), DI
	MOVQ	a2+16(FP), SI
	MOVQ	a3+24(FP), DX
	MOVQ	a4+32(FP), R10
	MOVQ	a5+40(FP), R8
	CMPB	runtime·xenIsPV(SB), $0
	JEQ	hvm
	SYSCALL_HYPERCALL
	MOVQ	AX, ret+48(FP)
	RET
hvm:
	CMPB	runtime·xenHypercallInsn(SB), $const_xenVMMCALL
	JEQ	amd
	BYTE	$0x0f; BYTE $0x01; BYTE $0xc1	// vmcall
	MOVQ	AX, ret+48(FP)
	RET
amd:
	BYTE	$0x0f; BYTE $0x01; BYTE $0xd9	// vmmcall
	MOVQ	AX, ret+48(FP)
	RET

// func xenCurrentVCPU() *xenVCPU
TEXT runtime·xenCurrentVCPU(SB),NOSPLIT,$0-8
	MOVQ	xenVCPU_self(FS), AX
	MOVQ	AX, ret+0(FP)
	RET

// func xenLoadTables(v *xenVCPU)
//
// Loads GDT, IDT and task register. The selectors in use mean the same in the
// new GDT as in the entry code's.
TEXT runtime·xenLoadTables(SB),NOSPLIT,$0-8
	MOVQ	v+0(FP), DX
	LOAD_TABLES
	RET

// func xenReloadCR3()
TEXT runtime·xenReloadCR3(SB),NOSPLIT,$0-0
	BYTE	$0x0f; BYTE $0x20; BYTE $0xd8	// mov %cr3, %rax
	BYTE	$0x0f; BYTE $0x22; BYTE $0xd8	// mov %rax, %cr3
	RET

// func xenReadCR3() uintptr
TEXT runtime·xenReadCR3(SB),NOSPLIT,$0-8
	BYTE	$0x0f; BYTE $0x20; BYTE $0xd8	// mov %cr3, %rax
	MOVQ	AX, ret+0(FP)
	RET

// func xenThis() *xenThread
TEXT runtime·xenThis(SB),NOSPLIT,$0-8
	MOVQ	xenVCPU_thread(FS), AX
	MOVQ	AX, ret+0(FP)
	RET

// func xenReadTSC() uint64
TEXT runtime·xenReadTSC(SB),NOSPLIT,$0-8
	LFENCE
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, ret+0(FP)
	RET

// func xenReadClock() (now int64, stable bool)
//
//	R8  the vCPU
//	R9  the parameters' version
//	AX, DX  the time stamp counter, then the system time
//	CX  shift
TEXT runtime·xenReadClock(SB),NOSPLIT,$0-9
again:
	MOVQ	xenVCPU_self(FS), R8
	MOVL	(xenVCPU_info+const_xenClockVersion)(R8), R9
	LFENCE
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	XORL	DX, DX
	SUBQ	(xenVCPU_info+const_xenClockTimestamp)(R8), AX
	CMOVQLT	DX, AX
	MOVBQSX	(xenVCPU_info+const_xenClockShift)(R8), CX
	TESTQ	CX, CX
	JLT	right
	SHLQ	CX, AX
scale:
	MOVL	(xenVCPU_info+const_xenClockMul)(R8), DX
	MULQ	DX
	SHRQ	$32, DX, AX	// of the 96 bits in DX:AX
	ADDQ	(xenVCPU_info+const_xenClockSystemTime)(R8), AX
	MOVBLZX	(xenVCPU_info+const_xenClockFlags)(R8), DX
	TESTL	$1, R9
	JNE	again
	CMPL	R9, (xenVCPU_info+const_xenClockVersion)(R8)
	JNE	again
	CMPQ	R8, xenVCPU_self(FS)
	JNE	again
	MOVQ	AX, now+0(FP)
	ANDL	$const_xenClockStable, DX
	MOVB	DX, stable+8(FP)
	RET
right:
	NEGQ	CX
	SHRQ	CX, AX
	JMP	scale

// func xenHasRDRAND() bool
TEXT runtime·xenHasRDRAND(SB),NOSPLIT,$0-1
	MOVL	$1, AX
	XORL	CX, CX
	CPUID
	SHRL	$30, CX
	ANDL	$1, CX
	MOVB	CX, ret+0(FP)
	RET

// func xenRDRAND() (x uint64, ok bool)
TEXT runtime·xenRDRAND(SB),NOSPLIT,$0-9
	BYTE	$0x48; BYTE $0x0f; BYTE $0xc7; BYTE $0xf0	// rdrand %rax
	SETCS	ok+8(FP)
	MOVQ	AX, x+0(FP)
	RET

// settls is for systems where rt0_go sets up TLS.
TEXT runtime·settls(SB),NOSPLIT,$0
	UNDEF
	RET

// func sigfwd(fn uintptr, sig uint32, info *siginfo, ctx unsafe.Pointer)
//
// There are no handlers but Go's.
TEXT runtime·sigfwd(SB),NOSPLIT,$0-32
	UNDEF
	RET

// xenSyscallTrampoline is what the assembler calls for a SYSCALL instruction
// outside package runtime, which means a Linux system call: number in AX,
// arguments in DI, SI, DX, R10, R8, R9; results in AX and DX. Of the other
// registers CX and R11 may change.
//
// Nosplit because its inputs are registers. The handler may grow the stack:
// nothing in the frame points into it.
//
// Its name has no package: the linker lets only such symbols of package runtime
// be called from assembler elsewhere.
TEXT xenSyscallTrampoline(SB),NOSPLIT,$136-0
	NO_LOCAL_POINTERS
	MOVQ	AX, 0(SP)
	MOVQ	DI, 8(SP)
	MOVQ	SI, 16(SP)
	MOVQ	DX, 24(SP)
	MOVQ	R10, 32(SP)
	MOVQ	R8, 40(SP)
	MOVQ	R9, 48(SP)
	MOVQ	BX, 72(SP)
	MOVQ	R12, 80(SP)
	MOVQ	R13, 88(SP)
	MOVQ	R15, 96(SP)
	CALL	runtime·xenSyscallGo(SB)
	MOVQ	8(SP), DI
	MOVQ	16(SP), SI
	MOVQ	32(SP), R10
	MOVQ	40(SP), R8
	MOVQ	48(SP), R9
	MOVQ	56(SP), AX
	MOVQ	64(SP), DX
	MOVQ	72(SP), BX
	MOVQ	80(SP), R12
	MOVQ	88(SP), R13
	MOVQ	96(SP), R15
	RET
