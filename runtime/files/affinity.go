package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// thread is the number of the thread that a call names, 0 being the caller's.
func thread(a uintptr) int32 {
	if a == 0 {
		return kernel.ThreadID()
	}
	return int32(a)
}

// schedGetaffinity returns the size of the set of CPUs, which is that of a kernel for 64, or 128 where the domain has more.
func schedGetaffinity(a calls.Args) (uintptr, calls.Errno) {
	cpus, found := kernel.Affinity(thread(a.A1))
	if !found {
		return 0, calls.ESRCH
	}
	words := uintptr(1)
	if kernel.NCPU() > 64 || cpus[1] != 0 {
		words = 2
	}
	if a.A2 < words*8 || a.A2%8 != 0 {
		return 0, calls.EINVAL
	}
	mask, err := calls.Slice[uint64](a.A3, words)
	if err != 0 {
		return 0, err
	}
	copy(mask, cpus[:])
	return words * 8, 0
}

// schedSetaffinity takes a set of any size: CPUs that a domain cannot have do not count, those that are missing are not in it.
func schedSetaffinity(a calls.Args) (uintptr, calls.Errno) {
	var cpus kernel.CPUSet
	mask, err := calls.Bytes(a.A3, min(a.A2, uintptr(len(cpus)*8)))
	if err != 0 {
		return 0, err
	}
	for i, b := range mask {
		cpus[i/8] |= uint64(b) << (i % 8 * 8)
	}
	switch found, ok := kernel.SetAffinity(thread(a.A1), cpus); {
	case !found:
		return 0, calls.ESRCH
	case !ok:
		return 0, calls.EINVAL
	}
	return 0, 0
}

// getcpu tells which CPU the caller ran on just now; all are of one node.
func getcpu(a calls.Args) (uintptr, calls.Errno) {
	err := tell(a.A1, kernel.CPU())
	if err == 0 {
		err = tell(a.A2, 0)
	}
	return status(err)
}

// tell puts a number where the program wants it, if it does.
//
//go:noinline
func tell(at uintptr, v uint32) calls.Errno {
	if at == 0 {
		return 0
	}
	p, err := calls.Pointer[uint32](at)
	if err == 0 {
		*p = v
	}
	return err
}
