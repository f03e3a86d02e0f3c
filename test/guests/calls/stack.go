package main

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/guests/stacks"
)

// movingStacks makes system calls with buffers on the stack, at every depth.
func movingStacks() error {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	var pipe sync.Mutex // one goroutine at a time
	errs := make(chan error, 200)
	var wait sync.WaitGroup
	for n := range cap(errs) {
		wait.Go(func() {
			if err := stacks.AtDepth(n, func() error {
				pipe.Lock()
				defer pipe.Unlock()
				return throughPipe(p[0], p[1], byte(n))
			}); err != nil {
				errs <- fmt.Errorf("depth %d: %w", n, err)
			}
		})
	}
	wait.Wait()
	close(errs)
	return <-errs
}

// throughPipe sends bytes through a pipe by raw calls, from an array and into
// another, both on the stack.
//
//go:noinline
func throughPipe(r, w int, seed byte) error {
	var out, in [64]byte
	for i := range out {
		out[i] = seed + byte(i)
	}
	n, _, errno := syscall.Syscall(syscall.SYS_WRITE, uintptr(w), uintptr(unsafe.Pointer(&out)), unsafe.Sizeof(out))
	if errno != 0 || n != unsafe.Sizeof(out) {
		return fmt.Errorf("write: %d, %w", n, errno)
	}
	n, _, errno = unix.Syscall(unix.SYS_READ, uintptr(r), uintptr(unsafe.Pointer(&in)), unsafe.Sizeof(in))
	if errno != 0 || n != unsafe.Sizeof(in) {
		return fmt.Errorf("read: %d, %w", n, errno)
	}
	if in != out {
		return fmt.Errorf("wrote %x, read %x", out, in)
	}
	return nil
}

// badAddress hands the system addresses where nothing is.
func badAddress() error {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	for _, address := range []uintptr{0, 8, 1 << 46} {
		if _, _, errno := syscall.Syscall(syscall.SYS_WRITE, uintptr(p[1]), address, 16); !errors.Is(errno, syscall.EFAULT) {
			return fmt.Errorf("write of %#x: %w", address, errno)
		}
	}
	return nil
}
