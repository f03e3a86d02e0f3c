package x86

import (
	"cmd/internal/obj"
	"internal/buildcfg"
)

var isXenpv = buildcfg.GOOS == "xenpv"

// xenpvEdit turns assembler that makes Linux system calls into assembler that
// calls the runtime. In a PV kernel a SYSCALL instruction is a hypercall, and
// what it would do under PVH is worse; meant are system calls, by
// golang.org/x/sys/unix and others. The trampoline takes and returns registers
// as Linux does.
//
// A system call is a Go call that needs its P, so the calls
// that give it away and take it back around a SYSCALL are dropped.
func xenpvEdit(ctxt *obj.Link, p *obj.Prog) {
	if ctxt.Pkgpath == "runtime" {
		return
	}
	switch {
	case p.As == ASYSCALL:
		p.As = obj.ACALL
		p.To.Type = obj.TYPE_BRANCH
		p.To.Name = obj.NAME_EXTERN
		p.To.Sym = ctxt.LookupABI("xenSyscallTrampoline", obj.ABI0)
	case p.As == obj.ACALL && p.To.Sym != nil && isSyscallBracket(p.To.Sym.Name):
		obj.Nopout(p)
	}
}

func isSyscallBracket(name string) bool {
	return name == "runtime.entersyscall" || name == "runtime.exitsyscall"
}
