package sockets

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// Requests of ioctl(2) on sockets. Source: Linux 6.16 include/uapi/linux/sockios.h, asm-generic/ioctls.h.
const (
	siocOutQ       = 0x5411
	siocInQ        = 0x541b
	siocGIFName    = 0x8910
	siocGIFConf    = 0x8912
	siocGIFFlags   = 0x8913
	siocGIFAddr    = 0x8915
	siocGIFBrdAddr = 0x8919
	siocGIFNetmask = 0x891b
	siocGIFMetric  = 0x891d
	siocGIFMTU     = 0x8921
	siocGIFHWAddr  = 0x8927
	siocGIFIndex   = 0x8933
	siocGIFTxQLen  = 0x8942
	siocEthtool    = 0x8946

	ifreqLen  = 40 // struct ifreq: a name and a union
	ifNameLen = 16
)

func (s *inet) Ioctl(request, arg uintptr) (uintptr, calls.Errno) {
	switch request {
	case siocInQ, siocOutQ:
		return s.queued(request, arg)
	case siocGIFConf:
		return s.interfaceList(arg)
	case siocGIFName, siocGIFFlags, siocGIFAddr, siocGIFBrdAddr, siocGIFNetmask, siocGIFMetric, siocGIFMTU, siocGIFHWAddr,
		siocGIFIndex, siocGIFTxQLen:
		b, err := calls.Bytes(arg, ifreqLen)
		if err != 0 {
			return 0, err
		}
		return 0, s.interfaceRequest(request, b)
	case siocEthtool:
		return 0, s.ethtool(arg)
	}
	return 0, calls.ENOTTY
}

// queued is how many bytes can be read, or have not been sent yet.
func (s *inet) queued(request, arg uintptr) (uintptr, calls.Errno) {
	out, err := calls.Pointer[int32](arg)
	if err != 0 {
		return 0, err
	}
	opt := tcpip.ReceiveQueueSizeOption
	if request == siocOutQ {
		opt = tcpip.SendQueueSizeOption
	}
	if s.isTCP() && s.ep.SocketOptions().GetAcceptConn() {
		return 0, calls.EINVAL
	}
	n, terr := s.ep.GetSockOptInt(opt)
	switch terr.(type) {
	case nil:
	case *tcpip.ErrUnknownProtocolOption: // the stack does not count what it has not sent
		return 0, calls.EINVAL
	default:
		return 0, errno(terr)
	}
	if l := s.neighbour.in.Load(); l != nil && request == siocInQ {
		n += l.length()
	}
	*out = int32(n)
	return 0, 0
}

// interfaceRequest answers a question about the interface that b, a struct ifreq, names.
func (s *inet) interfaceRequest(request uintptr, b []byte) calls.Errno {
	value := b[ifNameLen:]
	if request == siocGIFName {
		for _, l := range links(s.st) {
			if uint32(l.id) == binary.NativeEndian.Uint32(value) {
				clear(b[:ifNameLen])
				copy(b[:ifNameLen-1], l.info.Name)
				return 0
			}
		}
		return calls.ENODEV
	}
	if l := linkNamed(s.st, word(b[:ifNameLen])); l != nil {
		return l.request(request, value)
	}
	return calls.ENODEV
}

// request writes what is asked to the union of a struct ifreq.
func (l *netLink) request(request uintptr, value []byte) calls.Errno {
	a := l.first()
	address := func(v tcpip.Address) calls.Errno {
		if len(l.addresses(4)) == 0 {
			return calls.EADDRNOTAVAIL
		}
		copy(value, putAddress(socket.AF_INET, tcpip.FullAddress{Addr: v}))
		return 0
	}
	switch request {
	case siocGIFFlags:
		binary.NativeEndian.PutUint16(value, uint16(l.flags))
	case siocGIFAddr:
		return address(a.Address)
	case siocGIFBrdAddr:
		return address(broadcast(a))
	case siocGIFNetmask:
		subnet := a.Subnet()
		mask := subnet.Mask()
		return address(tcpip.AddrFrom4Slice(mask.AsSlice()))
	case siocGIFMetric:
		binary.NativeEndian.PutUint32(value, 0)
	case siocGIFMTU:
		binary.NativeEndian.PutUint32(value, l.info.MTU)
	case siocGIFHWAddr:
		hardware, raw := l.hardware()
		clear(value[:sockaddrLen])
		binary.NativeEndian.PutUint16(value, hardware)
		copy(value[2:], raw)
	case siocGIFIndex:
		binary.NativeEndian.PutUint32(value, uint32(l.id))
	case siocGIFTxQLen:
		binary.NativeEndian.PutUint32(value, 1000)
	}
	return 0
}

// ifconf is struct ifconf on amd64.
type ifconf struct {
	size int32
	_    uint32
	buf  uintptr
}

// interfaceList is SIOCGIFCONF: a struct ifreq for every IPv4 address.
func (s *inet) interfaceList(arg uintptr) (uintptr, calls.Errno) {
	conf, err := calls.Pointer[ifconf](arg)
	if err != 0 {
		return 0, err
	}
	var all []byte
	for _, l := range links(s.st) {
		for _, a := range l.addresses(4) {
			var b [ifreqLen]byte
			copy(b[:ifNameLen-1], l.info.Name)
			copy(b[ifNameLen:], putAddress(socket.AF_INET, tcpip.FullAddress{Addr: a.Address}))
			all = append(all, b[:]...)
		}
	}
	if conf.buf == 0 {
		conf.size = int32(len(all))
		return 0, 0
	}
	n := min(len(all), int(max(conf.size, 0))/ifreqLen*ifreqLen)
	out, err := calls.Bytes(conf.buf, uintptr(n))
	if err != 0 {
		return 0, err
	}
	copy(out, all)
	conf.size = int32(n)
	return 0, 0
}
