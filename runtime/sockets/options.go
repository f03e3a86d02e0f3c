package sockets

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// Options of SOL_IP. Source: Linux 6.16 include/uapi/linux/in.h.
const (
	ipTOS              = 1
	ipTTL              = 2
	ipHdrIncl          = 3
	ipPktInfo          = 8
	ipMTUDiscover      = 10
	ipRecvErr          = 11
	ipRecvTTL          = 12
	ipRecvTOS          = 13
	ipMTU              = 14
	ipFreebind         = 15
	ipOrigDstAddr      = 20
	ipBindNoPort       = 24
	ipMulticastIf      = 32
	ipMulticastTTL     = 33
	ipMulticastLoop    = 34
	ipAddMembership    = 35
	ipDropMembership   = 36
	mcastJoinGroup     = 42
	mcastLeaveGroup    = 45
	ipMulticastAll     = 49
	pmtudiscOmit       = 5
	pmtudiscWant       = 1
	defaultMulticast   = 1
	defaultUnicastHops = 64
)

// Options of SOL_IPV6. Source: Linux 6.16 include/uapi/linux/in6.h.
const (
	ipv6Checksum      = 7
	ipv6UnicastHops   = 16
	ipv6MulticastIf   = 17
	ipv6MulticastHops = 18
	ipv6MulticastLoop = 19
	ipv6Join          = 20
	ipv6Leave         = 21
	ipv6MTUDiscover   = 23
	ipv6MTU           = 24
	ipv6RecvErr       = 25
	ipv6V6Only        = 26
	ipv6MulticastAll  = 29
	ipv6RecvPktInfo   = 49
	ipv6PktInfo       = 50
	ipv6RecvHopLimit  = 51
	ipv6HopLimit      = 52
	ipv6RecvTClass    = 66
	ipv6TClass        = 67
	ipv6AutoFlowLabel = 70
)

// Options of SOL_TCP. Source: Linux 6.16 include/uapi/linux/tcp.h.
const (
	tcpNoDelay      = 1
	tcpMaxSeg       = 2
	tcpCork         = 3
	tcpKeepIdle     = 4
	tcpKeepIntvl    = 5
	tcpKeepCnt      = 6
	tcpSynCnt       = 7
	tcpLinger2      = 8
	tcpDeferAccept  = 9
	tcpWindowClamp  = 10
	tcpInfo         = 11
	tcpQuickAck     = 12
	tcpCongestion   = 13
	tcpUserTimeout  = 18
	tcpNotSentLowat = 25
	tcpMaxKeepIdle  = 32767 // seconds; MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL. Source: include/net/tcp.h.
	tcpMaxKeepCnt   = 127
	tcpMaxSynCnt    = 127
)

// A number is an option whose value is an int.
type number struct {
	get func(s *inet) (int, calls.Errno)
	set func(s *inet, v int) calls.Errno
	// streams says that only they have the option, datagrams that only others can set it.
	streams, datagrams bool
	family             int // that has it, 0 for both
}

// flag is an option that the stack keeps as a bool.
func flag(get func(*tcpip.SocketOptions) bool, set func(*tcpip.SocketOptions, bool)) number {
	return number{
		get: func(s *inet) (int, calls.Errno) { return socket.Bool(get(s.ep.SocketOptions())), 0 },
		set: func(s *inet, v int) calls.Errno { set(s.ep.SocketOptions(), v != 0); return 0 },
	}
}

// not is flag for a bool that means the opposite.
func not(get func(*tcpip.SocketOptions) bool, set func(*tcpip.SocketOptions, bool)) number {
	return flag(
		func(o *tcpip.SocketOptions) bool { return !get(o) },
		func(o *tcpip.SocketOptions, v bool) { set(o, !v) })
}

