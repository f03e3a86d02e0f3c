package main

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reading waits in a system call.
//
//go:noinline
func reading(fd int, done chan<- error) {
	n, err := unix.Read(fd, make([]byte, 1))
	if err == nil && n != 1 {
		err = fmt.Errorf("read %d bytes", n)
	}
	done <- err
}

// waitsInSyscall shows that a goroutine that waits in a system call has that state in dumps, and that the wait is not
// among those of goroutines for one another.
func waitsInSyscall() error {
	runtime.SetBlockProfileRate(1)
	defer runtime.SetBlockProfileRate(0)
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	done := make(chan error, 1)
	go reading(p[0], done)
	for begin := time.Now(); state("main.reading") != "syscall"; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			return fmt.Errorf("the state is %q", state("main.reading"))
		}
	}
	if _, err := unix.Write(p[1], []byte("x")); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	var b bytes.Buffer
	if err := pprof.Lookup("block").WriteTo(&b, 1); err != nil {
		return err
	}
	if strings.Contains(b.String(), "main.reading") {
		return errors.New("the block profile has it")
	}
	return nil
}

// state returns what a dump says of the goroutine that runs a function.
func state(function string) string {
	b := make([]byte, 1<<20)
	for dump := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(dump, function+"(") {
			_, after, _ := strings.Cut(dump, "[")
			before, _, _ := strings.Cut(after, "]")
			before, _, _ = strings.Cut(before, ",")
			return before
		}
	}
	return ""
}
