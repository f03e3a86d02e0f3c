//go:build linux

package sockets

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dump asks a netlink socket as package syscall's NetlinkRIB does, and returns the messages.
func (p *process) dump(typ, family int) []syscall.NetlinkMessage {
	fd := p.socket(syscall.AF_NETLINK, syscall.SOCK_RAW, 0)
	p.bind(fd, netlinkAddress(0))
	name := p.name(fd, false)
	port := binary.NativeEndian.Uint32(name[4:])
	request := binary.NativeEndian.AppendUint32(nil, 17)
	request = binary.NativeEndian.AppendUint16(request, uint16(typ))
	request = binary.NativeEndian.AppendUint16(request, syscall.NLM_F_DUMP|syscall.NLM_F_REQUEST)
	request = binary.NativeEndian.AppendUint32(request, 1)
	request = binary.NativeEndian.AppendUint32(request, 0)
	request = append(request, byte(family))
	p.sendto(fd, string(request), 0, netlinkAddress(0))
	var all []syscall.NetlinkMessage
	for {
		b := make([]byte, 32<<10)
		n, _, errno := p.call(syscall.SYS_RECVFROM, uintptr(fd), slice(b), uintptr(len(b)), 0, 0, 0)
		require.Zero(p, errno)
		list, err := syscall.ParseNetlinkMessage(b[:n])
		require.NoError(p, err)
		for _, m := range list {
			assert.Equal(p, uint32(1), m.Header.Seq)
			assert.Equal(p, port, m.Header.Pid)
			if m.Header.Type == syscall.NLMSG_DONE {
				return all
			}
			all = append(all, m)
		}
	}
}

// TestNetlinkLoopback asks for what is there on every machine.
func TestNetlinkLoopback(t *testing.T) {
	compare(t, func(p *process) {
		for _, m := range p.dump(syscall.RTM_GETLINK, 0) {
			attrs, err := syscall.ParseNetlinkRouteAttr(&m)
			require.NoError(p, err)
			index, flags := binary.NativeEndian.Uint32(m.Data[4:]), binary.NativeEndian.Uint32(m.Data[8:])
			if index != 1 {
				continue
			}
			p.say("lo: type %d, flags %#x", binary.NativeEndian.Uint16(m.Data[2:]), flags)
			for _, a := range attrs {
				switch a.Attr.Type {
				case syscall.IFLA_IFNAME, syscall.IFLA_MTU, syscall.IFLA_ADDRESS, syscall.IFLA_BROADCAST:
					p.say("lo: %d is %q", a.Attr.Type, a.Value)
				}
			}
		}
	})
	compare(t, func(p *process) {
		for _, family := range []int{syscall.AF_INET, syscall.AF_INET6} {
			for _, m := range p.dump(syscall.RTM_GETADDR, family) {
				attrs, err := syscall.ParseNetlinkRouteAttr(&m)
				require.NoError(p, err)
				if binary.NativeEndian.Uint32(m.Data[4:]) != 1 {
					continue
				}
				p.say("lo: family %d, /%d, scope %d", m.Data[0], m.Data[1], m.Data[3])
				for _, a := range attrs {
					switch a.Attr.Type {
					case syscall.IFA_ADDRESS, syscall.IFA_LOCAL, syscall.IFA_LABEL, syscall.IFA_BROADCAST:
						p.say("lo: %d is %q", a.Attr.Type, a.Value)
					}
				}
			}
		}
	})
}

func TestNetlinkErrors(t *testing.T) {
	compare(t, func(p *process) {
		p.socket(syscall.AF_NETLINK, syscall.SOCK_STREAM, 0)
		fd := p.socket(syscall.AF_NETLINK, syscall.SOCK_RAW|nonblock, 0)
		p.poll(fd, 0)
		p.read(fd, 10)
		p.bind(fd, netlinkAddress(0)[:5])
		p.sendto(fd, "x", 0, netlinkAddress(0)[:5])
		p.listen(fd, 1)
		p.accept(fd)
		link := []byte{32, 0, 0, 0, syscall.RTM_GETLINK, 0, syscall.NLM_F_REQUEST | syscall.NLM_F_ACK, 0, 7, 0, 0, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		p.sendto(fd, string(link), 0, nil)
		b := make([]byte, 4096)
		n, _, errno := p.call(syscall.SYS_READ, uintptr(fd), slice(b), uintptr(len(b)), 0, 0, 0)
		require.Zero(p, errno)
		list, err := syscall.ParseNetlinkMessage(b[:n])
		require.NoError(p, err)
		p.say("%d messages, type %d, sequence %d, error %d", len(list), list[0].Header.Type, list[0].Header.Seq, int32(binary.NativeEndian.Uint32(list[0].Data)))
	})
}

func TestIoctls(t *testing.T) {
	compare(t, func(p *process) {
		fd := p.socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		for _, request := range []uintptr{siocGIFFlags, siocGIFAddr, siocGIFNetmask, siocGIFMTU, siocGIFHWAddr, siocGIFIndex, siocGIFMetric, 0x5499} {
			b := make([]byte, ifreqLen)
			copy(b, "lo")
			p.do("ioctl", syscall.SYS_IOCTL, uintptr(fd), request, slice(b))
			p.say("%#x: %x", request, b)
			copy(b, "nosuch")
			p.do("ioctl", syscall.SYS_IOCTL, uintptr(fd), request, slice(b))
		}
		for _, command := range []uint32{ethtoolDriver, ethtoolLink, ethtoolTimestamps, 0x999} {
			for _, name := range []string{"lo", "nosuch"} {
				data := binary.NativeEndian.AppendUint32(make([]byte, 0, 256), command)[:256]
				b := make([]byte, ifreqLen)
				copy(b, name)
				binary.NativeEndian.PutUint64(b[ifNameLen:], uint64(uintptr(unsafe.Pointer(unsafe.SliceData(data)))))
				p.do("ioctl", syscall.SYS_IOCTL, uintptr(fd), siocEthtool, slice(b))
				if command == ethtoolTimestamps {
					data[4] &^= 2 // SOF_TIMESTAMPING_TX_SOFTWARE, which the stack does not do
				}
				p.say("%#x: %x", command, data)
				runtime.KeepAlive(data)
			}
		}
		b := make([]byte, ifreqLen)
		b[ifNameLen] = 1
		p.do("ioctl", syscall.SYS_IOCTL, uintptr(fd), siocGIFName, slice(b))
		p.say("1: %q", b)
		c, s := p.connection()
		p.write(c, "some bytes")
		p.poll(s, pollIn)
		n := int32(-1)
		p.do("SIOCINQ", syscall.SYS_IOCTL, uintptr(s), siocInQ, pointer(&n))
		p.say("%d", n)
	})
}

func FuzzNetlink(f *testing.F) {
	f.Add([]byte{17, 0, 0, 0, 18, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{32, 0, 0, 0, 18, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, datagram := range answer(theStack(), 1, b) {
			_, err := syscall.ParseNetlinkMessage(datagram)
			require.NoError(t, err)
		}
	})
}

func FuzzAddress(f *testing.F) {
	f.Add(loop4, true)
	f.Add(in6(80, 1), false)
	f.Fuzz(func(t *testing.T, b []byte, mixed bool) {
		for _, family := range []int{syscall.AF_INET, syscall.AF_INET6} {
			a, err := parseAddress(family, b, mixed)
			if err != 0 {
				continue
			}
			again, err := parseAddress(family, putAddress(family, a), false)
			require.Zero(t, err)
			assert.Equal(t, a, again)
		}
	})
}
