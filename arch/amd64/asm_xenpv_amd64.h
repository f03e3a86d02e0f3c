// Shared by the assembler files of this port.

// Hypercall numbers used from assembler (public/xen.h).
#define HYPERVISOR_xen_version		17
#define HYPERVISOR_iret			23
#define HYPERVISOR_set_segment_base	25
#define HYPERVISOR_sched_op		29

#define SCHEDOP_block			1

// LOAD_TABLES loads the tables of the vCPU in DX. Clobbers AX, CX.
#define LOAD_TABLES \
	LEAQ	(xenVCPU_arch+xenVCPUArch_gdtr)(DX), AX; \
	BYTE	$0x0f; BYTE $0x01; BYTE $0x10; \	/* lgdt (%rax) */
	LEAQ	(xenVCPU_arch+xenVCPUArch_idtr)(DX), AX; \
	BYTE	$0x0f; BYTE $0x01; BYTE $0x18; \	/* lidt (%rax) */
	MOVL	$const_xenTSSSel, CX; \
	BYTE	$0x0f; BYTE $0x00; BYTE $0xd9	/* ltr %cx */

// SYSCALL is the hypercall of a PV kernel: number in AX, arguments in DI, SI,
// DX, R10, R8; result in AX; CX and R11 are lost. As bytes, because the
// assembler may turn the mnemonic into a call of the system call trampoline.
#define SYSCALL_HYPERCALL	BYTE $0x0f; BYTE $0x05
