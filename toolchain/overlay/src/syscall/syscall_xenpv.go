package syscall

import (
	"internal/xengo/runtime/calls"
	"unsafe"
)

// In a xengo guest there is no kernel below: a system call is an ordinary Go
// call of a handler that may allocate, park, and grow the stack.
//
// So there is no entersyscall, which would take the P away, and Syscall and
// RawSyscall are the same. Stack growth does not adjust uintptr arguments:
// //go:uintptrescapes has callers move to the heap what such an argument points
// to, where Linux's //go:uintptrkeepalive //go:nosplit leaves it on the stack.
//
// The linknames make ABI wrappers, for assembler in x/sys/unix that jumps here.

// enter makes a system call, outside of the bubble of testing/synctest that the
// goroutine may be in: channels and timers of handlers are no business of its,
// nor are goroutines that they start, and to wait in a call is not to be durably
// blocked.
func enter(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, errno uintptr) {
	bubble := runtime_leaveBubble()
	r1, r2, errno = calls.Syscall6(trap, a1, a2, a3, a4, a5, a6)
	runtime_enterBubble(bubble)
	return r1, r2, errno
}

// Implemented in package runtime.
func runtime_leaveBubble() unsafe.Pointer
func runtime_enterBubble(bubble unsafe.Pointer)

//go:uintptrescapes
//go:linkname RawSyscall
func RawSyscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	r1, r2, errno := enter(trap, a1, a2, a3, 0, 0, 0)
	return r1, r2, Errno(errno)
}

//go:uintptrescapes
//go:linkname RawSyscall6
func RawSyscall6(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err Errno) {
	r1, r2, errno := enter(trap, a1, a2, a3, a4, a5, a6)
	return r1, r2, Errno(errno)
}

//go:uintptrescapes
//go:linkname Syscall
func Syscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	r1, r2, errno := enter(trap, a1, a2, a3, 0, 0, 0)
	return r1, r2, Errno(errno)
}

//go:uintptrescapes
//go:linkname Syscall6
func Syscall6(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err Errno) {
	r1, r2, errno := enter(trap, a1, a2, a3, a4, a5, a6)
	return r1, r2, Errno(errno)
}

// rawSyscallNoError is for calls that cannot fail, such as getpid.
//
//go:uintptrescapes
func rawSyscallNoError(trap, a1, a2, a3 uintptr) (r1, r2 uintptr) {
	r1, r2, _ = enter(trap, a1, a2, a3, 0, 0, 0)
	return r1, r2
}

// rawVforkSyscall would start another process.
//
//go:uintptrescapes
func rawVforkSyscall(trap, a1, a2, a3 uintptr) (r1 uintptr, err Errno) {
	return minus1, ENOSYS
}

// runtime_doAllThreadsSyscall makes the call once: what it changes belongs to
// the guest, not to a thread.
//
//go:uintptrescapes
func runtime_doAllThreadsSyscall(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, err uintptr) {
	return enter(trap, a1, a2, a3, a4, a5, a6)
}