// integer is an option that the stack keeps as an int between least and most.
func integer(opt tcpip.SockOptInt, least, most int) number {
	return number{
		get: func(s *inet) (int, calls.Errno) {
			v, err := s.ep.GetSockOptInt(opt)
			return v, errno(err)
		},
		set: func(s *inet, v int) calls.Errno {
			if v < least || v > most {
				return calls.EINVAL
			}
			return errno(s.ep.SetSockOptInt(opt, v))
		},
	}
}

// hops is integer for an option that -1 sets to its default.
func hops(opt tcpip.SockOptInt, least, unset, show int) number {
	n := integer(opt, least, 255)
	return number{
		get: func(s *inet) (int, calls.Errno) {
			v, err := n.get(s)
			if v == unset {
				v = show
			}
			return v, err
		},
		set: func(s *inet, v int) calls.Errno {
			if v == -1 {
				return errno(s.ep.SetSockOptInt(opt, unset))
			}
			return n.set(s, v)
		},
	}
}

// kept is an option that is only remembered, because what it is for happens in any case or does not exist here.
func kept(level, name, unset int) number {
	return number{
		get: func(s *inet) (int, calls.Errno) { return s.settings.get(level, name) ^ unset, 0 },
		set: func(s *inet, v int) calls.Errno { s.settings.set(level, name, v^unset); return 0 },
	}
}

// readOnly is an option that cannot be set.
func readOnly(get func(s *inet) (int, calls.Errno)) number {
	return number{get: get, set: func(*inet, int) calls.Errno { return calls.ENOPROTOOPT }}
}

// duration is an option of streams in units of some length.
func duration[T ~int64, P interface {
	*T
	tcpip.GettableSocketOption
	tcpip.SettableSocketOption
}](unit time.Duration, least, most int) number {
	return number{
		streams: true,
		get: func(s *inet) (int, calls.Errno) {
			var v T
			err := s.ep.GetSockOpt(P(&v))
			return int(time.Duration(v) / unit), errno(err)
		},
		set: func(s *inet, v int) calls.Errno {
			if v < least || v > most {
				return calls.EINVAL
			}
			d := T(time.Duration(v) * unit)
			return errno(s.ep.SetSockOpt(P(&d)))
		},
	}
}

func stream(n number) number               { n.streams = true; return n }
func datagram(n number) number             { n.datagrams = true; return n }
func of(family int, n number) number       { n.family = family; return n }
func v6(n number) number                   { return of(socket.AF_INET6, n) }
func anyValue(opt tcpip.SockOptInt) number { return integer(opt, 0, 1<<31-1) }

type options = tcpip.SocketOptions

const maxInt32 = 1<<31 - 1

