package sockets

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// Sizes of struct sockaddr_in and sockaddr_in6, and of the latter without its scope.
// Source: Linux 6.16 include/uapi/linux/in.h, in6.h, include/net/ipv6.h (SIN6_LEN_RFC2133).
const (
	sockaddrLen   = 16
	sockaddr6Len  = 28
	sockaddr6Some = 24
)

// parseAddress reads an address that is given to a socket of that family. An unspecified address becomes "". On an IPv6 socket,
// mixed allows an address of AF_INET, which is mapped.
func parseAddress(family int, b []byte, mixed bool) (a tcpip.FullAddress, err calls.Errno) {
	given := socket.FamilyOf(b)
	if family == socket.AF_INET || mixed && given == socket.AF_INET {
		if len(b) < sockaddrLen {
			return a, calls.EINVAL
		}
		if given != socket.AF_INET {
			return a, calls.EAFNOSUPPORT
		}
		a.Port = binary.BigEndian.Uint16(b[2:])
		if [4]byte(b[4:8]) == [4]byte{} {
			return a, 0
		}
		a.Addr = tcpip.AddrFrom4Slice(b[4:8])
		if family == socket.AF_INET6 {
			a.Addr = mapped(a.Addr)
		}
		return a, 0
	}
	if len(b) < sockaddr6Some {
		return a, calls.EINVAL
	}
	if given != socket.AF_INET6 {
		return a, calls.EAFNOSUPPORT
	}
	a.Port = binary.BigEndian.Uint16(b[2:])
	if a.Addr = tcpip.AddrFrom16Slice(b[8:24]); a.Addr.Unspecified() {
		a.Addr = tcpip.Address{}
	}
	if len(b) >= sockaddr6Len && scoped(a.Addr) {
		a.NIC = tcpip.NICID(binary.NativeEndian.Uint32(b[24:]))
	}
	return a, 0
}

// mapped returns an IPv4 address as an IPv6 one, and unmapped the reverse; other addresses stay what they are.
func mapped(a tcpip.Address) tcpip.Address {
	if a.Len() != 4 {
		return a
	}
	v := a.As4()
	return tcpip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: v[0], 13: v[1], 14: v[2], 15: v[3]})
}

func unmapped(a tcpip.Address) tcpip.Address {
	if a.Len() == 16 && header.IsV4MappedAddress(a) {
		v := a.As16()
		return tcpip.AddrFrom4Slice(v[12:])
	}
	return a
}

// scoped reports whether an address means nothing without an interface.
func scoped(a tcpip.Address) bool {
	return header.IsV6LinkLocalUnicastAddress(a) || header.IsV6LinkLocalMulticastAddress(a)
}

// putAddress writes an address as a socket of that family has it.
func putAddress(family int, a tcpip.FullAddress) []byte {
	if family == socket.AF_INET {
		b := make([]byte, sockaddrLen)
		binary.NativeEndian.PutUint16(b, socket.AF_INET)
		binary.BigEndian.PutUint16(b[2:], a.Port)
		if a.Addr.Len() == 4 {
			v := a.Addr.As4()
			copy(b[4:], v[:])
		}
		return b
	}
	b := make([]byte, sockaddr6Len)
	binary.NativeEndian.PutUint16(b, socket.AF_INET6)
	binary.BigEndian.PutUint16(b[2:], a.Port)
	switch a.Addr.Len() {
	case 4:
		b[18], b[19] = 0xff, 0xff
		v := a.Addr.As4()
		copy(b[20:], v[:])
	case 16:
		v := a.Addr.As16()
		copy(b[8:], v[:])
		if scoped(a.Addr) {
			binary.NativeEndian.PutUint32(b[24:], uint32(a.NIC))
		}
	}
	return b
}

// isLoopback reports whether an address is this machine's, however it is configured.
func isLoopback(a tcpip.Address) bool {
	a = unmapped(a)
	return a.Len() == 0 || header.IsV4LoopbackAddress(a) || header.IsV6LoopbackAddress(a)
}
