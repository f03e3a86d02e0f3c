package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// assembler makes the calls that package unix makes by an assembler's hand.
func assembler() error {
	if pid := unix.Getpid(); pid <= 0 || pid != os.Getpid() || pid != syscall.Getpid() {
		return fmt.Errorf("process %d, or %d, or %d", pid, os.Getpid(), syscall.Getpid())
	}
	if uid := unix.Getuid(); uid != os.Getuid() || unix.Geteuid() != os.Geteuid() || unix.Getgid() != os.Getgid() {
		return fmt.Errorf("user %d, or %d", uid, os.Getuid())
	}
	old := unix.Umask(0o27)
	if mask := unix.Umask(old); mask != 0o27 {
		return fmt.Errorf("umask %#o", mask)
	}
	if unix.Gettid() <= 0 {
		return fmt.Errorf("thread %d", unix.Gettid())
	}
	if page := unix.Getpagesize(); page != 4096 {
		return fmt.Errorf("page of %d bytes", page)
	}
	var uname unix.Utsname
	if err := unix.Uname(&uname); err != nil {
		return err
	}
	if uname.Sysname[0] == 0 {
		return errors.New("a system without a name")
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
		return err
	}
	if d := time.Since(time.Unix(now.Unix())).Abs(); d > time.Minute {
		return fmt.Errorf("clock_gettime is off by %v", d)
	}
	return nil
}

// noSuchCall is a number that Linux has not given to anything.
const noSuchCall = 4095

// unimplemented makes a call that nobody implements, in all ways.
func unimplemented() error {
	for range 3 {
		_, _, a := syscall.Syscall(noSuchCall, 1, 2, 3)
		_, _, b := syscall.RawSyscall6(noSuchCall, 1, 2, 3, 4, 5, 6)
		_, _, c := unix.Syscall6(noSuchCall, 1, 2, 3, 4, 5, 6)
		_, _, d := unix.RawSyscall(noSuchCall, 1, 2, 3)
		for i, errno := range []syscall.Errno{a, b, c, d} {
			if errno != syscall.ENOSYS {
				return fmt.Errorf("way %d: %w", i, errno)
			}
		}
	}
	return nil
}

// execute starts another program. On a system that has one process this is an
// error, and says so.
func execute() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := exec.Command(exe, "assembler").CombinedOutput()
	if runtime.GOOS == "linux" {
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
	if err == nil {
		return fmt.Errorf("ran another program:\n%s", out)
	}
	fmt.Println("exec:", err)
	return nil
}

// blocking makes calls that block their threads, more than there are CPUs.
func blocking() error {
	const readers = 20
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil { // blocks: unknown to the poller
		return err
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	errs := make(chan error)
	for range readers {
		go func() {
			var b [1]byte
			_, err := unix.Read(p[0], b[:])
			errs <- err
		}()
	}
	time.Sleep(20 * time.Millisecond) // so that most of them block; any number will do
	for range readers {
		if _, err := unix.Write(p[1], []byte{1}); err != nil {
			return err
		}
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}
