package sockets

import (
	"gvisor.dev/gvisor/pkg/tcpip"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// A class is the type of service or traffic class of one datagram. The ECN bits are in it, which QUIC sets.
type class struct {
	option tcpip.SockOptInt
	value  int
}

func isClass(c socket.ControlMessage) bool {
	return c.Level == socket.SOL_IP && c.Type == ipTOS || c.Level == socket.SOL_IPV6 && c.Type == ipv6TClass
}

// newClass reads what isClass. Source: Linux 6.16 net/ipv4/ip_sockglue.c, ip_cmsg_send; net/ipv6/datagram.c,
// ip6_datagram_send_ctl.
func newClass(c socket.ControlMessage) (*class, calls.Errno) {
	if c.Level == socket.SOL_IP && len(c.Data) == 1 {
		return &class{tcpip.IPv4TOSOption, int(c.Data[0])}, 0
	}
	v, err := socket.Int(c.Data)
	switch {
	case err != 0 || len(c.Data) != 4:
		return nil, calls.EINVAL
	case c.Level == socket.SOL_IP && uint(v) < 256:
		return &class{tcpip.IPv4TOSOption, v}, 0
	case c.Level == socket.SOL_IPV6 && v == -1:
		return nil, 0
	case c.Level == socket.SOL_IPV6 && uint(v) < 256:
		return &class{tcpip.IPv6TrafficClassOption, v}, 0
	}
	return nil, calls.EINVAL
}

// sendClass sends a datagram with a class. The stack knows only one for all of a socket: it is changed meanwhile.
func (s *inet) sendClass(d *outgoing) (int, calls.Errno) {
	c := d.class
	s.classLock.Lock()
	defer s.classLock.Unlock()
	own, err := s.ep.GetSockOptInt(c.option)
	if err == nil {
		err = s.ep.SetSockOptInt(c.option, c.value)
	}
	if err != nil {
		return 0, errno(err)
	}
	n, failed := s.sendSegments(d)
	if err := s.ep.SetSockOptInt(c.option, own); err != nil {
		return n, errno(err)
	}
	return n, failed
}