// numbers are the options whose value is an int.
var numbers = map[option]number{
	{socket.SOL_SOCKET, socket.SO_REUSEADDR}:    flag((*options).GetReuseAddress, (*options).SetReuseAddress),
	{socket.SOL_SOCKET, socket.SO_REUSEPORT}:    flag((*options).GetReusePort, (*options).SetReusePort),
	{socket.SOL_SOCKET, socket.SO_BROADCAST}:    flag((*options).GetBroadcast, (*options).SetBroadcast),
	{socket.SOL_SOCKET, socket.SO_KEEPALIVE}:    flag((*options).GetKeepAlive, (*options).SetKeepAlive),
	{socket.SOL_SOCKET, socket.SO_NO_CHECK}:     flag((*options).GetNoChecksum, (*options).SetNoChecksum),
	{socket.SOL_SOCKET, socket.SO_OOBINLINE}:    kept(socket.SOL_SOCKET, socket.SO_OOBINLINE, 0),
	{socket.SOL_SOCKET, socket.SO_DONTROUTE}:    kept(socket.SOL_SOCKET, socket.SO_DONTROUTE, 0),
	{socket.SOL_SOCKET, socket.SO_DEBUG}:        kept(socket.SOL_SOCKET, socket.SO_DEBUG, 0),
	{socket.SOL_SOCKET, socket.SO_PRIORITY}:     kept(socket.SOL_SOCKET, socket.SO_PRIORITY, 0),
	{socket.SOL_SOCKET, socket.SO_MARK}:         kept(socket.SOL_SOCKET, socket.SO_MARK, 0),
	{socket.SOL_SOCKET, socket.SO_BUSY_POLL}:    kept(socket.SOL_SOCKET, socket.SO_BUSY_POLL, 0),
	{socket.SOL_SOCKET, socket.SO_RXQ_OVFL}:     kept(socket.SOL_SOCKET, socket.SO_RXQ_OVFL, 0),
	{socket.SOL_SOCKET, socket.SO_TIMESTAMP}:    kept(socket.SOL_SOCKET, socket.SO_TIMESTAMP, 0),
	{socket.SOL_SOCKET, socket.SO_TIMESTAMPNS}:  kept(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, 0),
	{socket.SOL_SOCKET, socket.SO_RCVLOWAT}:     kept(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1),
	{socket.SOL_SOCKET, socket.SO_INCOMING_CPU}: readOnly(func(*inet) (int, calls.Errno) { return 0, 0 }),
	{socket.SOL_SOCKET, socket.SO_SNDLOWAT}:     readOnly(func(*inet) (int, calls.Errno) { return 1, 0 }),
	{socket.SOL_SOCKET, socket.SO_SNDBUF}:       sendBuffer,
	{socket.SOL_SOCKET, socket.SO_SNDBUFFORCE}:  sendBuffer,
	{socket.SOL_SOCKET, socket.SO_RCVBUF}:       receiveBuffer,
	{socket.SOL_SOCKET, socket.SO_RCVBUFFORCE}:  receiveBuffer,
	{socket.SOL_SOCKET, socket.SO_ERROR}:        readOnly((*inet).takeError),
	{socket.SOL_SOCKET, socket.SO_ACCEPTCONN}: readOnly(func(s *inet) (int, calls.Errno) {
		return socket.Bool(s.ep.SocketOptions().GetAcceptConn()), 0
	}),

	{socket.SOL_IP, ipTOS}:           tos(tcpip.IPv4TOSOption),
	{socket.SOL_IP, ipTTL}:           hops(tcpip.IPv4TTLOption, 1, tcpip.UseDefaultIPv4TTL, defaultUnicastHops),
	{socket.SOL_IP, ipHdrIncl}:       flag((*options).GetHeaderIncluded, (*options).SetHeaderIncluded),
	{socket.SOL_IP, ipPktInfo}:       flag((*options).GetReceivePacketInfo, (*options).SetReceivePacketInfo),
	{socket.SOL_IP, ipRecvErr}:       flag((*options).GetIPv4RecvError, (*options).SetIPv4RecvError),
	{socket.SOL_IP, ipRecvTTL}:       flag((*options).GetReceiveTTL, (*options).SetReceiveTTL),
	{socket.SOL_IP, ipRecvTOS}:       flag((*options).GetReceiveTOS, (*options).SetReceiveTOS),
	{socket.SOL_IP, ipOrigDstAddr}:   flag((*options).GetReceiveOriginalDstAddress, (*options).SetReceiveOriginalDstAddress),
	{socket.SOL_IP, ipMTUDiscover}:   discovery(socket.SOL_IP, ipMTUDiscover),
	{socket.SOL_IP, ipMTU}:           readOnly((*inet).pathMTU),
	{socket.SOL_IP, ipFreebind}:      kept(socket.SOL_IP, ipFreebind, 0),
	{socket.SOL_IP, ipBindNoPort}:    kept(socket.SOL_IP, ipBindNoPort, 0),
	{socket.SOL_IP, ipMulticastAll}:  kept(socket.SOL_IP, ipMulticastAll, 1),
	{socket.SOL_IP, ipMulticastTTL}:  datagram(hops(tcpip.MulticastTTLOption, 0, defaultMulticast, defaultMulticast)),
	{socket.SOL_IP, ipMulticastLoop}: flag((*options).GetMulticastLoop, (*options).SetMulticastLoop),

	{socket.SOL_IPV6, ipv6UnicastHops}:   v6(hops(tcpip.IPv6HopLimitOption, 0, tcpip.UseDefaultIPv6HopLimit, defaultUnicastHops)),
	{socket.SOL_IPV6, ipv6MulticastHops}: v6(datagram(hops(tcpip.MulticastTTLOption, 0, defaultMulticast, defaultMulticast))),
	{socket.SOL_IPV6, ipv6MulticastLoop}: v6(flag((*options).GetMulticastLoop, (*options).SetMulticastLoop)),
	{socket.SOL_IPV6, ipv6MulticastIf}:   v6(datagram(anyValue(tcpip.IPv6MulticastInterfaceOption))),
	{socket.SOL_IPV6, ipv6MulticastAll}:  v6(kept(socket.SOL_IPV6, ipv6MulticastAll, 1)),
	{socket.SOL_IPV6, ipv6MTUDiscover}:   v6(discovery(socket.SOL_IPV6, ipv6MTUDiscover)),
	{socket.SOL_IPV6, ipv6MTU}:           v6(readOnly((*inet).pathMTU)),
	{socket.SOL_IPV6, ipv6RecvErr}:       v6(flag((*options).GetIPv6RecvError, (*options).SetIPv6RecvError)),
	{socket.SOL_IPV6, ipv6V6Only}:        v6(v6only),
	{socket.SOL_IPV6, ipv6RecvPktInfo}:   v6(flag((*options).GetIPv6ReceivePacketInfo, (*options).SetIPv6ReceivePacketInfo)),
	{socket.SOL_IPV6, ipv6RecvHopLimit}:  v6(flag((*options).GetReceiveHopLimit, (*options).SetReceiveHopLimit)),
	{socket.SOL_IPV6, ipv6RecvTClass}:    v6(flag((*options).GetReceiveTClass, (*options).SetReceiveTClass)),
	{socket.SOL_IPV6, ipv6TClass}:        v6(hops(tcpip.IPv6TrafficClassOption, 0, 0, 0)),
	{socket.SOL_IPV6, ipv6Checksum}:      v6(integer(tcpip.IPv6Checksum, -1, maxInt32)),
	{socket.SOL_IPV6, ipv6AutoFlowLabel}: v6(kept(socket.SOL_IPV6, ipv6AutoFlowLabel, 0)),

	{socket.SOL_TCP, tcpNoDelay}:      stream(not((*options).GetDelayOption, (*options).SetDelayOption)),
	{socket.SOL_TCP, tcpCork}:         stream(flag((*options).GetCorkOption, (*options).SetCorkOption)),
	{socket.SOL_TCP, tcpQuickAck}:     stream(flag((*options).GetQuickAck, (*options).SetQuickAck)),
	{socket.SOL_TCP, tcpMaxSeg}:       stream(integer(tcpip.MaxSegOption, 88, 32767)), // TCP_MIN_MSS, MAX_TCP_WINDOW
	{socket.SOL_TCP, tcpKeepIdle}:     duration[tcpip.KeepaliveIdleOption](time.Second, 1, tcpMaxKeepIdle),
	{socket.SOL_TCP, tcpKeepIntvl}:    duration[tcpip.KeepaliveIntervalOption](time.Second, 1, tcpMaxKeepIdle),
	{socket.SOL_TCP, tcpKeepCnt}:      stream(integer(tcpip.KeepaliveCountOption, 1, tcpMaxKeepCnt)),
	{socket.SOL_TCP, tcpSynCnt}:       stream(integer(tcpip.TCPSynCountOption, 1, tcpMaxSynCnt)),
	{socket.SOL_TCP, tcpWindowClamp}:  stream(anyValue(tcpip.TCPWindowClampOption)),
	{socket.SOL_TCP, tcpLinger2}:      duration[tcpip.TCPLingerTimeoutOption](time.Second, -maxInt32, maxInt32),
	{socket.SOL_TCP, tcpDeferAccept}:  duration[tcpip.TCPDeferAcceptOption](time.Second, 0, maxInt32),
	{socket.SOL_TCP, tcpUserTimeout}:  duration[tcpip.TCPUserTimeoutOption](time.Millisecond, 0, maxInt32),
	{socket.SOL_TCP, tcpNotSentLowat}: stream(kept(socket.SOL_TCP, tcpNotSentLowat, 0)),
}

