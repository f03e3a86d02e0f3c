package netif

// FillChecksum computes the TCP or UDP checksum of an Ethernet frame whose
// sender left it blank (NETRXF_csum_blank): a packet that never was on a wire,
// from another domain of the same host. It reports whether it did; frames that
// are not whole, plain TCP or UDP over IPv4 or IPv6 are left alone.
//
// RFC 1071 for the sum, RFC 768 and 9293 for what it covers.
func FillChecksum(frame []byte) bool {
	if len(frame) < HeaderLen {
		return false
	}
	etherType, off := be16(frame[12:]), HeaderLen
	if etherType == 0x8100 && len(frame) >= HeaderLen+4 { // a VLAN tag
		etherType, off = be16(frame[16:]), HeaderLen+4
	}
	ip := frame[off:]
	switch etherType {
	case 0x0800:
		return fillIPv4(ip)
	case 0x86DD:
		return fillIPv6(ip)
	}
	return false
}

func fillIPv4(ip []byte) bool {
	if len(ip) < 20 || ip[0]>>4 != 4 {
		return false
	}
	header, total := int(ip[0]&15)*4, int(be16(ip[2:]))
	if header < 20 || total < header || total > len(ip) || be16(ip[6:])&0x3FFF != 0 {
		return false // nonsense, or a fragment
	}
	return fillTransport(ip[9], ip[header:total], sum(0, ip[12:20]))
}

func fillIPv6(ip []byte) bool {
	if len(ip) < 40 || ip[0]>>4 != 6 {
		return false
	}
	payload := int(be16(ip[4:]))
	if payload > len(ip)-40 {
		return false
	}
	return fillTransport(ip[6], ip[40:40+payload], sum(0, ip[8:40]))
}

// fillTransport completes a TCP or UDP segment; pseudo is the sum over the
// addresses of its pseudo header.
func fillTransport(protocol byte, segment []byte, pseudo uint64) bool {
	var at int
	switch {
	case protocol == 6 && len(segment) >= 20:
		at = 16
	case protocol == 17 && len(segment) >= 8:
		at = 6
	default:
		return false
	}
	segment[at], segment[at+1] = 0, 0
	s := fold(sum(pseudo+uint64(protocol)+uint64(len(segment)), segment))
	c := ^s
	if c == 0 && protocol == 17 {
		c = 0xFFFF // 0 would say that there is none
	}
	segment[at], segment[at+1] = byte(c>>8), byte(c)
	return true
}

// sum adds big endian 16-bit words; a last odd byte is the high half of one.
func sum(s uint64, b []byte) uint64 {
	for len(b) >= 2 {
		s += uint64(be16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

// fold adds the carries back in.
func fold(s uint64) uint16 {
	for s > 0xFFFF {
		s = s>>16 + s&0xFFFF
	}
	return uint16(s)
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }
