package sockets

import (
	"encoding/binary"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

const maxLinger = 1 << 20 // seconds

func (s *inet) Option(level, name int, value []byte) (int, calls.Errno) {
	o := option{level, name}
	if n := numberOf(o); n != nil {
		if !s.has(level) {
			return 0, s.unknown(level)
		}
		v, err := n.get(s, o)
		if err != 0 {
			return 0, err
		}
		return putNumber(level, value, v), 0
	}
	switch o {
	case option{socket.SOL_SOCKET, socket.SO_LINGER}:
		l := s.ep.SocketOptions().GetLinger()
		var b [8]byte
		binary.NativeEndian.PutUint32(b[:], uint32(socket.Bool(l.Enabled)))
		binary.NativeEndian.PutUint32(b[4:], uint32(l.Timeout/time.Second))
		return copy(value, b[:]), 0
	case option{socket.SOL_SOCKET, socket.SO_BINDTODEVICE}:
		id := tcpip.NICID(s.ep.SocketOptions().GetBindToDevice())
		if id == 0 {
			return 0, 0
		}
		name := s.st.FindNICNameFromID(id) + "\x00"
		if len(value) < len(name) {
			return 0, calls.EINVAL
		}
		return copy(value, name), 0
	case option{socket.SOL_TCP, tcpCongestion}:
		if !s.isTCP() {
			return 0, calls.ENOPROTOOPT
		}
		var v tcpip.CongestionControlOption
		if err := s.ep.GetSockOpt(&v); err != nil {
			return 0, errno(err)
		}
		return copy(value, string(v)+"\x00"), 0
	case option{socket.SOL_TCP, tcpInfo}:
		if !s.isTCP() {
			return 0, calls.ENOPROTOOPT
		}
		return s.tcpInfo(value)
	case option{socket.SOL_IP, ipMulticastIf}:
		var v tcpip.MulticastInterfaceOption
		if err := s.ep.GetSockOpt(&v); err != nil {
			return 0, errno(err)
		}
		var b [4]byte
		putAddr(b[:], v.InterfaceAddr)
		return copy(value, b[:]), 0
	case option{socket.SOL_ICMPV6, icmp6Filter}:
		return s.getFilter(value)
	}
	return 0, s.unknown(level)
}

func (s *inet) SetOption(level, name int, value []byte) calls.Errno {
	o := option{level, name}
	if n := numberOf(o); n != nil {
		if !s.has(level) {
			return calls.ENOPROTOOPT
		}
		v, err := getNumber(level, value)
		if err != 0 {
			return err
		}
		return n.set(s, o, v)
	}
	switch o {
	case option{socket.SOL_SOCKET, socket.SO_LINGER}:
		if len(value) < 8 {
			return calls.EINVAL
		}
		s.ep.SocketOptions().SetLinger(tcpip.LingerOption{
			Enabled: binary.NativeEndian.Uint32(value) != 0,
			Timeout: time.Second * time.Duration(min(binary.NativeEndian.Uint32(value[4:]), maxLinger)),
		})
		return 0
	case option{socket.SOL_SOCKET, socket.SO_BINDTODEVICE}:
		return s.bindToDevice(value)
	case option{socket.SOL_TCP, tcpCongestion}:
		if !s.isTCP() {
			return calls.ENOPROTOOPT
		}
		v := tcpip.CongestionControlOption(word(value))
		if s.ep.SetSockOpt(&v) != nil {
			return calls.ENOENT // the only thing that can be wrong with it
		}
		return 0
	case option{socket.SOL_IP, ipMulticastIf}:
		return s.multicastInterface(value)
	case option{socket.SOL_IP, ipAddMembership}, option{socket.SOL_IP, ipDropMembership},
		option{socket.SOL_IPV6, ipv6Join}, option{socket.SOL_IPV6, ipv6Leave},
		option{socket.SOL_IP, mcastJoinGroup}, option{socket.SOL_IP, mcastLeaveGroup},
		option{socket.SOL_IPV6, mcastJoinGroup}, option{socket.SOL_IPV6, mcastLeaveGroup}:
		return s.membership(level, name, value)
	case option{socket.SOL_ICMPV6, icmp6Filter}:
		return s.setFilter(value)
	}
	return calls.ENOPROTOOPT
}

// unknown is the error of getsockopt(2) for an option that there is not.
func (s *inet) unknown(level int) calls.Errno {
	switch {
	case s.Family == socket.AF_INET6, level == socket.SOL_SOCKET, level == socket.SOL_IP,
		level == socket.SOL_TCP && s.isTCP(), level == socket.SOL_UDP && s.Protocol == protoUDP:
		return calls.ENOPROTOOPT
	}
	// Source: Linux 6.16 net/ipv4/ip_sockglue.c, do_ip_getsockopt.
	return calls.EOPNOTSUPP
}

// getNumber reads an int, for which options of SOL_IP may have only one byte (Linux 6.16 net/ipv4/ip_sockglue.c, do_ip_setsockopt).
func getNumber(level int, value []byte) (int, calls.Errno) {
	if level == socket.SOL_IP && len(value) >= 1 && len(value) < 4 {
		return int(value[0]), 0
	}
	return socket.Int(value)
}

// putNumber writes an int, or a byte where there is room for no more.
func putNumber(level int, value []byte, v int) int {
	if level == socket.SOL_IP && len(value) > 0 && len(value) < 4 && v >= 0 && v <= 255 {
		value[0] = byte(v)
		return 1
	}
	return socket.PutInt(value, v)
}

// word returns a string without what follows its zero.
func word(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// bindToDevice is SO_BINDTODEVICE with the name of an interface, none to undo it.
func (s *inet) bindToDevice(value []byte) calls.Errno {
	name := word(value)
	if name == "" {
		return errno(s.ep.SocketOptions().SetBindToDevice(0))
	}
	id := s.nicByName(name)
	if id == 0 {
		s.st.WaitSettled()
		if id = s.nicByName(name); id == 0 {
			return calls.ENODEV
		}
	}
	return errno(s.ep.SocketOptions().SetBindToDevice(int32(id)))
}

func (s *inet) nicByName(name string) tcpip.NICID {
	for id, info := range s.st.NICInfo() {
		if info.Name == name {
			return id
		}
	}
	return 0
}

// mtuTo returns the MTU of the route to a.
func (s *inet) mtuTo(a tcpip.FullAddress) (int, calls.Errno) {
	addr, protocol := unmapped(a.Addr), header.IPv6ProtocolNumber
	headerLen := header.IPv6MinimumSize
	if addr.Len() == 4 {
		protocol, headerLen = header.IPv4ProtocolNumber, header.IPv4MinimumSize
	}
	r, err := s.st.FindRoute(a.NIC, tcpip.Address{}, addr, protocol, false)
	if err != nil {
		return 0, errno(err)
	}
	defer r.Release()
	return int(r.MTU()) + headerLen, 0
}

// tcpInfoLen is the part of struct tcp_info that is filled in, up to tcpi_total_retrans.
// Source: Linux 6.16 include/uapi/linux/tcp.h.
const (
	tcpInfoLen = 104
	reordering = 3 // TCP_FASTRETRANS_THRESH. Source: include/net/tcp.h.
)

// tcpInfo is TCP_INFO, as far as the stack keeps count.
func (s *inet) tcpInfo(value []byte) (int, calls.Errno) {
	var info tcpip.TCPInfoOption
	if err := s.ep.GetSockOpt(&info); err != nil {
		return 0, errno(err)
	}
	var b [tcpInfoLen]byte
	put := func(offset int, v uint32) { binary.NativeEndian.PutUint32(b[offset:], v) }
	b[0] = linuxState[tcp.EndpointState(info.State)]
	b[1] = [...]byte{tcpip.Open: 0, tcpip.RTORecovery: 4, tcpip.FastRecovery: 3, tcpip.SACKRecovery: 3, tcpip.Disorder: 1}[info.CcState]
	put(8, uint32(info.RTO.Microseconds()))
	mss, err := s.ep.GetSockOptInt(tcpip.MaxSegOption)
	if err != nil {
		return 0, errno(err)
	}
	put(16, uint32(mss)) // snd_mss
	put(20, uint32(mss)) // rcv_mss
	put(68, uint32(info.RTT.Microseconds()))
	put(72, uint32(info.RTTVar.Microseconds()))
	put(76, info.SndSsthresh)
	put(80, info.SndCwnd)
	put(84, uint32(mss)) // advmss
	put(88, reordering)
	return copy(value, b[:]), 0
}

// linuxState has Linux's numbers of states. Source: Linux 6.16 include/net/tcp_states.h.
var linuxState = map[tcp.EndpointState]byte{
	tcp.StateEstablished: 1, tcp.StateConnecting: 2, tcp.StateSynSent: 2, tcp.StateSynRecv: 3, tcp.StateFinWait1: 4,
	tcp.StateFinWait2: 5, tcp.StateTimeWait: 6, tcp.StateInitial: 7, tcp.StateBound: 7, tcp.StateClose: 7, tcp.StateError: 7,
	tcp.StateCloseWait: 8, tcp.StateLastAck: 9, tcp.StateListen: 10, tcp.StateClosing: 11,
}
