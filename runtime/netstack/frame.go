package netstack

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"internal/xengo/runtime/netstack/dhcp4"
)

// Frames that the stack does not make: DHCP's, which come before there is an address, and announcements.

// dhcpFrame returns a frame that broadcasts a client's message from the address from, which may be unspecified.
func dhcpFrame(mac tcpip.LinkAddress, from netip.Addr, payload []byte) []byte {
	const headers = header.EthernetMinimumSize + header.IPv4MinimumSize + header.UDPMinimumSize
	frame := make([]byte, headers+len(payload))
	header.Ethernet(frame).Encode(&header.EthernetFields{SrcAddr: mac, DstAddr: header.EthernetBroadcastAddress, Type: header.IPv4ProtocolNumber})
	ip := header.IPv4(frame[header.EthernetMinimumSize:])
	src := tcpip.AddrFrom4([4]byte{})
	if from.Is4() {
		src = tcpip.AddrFrom4(from.As4())
	}
	udpLen := uint16(header.UDPMinimumSize + len(payload))
	ip.Encode(&header.IPv4Fields{
		TotalLength: header.IPv4MinimumSize + udpLen,
		TTL:         64, // RFC 1700
		Protocol:    uint8(header.UDPProtocolNumber),
		SrcAddr:     src,
		DstAddr:     header.IPv4Broadcast,
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	udp := header.UDP(ip[header.IPv4MinimumSize:])
	udp.Encode(&header.UDPFields{SrcPort: dhcp4.ClientPort, DstPort: dhcp4.ServerPort, Length: udpLen})
	copy(udp[header.UDPMinimumSize:], payload)
	sum := header.PseudoHeaderChecksum(header.UDPProtocolNumber, src, header.IPv4Broadcast, udpLen)
	sum = checksum.Checksum(payload, sum)
	if sum = ^udp.CalculateChecksum(sum); sum == 0 {
		sum = 0xffff // RFC 768: zero means none
	}
	udp.SetChecksum(sum)
	return frame
}

// dhcpPayload returns the message to a DHCP client that a frame carries, nil for any other frame.
func dhcpPayload(frame []byte) []byte {
	eth := header.Ethernet(frame)
	if len(frame) < header.EthernetMinimumSize+header.IPv4MinimumSize || eth.Type() != header.IPv4ProtocolNumber {
		return nil
	}
	ip := header.IPv4(frame[header.EthernetMinimumSize:])
	if !ip.IsValid(len(ip)) || ip.TransportProtocol() != header.UDPProtocolNumber || ip.More() || ip.FragmentOffset() != 0 {
		return nil
	}
	udp := header.UDP(ip[ip.HeaderLength():ip.TotalLength()])
	if len(udp) < header.UDPMinimumSize || udp.DestinationPort() != dhcp4.ClientPort || udp.SourcePort() != dhcp4.ServerPort {
		return nil
	}
	n := int(udp.Length())
	if n < header.UDPMinimumSize || n > len(udp) {
		return nil
	}
	return udp[header.UDPMinimumSize:n]
}

// announcement returns a frame that tells the network who has the IPv4 address a: an ARP announcement (RFC 5227, 2.3).
func announcement(mac tcpip.LinkAddress, a netip.Addr) []byte {
	frame := make([]byte, header.EthernetMinimumSize+header.ARPSize)
	header.Ethernet(frame).Encode(&header.EthernetFields{SrcAddr: mac, DstAddr: header.EthernetBroadcastAddress, Type: header.ARPProtocolNumber})
	arp := header.ARP(frame[header.EthernetMinimumSize:])
	arp.SetIPv4OverEthernet()
	arp.SetOp(header.ARPRequest)
	addr := a.As4()
	copy(arp.HardwareAddressSender(), mac)
	copy(arp.ProtocolAddressSender(), addr[:])
	copy(arp.ProtocolAddressTarget(), addr[:])
	return frame
}

// advertisement returns a frame that does so for an IPv6 address: an unsolicited neighbour advertisement (RFC 4861, 7.2.6).
func advertisement(mac tcpip.LinkAddress, a netip.Addr) []byte {
	const size = header.ICMPv6NeighborAdvertMinimumSize + header.NDPLinkLayerAddressSize
	frame := make([]byte, header.EthernetMinimumSize+header.IPv6MinimumSize+size)
	to := header.IPv6AllNodesMulticastAddress
	header.Ethernet(frame).Encode(&header.EthernetFields{
		SrcAddr: mac, DstAddr: header.EthernetAddressFromMulticastIPv6Address(to), Type: header.IPv6ProtocolNumber,
	})
	src := tcpip.AddrFrom16(a.As16())
	header.IPv6(frame[header.EthernetMinimumSize:]).Encode(&header.IPv6Fields{
		PayloadLength: size, TransportProtocol: header.ICMPv6ProtocolNumber, HopLimit: header.NDPHopLimit, SrcAddr: src, DstAddr: to,
	})
	icmp := header.ICMPv6(frame[header.EthernetMinimumSize+header.IPv6MinimumSize:])
	icmp.SetType(header.ICMPv6NeighborAdvert)
	na := header.NDPNeighborAdvert(icmp.MessageBody())
	na.SetTargetAddress(src)
	na.SetOverrideFlag(true)
	na.Options().Serialize(header.NDPOptionsSerializer{header.NDPTargetLinkLayerAddressOption(mac)})
	icmp.SetChecksum(header.ICMPv6Checksum(header.ICMPv6ChecksumParams{Header: icmp, Src: src, Dst: to}))
	return frame
}
