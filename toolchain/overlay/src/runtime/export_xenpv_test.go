package runtime

import "unsafe"

// Pipe and nonblockingPipe are for tests that have package runtime itself make
// a pipe. On xenpv pipes are made by packages above it.
func Pipe() (r, w int32, errno int32) { return xenPipe2(0) }

func nonblockingPipe() (r, w int32, errno int32) { return xenPipe2(_O_NONBLOCK | _O_CLOEXEC) }

const _SYS_pipe2 = 293

func xenPipe2(flags uintptr) (r, w int32, errno int32) {
	fds := new([2]int32)
	if _, _, e := xenSyscall6(_SYS_pipe2, uintptr(unsafe.Pointer(fds)), flags, 0, 0, 0, 0); e != 0 {
		return -1, -1, int32(e)
	}
	return fds[0], fds[1], 0
}
