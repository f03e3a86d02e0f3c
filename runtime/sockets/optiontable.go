package sockets

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// numbers are the options whose value is an int. It is an array of values, and not a map or of functions, so that the
// compiler can lay it out: code that makes it would be larger than all that it describes.
var numbers = [...]struct {
	option
	number
}{
	{option{socket.SOL_SOCKET, socket.SO_REUSEADDR}, flag{(*options).GetReuseAddress, (*options).SetReuseAddress}},
	{option{socket.SOL_SOCKET, socket.SO_REUSEPORT}, flag{(*options).GetReusePort, (*options).SetReusePort}},
	{option{socket.SOL_SOCKET, socket.SO_BROADCAST}, flag{(*options).GetBroadcast, (*options).SetBroadcast}},
	{option{socket.SOL_SOCKET, socket.SO_KEEPALIVE}, flag{(*options).GetKeepAlive, (*options).SetKeepAlive}},
	{option{socket.SOL_SOCKET, socket.SO_NO_CHECK}, flag{(*options).GetNoChecksum, (*options).SetNoChecksum}},
	{option{socket.SOL_SOCKET, socket.SO_OOBINLINE}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_DONTROUTE}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_DEBUG}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_PRIORITY}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_MARK}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_BUSY_POLL}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_RXQ_OVFL}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_TIMESTAMP}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_TIMESTAMPNS}, kept(0)},
	{option{socket.SOL_SOCKET, socket.SO_RCVLOWAT}, kept(1)},
	{option{socket.SOL_SOCKET, socket.SO_INCOMING_CPU}, readOnly(func(*inet) (int, calls.Errno) { return 0, 0 })},
	{option{socket.SOL_SOCKET, socket.SO_SNDLOWAT}, readOnly(func(*inet) (int, calls.Errno) { return 1, 0 })},
	{option{socket.SOL_SOCKET, socket.SO_SNDBUF}, sendBuffer},
	{option{socket.SOL_SOCKET, socket.SO_SNDBUFFORCE}, forced{sendBuffer}},
	{option{socket.SOL_SOCKET, socket.SO_RCVBUF}, receiveBuffer},
	{option{socket.SOL_SOCKET, socket.SO_RCVBUFFORCE}, forced{receiveBuffer}},
	{option{socket.SOL_SOCKET, socket.SO_ERROR}, readOnly((*inet).takeError)},
	{option{socket.SOL_SOCKET, socket.SO_ACCEPTCONN}, readOnly((*inet).listens)},

	{option{socket.SOL_IP, ipTOS}, tos{integer{tcpip.IPv4TOSOption, 0, 255}}},
	{option{socket.SOL_IP, ipTTL}, hops{integer{tcpip.IPv4TTLOption, 1, 255}, tcpip.UseDefaultIPv4TTL, defaultUnicastHops}},
	{option{socket.SOL_IP, ipHdrIncl}, flag{(*options).GetHeaderIncluded, (*options).SetHeaderIncluded}},
	{option{socket.SOL_IP, ipPktInfo}, flag{(*options).GetReceivePacketInfo, (*options).SetReceivePacketInfo}},
	{option{socket.SOL_IP, ipRecvErr}, flag{(*options).GetIPv4RecvError, (*options).SetIPv4RecvError}},
	{option{socket.SOL_IP, ipRecvTTL}, flag{(*options).GetReceiveTTL, (*options).SetReceiveTTL}},
	{option{socket.SOL_IP, ipRecvTOS}, flag{(*options).GetReceiveTOS, (*options).SetReceiveTOS}},
	{option{socket.SOL_IP, ipOrigDstAddr}, flag{(*options).GetReceiveOriginalDstAddress, (*options).SetReceiveOriginalDstAddress}},
	{option{socket.SOL_IP, ipMTUDiscover}, discovery{pmtudiscWant}},
	{option{socket.SOL_IP, ipMTU}, readOnly((*inet).pathMTU)},
	{option{socket.SOL_IP, ipFreebind}, kept(0)},
	{option{socket.SOL_IP, ipBindNoPort}, kept(0)},
	{option{socket.SOL_IP, ipMulticastAll}, kept(1)},
	{option{socket.SOL_IP, ipMulticastTTL}, datagram{multicastHops}},
	{option{socket.SOL_IP, ipMulticastLoop}, flag{(*options).GetMulticastLoop, (*options).SetMulticastLoop}},

	{option{socket.SOL_IPV6, ipv6UnicastHops}, hops{integer{tcpip.IPv6HopLimitOption, 0, 255}, tcpip.UseDefaultIPv6HopLimit, defaultUnicastHops}},
	{option{socket.SOL_IPV6, ipv6MulticastHops}, datagram{multicastHops}},
	{option{socket.SOL_IPV6, ipv6MulticastLoop}, flag{(*options).GetMulticastLoop, (*options).SetMulticastLoop}},
	{option{socket.SOL_IPV6, ipv6MulticastIf}, datagram{integer{tcpip.IPv6MulticastInterfaceOption, 0, maxInt32}}},
	{option{socket.SOL_IPV6, ipv6MulticastAll}, kept(1)},
	{option{socket.SOL_IPV6, ipv6MTUDiscover}, discovery{pmtudiscWant}},
	{option{socket.SOL_IPV6, ipv6MTU}, readOnly((*inet).pathMTU)},
	{option{socket.SOL_IPV6, ipv6RecvErr}, flag{(*options).GetIPv6RecvError, (*options).SetIPv6RecvError}},
	{option{socket.SOL_IPV6, ipv6V6Only}, v6only{}},
	{option{socket.SOL_IPV6, ipv6RecvPktInfo}, flag{(*options).GetIPv6ReceivePacketInfo, (*options).SetIPv6ReceivePacketInfo}},
	{option{socket.SOL_IPV6, ipv6RecvHopLimit}, flag{(*options).GetReceiveHopLimit, (*options).SetReceiveHopLimit}},
	{option{socket.SOL_IPV6, ipv6RecvTClass}, flag{(*options).GetReceiveTClass, (*options).SetReceiveTClass}},
	{option{socket.SOL_IPV6, ipv6OrigDstAddr}, flag{(*options).GetReceiveOriginalDstAddress, (*options).SetReceiveOriginalDstAddress}},
	{option{socket.SOL_IPV6, ipv6TClass}, hops{integer{tcpip.IPv6TrafficClassOption, 0, 255}, 0, 0}},
	{option{socket.SOL_IPV6, ipv6Checksum}, integer{tcpip.IPv6Checksum, -1, maxInt32}},
	{option{socket.SOL_IPV6, ipv6AutoFlowLabel}, kept(0)},

	{option{socket.SOL_TCP, tcpNoDelay}, not{(*options).GetDelayOption, (*options).SetDelayOption}},
	{option{socket.SOL_TCP, tcpCork}, flag{(*options).GetCorkOption, (*options).SetCorkOption}},
	{option{socket.SOL_TCP, tcpQuickAck}, flag{(*options).GetQuickAck, (*options).SetQuickAck}},
	{option{socket.SOL_TCP, tcpMaxSeg}, integer{tcpip.MaxSegOption, 88, 32767}}, // TCP_MIN_MSS, MAX_TCP_WINDOW
	{option{socket.SOL_TCP, tcpKeepIdle}, duration[tcpip.KeepaliveIdleOption, *tcpip.KeepaliveIdleOption]{time.Second, 1, tcpMaxKeepIdle}},
	{option{socket.SOL_TCP, tcpKeepIntvl}, duration[tcpip.KeepaliveIntervalOption, *tcpip.KeepaliveIntervalOption]{time.Second, 1, tcpMaxKeepIdle}},
	{option{socket.SOL_TCP, tcpKeepCnt}, integer{tcpip.KeepaliveCountOption, 1, tcpMaxKeepCnt}},
	{option{socket.SOL_TCP, tcpSynCnt}, integer{tcpip.TCPSynCountOption, 1, tcpMaxSynCnt}},
	{option{socket.SOL_TCP, tcpWindowClamp}, integer{tcpip.TCPWindowClampOption, 0, maxInt32}},
	{option{socket.SOL_TCP, tcpLinger2}, duration[tcpip.TCPLingerTimeoutOption, *tcpip.TCPLingerTimeoutOption]{time.Second, -maxInt32, maxInt32}},
	{option{socket.SOL_TCP, tcpDeferAccept}, duration[tcpip.TCPDeferAcceptOption, *tcpip.TCPDeferAcceptOption]{time.Second, 0, maxInt32}},
	{option{socket.SOL_TCP, tcpUserTimeout}, duration[tcpip.TCPUserTimeoutOption, *tcpip.TCPUserTimeoutOption]{time.Millisecond, 0, maxInt32}},
	{option{socket.SOL_TCP, tcpNotSentLowat}, kept(0)},

	{option{socket.SOL_UDP, udpSegment}, segmentSize{}},
	{option{socket.SOL_UDP, udpGRO}, kept(0)}, // datagrams come one by one
}

