//go:build linux

package sockets

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"internal/xengo/runtime/calls"
)

// These tests make the same system calls here and on the Linux that they run on, and compare what comes back.

// A system carries out system calls.
type system struct {
	name string
	call func(nr, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, uintptr, syscall.Errno)
}

var systems = []system{
	{"linux", uninterrupted},
	{"xengo", func(nr, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, uintptr, syscall.Errno) {
		r1, r2, errno := calls.Syscall6(nr, a1, a2, a3, a4, a5, a6)
		return r1, r2, syscall.Errno(errno)
	}},
}

// compare runs a scenario on both systems. What it says is the same on both, or the test fails.
func compare(t *testing.T, scenario func(p *process)) {
	t.Helper()
	var said [2][]string
	for i, s := range systems {
		p := &process{T: t, system: s, said: &said[i]}
		scenario(p)
		for _, fd := range p.open {
			p.call(syscall.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0, 0)
		}
	}
	// By hand, since a scenario says hundreds of lines.
	if len(said[0]) != len(said[1]) {
		t.Errorf("Linux says %d things, we %d", len(said[0]), len(said[1]))
	}
	shown := 0
	for i := range min(len(said[0]), len(said[1])) {
		if linux, xengo := said[0][i], said[1][i]; linux != xengo {
			t.Errorf("line %d, after %q: Linux says %q, we %q", i, said[0][max(0, i-1)], linux, xengo)
			if shown++; shown == 10 {
				break
			}
		}
	}
}

// A process makes system calls and keeps a record of the answers.
type process struct {
	*testing.T
	system
	said *[]string
	open []int
}

func (p *process) say(format string, args ...any) {
	*p.said = append(*p.said, fmt.Sprintf(format, args...))
}

// do makes a call whose pointers are to what keep holds. The record is of the error, and of the result if that is a number
// that means something.
func (p *process) do(what string, nr uintptr, args ...uintptr) (int, syscall.Errno) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, errno := p.call(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		p.say("%s: %v", what, errnoName(errno))
		return -1, errno
	}
	p.say("%s: ok", what)
	return int(r), 0
}

func errnoName(e syscall.Errno) string { return calls.Errno(e).Error() }

func pointer[T any](v *T) uintptr { return uintptr(unsafe.Pointer(v)) }

func slice(b []byte) uintptr {
	if len(b) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(&b[0]))
}

// onHeap returns a copy of b that does not move.
func onHeap(b []byte) []byte {
	h := append([]byte(nil), b...)
	runtime.KeepAlive(&h)
	return h
}

func (p *process) socket(family, typ, protocol int) int {
	fd, errno := p.do(fmt.Sprintf("socket %d %d %d", family, typ, protocol), syscall.SYS_SOCKET, uintptr(family), uintptr(typ), uintptr(protocol))
	if errno == 0 {
		p.open = append(p.open, fd)
	}
	return fd
}

func (p *process) address(what string, nr uintptr, fd int, addr []byte) syscall.Errno {
	addr = onHeap(addr)
	_, errno := p.do(what, nr, uintptr(fd), slice(addr), uintptr(len(addr)))
	return errno
}

func (p *process) bind(fd int, addr []byte) syscall.Errno {
	return p.address("bind", syscall.SYS_BIND, fd, addr)
}

func (p *process) connect(fd int, addr []byte) syscall.Errno {
	return p.address("connect", syscall.SYS_CONNECT, fd, addr)
}

func (p *process) listen(fd, backlog int) {
	p.do("listen", syscall.SYS_LISTEN, uintptr(fd), uintptr(backlog))
}

func (p *process) accept(fd int) int {
	n, errno := p.do("accept", syscall.SYS_ACCEPT4, uintptr(fd), 0, 0, syscall.SOCK_NONBLOCK)
	if errno == 0 {
		p.open = append(p.open, n)
	}
	return n
}

func (p *process) shutdown(fd, how int) {
	p.do(fmt.Sprintf("shutdown %d", how), syscall.SYS_SHUTDOWN, uintptr(fd), uintptr(how))
}

func (p *process) close(fd int) {
	p.do("close", syscall.SYS_CLOSE, uintptr(fd))
	for i, other := range p.open {
		if other == fd {
			p.open = append(p.open[:i], p.open[i+1:]...)
			return
		}
	}
}

