//go:build linux

package sockets

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	pollIn   = 1
	pollOut  = 4
	nonblock = syscall.SOCK_NONBLOCK
)

// in4 and in6 make addresses.
func in4(a, b, c, d byte, port uint16) []byte {
	s := make([]byte, sockaddrLen)
	binary.NativeEndian.PutUint16(s, syscall.AF_INET)
	binary.BigEndian.PutUint16(s[2:], port)
	copy(s[4:], []byte{a, b, c, d})
	return s
}

func in6(port uint16, addr ...byte) []byte {
	s := make([]byte, sockaddr6Len)
	binary.NativeEndian.PutUint16(s, syscall.AF_INET6)
	binary.BigEndian.PutUint16(s[2:], port)
	copy(s[8+16-len(addr):24], addr)
	return s
}

var loop4 = in4(127, 0, 0, 1, 0)

// listener returns a listening socket on 127.0.0.1 and its address.
func (p *process) listener() (fd int, addr []byte) {
	fd = p.socket(syscall.AF_INET, syscall.SOCK_STREAM|nonblock, 0)
	p.bind(fd, loop4)
	p.listen(fd, 8)
	return fd, p.name(fd, false)
}

// connection returns both ends of one.
func (p *process) connection() (client, server int) {
	l, addr := p.listener()
	client = p.socket(syscall.AF_INET, syscall.SOCK_STREAM|nonblock, 0)
	p.connect(client, addr)
	p.poll(l, pollIn)
	server = p.accept(l)
	p.poll(client, pollOut)
	p.soError(client)
	p.close(l)
	return client, server
}

func TestSocketCalls(t *testing.T) {
	compare(t, func(p *process) {
		for _, family := range []int{syscall.AF_INET, syscall.AF_INET6, 99, -1, 38} {
			for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, 4, 5, 6, 11, 15, 1 << 8} {
				for _, protocol := range []int{0, syscall.IPPROTO_TCP, syscall.IPPROTO_UDP, 255, 300, -1} {
					if typ == 6 {
						continue // DCCP depends on the kernel's configuration
					}
					if fd := p.socket(family, typ, protocol); fd >= 0 {
						for _, name := range []int{syscall.SO_TYPE, 38, 39, syscall.SO_ACCEPTCONN, syscall.SO_ERROR} {
							p.getInt(fd, syscall.SOL_SOCKET, name, true)
						}
						p.close(fd)
					}
				}
			}
		}
		p.listen(1000, 1)
		p.listen(0, 1)
		var fds [2]int32
		p.do("socketpair", syscall.SYS_SOCKETPAIR, syscall.AF_INET, syscall.SOCK_STREAM, 0, pointer(&fds))
	})
}

func TestTCPConnection(t *testing.T) {
	compare(t, func(p *process) {
		c, s := p.connection()
		p.name(c, true)
		p.name(s, true)
		p.connect(c, loop4)
		p.connect(c, loop4)
		p.listen(c, 1)
		p.bind(c, loop4)
		p.read(s, 10)
		p.write(c, "hello")
		p.poll(s, pollIn)
		p.recv(s, 10, syscall.MSG_PEEK)
		p.read(s, 3)
		p.read(s, 10)
		p.read(s, 10)
		p.write(c, "")
		p.sendto(c, "x", 0, loop4)
		p.poll(s, pollIn)
		p.recv(s, 10, 0)
		p.poll(s, 0)
		p.shutdown(c, syscall.SHUT_WR)
		p.write(c, "more")
		p.poll(s, pollIn)
		p.read(s, 10)
		p.read(s, 10)
		p.write(s, "last words")
		p.poll(c, pollIn)
		p.read(c, 20)
		p.close(s)
		time.Sleep(50 * time.Millisecond)
		p.poll(c, pollIn)
		p.read(c, 20)
		p.name(c, true)
		p.shutdown(c, syscall.SHUT_RD)
		p.shutdown(c, 3)
	})
}

func TestTCPUnconnected(t *testing.T) {
	compare(t, func(p *process) {
		c := p.socket(syscall.AF_INET, syscall.SOCK_STREAM|nonblock, 0)
		p.poll(c, 0)
		p.read(c, 10)
		p.write(c, "x")
		p.name(c, true)
		p.name(c, false)
		p.do("accept", syscall.SYS_ACCEPT, uintptr(c), 0, 0)
		p.connect(c, loop4[:7])
		p.connect(c, in6(1, 1))
		p.bind(c, in6(0, 1))
		p.bind(c, loop4[:10])
		p.bind(c, in4(192, 0, 2, 7, 0))
		p.bind(c, loop4)
		p.bind(c, loop4)
		p.poll(c, 0)
		p.shutdown(c, syscall.SHUT_RDWR)
		l, addr := p.listener()
		p.poll(l, 0)
		p.accept(l)
		p.read(l, 10)
		p.write(l, "x")
		p.connect(l, addr)
		d := p.socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		p.bind(d, addr)
		p.shutdown(l, syscall.SHUT_RD)
		p.poll(l, 0)
		p.accept(l)
	})
}

