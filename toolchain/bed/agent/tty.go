//go:build linux

package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"internal/xengo/toolchain/bed/proto"
)

// ioctl numbers of <asm-generic/ioctls.h>, Linux 6.1.
const (
	tiocsptlck = 0x40045431
	tiocgptn   = 0x80045430
	tiocswinsz = 0x5414
)

// startTTY starts the program on a new pseudo-terminal, in a session of its own.
func (p *process) startTTY(size string) (*sync.WaitGroup, error) {
	master, slave, err := openPTY()
	if err != nil {
		return nil, err
	}
	defer slave.Close()
	p.tty, p.stdin = master, master
	if size != "" {
		if err := p.resize([]byte(size)); err != nil {
			master.Close()
			return nil, err
		}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		master.Close()
		return nil, err
	}
	output := new(sync.WaitGroup)
	output.Go(func() { p.copy(proto.Stdout, master) })
	return output, nil
}

func openPTY() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var unlock, number int32
	if err = ioctl(master, tiocsptlck, unsafe.Pointer(&unlock)); err == nil {
		err = ioctl(master, tiocgptn, unsafe.Pointer(&number))
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// resize sets the terminal's size from "rows columns".
func (p *process) resize(b []byte) error {
	var size [4]uint16 // struct winsize
	if _, err := fmt.Sscanf(string(b), "%d %d", &size[0], &size[1]); err != nil || p.tty == nil {
		return fmt.Errorf("bad terminal size %q: %w", b, err)
	}
	return ioctl(p.tty, tiocswinsz, unsafe.Pointer(&size))
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("ioctl", errno)
	}
	return err
}
