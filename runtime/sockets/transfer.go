package sockets

import (
	"encoding/binary"
	"io"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// A payload is data to send as the stack reads it.
type payload struct {
	bufs [][]byte
	left int
}

func (p *payload) Len() int { return p.left }

func (p *payload) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) && len(p.bufs) > 0 {
		c := copy(b[n:], p.bufs[0])
		n += c
		p.bufs = calls.Skip(p.bufs, c)
	}
	p.left -= n
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A sink is where to put what is received.
type sink struct{ bufs [][]byte }

func (k *sink) Write(b []byte) (int, error) {
	n := 0
	for n < len(b) && len(k.bufs) > 0 {
		c := copy(k.bufs[0], b[n:])
		n += c
		k.bufs = calls.Skip(k.bufs, c)
	}
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// Read and Write are for streams, and for datagrams whose other end is not asked for.

func (s *inet) Read(p []byte) (int, calls.Errno) {
	return s.Receive(&socket.Message{Data: [][]byte{p}})
}

func (s *inet) Write(p []byte) (int, calls.Errno) {
	return s.Send(&socket.Message{Data: [][]byte{p}})
}

func (s *inet) ReadV(p [][]byte) (int, calls.Errno) {
	return s.Receive(&socket.Message{Data: append([][]byte(nil), p...)})
}

func (s *inet) WriteV(p [][]byte) (int, calls.Errno) {
	return s.Send(&socket.Message{Data: p})
}

// busy returns the error of transfers before a connection that waits for the configuration has been made.
func (s *inet) busy() calls.Errno {
	if s.pending.active() {
		return calls.EAGAIN
	}
	return s.pending.take()
}

func (s *inet) Send(m *socket.Message) (int, calls.Errno) {
	if err := s.busy(); err != 0 {
		return 0, err
	}
	if m.Flags&socket.MSG_OOB != 0 {
		return 0, calls.EOPNOTSUPP
	}
	if s.isTCP() { // Linux ignores addresses
		if s.neighbour.possible.Load() {
			return s.sendLocal(m)
		}
		return s.sendStack(newPayload(m), tcpip.WriteOptions{})
	}
	d := &outgoing{payload: *newPayload(m), segment: int(s.segment.Load())}
	if err := s.prepare(m, d); err != 0 {
		return 0, err
	}
	if opts := &d.opts; opts.To != nil && s.early(*opts.To) {
		s.st.WaitSettled()
	}
	if d.class != nil {
		return s.sendClass(d)
	}
	s.classLock.RLock()
	defer s.classLock.RUnlock()
	return s.sendSegments(d)
}

// newPayload returns what m has to send.
func newPayload(m *socket.Message) *payload {
	return &payload{bufs: append(make([][]byte, 0, 4), m.Data...), left: m.Len()}
}

// sendStack has the stack send p.
func (s *inet) sendStack(p *payload, opts tcpip.WriteOptions) (int, calls.Errno) {
	if p.left == 0 && s.isTCP() {
		return 0, 0
	}
	n, terr := s.ep.Write(p, opts)
	if terr == nil {
		if n == 0 && p.left > 0 {
			return 0, calls.EAGAIN
		}
		return int(n), 0
	}
	return 0, s.sendError(terr)
}

// sendError is errno for calls that send.
func (s *inet) sendError(err tcpip.Error) calls.Errno {
	switch err.(type) {
	case *tcpip.ErrConnectionReset:
		// Source: Linux 6.16 net/ipv4/tcp_input.c, tcp_reset.
		if s.finished.Load() {
			return calls.EPIPE
		}
	case *tcpip.ErrAlreadyConnecting:
		return calls.EAGAIN
	}
	return errno(err)
}

// An outgoing is what is to be sent, and how; with a segment size it is several.
type outgoing struct {
	payload payload
	to      tcpip.FullAddress // in opts, if the message has an address
	opts    tcpip.WriteOptions
	class   *class
	segment int
}

// prepare completes d from m's address and control messages.
func (s *inet) prepare(m *socket.Message, d *outgoing) calls.Errno {
	opts := &d.opts
	opts.More = m.Flags&socket.MSG_MORE != 0
	if m.Addr != nil && !(s.Family == socket.AF_INET6 && socket.FamilyOf(m.Addr) == socket.AF_UNSPEC) {
		a, err := parseAddress(s.Family, m.Addr, true)
		if err != 0 {
			return err
		}
		if a.Addr.Len() == 0 {
			a.Addr = s.ownLoopback()
		}
		if s.Family == socket.AF_INET6 && s.ep.SocketOptions().GetV6Only() && unmapped(a.Addr).Len() == 4 {
			return calls.ENETUNREACH
		}
		d.to = a
		opts.To = &d.to
	}
	list, err := m.Control.Messages()
	if err != 0 {
		return err
	}
	for _, c := range list {
		switch {
		case isClass(c):
			d.class, err = newClass(c)
		case c.Level == socket.SOL_UDP && s.Protocol == protoUDP:
			d.segment, err = newSegment(c)
		default:
			err = s.sendControl(opts, c)
		}
		if err != 0 {
			return err
		}
	}
	return 0
}

// ownLoopback is what an unspecified destination stands for.
func (s *inet) ownLoopback() tcpip.Address {
	if s.Family == socket.AF_INET {
		return tcpip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return header.IPv6Loopback
}

// Sizes of struct in_pktinfo and in6_pktinfo. Source: Linux 6.16 include/uapi/linux/in.h, ipv6.h.
const (
	pktinfoLen  = 12
	pktinfo6Len = 20
)

// sendControl applies a control message.
func (s *inet) sendControl(opts *tcpip.WriteOptions, c socket.ControlMessage) calls.Errno {
	number := func(least, most int) (uint8, calls.Errno) {
		v, err := socket.Int(c.Data)
		if err == 0 && (v < least || v > most) {
			err = calls.EINVAL
		}
		return uint8(v), err
	}
	var err calls.Errno
	cm := &opts.ControlMessages
	switch {
	case c.Level == socket.SOL_IP && c.Type == ipTTL:
		cm.HasTTL = true
		cm.TTL, err = number(1, 255)
	case c.Level == socket.SOL_IPV6 && c.Type == ipv6HopLimit:
		if v, e := socket.Int(c.Data); e == 0 && v == -1 {
			return 0
		}
		cm.HasHopLimit = true
		cm.HopLimit, err = number(0, 255)
	case c.Level == socket.SOL_IPV6 && c.Type == ipv6PktInfo:
		if len(c.Data) < pktinfo6Len {
			return calls.EINVAL
		}
		if s.Family == socket.AF_INET {
			return 0 // Linux does not look at it either
		}
		nic, source := tcpip.NICID(binary.NativeEndian.Uint32(c.Data[16:])), unmapped(tcpip.AddrFrom16Slice(c.Data[:16]))
		if source.Len() == header.IPv4AddressSize {
			return s.sendFrom(opts, nic, source)
		}
		cm.HasIPv6PacketInfo = true
		cm.IPv6PacketInfo.NIC = nic
		if !source.Unspecified() {
			cm.IPv6PacketInfo.Addr = source
		}
	case c.Level == socket.SOL_IP && c.Type == ipPktInfo:
		if len(c.Data) < pktinfoLen {
			return calls.EINVAL
		}
		return s.sendFrom(opts, tcpip.NICID(binary.NativeEndian.Uint32(c.Data)), tcpip.AddrFrom4Slice(c.Data[4:8]))
	case c.Level == socket.SOL_SOCKET:
		return calls.EINVAL
	case c.Level == socket.SOL_IP || c.Level == socket.SOL_IPV6:
		return calls.EINVAL
	}
	return err
}

// sendFrom says by which interface an IPv4 datagram goes, and from which address, each unless it is zero. The stack knows that for
// IPv6; the toolchain has it heed the same for IPv4, which is checked here (mends of package goroot).
func (s *inet) sendFrom(opts *tcpip.WriteOptions, nic tcpip.NICID, source tcpip.Address) calls.Errno {
	if nic != 0 && !s.st.HasNIC(nic) {
		return calls.ENODEV
	}
	if opts.To != nil && nic != 0 {
		opts.To.NIC = nic
	}
	if source.Unspecified() {
		return 0
	}
	if s.st.CheckLocalAddress(nic, header.IPv4ProtocolNumber, source) == 0 {
		return calls.ENETUNREACH
	}
	opts.ControlMessages.HasIPv6PacketInfo = true
	opts.ControlMessages.IPv6PacketInfo = tcpip.IPv6PacketInfo{Addr: source, NIC: nic}
	return 0
}
