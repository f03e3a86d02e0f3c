package sockets

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
	ipv6OrigDstAddr   = 74
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
