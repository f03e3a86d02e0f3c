package sockets

import (
	"fmt"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"

	"internal/xengo/runtime/netstack"
)

// Files of /proc/net that have counters.

// A counter is one with the name that Linux has for it (net/ipv4/proc.c and net/ipv6/proc.c of Linux 6.16).
type counter struct {
	name  string
	value uint64
}

func count(name string, c *tcpip.StatCounter) counter { return counter{name, c.Value()} }

// pairOfLines has the names on one line and the values on the next.
func pairOfLines(b []byte, protocol string, list []counter) []byte {
	b = append(b, protocol+":"...)
	for _, c := range list {
		b = append(b, " "+c.name...)
	}
	b = append(b, "\n"+protocol+":"...)
	for _, c := range list {
		b = fmt.Appendf(b, " %d", c.value)
	}
	return append(b, '\n')
}

// ipCounters are those of one version of IP, of all interfaces.
func ipCounters(list []*tcpip.IPStats) []counter {
	sum := []counter{{name: "InReceives"}, {name: "InHdrErrors"}, {name: "InAddrErrors"}, {name: "InDelivers"}, {name: "OutRequests"}, {name: "OutDiscards"}}
	for _, s := range list {
		for i, c := range []*tcpip.StatCounter{s.PacketsReceived, s.MalformedPacketsReceived, s.InvalidDestinationAddressesReceived,
			s.PacketsDelivered, s.PacketsSent, s.OutgoingPacketErrors} {
			sum[i].value += c.Value()
		}
	}
	return sum
}

// ipStats returns the counters of each interface.
func ipStats(st *netstack.Stack) (four, six []*tcpip.IPStats) {
	for _, info := range st.NICInfo() {
		for _, s := range info.NetworkStats {
			switch s := s.(type) {
			case *ipv4.Stats:
				four = append(four, &s.IP)
			case *ipv6.Stats:
				six = append(six, &s.IP)
			}
		}
	}
	return four, six
}

// snmp is /proc/net/snmp. TCP and UDP are of both versions of IP.
func snmp(st *netstack.Stack) []byte {
	s := st.Stats()
	four, _ := ipStats(st)
	b := pairOfLines(nil, "Ip", append([]counter{{"Forwarding", 2}, {"DefaultTTL", 64}}, ipCounters(four)...))
	in, out := s.ICMP.V4.PacketsReceived, s.ICMP.V4.PacketsSent
	b = pairOfLines(b, "Icmp", []counter{
		count("InErrors", in.Invalid), count("InDestUnreachs", in.DstUnreachable), count("InTimeExcds", in.TimeExceeded),
		count("InEchos", in.EchoRequest), count("InEchoReps", in.EchoReply), count("OutErrors", out.Dropped),
		count("OutDestUnreachs", out.DstUnreachable), count("OutEchos", out.EchoRequest), count("OutEchoReps", out.EchoReply),
	})
	b = pairOfLines(b, "Tcp", []counter{
		count("ActiveOpens", s.TCP.ActiveConnectionOpenings), count("PassiveOpens", s.TCP.PassiveConnectionOpenings),
		count("AttemptFails", s.TCP.FailedConnectionAttempts), count("EstabResets", s.TCP.EstablishedResets),
		count("CurrEstab", s.TCP.CurrentEstablished), {"InSegs", s.TCP.ValidSegmentsReceived.Value() + s.TCP.InvalidSegmentsReceived.Value()},
		count("OutSegs", s.TCP.SegmentsSent), count("RetransSegs", s.TCP.Retransmits), count("InErrs", s.TCP.InvalidSegmentsReceived),
		count("OutRsts", s.TCP.ResetsSent), count("InCsumErrors", s.TCP.ChecksumErrors),
	})
	return pairOfLines(b, "Udp", []counter{
		count("InDatagrams", s.UDP.PacketsReceived), count("NoPorts", s.UDP.UnknownPortErrors),
		{"InErrors", s.UDP.MalformedPacketsReceived.Value() + s.UDP.ReceiveBufferErrors.Value() + s.UDP.ChecksumErrors.Value()},
		count("OutDatagrams", s.UDP.PacketsSent), count("RcvbufErrors", s.UDP.ReceiveBufferErrors), count("InCsumErrors", s.UDP.ChecksumErrors),
	})
}

// snmp6 is /proc/net/snmp6.
func snmp6(st *netstack.Stack) []byte {
	_, six := ipStats(st)
	var b []byte
	for _, c := range ipCounters(six) {
		b = fmt.Appendf(b, "%-32s\t%d\n", "Ip6"+c.name, c.value)
	}
	return b
}

// netstat is /proc/net/netstat.
func netstat(st *netstack.Stack) []byte {
	s := st.Stats().TCP
	return pairOfLines(nil, "TcpExt", []counter{
		count("SyncookiesSent", s.ListenOverflowSynCookieSent), count("SyncookiesRecv", s.ListenOverflowSynCookieRcvd),
		count("SyncookiesFailed", s.ListenOverflowInvalidSynCookieRcvd), count("ListenOverflows", s.ListenOverflowAckDrop),
		{"ListenDrops", s.ListenOverflowAckDrop.Value() + s.ListenOverflowSynDrop.Value()}, count("TCPSackRecovery", s.SACKRecovery),
		count("TCPFastRetrans", s.FastRetransmit), count("TCPSlowStartRetrans", s.SlowStartRetransmits), count("TCPTimeouts", s.Timeouts),
		count("TCPLossProbeRecovery", s.TLPRecovery), count("TCPSpuriousRTOs", s.SpuriousRTORecovery),
	})
}

// deviceTable is /proc/net/dev, in the format of Linux 6.16 net/core/net-procfs.c.
func deviceTable(st *netstack.Stack) []byte {
	b := []byte("Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n")
	for _, l := range links(st) {
		n := l.counters()
		b = fmt.Appendf(b, "%6s: %7d %7d %4d %4d    0     0          0         0 %8d %7d    0 %4d    0     0       0          0\n",
			l.info.Name, n.rxBytes, n.rxPackets, n.rxErrors, n.rxDropped, n.txBytes, n.txPackets, n.txDropped)
	}
	return b
}

// linkCounters are those of an interface.
type linkCounters struct {
	rxPackets, txPackets, rxBytes, txBytes, rxErrors, rxDropped, txDropped uint64
}

func (l *netLink) counters() linkCounters {
	s := &l.info.Stats
	return linkCounters{
		rxPackets: s.Rx.Packets.Value(), txPackets: s.Tx.Packets.Value(), rxBytes: s.Rx.Bytes.Value(), txBytes: s.Tx.Bytes.Value(),
		rxErrors: s.MalformedL4RcvdPackets.Value(), rxDropped: s.DisabledRx.Packets.Value(), txDropped: s.TxPacketsDroppedNoBufferSpace.Value(),
	}
}
