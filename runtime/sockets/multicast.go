package sockets

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// membershipOf reads struct ip_mreq, ip_mreqn, ipv6_mreq or group_req, which begin the same on all machines.
// Source: Linux 6.16 include/uapi/linux/in.h, in6.h.
func membershipOf(level, name int, b []byte) (m tcpip.MembershipOption, err calls.Errno) {
	const groupReqLen = 8 + 128
	switch {
	case name == mcastJoinGroup || name == mcastLeaveGroup:
		if len(b) < groupReqLen {
			return m, calls.EINVAL
		}
		family := socket.AF_INET
		if level == socket.SOL_IPV6 {
			family = socket.AF_INET6
		}
		if socket.FamilyOf(b[8:]) != family {
			return m, calls.EADDRNOTAVAIL
		}
		a, err := parseAddress(family, b[8:8+sockaddr6Some], false)
		m.NIC, m.MulticastAddr = tcpip.NICID(binary.NativeEndian.Uint32(b)), a.Addr
		return m, err
	case level == socket.SOL_IPV6:
		if len(b) < 20 {
			return m, calls.EINVAL
		}
		m.MulticastAddr = tcpip.AddrFrom16Slice(b[:16])
		m.NIC = tcpip.NICID(binary.NativeEndian.Uint32(b[16:]))
		return m, 0
	case len(b) < 8:
		return m, calls.EINVAL
	}
	m.MulticastAddr, m.InterfaceAddr = tcpip.AddrFrom4Slice(b[:4]), tcpip.AddrFrom4Slice(b[4:8])
	if len(b) >= 12 {
		m.NIC = tcpip.NICID(int32(binary.NativeEndian.Uint32(b[8:])))
	}
	if m.NIC != 0 || m.InterfaceAddr.Unspecified() {
		m.InterfaceAddr = tcpip.Address{}
	}
	return m, 0
}

// membership joins or leaves a group.
func (s *inet) membership(level, name int, value []byte) calls.Errno {
	if s.isTCP() {
		return calls.ENOPROTOOPT
	}
	m, err := membershipOf(level, name, value)
	if err != 0 {
		return err
	}
	if !header.IsV4MulticastAddress(m.MulticastAddr) && !header.IsV6MulticastAddress(m.MulticastAddr) {
		return calls.EINVAL
	}
	leave := name == ipDropMembership || name == ipv6Leave || name == mcastLeaveGroup
	m.NIC = s.groupInterface(m)
	m.InterfaceAddr = tcpip.Address{}
	switch {
	case m.NIC == 0 && leave:
		return calls.EADDRNOTAVAIL
	case m.NIC == 0:
		return calls.ENODEV
	case leave:
		v := tcpip.RemoveMembershipOption(m)
		if s.ep.SetSockOpt(&v) != nil {
			return calls.EADDRNOTAVAIL
		}
		s.groups.remove(s.st, group{m.NIC, m.MulticastAddr})
		return 0
	}
	v := tcpip.AddMembershipOption(m)
	if terr := s.ep.SetSockOpt(&v); terr != nil {
		return errno(terr)
	}
	s.groups.add(s.st, group{m.NIC, m.MulticastAddr})
	return 0
}

// groupInterface returns the interface that a membership is for: the one it names, that with an address, or where packets for
// the group go; 0 if there is none.
func (s *inet) groupInterface(m tcpip.MembershipOption) tcpip.NICID {
	if m.NIC != 0 {
		return m.NIC
	}
	protocol := header.IPv6ProtocolNumber
	if m.MulticastAddr.Len() == 4 {
		protocol = header.IPv4ProtocolNumber
	}
	s.st.WaitSettled() // addresses and routes may be about to come
	if m.InterfaceAddr.Len() != 0 {
		return s.st.CheckLocalAddress(0, protocol, m.InterfaceAddr)
	}
	r, err := s.st.FindRoute(0, tcpip.Address{}, m.MulticastAddr, protocol, false)
	if err != nil {
		return 0
	}
	defer r.Release()
	return r.NICID()
}

// multicastInterface is IP_MULTICAST_IF with struct in_addr, ip_mreq or ip_mreqn.
func (s *inet) multicastInterface(b []byte) calls.Errno {
	var v tcpip.MulticastInterfaceOption
	switch {
	case s.isTCP() || len(b) < 4:
		return calls.EINVAL
	case len(b) >= 12:
		v.NIC = tcpip.NICID(int32(binary.NativeEndian.Uint32(b[8:])))
		b = b[4:]
	case len(b) >= 8:
		b = b[4:]
	}
	if a := tcpip.AddrFrom4Slice(b[:4]); !a.Unspecified() {
		v.InterfaceAddr = a
	}
	return errno(s.ep.SetSockOpt(&v))
}

// icmp6Filter is ICMPV6_FILTER. Source: Linux 6.16 include/uapi/linux/icmpv6.h.
const (
	icmp6Filter    = 1
	icmp6FilterLen = 32
)

// The filter of raw ICMPv6 sockets: bits of types that are not wanted.

func (s *inet) setFilter(b []byte) calls.Errno {
	if s.Type != socket.SOCK_RAW || s.Protocol != protoICMPv6 {
		return calls.ENOPROTOOPT
	}
	if len(b) < icmp6FilterLen {
		return calls.EINVAL
	}
	var v tcpip.ICMPv6Filter
	for i := range v.DenyType {
		v.DenyType[i] = binary.NativeEndian.Uint32(b[4*i:])
	}
	return errno(s.ep.SetSockOpt(&v))
}

func (s *inet) getFilter(b []byte) (int, calls.Errno) {
	if s.Type != socket.SOCK_RAW || s.Protocol != protoICMPv6 {
		return 0, calls.ENOPROTOOPT
	}
	var v tcpip.ICMPv6Filter
	if err := s.ep.GetSockOpt(&v); err != nil {
		return 0, errno(err)
	}
	var raw [icmp6FilterLen]byte
	for i, w := range v.DenyType {
		binary.NativeEndian.PutUint32(raw[4*i:], w)
	}
	return copy(b, raw[:]), 0
}
