//go:build xenpv

package calls

import _ "unsafe" // for linkname

// runtime_syscall6 is where package runtime sends the system calls of assembler
// outside std, such as golang.org/x/sys/unix has.
//
//go:linkname runtime_syscall6 runtime.xenSyscall6
var runtime_syscall6 func(nr, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, errno uintptr)

// runtime_mapped reports whether there is memory behind all of [p, p+n).
//
//go:linkname runtime_mapped
func runtime_mapped(p, n uintptr) bool

func mapped(p, n uintptr) bool { return runtime_mapped(p, n) }

func init() { runtime_syscall6 = Syscall6 }