// name returns a socket's own address, or with peer its other end's; nil on an error.
func (p *process) name(fd int, peer bool) []byte {
	b, n := make([]byte, 128), int32(128)
	nr, what := uintptr(syscall.SYS_GETSOCKNAME), "getsockname"
	if peer {
		nr, what = syscall.SYS_GETPEERNAME, "getpeername"
	}
	if _, errno := p.do(what, nr, uintptr(fd), slice(b), pointer(&n)); errno != 0 {
		return nil
	}
	p.say("%s: length %d", what, n)
	return b[:n]
}

func (p *process) write(fd int, data string) (int, syscall.Errno) {
	b := onHeap([]byte(data))
	n, errno := p.do("write", syscall.SYS_WRITE, uintptr(fd), slice(b), uintptr(len(b)))
	p.say("write: %d", n)
	return n, errno
}

// read says what it reads.
func (p *process) read(fd, size int) string {
	b := make([]byte, max(size, 1))
	n, errno := p.do("read", syscall.SYS_READ, uintptr(fd), slice(b), uintptr(size))
	if errno != 0 {
		return ""
	}
	p.say("read: %q", b[:n])
	return string(b[:n])
}

func (p *process) recv(fd, size, flags int) (string, []byte) {
	b, addr, n := make([]byte, max(size, 1)), make([]byte, 128), int32(128)
	r, errno := p.do(fmt.Sprintf("recvfrom %#x", flags), syscall.SYS_RECVFROM, uintptr(fd), slice(b), uintptr(size), uintptr(flags), slice(addr), pointer(&n))
	if errno != 0 {
		return "", nil
	}
	p.say("recvfrom: %d %q", r, b[:min(r, size)])
	return string(b[:min(r, size)]), addr[:n]
}

func (p *process) sendto(fd int, data string, flags int, addr []byte) syscall.Errno {
	b, addr := onHeap([]byte(data)), onHeap(addr)
	n, errno := p.do(fmt.Sprintf("sendto %d", len(data)), syscall.SYS_SENDTO, uintptr(fd), slice(b), uintptr(len(b)), uintptr(flags|syscall.MSG_NOSIGNAL), slice(addr), uintptr(len(addr)))
	p.say("sendto: %d", n)
	return errno
}

// getInt returns an option, which it says only if it is shown.
func (p *process) getInt(fd, level, name int, show bool) int {
	v, n := int32(-7), int32(4)
	p.do(fmt.Sprintf("getsockopt %d %d", level, name), syscall.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), pointer(&v), pointer(&n))
	if show {
		p.say("getsockopt: %d, length %d", v, n)
	}
	return int(v)
}

func (p *process) setInt(fd, level, name, value int) {
	v := int32(value)
	q := &v
	p.do(fmt.Sprintf("setsockopt %d %d %d", level, name, value), syscall.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), pointer(q), 4)
}

func (p *process) soError(fd int) {
	v := p.getInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR, false)
	if v == 0 {
		p.say("SO_ERROR: none")
	} else {
		p.say("SO_ERROR: %s", errnoName(syscall.Errno(v)))
	}
}

// poll waits up to a second for events and says which there are of all that the tests care for.
func (p *process) poll(fd int, wait int16) {
	type pollfd struct {
		fd              int32
		events, revents int16
	}
	all := int16(0x1 | 0x4 | 0x8 | 0x10 | 0x2000)
	f := &pollfd{fd: int32(fd), events: wait}
	if wait != 0 {
		p.call(syscall.SYS_POLL, pointer(f), 1, 1000, 0, 0, 0)
	}
	f.events = all
	p.call(syscall.SYS_POLL, pointer(f), 1, 0, 0, 0, 0)
	p.say("poll: %s", pollNames(f.revents))
}

func pollNames(ev int16) string {
	s := ""
	for _, e := range []struct {
		bit  int16
		name string
	}{{1, "in "}, {4, "out "}, {8, "err "}, {0x10, "hup "}, {0x2000, "rdhup "}} {
		if ev&e.bit != 0 {
			s += e.name
		}
	}
	return s
}

// uninterrupted is a system call of the host's. The Go runtime's own signals interrupt those that have a timeout.
func uninterrupted(nr, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err syscall.Errno) {
	for {
		if r1, r2, err = syscall.Syscall6(nr, a1, a2, a3, a4, a5, a6); err != syscall.EINTR {
			return r1, r2, err
		}
	}
}
