//go:build linux

package sockets

import (
	"encoding/binary"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"internal/xengo/runtime/socket"
)

// bound returns a UDP socket on a loopback address.
func (p *process) bound(addr []byte) (fd int, name []byte) {
	fd = p.socket(int(binary.NativeEndian.Uint16(addr)), syscall.SOCK_DGRAM|nonblock, 0)
	p.bind(fd, addr)
	return fd, p.name(fd, false)
}

func TestUDP(t *testing.T) {
	compare(t, func(p *process) {
		a, nameA := p.bound(loop4)
		b, nameB := p.bound(loop4)
		p.poll(a, 0)
		p.read(a, 10)
		p.write(a, "nowhere")
		p.name(a, true)
		p.listen(a, 1)
		p.accept(a)
		p.shutdown(a, syscall.SHUT_RD)
		p.sendto(b, "one", 0, nameA)
		p.close(a)
		// Bound to a port by its number: Linux forgets one that it chose when a socket is disconnected.
		a, _ = p.bound(nameA)
		p.sendto(b, "hello there", 0, nameA)
		p.sendto(b, "", 0, nameA)
		p.poll(a, pollIn)
		p.recv(a, 5, syscall.MSG_PEEK)
		p.recv(a, 5, syscall.MSG_TRUNC)
		p.recv(a, 5, 0)
		p.recv(a, 5, 0)
		p.sendto(b, "to port 0", 0, in4(127, 0, 0, 1, 0))
		p.sendto(b, "short", 0, nameA[:8])
		p.sendto(b, "other family", 0, in6(7, 1))
		p.sendto(b, strings.Repeat("x", 65507), 0, nameA)
		p.sendto(b, strings.Repeat("x", 65508), 0, nameA)
		p.sendto(b, "broadcast", 0, in4(255, 255, 255, 255, 9))
		p.connect(a, nameB)
		p.name(a, true)
		p.write(a, "connected")
		p.recv(b, 20, 0)
		p.recv(a, 70000, 0)
		c, _ := p.bound(loop4)
		p.sendto(c, "from a stranger", 0, nameA)
		p.sendto(b, "from a friend", 0, nameA)
		time.Sleep(10 * time.Millisecond)
		p.recv(a, 70000, 0)
		p.recv(a, 70000, 0)
		p.connect(a, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		p.name(a, true)
		p.sendto(c, "now from a stranger", 0, nameA)
		p.poll(a, pollIn)
		p.recv(a, 70000, 0)
		p.shutdown(a, syscall.SHUT_WR)
		p.connect(a, nameB)
		p.shutdown(a, syscall.SHUT_WR)
		p.write(a, "x")
		p.bind(a, loop4)
	})
}

func TestUDPRefused(t *testing.T) {
	compare(t, func(p *process) {
		gone, name := p.bound(loop4)
		p.close(gone)
		a, _ := p.bound(loop4)
		p.connect(a, name)
		p.write(a, "anybody?")
		time.Sleep(20 * time.Millisecond)
		p.poll(a, pollIn)
		p.soError(a)
		p.poll(a, 0)
		p.write(a, "anybody?")
		time.Sleep(20 * time.Millisecond)
		p.read(a, 10)
		p.read(a, 10)
		p.write(a, "anybody?")
		time.Sleep(20 * time.Millisecond)
		p.write(a, "anybody?")
		b, _ := p.bound(loop4)
		p.sendto(b, "anybody?", 0, name)
		time.Sleep(20 * time.Millisecond)
		p.read(b, 10)
	})
}

func TestUDPDualStack(t *testing.T) {
	compare(t, func(p *process) {
		a, name := p.bound(in6(0))
		b, _ := p.bound(loop4)
		port := binary.BigEndian.Uint16(name[2:])
		p.sendto(b, "by IPv4", 0, in4(127, 0, 0, 1, port))
		p.poll(a, pollIn)
		_, from := p.recv(a, 20, 0)
		p.say("from family %d, mapped %v", from[0], from[18] == 0xff && from[19] == 0xff)
		p.sendto(a, "back", 0, from)
		p.poll(b, pollIn)
		p.recv(b, 20, 0)
		p.sendto(a, "by IPv4's address", 0, in4(127, 0, 0, 1, port))
		p.poll(a, pollIn)
		p.recv(a, 20, 0)
		c := p.socket(syscall.AF_INET6, syscall.SOCK_DGRAM|nonblock, 0)
		p.setInt(c, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1)
		p.bind(c, in6(0, 0xff, 0xff, 127, 0, 0, 1))
		p.connect(c, in6(port, 0xff, 0xff, 127, 0, 0, 1))
		p.sendto(c, "x", 0, in6(port, 0xff, 0xff, 127, 0, 0, 1))
		p.connect(c, in6(port, 1))
		p.write(c, "by IPv6")
		p.poll(a, pollIn)
		p.recv(a, 20, 0)
		d := p.socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		p.bind(d, in4(0, 0, 0, 0, port))
		e := p.socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
		p.connect(e, in6(port))
		p.say("unspecified is %v", p.name(e, true)[8:24])
	})
}

func TestUDPOptions(t *testing.T) {
	compare(t, func(p *process) {
		a, _ := p.bound(loop4)
		p.options(a, []optionTest{
			{syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 5}, {syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, -1}, {syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 256},
			{syscall.IPPROTO_IP, syscall.IP_MULTICAST_LOOP, 0}, {syscall.IPPROTO_IP, syscall.IP_PKTINFO, 1}, {syscall.IPPROTO_IP, syscall.IP_RECVTTL, 1},
			{syscall.IPPROTO_IP, syscall.IP_RECVTOS, 1}, {syscall.IPPROTO_IP, syscall.IP_TOS, 0x10}, {syscall.IPPROTO_IP, 49, 0},
			{syscall.IPPROTO_TCP, 1, 1}, {syscall.IPPROTO_UDP, 9999, 1}, {syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1}, {syscall.SOL_SOCKET, syscall.SO_TIMESTAMP, 1},
		})
		b, _ := p.bound(in6(0, 1))
		p.options(b, []optionTest{
			{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS, 5}, {syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS, -1},
			{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_LOOP, 0}, {syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO, 1},
			{syscall.IPPROTO_IPV6, syscall.IPV6_RECVHOPLIMIT, 1}, {syscall.IPPROTO_IPV6, syscall.IPV6_RECVTCLASS, 1}, {syscall.IPPROTO_IPV6, 9999, 1},
		})
		group := onHeap([]byte{10, 0, 0, 1, 0, 0, 0, 0})
		p.do("join what is no group", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, slice(group), 8)
		p.do("join too short", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, slice(group), 7)
		group = onHeap([]byte{224, 0, 0, 250, 127, 0, 0, 1})
		p.do("leave", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.IPPROTO_IP, syscall.IP_DROP_MEMBERSHIP, slice(group), 8)
		p.do("join", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, slice(group), 8)
		p.do("join again", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, slice(group), 8)
		p.do("leave", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.IPPROTO_IP, syscall.IP_DROP_MEMBERSHIP, slice(group), 8)
		device := onHeap([]byte("lo\x00"))
		p.do("device", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, slice(device), 3)
		device = onHeap([]byte("nosuch0\x00"))
		p.do("device", syscall.SYS_SETSOCKOPT, uintptr(a), syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, slice(device), 8)
	})
}

// TestUDPControl receives what there is to know about a datagram.
func TestUDPControl(t *testing.T) {
	compare(t, func(p *process) {
		for _, addr := range [][]byte{loop4, in6(0, 1)} {
			a, name := p.bound(addr)
			for _, o := range [][2]int{
				{syscall.IPPROTO_IP, syscall.IP_PKTINFO}, {syscall.IPPROTO_IP, syscall.IP_RECVTTL}, {syscall.IPPROTO_IP, syscall.IP_RECVTOS},
				{syscall.IPPROTO_IP, ipOrigDstAddr}, {syscall.IPPROTO_IPV6, ipv6OrigDstAddr},
				{syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO}, {syscall.IPPROTO_IPV6, syscall.IPV6_RECVHOPLIMIT}, {syscall.IPPROTO_IPV6, syscall.IPV6_RECVTCLASS},
			} {
				p.setInt(a, o[0], o[1], 1)
			}
			for _, room := range []int{256, 40, 20, 8, 0} {
				p.sendto(a, "message", 0, name)
				p.poll(a, pollIn)
				p.recvmsg(a, 4, room)
			}
		}
	})
}

// TestUDPClass sends datagrams with a type of service or traffic class each: QUIC's ECN.
func TestUDPClass(t *testing.T) {
	compare(t, func(p *process) {
		for _, c := range []struct {
			addr                 []byte
			level, send, receive int
		}{
			{loop4, syscall.IPPROTO_IP, syscall.IP_TOS, syscall.IP_RECVTOS},
			{in6(0, 1), syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, syscall.IPV6_RECVTCLASS},
		} {
			a, name := p.bound(c.addr)
			p.setInt(a, c.level, c.receive, 1)
			p.setInt(a, c.level, c.send, 0x20)
			for _, data := range [][]byte{nil, {1, 0, 0, 0}, {2}, {0, 1, 0, 0}, {3, 0}, nil} {
				if p.sendClass(a, name, c.level, c.send, data) {
					p.poll(a, pollIn)
					p.class(a)
				}
			}
		}
	})
}

// sendClass sends a datagram with one control message, or none.
func (p *process) sendClass(fd int, name []byte, level, typ int, data []byte) bool {
	return p.sendControl(fd, name, "message", level, typ, data)
}

// sendControl sends with one control message, or none.
func (p *process) sendControl(fd int, name []byte, message string, level, typ int, data []byte) bool {
	text := onHeap([]byte(message))
	iov := &iovecs{slice(text), uintptr(len(text))}
	h := &syscall.Msghdr{Name: &name[0], Namelen: uint32(len(name)), Iov: (*syscall.Iovec)(unsafe.Pointer(iov)), Iovlen: 1}
	if data != nil {
		control := make([]byte, syscall.CmsgSpace(len(data)))
		head := (*syscall.Cmsghdr)(unsafe.Pointer(&control[0]))
		head.Level, head.Type = int32(level), int32(typ)
		head.SetLen(syscall.CmsgLen(len(data)))
		copy(control[syscall.CmsgLen(0):], data)
		h.Control, h.Controllen = &control[0], uint64(len(control))
	}
	_, errno := p.do(fmt.Sprintf("sendmsg with %v", data), syscall.SYS_SENDMSG, uintptr(fd), pointer(h))
	return errno == 0
}

// class says of which class a datagram is.
func (p *process) class(fd int) {
	data, control := make([]byte, 10), make([]byte, 256)
	iov := &iovecs{slice(data), uintptr(len(data))}
	h := &syscall.Msghdr{Iov: (*syscall.Iovec)(unsafe.Pointer(iov)), Iovlen: 1, Control: &control[0], Controllen: uint64(len(control))}
	p.do("recvmsg", syscall.SYS_RECVMSG, uintptr(fd), pointer(h))
	list, err := syscall.ParseSocketControlMessage(control[:h.Controllen])
	p.say("control %v: %v", err, list)
}

// TestBufferSizes makes buffers as large as an administrator may.
func TestBufferSizes(t *testing.T) {
	compare(t, func(p *process) {
		for _, typ := range []int{syscall.SOCK_DGRAM, syscall.SOCK_STREAM} {
			a := p.socket(syscall.AF_INET, typ, 0)
			for _, o := range [][2]int{{syscall.SO_RCVBUFFORCE, syscall.SO_RCVBUF}, {syscall.SO_SNDBUFFORCE, syscall.SO_SNDBUF}} {
				for _, size := range []int{256 << 10, 32 << 20, 1<<31 - 1} {
					p.setInt(a, syscall.SOL_SOCKET, o[0], size)
					p.getInt(a, syscall.SOL_SOCKET, o[1], true)
				}
				p.getInt(a, syscall.SOL_SOCKET, o[0], true)
			}
		}
	})
}

// TestUDPSegments sends many datagrams at once.
func TestUDPSegments(t *testing.T) {
	compare(t, func(p *process) {
		for _, c := range []struct {
			addr []byte
			room int // for all segments
		}{{loop4, 65507}, {in6(0, 1), 65527}} {
			a, name := p.bound(c.addr)
			p.options(a, []optionTest{
				{syscall.IPPROTO_UDP, udpSegment, 1}, {syscall.IPPROTO_UDP, udpSegment, -1}, {syscall.IPPROTO_UDP, udpSegment, 1 << 16}, {syscall.IPPROTO_UDP, udpSegment, 1<<16 - 1},
				{syscall.IPPROTO_UDP, udpGRO, 1}, {syscall.IPPROTO_UDP, udpGRO, 0}, {syscall.IPPROTO_UDP, udpSegment, 0},
			})
			receive := func(n int) {
				for range n {
					p.poll(a, pollIn)
					p.recv(a, 70000, 0)
				}
				p.recv(a, 70000, 0)
			}
			send := func(size, segment int) {
				data := binary.NativeEndian.AppendUint16(nil, uint16(segment))
				if p.sendControl(a, name, strings.Repeat("0123456789", size/10+1)[:size], syscall.IPPROTO_UDP, udpSegment, data) {
					n := 1
					if segment > 0 {
						n = max(1, (size+segment-1)/segment)
					}
					receive(n)
				}
			}
			send(10, 3)
			send(10, 10)
			send(10, 20)
			send(0, 3)
			send(10, 0)
			send(128*3, 3)
			send(128*3+1, 3)
			send(6000, 1200)
			send(c.room, 9000)
			send(c.room+1, 9000)
			for _, data := range [][]byte{{3}, {3, 0, 0, 0}, {}} {
				p.sendControl(a, name, "0123456789", syscall.IPPROTO_UDP, udpSegment, data)
			}
			p.sendControl(a, name, "0123456789", syscall.IPPROTO_UDP, udpGRO, []byte{3, 0})
			p.setInt(a, syscall.IPPROTO_UDP, udpSegment, 4)
			p.sendto(a, "0123456789", 0, name)
			receive(3)
			p.connect(a, name)
			p.write(a, "0123456789")
			receive(3)
			send(10, 0) // nothing of the socket's size
			p.setInt(a, syscall.SOL_SOCKET, socket.SO_NO_CHECK, 1)
			p.write(a, "0123456789")
			p.setInt(a, syscall.SOL_SOCKET, socket.SO_NO_CHECK, 0)
		}
		b := p.socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		p.setInt(b, syscall.IPPROTO_UDP, udpSegment, 4)
		p.write(b, "0123456789")
		c := p.socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		p.options(c, []optionTest{{syscall.IPPROTO_UDP, udpSegment, 4}})
	})
}

// recvmsg says what a message is and which control messages come with it, in any order.
func (p *process) recvmsg(fd, size, room int) {
	data, control := make([]byte, size), make([]byte, max(room, 1))
	iov := &iovecs{slice(data), uintptr(size)}
	h := &syscall.Msghdr{Iov: (*syscall.Iovec)(unsafe.Pointer(iov)), Iovlen: 1}
	if room > 0 {
		h.Control, h.Controllen = &control[0], uint64(room)
	}
	n, errno := p.do("recvmsg", syscall.SYS_RECVMSG, uintptr(fd), pointer(h))
	if errno != 0 {
		return
	}
	p.say("recvmsg: %d %q, flags %#x, control %d", n, data[:n], h.Flags, h.Controllen)
	list, err := syscall.ParseSocketControlMessage(control[:h.Controllen])
	if err != nil && room > 40 {
		p.Errorf("control messages: %v", err)
	}
	types := map[[2]int32]int{}
	for _, m := range list {
		types[[2]int32{m.Header.Level, m.Header.Type}] = len(m.Data)
	}
	if room >= 256 {
		p.say("recvmsg: %v", types)
	}
}

type iovecs struct{ base, size uintptr }
