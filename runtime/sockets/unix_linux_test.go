//go:build linux

package sockets

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"internal/xengo/runtime/calls"
)

// un makes an address of a path, or of an abstract name that begins with @.
func un(path string) []byte {
	b := append([]byte{syscall.AF_UNIX, 0}, path...)
	if strings.HasPrefix(path, "@") {
		b[2] = 0
		return b
	}
	return append(b, 0)
}

// directory returns one that exists on both systems, and is empty on this one.
func directory(t *testing.T) string {
	dir := t.TempDir()
	for i := 1; i <= len(dir); i++ {
		if i == len(dir) || dir[i] == '/' {
			path := append([]byte(dir[:i]), 0)
			calls.Syscall6(syscall.SYS_MKDIR, slice(path), 0o755, 0, 0, 0, 0)
		}
	}
	return dir
}

func (p *process) unixPair(typ int) (a, b int) {
	fds := new([2]int32)
	if _, errno := p.do("socketpair", syscall.SYS_SOCKETPAIR, syscall.AF_UNIX, uintptr(typ|nonblock), 0, pointer(fds)); errno != 0 {
		p.FailNow()
	}
	p.open = append(p.open, int(fds[0]), int(fds[1]))
	return int(fds[0]), int(fds[1])
}

func TestUnixPairs(t *testing.T) {
	compare(t, func(p *process) {
		for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET} {
			a, b := p.unixPair(typ)
			p.poll(a, 0)
			p.name(a, false)
			p.name(a, true)
			p.read(a, 10)
			p.write(a, "one")
			p.write(a, "two, longer")
			p.poll(b, pollIn)
			p.recv(b, 5, syscall.MSG_PEEK)
			p.recv(b, 5, 0)
			p.recv(b, 20, 0)
			p.recv(b, 20, 0)
			p.recv(a, 0, 0)
			p.sendto(a, "to somebody", 0, un("@nobody"))
			p.getInt(a, syscall.SOL_SOCKET, syscall.SO_TYPE, true)
			p.getInt(a, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN, true)
			p.getInt(a, syscall.SOL_SOCKET, 9999, true)
			p.setInt(a, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
			p.shutdown(a, syscall.SHUT_WR)
			p.poll(a, 0)
			p.poll(b, pollIn)
			p.write(a, "x")
			p.recv(b, 20, 0)
			p.write(b, "back")
			p.recv(a, 20, 0)
			p.close(b)
			p.poll(a, 0)
			p.recv(a, 20, 0)
			p.write(a, "x")
			c, d := p.unixPair(typ)
			p.write(c, "unread")
			p.close(d)
			p.poll(c, 0)
			p.recv(c, 20, 0)
			p.recv(c, 20, 0)
			p.write(c, "x")
			p.close(c)
		}
	})
}

func TestUnixNames(t *testing.T) {
	dir := directory(t)
	number := 0
	compare(t, func(p *process) {
		number++
		path := un(filepath.Join(dir, "socket"))
		abstract := un("@xengo-test-" + string(rune('0'+number)) + "-" + filepath.Base(filepath.Dir(dir)))
		for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
			for _, addr := range [][]byte{path, abstract} {
				l := p.socket(syscall.AF_UNIX, typ|nonblock, 0)
				c := p.socket(syscall.AF_UNIX, typ|nonblock, 0)
				p.connect(c, addr)
				p.poll(c, 0)
				p.read(c, 1)
				p.write(c, "x")
				p.shutdown(c, syscall.SHUT_RD)
				p.close(c)
				c = p.socket(syscall.AF_UNIX, typ|nonblock, 0)
				p.listen(l, 1)
				p.bind(l, addr)
				p.bind(l, addr)
				p.name(l, false)
				p.connect(c, addr)
				p.accept(l)
				p.listen(l, 1)
				p.accept(l)
				p.poll(l, 0)
				other := p.socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
				p.bind(other, addr)
				p.connect(other, addr)
				p.connect(c, addr)
				p.connect(c, addr)
				p.name(c, true)
				p.poll(l, pollIn)
				s := p.accept(l)
				p.name(s, false)
				p.name(s, true)
				p.write(c, "hello")
				p.recv(s, 10, 0)
				for range 3 {
					d := p.socket(syscall.AF_UNIX, typ|nonblock, 0)
					p.connect(d, addr)
				}
				p.shutdown(l, syscall.SHUT_RDWR)
				p.poll(l, 0)
				p.close(l)
				d := p.socket(syscall.AF_UNIX, typ, 0)
				p.connect(d, addr)
				if addr[2] != 0 {
					addr = onHeap(addr)
					p.do("unlink", syscall.SYS_UNLINK, slice(addr[2:]))
					p.connect(d, addr)
				}
			}
		}
		f := p.socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		p.bind(f, un(filepath.Join(dir, "missing", "socket")))
		p.bind(f, un(strings.Repeat("x", 200)))
		p.bind(f, []byte{syscall.AF_INET, 0, 'x'})
		p.bind(f, []byte{syscall.AF_UNIX, 0})
		p.name(f, false)
		p.connect(f, un(dir))
	})
}