// takeError is SO_ERROR.
func (s *inet) takeError() (int, calls.Errno) {
	if err := s.pending.take(); err != 0 {
		return int(err), 0
	}
	err := s.ep.LastError()
	if s.isTCP() && err != nil {
		s.ep.LastError() // a connection that fails says so twice
	}
	if _, ok := err.(*tcpip.ErrConnectionReset); ok && s.finished.Load() {
		return int(calls.EPIPE), 0
	}
	return int(errno(err)), 0
}

// Linux doubles the size of a buffer that is asked for, to make up for its overhead, and shows what it has made of it.
// Source: Linux 6.16 net/core/sock.c, sk_setsockopt.
const (
	bufferFactor = 2
	maxBuffer    = maxInt32 / bufferFactor
)

var sendBuffer = number{
	get: func(s *inet) (int, calls.Errno) { return int(s.ep.SocketOptions().GetSendBufferSize()), 0 },
	set: func(s *inet, v int) calls.Errno {
		o := s.ep.SocketOptions()
		least, most := o.SendBufferLimits()
		o.SetSendBufferSize(max(least, min(most, int64(min(uint32(v), maxBuffer))*bufferFactor)), true)
		return 0
	},
}

var receiveBuffer = number{
	get: func(s *inet) (int, calls.Errno) { return int(s.ep.SocketOptions().GetReceiveBufferSize()), 0 },
	set: func(s *inet, v int) calls.Errno {
		o := s.ep.SocketOptions()
		least, most := o.ReceiveBufferLimits()
		o.SetReceiveBufferSize(max(least, min(most, int64(min(uint32(v), maxBuffer))*bufferFactor)), true)
		return 0
	},
}

