// The two entries of a xengo image. Both end in xenStart with a stack, a g and
// FS set up, events masked, and the low memory mapped where it lies.

//go:build xenpv

#include "go_asm.h"
#include "go_tls.h"
#include "textflag.h"
#include "asm_xenpv_amd64.h"

// bootStack is the stack from the entry until xenStart has set up memory and
// can give m0 a stack with a guard page under it.
#define BOOT_STACK_SIZE 32768
GLOBL runtime·xenBootStack(SB), NOPTR, $BOOT_STACK_SIZE

// The page tables of a PVH start: one level 4, one level 3 and four level 2
// tables (4 GiB in 2 MiB pages), and a page of slack to align them.
#define BOOT_TABLES_SIZE (7*4096)
GLOBL runtime·xenBootTables(SB), NOPTR, $BOOT_TABLES_SIZE

// The block of vCPU 0: its g word and its xenVCPU, with slack to align it.
GLOBL runtime·xenBootVCPU(SB), NOPTR, $const_xenVCPUBlockSize

// PV entry. Xen's domain builder starts vCPU 0 here (ELF note ENTRY) in 64-bit
// mode, paging on, events masked, with a stack of one page.
//
//	SI	start_info (xen.h), virtual address
TEXT _rt0_amd64_xenpv(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	CLD
	MOVQ	SI, R12
	MOVB	$1, runtime·xenIsPV(SB)
	LEAQ	runtime·xenBootStack+BOOT_STACK_SIZE(SB), SP

	// FS base := vCPU 0's block. HYPERVISOR_set_segment_base(SEGBASE_FS, base).
	LEAQ	runtime·xenBootVCPU+(const_xenVCPUAlign-1+const_xenVCPUAlign)(SB), SI
	ANDQ	$~(const_xenVCPUAlign-1), SI
	MOVQ	SI, R13
	MOVL	$0, DI
	MOVL	$HYPERVISOR_set_segment_base, AX
	SYSCALL_HYPERCALL
	JMP	xenEntry<>(SB)

	// Not reached: the linker roots only the PV entry by name.
	JMP	_rt0_amd64_xenpv_pvh(SB)

// PVH entry (ELF note PHYS32_ENTRY; docs/misc/pvh.pandoc): 32-bit protected
// mode, paging off, flat segments, interrupts off, no stack.
//
//	BX	hvm_start_info (arch-x86/hvm/start_info.h), physical address
//
// Go's assembler knows only 64-bit code, so this uses instructions whose
// encoding is the same in both modes, and bytes where there is none. A
// LEAL sym(SB), R assembles to the RIP-relative form, which 32-bit mode reads
// as "R = sym - address of the next instruction"; ADDR32 adds that address.
#define ADDR32(sym, reg) \
	BYTE	$0xe8; LONG $0; /* call next */ \
	BYTE	$0x5f;          /* pop %edi */ \
	LEAL	sym, reg;       /* 6 bytes */ \
	LEAL	7(DI)(reg*1), reg

TEXT _rt0_amd64_xenpv_pvh(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	CLD
	// A stack of one word is needed to learn where we are: borrow the
	// version word of the start info for it and put it back.
	MOVL	BX, SI
	MOVL	4(SI), CX
	LEAL	8(SI), SP
	ADDR32(runtime·xenBootStack+BOOT_STACK_SIZE(SB), AX)
	MOVL	CX, 4(SI)
	MOVL	AX, SP

	// Tables, aligned.
	ADDR32(runtime·xenBootTables+4095(SB), AX)
	ANDL	$~4095, AX
	MOVL	AX, BP		// level 4
	LEAL	4096(BP), CX	// level 3
	LEAL	3(CX), AX	// present, writable
	MOVL	AX, 0(BP)
	LEAL	8192(BP), DX	// level 2, four in a row
	LEAL	3(DX), AX
	MOVL	AX, 0(CX)
	ADDL	$4096, AX
	MOVL	AX, 8(CX)
	ADDL	$4096, AX
	MOVL	AX, 16(CX)
	ADDL	$4096, AX
	MOVL	AX, 24(CX)
	MOVL	$0x83, AX	// present, writable, 2 MiB
	MOVL	$2048, CX
fill:
	MOVL	AX, 0(DX)
	ADDL	$8, DX
	ADDL	$0x200000, AX
	SUBL	$1, CX
	JNE	fill

	// CR4.PAE|OSFXSR|OSXMMEXCPT, CR3, EFER.LME|NXE, CR0.PG|WP|NE|MP|PE.
	MOVL	$0x620, AX
	BYTE	$0x0f; BYTE $0x22; BYTE $0xe0	// mov %eax, %cr4
	MOVL	BP, AX
	BYTE	$0x0f; BYTE $0x22; BYTE $0xd8	// mov %eax, %cr3
	MOVL	$0xc0000080, CX
	MOVL	$0x900, AX
	MOVL	$0, DX
	WRMSR
	MOVL	$0x80010023, AX
	BYTE	$0x0f; BYTE $0x22; BYTE $0xc0	// mov %eax, %cr0

	// A GDT with flat 64-bit segments, made on the stack: null, code, data.
	MOVL	$0x00cf9300, AX; BYTE $0x50	// push %eax: data, high
	MOVL	$0x0000ffff, AX; BYTE $0x50
	MOVL	$0x00af9b00, AX; BYTE $0x50	// code, high: L, DPL 0
	MOVL	$0x0000ffff, AX; BYTE $0x50
	MOVL	$0, AX; BYTE $0x50; BYTE $0x50
	MOVL	SP, AX
	BYTE	$0x50				// push %eax: base
	MOVL	$(23<<16), AX; BYTE $0x50	// limit in the upper half
	BYTE	$0x0f; BYTE $0x01; BYTE $0x54; BYTE $0x24; BYTE $0x02	// lgdt 2(%esp)

	// Far return into 64-bit code. "call next" pushes the address of the pop;
	// the target is LRET's next instruction.
	MOVL	$8, AX
	BYTE	$0x50				// push %eax: %cs
	BYTE	$0xe8; LONG $0			// call next
	BYTE	$0x58				// pop %eax
	LEAL	7(AX), AX			// 3 bytes
	BYTE	$0x50				// push %eax
	BYTE	$0xcb				// lret
	// 1 (pop) + 3 (lea) + 1 (push) + 1 (lret) = 6: one byte of padding.
	BYTE	$0x90

	// 64-bit mode.
	MOVL	$16, AX
	BYTE	$0x8e; BYTE $0xd8		// mov %eax, %ds
	BYTE	$0x8e; BYTE $0xc0		// mov %eax, %es
	BYTE	$0x8e; BYTE $0xd0		// mov %eax, %ss
	XORL	AX, AX
	BYTE	$0x8e; BYTE $0xe0		// mov %eax, %fs
	BYTE	$0x8e; BYTE $0xe8		// mov %eax, %gs
	MOVL	SI, R12
	LEAQ	runtime·xenBootStack+BOOT_STACK_SIZE-256(SB), SP

	// Which instruction is the hypercall: VMCALL on Intel (and its clones),
	// VMMCALL on AMD and Hygon.
	XORL	AX, AX
	CPUID
	MOVB	$const_xenVMCALL, runtime·xenHypercallInsn(SB)
	CMPL	BX, $0x68747541		// "Auth"enticAMD
	JEQ	amd
	CMPL	BX, $0x6f677948		// "Hygo"nGenuine
	JNE	intel
amd:
	MOVB	$const_xenVMMCALL, runtime·xenHypercallInsn(SB)
intel:
	// FS base := vCPU 0's block.
	LEAQ	runtime·xenBootVCPU+(const_xenVCPUAlign-1+const_xenVCPUAlign)(SB), SI
	ANDQ	$~(const_xenVCPUAlign-1), SI
	MOVQ	SI, R13
	MOVQ	SI, AX
	MOVQ	SI, DX
	SHRQ	$32, DX
	MOVL	$0xc0000100, CX		// MSR_FS_BASE
	WRMSR
	JMP	xenEntry<>(SB)

// The common part: g0 on the boot stack, then Go.
//
//	R12	start_info (PV) or hvm_start_info (PVH)
//	R13	vCPU 0's xenVCPU
TEXT xenEntry<>(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, runtime·xenEntryTSC(SB)
	XORL	BP, BP
	MOVQ	R13, xenVCPU_self(R13)
	MOVQ	R12, runtime·xenStartInfoAddr(SB)
	MOVQ	$runtime·g0(SB), R14
	LEAQ	runtime·xenBootStack(SB), AX
	MOVQ	AX, (g_stack+stack_lo)(R14)
	ADDQ	$const_stackGuard, AX
	MOVQ	AX, g_stackguard0(R14)
	MOVQ	AX, g_stackguard1(R14)
	MOVQ	SP, (g_stack+stack_hi)(R14)
	LEAQ	runtime·m0(SB), AX
	MOVQ	R14, m_g0(AX)
	MOVQ	AX, g_m(R14)
	MOVQ	R14, -8(R13)		// the g word
	PXOR	X15, X15
	ANDQ	$~15, SP
	CALL	runtime·xenEnableCPU(SB)
	CALL	runtime·xenStart<ABIInternal>(SB)
	// AX = argc, BX = argv, CX = top of m0's stack
	MOVQ	CX, SP
	MOVQ	AX, DI
	MOVQ	BX, SI
	JMP	runtime·rt0_go(SB)

// func xenEnableCPU()
//
// Lets this vCPU use what Go's CPU detection is about to see: SSE, AVX and
// AVX-512 state through XSAVE. It runs on every vCPU before any vector code.
// State components beyond those (AMX, PKRU) stay off: what is off need not be
// saved on every event.
TEXT runtime·xenEnableCPU(SB),NOSPLIT|NOFRAME,$0
	PUSHQ	BX
	MOVL	$1, AX
	XORL	CX, CX
	CPUID
	BTL	$26, CX			// XSAVE
	JCC	done
	BYTE	$0x0f; BYTE $0x20; BYTE $0xe0	// mov %cr4, %rax
	ORQ	$(1<<18), AX		// OSXSAVE
	BYTE	$0x0f; BYTE $0x22; BYTE $0xe0	// mov %rax, %cr4
	MOVL	$0xd, AX
	XORL	CX, CX
	CPUID				// EAX: components the vCPU may enable
	ANDL	$0xe7, AX		// x87, SSE, AVX, AVX-512 (opmask, ZMM_Hi256, Hi16_ZMM)
	MOVL	AX, CX
	ANDL	$0xe0, CX
	CMPL	CX, $0xe0		// AVX-512 whole or not at all
	JEQ	set
	ANDL	$0x7, AX
set:
	MOVL	AX, runtime·xenXCR0(SB)
	XORL	DX, DX
	XORL	CX, CX
	BYTE	$0x0f; BYTE $0x01; BYTE $0xd1	// xsetbv
	MOVL	$0xd, AX
	XORL	CX, CX
	CPUID				// EBX: size for what XCR0 now enables
	TESTL	$4, runtime·xenXCR0(SB)
	JEQ	keep
	CMPL	BX, $832		// legacy area, header, AVX
	JCS	hidden
keep:
	MOVQ	BX, runtime·xenXsaveSize(SB)
	JMP	done
hidden:
	// Xen computes EBX from the XCR0 that it has been told of. Where XSETBV
	// does not reach it (QEMU 7.2 does not intercept it in nested SVM), it
	// switches vCPUs without the AVX state and resets XCR0: do without.
	MOVL	$0, runtime·xenXCR0(SB)
	MOVL	$3, AX
	XORL	DX, DX
	XORL	CX, CX
	BYTE	$0x0f; BYTE $0x01; BYTE $0xd1	// xsetbv
	BYTE	$0x0f; BYTE $0x20; BYTE $0xe0	// mov %cr4, %rax
	ANDQ	$~(1<<18), AX
	BYTE	$0x0f; BYTE $0x22; BYTE $0xe0	// mov %rax, %cr4
done:
	POPQ	BX
	RET

// xenVCPUEntry is where a further vCPU starts, as xenVCPUContext.fill has told
// Xen: in 64-bit mode with the first one's page tables, events masked. It ends
// as its idle thread.
//
//	DI	its xenVCPU
//	SP	the idle thread's kernel stack
TEXT runtime·xenVCPUEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	CLD
	XORL	BP, BP
	MOVQ	DI, R13
	CMPB	runtime·xenIsPV(SB), $0
	JNE	features		// Xen has set FS base
	MOVQ	R13, AX
	MOVQ	R13, DX
	SHRQ	$32, DX
	MOVL	$0xc0000100, CX		// MSR_FS_BASE
	WRMSR
	MOVQ	R13, DX
	LOAD_TABLES
	// What returns from traps goes by CS.
	PUSHQ	$const_xenKernelCS
	CALL	xenVCPUFar<>(SB)
features:
	MOVL	runtime·xenXCR0(SB), SI
	TESTL	SI, SI
	JEQ	start
	BYTE	$0x0f; BYTE $0x20; BYTE $0xe0	// mov %cr4, %rax
	ORQ	$(1<<18), AX		// OSXSAVE
	BYTE	$0x0f; BYTE $0x22; BYTE $0xe0	// mov %rax, %cr4
	MOVL	SI, AX
	XORL	DX, DX
	XORL	CX, CX
	BYTE	$0x0f; BYTE $0x01; BYTE $0xd1	// xsetbv
start:
	MOVQ	xenVCPU_thread(R13), CX
	MOVQ	xenThread_kg(CX), R14
	MOVQ	R14, -8(R13)
	PXOR	X15, X15
	CALL	runtime·xenVCPUMain<ABIInternal>(SB)
	JMP	runtime·xenThreadStart(SB)

// xenVCPUFar returns to its caller by a far return to the selector that was
// pushed before the call, which makes that CS.
TEXT xenVCPUFar<>(SB),NOSPLIT|NOFRAME,$0
	BYTE	$0x48; BYTE $0xcb	// lretq