func TestUnixDatagrams(t *testing.T) {
	dir := directory(t)
	compare(t, func(p *process) {
		addr := un(filepath.Join(dir, "d"))
		a := p.socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|nonblock, 0)
		b := p.socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|nonblock, 0)
		p.poll(a, 0)
		p.read(a, 1)
		p.write(a, "x")
		p.bind(a, addr)
		p.sendto(b, "anonymous", 0, addr)
		_, from := p.recv(a, 20, 0)
		p.say("from %d bytes", len(from))
		p.bind(b, un(filepath.Join(dir, "e")))
		p.sendto(b, "with a name", 0, addr)
		_, from = p.recv(a, 4, 0)
		p.say("from %q", from)
		p.sendto(a, strings.Repeat("x", 300000), 0, from)
		p.connect(a, from)
		c := p.socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|nonblock, 0)
		p.sendto(c, "from a stranger", 0, addr)
		p.connect(c, addr)
		n := 0
		for {
			q := &process{T: p.T, system: p.system, said: new([]string)}
			if q.sendto(a, "m", 0, nil) != 0 {
				p.say("%d datagrams until %s", n, (*q.said)[0])
				break
			}
			n++
		}
		p.poll(a, 0)
		p.recv(b, 10, 0)
		p.poll(a, 0)
		p.close(b)
		p.sendto(a, "gone", 0, nil)
		p.sendto(a, "gone", 0, nil)
		p.do("unlink", syscall.SYS_UNLINK, slice(onHeap(addr[2:])))
		p.sendto(c, "gone", 0, addr)
		end := onHeap(un(filepath.Join(dir, "e")))
		p.do("unlink", syscall.SYS_UNLINK, slice(end[2:]))
	})
}

// TestUnixRights passes descriptors, and with them what they stand for.
func TestUnixRights(t *testing.T) {
	compare(t, func(p *process) {
		for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM} {
			a, b := p.unixPair(typ)
			c, d := p.unixPair(typ)
			rights := syscall.UnixRights(d)
			p.sendmsg(a, "take it", rights)
			p.close(d)
			p.write(a, "and more")
			fds := p.recvRights(b, 10, 64)
			if len(fds) == 1 {
				p.write(c, "through it")
				p.recv(fds[0], 20, 0)
				p.close(fds[0])
				p.poll(c, 0)
			}
			p.recvRights(b, 10, 64)
			p.sendmsg(a, "no room", syscall.UnixRights(c))
			p.recvRights(b, 10, 8)
			p.sendmsg(a, "bad", syscall.UnixRights(12345))
			p.sendmsg(a, "bad", []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
			p.setInt(b, syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1)
			p.sendmsg(a, "credentials", nil)
			p.recvRights(b, 20, 64)
			p.sendmsg(a, "discarded", syscall.UnixRights(c, c))
			p.close(b)
			p.write(a, "x")
		}
	})
}

func (p *process) sendmsg(fd int, data string, control []byte) {
	b, control := onHeap([]byte(data)), onHeap(control)
	iov := &iovecs{slice(b), uintptr(len(b))}
	h := &syscall.Msghdr{Iov: (*syscall.Iovec)(unsafe.Pointer(iov)), Iovlen: 1}
	if len(control) > 0 {
		h.Control, h.Controllen = &control[0], uint64(len(control))
	}
	n, _ := p.do("sendmsg", syscall.SYS_SENDMSG, uintptr(fd), pointer(h))
	p.say("sendmsg: %d", n)
}

// recvRights says what comes, and returns descriptors.
func (p *process) recvRights(fd, size, room int) (fds []int) {
	data, control := make([]byte, size), make([]byte, room)
	iov := &iovecs{slice(data), uintptr(size)}
	h := &syscall.Msghdr{Iov: (*syscall.Iovec)(unsafe.Pointer(iov)), Iovlen: 1, Control: &control[0], Controllen: uint64(room)}
	n, errno := p.do("recvmsg", syscall.SYS_RECVMSG, uintptr(fd), pointer(h))
	if errno != 0 {
		return nil
	}
	p.say("recvmsg: %q, flags %#x", data[:n], h.Flags)
	for b := control[:h.Controllen]; len(b) >= 16; {
		n := min(binary.NativeEndian.Uint64(b), uint64(len(b)))
		typ := binary.NativeEndian.Uint32(b[12:])
		p.say("control: type %d, %d bytes", typ, n-16)
		if typ == syscall.SCM_RIGHTS {
			for i := uint64(16); i+4 <= n; i += 4 {
				fds = append(fds, int(binary.NativeEndian.Uint32(b[i:])))
			}
		}
		b = b[min((n+7)&^7, uint64(len(b))):]
	}
	return fds
}

// TestUnixBlocking has a sender wait for room, and a connection for the backlog.
func TestUnixBlocking(t *testing.T) {
	dir := directory(t)
	compare(t, func(p *process) {
		addr := un(filepath.Join(dir, "b"))
		l := p.socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		p.bind(l, addr)
		p.listen(l, 0)
		first := p.socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		p.connect(first, addr)
		done := make(chan syscall.Errno, 1)
		second := p.socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		go func() {
			a := onHeap(addr)
			_, _, errno := p.call(syscall.SYS_CONNECT, uintptr(second), slice(a), uintptr(len(a)), 0, 0, 0)
			done <- errno
		}()
		select {
		case errno := <-done:
			p.say("did not wait: %v", errno)
		case <-time.After(50 * time.Millisecond):
			p.say("waits")
		}
		s := p.accept(l)
		p.say("then: %d", <-done)
		go func() {
			b := make([]byte, 1<<20)
			n, _, errno := p.call(syscall.SYS_WRITE, uintptr(first), slice(b), uintptr(len(b)), 0, 0, 0)
			if int(n) != len(b) {
				errno = syscall.EIO
			}
			done <- errno
		}()
		total := 0
		b := make([]byte, 100000)
		for total < 1<<20 {
			n, _, errno := p.call(syscall.SYS_READ, uintptr(s), slice(b), uintptr(len(b)), 0, 0, 0)
			if errno == syscall.EAGAIN {
				time.Sleep(time.Millisecond)
				continue
			}
			if errno != 0 || n == 0 {
				break
			}
			total += int(n)
		}
		p.say("%d bytes, then: %d", total, <-done)
		a := onHeap(addr)
		p.do("unlink", syscall.SYS_UNLINK, slice(a[2:]))
	})
}
