#include "textflag.h"

// func Syscall6(num, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, errno uintptr)
//
// There is no Linux below. This package is imported by package runtime, which
// must not call up into the handlers of system calls, so every call is refused
// with ENOSYS.
//
// Results as in ABIInternal: AX r1 = -1, BX r2 = 0, CX errno.
TEXT ·Syscall6<ABIInternal>(SB),NOSPLIT,$0
	MOVQ	$-1, AX
	XORL	BX, BX
	MOVL	$38, CX
	RET
