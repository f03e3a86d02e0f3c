#include "textflag.h"

// func crcWords(c uint32, p *byte, words int) uint32
TEXT ·crcWords(SB), NOSPLIT, $0-28
	MOVL c+0(FP), AX
	MOVQ p+8(FP), SI
	MOVQ words+16(FP), CX
next:
	CRC32Q (SI), AX
	ADDQ $8, SI
	DECQ CX
	JNZ  next
	MOVL AX, ret+24(FP)
	RET

// func hasCRC() bool
TEXT ·hasCRC(SB), NOSPLIT, $0-1
	MOVL $1, AX
	XORL CX, CX
	CPUID
	SHRL $20, CX
	ANDL $1, CX
	MOVB CX, ret+0(FP)
	RET
