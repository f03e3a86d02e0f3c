package sockets

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// Options of SOL_UDP. Source: Linux 6.16 include/uapi/linux/udp.h.
const (
	udpSegment = 103
	udpGRO     = 104
)

// maxSegments is UDP_MAX_SEGMENTS. Source: Linux 6.16 include/linux/udp.h.
const maxSegments = 128

// A segmentSize is UDP_SEGMENT: what is sent at once is many datagrams of this size, the last one smaller, which saves
// a program calls. It may also come as a control message. 0 is none.
type segmentSize struct{}

func (segmentSize) get(s *inet, _ option) (int, calls.Errno) { return int(s.segment.Load()), 0 }

func (segmentSize) set(s *inet, _ option, v int) calls.Errno {
	if v < 0 || v > 1<<16-1 {
		return calls.EINVAL
	}
	s.segment.Store(uint32(v))
	return 0
}

// newSegment reads a control message of SOL_UDP. Source: Linux 6.16 net/ipv4/udp.c, __udp_cmsg_send.
func newSegment(c socket.ControlMessage) (int, calls.Errno) {
	if c.Type != udpSegment || len(c.Data) != 2 {
		return 0, calls.EINVAL
	}
	return int(binary.NativeEndian.Uint16(c.Data)), 0
}

// sendSegments sends d, as several datagrams if it shall be. If there is no room for all, those that went count.
func (s *inet) sendSegments(d *outgoing) (int, calls.Errno) {
	p := &d.payload
	if d.segment == 0 || p.left == 0 {
		return s.sendStack(p, d.opts)
	}
	if err := s.segmentsFit(d); err != 0 {
		return 0, err
	}
	sent := 0
	for all := p.left; sent < all; {
		p.left = min(d.segment, all-sent)
		n, err := s.sendStack(p, d.opts)
		if err != 0 {
			if sent > 0 {
				err = 0
			}
			return sent, err
		}
		sent += n
	}
	return sent, 0
}

// segmentsFit checks that no segment has to be fragmented, and that there are not too many. Source: Linux 6.16
// net/ipv4/udp.c, udp_send_skb; net/ipv4/ip_output.c, __ip_append_data.
func (s *inet) segmentsFit(d *outgoing) calls.Errno {
	to := d.to
	if d.opts.To == nil {
		var err tcpip.Error
		if to, err = s.ep.GetRemoteAddress(); err != nil {
			return calls.EDESTADDRREQ
		}
	}
	headers, most, unchecked := header.UDPMinimumSize+header.IPv6MinimumSize, 1<<16-1-header.UDPMinimumSize, false
	if unmapped(to.Addr).Len() == header.IPv4AddressSize { // whose length has its header in it
		headers = header.UDPMinimumSize + header.IPv4MinimumSize
		most -= header.IPv4MinimumSize
		unchecked = s.ep.SocketOptions().GetNoChecksum()
	}
	mtu, err := s.mtuTo(to)
	all := d.payload.left
	switch {
	case err != 0:
		return err
	case all > most, min(all, d.segment)+headers > mtu:
		return calls.EMSGSIZE
	case all > d.segment*maxSegments, unchecked:
		return calls.EINVAL
	}
	return 0
}