func TestTCPRefused(t *testing.T) {
	compare(t, func(p *process) {
		l, addr := p.listener()
		p.close(l)
		c := p.socket(syscall.AF_INET, syscall.SOCK_STREAM|nonblock, 0)
		if p.connect(c, addr) == syscall.EINPROGRESS {
			p.poll(c, pollOut)
			p.soError(c)
			p.soError(c)
		}
		p.read(c, 1)
		p.write(c, "x")
		d := p.socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		p.connect(d, addr)
		e := p.socket(syscall.AF_INET6, syscall.SOCK_STREAM, 0)
		p.connect(e, in6(binary.BigEndian.Uint16(addr[2:]), 1))
		p.connect(e, in4(127, 0, 0, 1, 1))
	})
}

// TestTCPReset has the peer close with data unread.
func TestTCPReset(t *testing.T) {
	compare(t, func(p *process) {
		c, s := p.connection()
		p.write(c, "unread")
		p.poll(s, pollIn)
		p.close(s)
		time.Sleep(50 * time.Millisecond)
		p.poll(c, pollIn)
		p.read(c, 10)
		p.read(c, 10)
		p.write(c, "x")
	})
	compare(t, func(p *process) {
		c, s := p.connection()
		p.close(s)
		p.poll(c, pollIn)
		p.write(c, "into the void")
		time.Sleep(50 * time.Millisecond)
		p.write(c, "x")
		p.write(c, "x")
		p.read(c, 10)
	})
	compare(t, func(p *process) { // SO_LINGER of no time
		c, s := p.connection()
		linger := []int32{1, 0}
		p.do("linger", syscall.SYS_SETSOCKOPT, uintptr(s), syscall.SOL_SOCKET, syscall.SO_LINGER, pointer(&linger[0]), 8)
		p.close(s)
		time.Sleep(50 * time.Millisecond)
		p.poll(c, pollIn)
		p.soError(c)
		p.read(c, 10)
	})
}

func TestTCPBlocking(t *testing.T) {
	compare(t, func(p *process) {
		c, s := p.connection()
		p.do("blocking", syscall.SYS_FCNTL, uintptr(s), syscall.F_SETFL, 0)
		go func() {
			time.Sleep(20 * time.Millisecond)
			b := onHeap([]byte("late"))
			p.call(syscall.SYS_WRITE, uintptr(c), slice(b), 4, 0, 0, 0)
			time.Sleep(20 * time.Millisecond)
			p.call(syscall.SYS_WRITE, uintptr(c), slice(b), 4, 0, 0, 0)
		}()
		p.recv(s, 8, syscall.MSG_WAITALL)
		p.recv(s, 8, syscall.MSG_DONTWAIT)
		tv := []int64{0, 30000}
		p.do("timeout", syscall.SYS_SETSOCKOPT, uintptr(s), syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, pointer(&tv[0]), 16)
		p.recv(s, 8, 0)
		p.read(s, 8)
		p.write(s, strings.Repeat("x", 1<<16))
	})
}

func TestTCPOptions(t *testing.T) {
	compare(t, func(p *process) {
		for _, family := range []int{syscall.AF_INET, syscall.AF_INET6} {
			c := p.socket(family, syscall.SOCK_STREAM, 0)
			p.options(c, []optionTest{
				{syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1}, {syscall.SOL_SOCKET, 15, 1}, {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 7},
				{syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1}, {syscall.SOL_SOCKET, syscall.SO_TYPE, 1}, {syscall.SOL_SOCKET, 9999, 1},
				{syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1}, {syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, 3},
				{syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 15}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 0},
				{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 40000}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 3}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 200},
				{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 5}, {syscall.IPPROTO_TCP, 18, 500}, {syscall.IPPROTO_TCP, syscall.TCP_CORK, 1}, {syscall.IPPROTO_TCP, 9999, 1},
				{syscall.IPPROTO_IP, syscall.IP_TTL, 9}, {syscall.IPPROTO_IP, syscall.IP_TTL, 0}, {syscall.IPPROTO_IP, syscall.IP_TTL, 256}, {syscall.IPPROTO_IP, syscall.IP_TTL, -1},
				{syscall.IPPROTO_IP, 9999, 1}, {syscall.IPPROTO_IP, syscall.IP_RECVERR, 1}, {syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, 2},
				{syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, 17}, {syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 3},
				{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1}, {syscall.IPPROTO_IPV6, syscall.IPV6_UNICAST_HOPS, 3}, {syscall.IPPROTO_IPV6, syscall.IPV6_UNICAST_HOPS, 300},
				{syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, 4}, {syscall.IPPROTO_IPV6, 9999, 1}, {77, 1, 1},
			})
			p.bind(c, map[int][]byte{syscall.AF_INET: loop4, syscall.AF_INET6: in6(0, 1)}[family])
			p.setInt(c, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0)
		}
	})
}

// An optionTest is an option and what it is set to.
type optionTest struct{ level, name, value int }

// options sets options and gets them before and after.
func (p *process) options(fd int, list []optionTest) {
	for _, o := range list {
		p.getInt(fd, o.level, o.name, true)
		p.setInt(fd, o.level, o.name, o.value)
		p.getInt(fd, o.level, o.name, true)
	}
}
