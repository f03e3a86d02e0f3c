package sockets

import (
	"encoding/binary"
	"io"

	"gvisor.dev/gvisor/pkg/tcpip"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

func (s *inet) Receive(m *socket.Message) (int, calls.Errno) {
	if err := s.busy(); err != 0 {
		return 0, err
	}
	switch {
	case m.Flags&socket.MSG_ERRQUEUE != 0:
		return s.receiveError(m)
	case m.Flags&socket.MSG_OOB != 0 && s.isTCP():
		return 0, calls.EINVAL // there never is any: see Linux 6.16 net/ipv4/tcp.c, tcp_recv_urg
	case m.Flags&socket.MSG_OOB != 0:
		return 0, calls.EOPNOTSUPP
	}
	if s.isTCP() {
		return s.receiveStream(m)
	}
	return s.receiveDatagram(m)
}

func (s *inet) receiveStream(m *socket.Message) (int, calls.Errno) {
	switch {
	case m.Len() == 0:
		return 0, 0
	case s.neighbour.possible.Load():
		return s.receiveLocal(m)
	}
	return s.receiveStack(m)
}

// receiveStack receives what of a stream the stack has.
func (s *inet) receiveStack(m *socket.Message) (int, calls.Errno) {
	var w io.Writer = &sink{m.Data[:len(m.Data):len(m.Data)]}
	if m.Flags&socket.MSG_TRUNC != 0 { // tcp(7): the data are thrown away
		w = &tcpip.LimitedWriter{W: io.Discard, N: int64(m.Len())}
	} else if len(m.Data) > 1 {
		w = &sink{append([][]byte(nil), m.Data...)}
	}
	first := m.Data[0]
	res, err := s.ep.Read(w, tcpip.ReadOptions{Peek: m.Flags&socket.MSG_PEEK != 0})
	m.Data[0] = first // the sink uses its buffers up
	if _, end := err.(*tcpip.ErrClosedForReceive); end {
		return 0, 0
	}
	if err != nil {
		return 0, errno(err)
	}
	s.ep.ModerateRecvBuf(res.Count)
	return res.Count, 0
}

func (s *inet) receiveDatagram(m *socket.Message) (int, calls.Errno) {
	k := &sink{append(make([][]byte, 0, 4), m.Data...)}
	res, err := s.ep.Read(k, tcpip.ReadOptions{Peek: m.Flags&socket.MSG_PEEK != 0, NeedRemoteAddr: true})
	switch err.(type) {
	case nil:
	case *tcpip.ErrClosedForReceive:
		return 0, 0
	case *tcpip.ErrBadBuffer:
		// There is a datagram, but no room for a single byte of it.
	default:
		return 0, errno(err)
	}
	m.Addr = putAddress(s.Family, res.RemoteAddr)
	c := m.Control
	if c == nil {
		c = socket.NewControlSpace(nil)
	}
	if s.putControl(c, &res.ControlMessages); m.Control == nil && c.Truncated {
		m.Out |= socket.MSG_CTRUNC
	}
	if res.Count < res.Total {
		m.Out |= socket.MSG_TRUNC
		if m.Flags&socket.MSG_TRUNC != 0 {
			return res.Total, 0
		}
	}
	return res.Count, 0
}

// putControl writes what the stack says about a datagram, in Linux's order.
func (s *inet) putControl(c *socket.Control, cm *tcpip.ReceivableControlMessages) {
	if cm.HasTimestamp {
		s.putTimestamp(c, cm.Timestamp.UnixNano())
	}
	if cm.HasIPPacketInfo {
		var b [pktinfoLen]byte
		binary.NativeEndian.PutUint32(b[:], uint32(cm.PacketInfo.NIC))
		putAddr(b[4:8], cm.PacketInfo.LocalAddr)
		putAddr(b[8:12], cm.PacketInfo.DestinationAddr)
		c.Put(socket.SOL_IP, ipPktInfo, b[:])
	}
	if cm.HasTTL {
		c.Put32(socket.SOL_IP, ipTTL, uint32(cm.TTL))
	}
	if cm.HasTOS {
		c.Put(socket.SOL_IP, ipTOS, []byte{cm.TOS})
	}
	if cm.HasIPv6PacketInfo {
		var b [pktinfo6Len]byte
		putAddr(b[:16], cm.IPv6PacketInfo.Addr)
		binary.NativeEndian.PutUint32(b[16:], uint32(cm.IPv6PacketInfo.NIC))
		c.Put(socket.SOL_IPV6, ipv6PktInfo, b[:])
	}
	if cm.HasHopLimit {
		c.Put32(socket.SOL_IPV6, ipv6HopLimit, uint32(cm.HopLimit))
	}
	if cm.HasTClass {
		c.Put32(socket.SOL_IPV6, ipv6TClass, cm.TClass)
	}
	switch {
	case cm.HasOriginalDstAddress && s.Family == socket.AF_INET6:
		c.Put(socket.SOL_IPV6, ipv6OrigDstAddr, putAddress(socket.AF_INET6, cm.OriginalDstAddress))
	case cm.HasOriginalDstAddress:
		c.Put(socket.SOL_IP, ipOrigDstAddr, putAddress(socket.AF_INET, cm.OriginalDstAddress))
	}
}

func putAddr(b []byte, a tcpip.Address) { copy(b, a.AsSlice()) }

// putTimestamp writes the time at which a datagram came, if that is wanted.
func (s *inet) putTimestamp(c *socket.Control, ns int64) {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:], uint64(ns/1e9))
	switch {
	case s.settings.get(option{socket.SOL_SOCKET, socket.SO_TIMESTAMPNS}) != 0:
		binary.NativeEndian.PutUint64(b[8:], uint64(ns%1e9))
		c.Put(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, b[:])
	case s.settings.get(option{socket.SOL_SOCKET, socket.SO_TIMESTAMP}) != 0:
		binary.NativeEndian.PutUint64(b[8:], uint64(ns%1e9/1e3))
		c.Put(socket.SOL_SOCKET, socket.SO_TIMESTAMP, b[:])
	}
}

// receiveError takes an error from the queue that IP_RECVERR fills (ip(7)).
func (s *inet) receiveError(m *socket.Message) (int, calls.Errno) {
	e := s.ep.SocketOptions().DequeueErr()
	if e == nil {
		return 0, calls.EAGAIN
	}
	m.Out |= socket.MSG_ERRQUEUE
	m.Addr = putAddress(s.Family, e.Dst)
	n := 0
	if e.Payload != nil {
		k := &sink{append([][]byte(nil), m.Data...)}
		var short error
		if n, short = k.Write(e.Payload.AsSlice()); short != nil {
			m.Out |= socket.MSG_TRUNC
		}
		e.Payload.Release()
	}
	// struct sock_extended_err. Source: Linux 6.16 include/uapi/linux/errqueue.h.
	b := make([]byte, 16)
	binary.NativeEndian.PutUint32(b, uint32(errno(e.Err)))
	b[4], b[5], b[6] = byte(e.Cause.Origin()), e.Cause.Type(), e.Cause.Code()
	binary.NativeEndian.PutUint32(b[8:], e.Cause.Info())
	b = append(b, putAddress(s.Family, tcpip.FullAddress{NIC: e.Offender.NIC, Addr: e.Offender.Addr})...)
	if s.Family == socket.AF_INET6 {
		m.Control.Put(socket.SOL_IPV6, ipv6RecvErr, b)
	} else {
		m.Control.Put(socket.SOL_IP, ipRecvErr, b)
	}
	return n, 0
}
