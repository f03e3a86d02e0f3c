package unix

import (
	"syscall"
	_ "unsafe" // for linkname
)

//go:linkname vgetrandom runtime.vgetrandom
//go:noescape
func vgetrandom(p []byte, flags uint32) (ret int, supported bool)

// GetRandomFlag is a flag supported by the getrandom system call.
type GetRandomFlag uintptr

// GetRandom fills p with random bytes. It makes no system call: what is given to one escapes to the heap.
func GetRandom(p []byte, flags GetRandomFlag) (n int, err error) {
	ret, _ := vgetrandom(p, uint32(flags))
	if ret < 0 {
		return 0, syscall.Errno(-ret)
	}
	return ret, nil
}