// v6only can be changed until the socket is bound.
var v6only = number{
	get: func(s *inet) (int, calls.Errno) { return socket.Bool(s.ep.SocketOptions().GetV6Only()), 0 },
	set: func(s *inet, v int) calls.Errno {
		if a, err := s.ep.GetLocalAddress(); err == nil && a.Port != 0 || s.isTCP() && s.tcpState() != tcp.StateInitial {
			return calls.EINVAL
		}
		s.ep.SocketOptions().SetV6Only(v != 0)
		return 0
	},
}

// tos is IP_TOS, of which only a byte counts.
func tos(opt tcpip.SockOptInt) number {
	n := integer(opt, 0, 255)
	return number{get: n.get, set: func(s *inet, v int) calls.Errno { return n.set(s, v&0xff) }}
}

// discovery is IP_MTU_DISCOVER. The stack fragments as the path demands, and TCP heeds it in any case.
func discovery(level, name int) number {
	n := kept(level, name, pmtudiscWant)
	return number{get: n.get, set: func(s *inet, v int) calls.Errno {
		if v < 0 || v > pmtudiscOmit {
			return calls.EINVAL
		}
		return n.set(s, v)
	}}
}

// pathMTU is IP_MTU, for connected sockets.
func (s *inet) pathMTU() (int, calls.Errno) {
	a, err := s.ep.GetRemoteAddress()
	if err != nil {
		return 0, calls.ENOTCONN
	}
	return s.mtuTo(a)
}
