package syscall

import "unsafe"

// Accessed via assembly in x/sys/unix.
//
//go:linkname gettimeofday
func gettimeofday(tv *Timeval) (err Errno) {
	_, _, err = RawSyscall(SYS_GETTIMEOFDAY, uintptr(unsafe.Pointer(tv)), 0, 0)
	return err
}