var (
	multicastHops = hops{integer{tcpip.MulticastTTLOption, 0, 255}, defaultMulticast, defaultMulticast}
	sendBuffer    = bufferSize{(*options).GetSendBufferSize, (*options).SetSendBufferSize, (*options).SendBufferLimits}
	receiveBuffer = bufferSize{(*options).GetReceiveBufferSize, (*options).SetReceiveBufferSize, (*options).ReceiveBufferLimits}
)

// numberOf returns the option of that name, nil if it is none of numbers.
func numberOf(o option) number {
	for i := range numbers {
		if numbers[i].option == o {
			return numbers[i].number
		}
	}
	return nil
}

// has checks that a socket of this kind has the options of a level.
func (s *inet) has(level int) bool {
	switch level {
	case socket.SOL_TCP:
		return s.isTCP()
	case socket.SOL_UDP:
		return s.Protocol == protoUDP
	case socket.SOL_IPV6:
		return s.Family == socket.AF_INET6
	}
	return true
}

// listens is SO_ACCEPTCONN.
func (s *inet) listens() (int, calls.Errno) {
	return socket.Bool(s.ep.SocketOptions().GetAcceptConn()), 0
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

// pathMTU is IP_MTU, for connected sockets.
func (s *inet) pathMTU() (int, calls.Errno) {
	a, err := s.ep.GetRemoteAddress()
	if err != nil {
		return 0, calls.ENOTCONN
	}
	return s.mtuTo(a)
}
