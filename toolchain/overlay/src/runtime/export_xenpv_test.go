package runtime

import "unsafe"

// Pipe and nonblockingPipe are for tests that have package runtime itself make
// a pipe. On xenpv pipes are made by packages above it.
func Pipe() (r, w int32, errno int32) { return xenPipe2(0) }

func nonblockingPipe() (r, w int32, errno int32) { return xenPipe2(_O_NONBLOCK | _O_CLOEXEC) }

// mmap and munmap are the program's system calls; the runtime itself does without.
func mmap(addr unsafe.Pointer, n uintptr, prot, flags, fd int32, off uint32) (p unsafe.Pointer, err int) {
	at, _, e := xenSyscall6(_SYS_mmap, uintptr(addr), n, uintptr(prot), uintptr(flags), uintptr(fd), uintptr(off))
	if e != 0 {
		return nil, int(e)
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&at)), 0
}

func munmap(addr unsafe.Pointer, n uintptr) { xenSyscall6(_SYS_munmap, uintptr(addr), n, 0, 0, 0, 0) }

const (
	_SYS_mmap   = 9
	_SYS_munmap = 11
	_SYS_pipe2  = 293
)

func xenPipe2(flags uintptr) (r, w int32, errno int32) {
	fds := new([2]int32)
	if _, _, e := xenSyscall6(_SYS_pipe2, uintptr(unsafe.Pointer(fds)), flags, 0, 0, 0, 0); e != 0 {
		return -1, -1, int32(e)
	}
	return fds[0], fds[1], 0
}
