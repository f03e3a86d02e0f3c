// Package sockets is the network under package syscall: sockets of IP on the stack of package netstack, rtnetlink, and
// what /proc/net says.
//
// Package net imports it for that effect, so that only programs that use the network have it.
package sockets

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/socket"
)

// An inet is a socket of AF_INET or AF_INET6.
type inet struct {
	socket.Common
	fdtable.Notifier

	st    *netstack.Stack
	ep    tcpip.Endpoint
	queue *waiter.Queue
	entry waiter.Entry

	finished atomic.Bool // the peer has closed its half
	stopped  atomic.Bool // a listening socket was shut down
	settings settings
	segment  atomic.Uint32 // see segmentSize
	groups   groups
	pending  pendingConnect

	classLock sync.RWMutex // held by who sends datagrams; alone by who sends one with a class of its own

	neighbour neighbour
}

var _ socket.Socket = (*inet)(nil)

// Protocols of IP. Source: Linux 6.16 include/uapi/linux/in.h.
const (
	protoIP     = 0
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoRaw    = 255
	protoMax    = 256
	protoMPTCP  = 262
)

// newInet makes a socket on st.
func newInet(st *netstack.Stack, family, typ, protocol int) (socket.Socket, calls.Errno) {
	network := header.IPv4ProtocolNumber
	if family == socket.AF_INET6 {
		network = header.IPv6ProtocolNumber
	}
	transport, raw, err := transportOf(family, typ, protocol)
	if err != 0 {
		return nil, err
	}
	var ep tcpip.Endpoint
	var terr tcpip.Error
	queue := new(waiter.Queue)
	if raw {
		ep, terr = st.NewRawEndpoint(transport, network, queue, true)
	} else {
		ep, terr = st.NewEndpoint(transport, network, queue)
	}
	if terr != nil {
		return nil, errno(terr)
	}
	if protocol == protoIP {
		protocol = int(transport)
	}
	return wrap(st, ep, queue, family, typ, protocol), 0
}

// transportOf returns the stack's transport protocol for the arguments of socket(2).
func transportOf(family, typ, protocol int) (p tcpip.TransportProtocolNumber, raw bool, err calls.Errno) {
	if protocol < 0 || protocol >= protoMax && protocol != protoMPTCP {
		return 0, false, calls.EINVAL
	}
	ping := protoICMP
	if family == socket.AF_INET6 {
		ping = protoICMPv6
	}
	switch {
	case typ == socket.SOCK_STREAM && (protocol == protoIP || protocol == protoTCP):
		return tcp.ProtocolNumber, false, 0
	case typ == socket.SOCK_DGRAM && (protocol == protoIP || protocol == protoUDP):
		return udp.ProtocolNumber, false, 0
	case typ == socket.SOCK_DGRAM && protocol == ping && family == socket.AF_INET:
		return icmp.ProtocolNumber4, false, 0
	case typ == socket.SOCK_DGRAM && protocol == ping:
		return icmp.ProtocolNumber6, false, 0
	case typ == socket.SOCK_RAW && protocol != protoIP && protocol != protoMPTCP:
		return tcpip.TransportProtocolNumber(protocol), true, 0
	case typ == socket.SOCK_STREAM || typ == socket.SOCK_DGRAM || typ == socket.SOCK_RAW:
		return 0, false, calls.EPROTONOSUPPORT
	}
	return 0, false, calls.ESOCKTNOSUPPORT
}

// wrap makes a socket of an endpoint.
func wrap(st *netstack.Stack, ep tcpip.Endpoint, queue *waiter.Queue, family, typ, protocol int) *inet {
	s := &inet{st: st, ep: ep, queue: queue}
	s.Init(family, typ, protocol)
	s.entry.Init(s, waiter.AllEvents)
	queue.EventRegister(&s.entry)
	s.noteState()
	return s
}

// NotifyEvent is called by the stack on every edge, with locks held.
func (s *inet) NotifyEvent(mask waiter.EventMask) {
	s.noteState()
	s.Signal(events(mask))
}

// events converts the stack's events, which have the values of poll(2).
func events(mask waiter.EventMask) fdtable.Events {
	return fdtable.Events(mask) & (fdtable.In | fdtable.Pri | fdtable.Out | fdtable.Err | fdtable.Hup | fdtable.RdHup)
}

// isTCP reports whether s is a stream.
func (s *inet) isTCP() bool { return s.Type == socket.SOCK_STREAM }

func (s *inet) tcpState() tcp.EndpointState { return tcp.EndpointState(s.ep.State()) }

// noteState remembers that the peer has closed its half: what a reset means depends on that.
func (s *inet) noteState() {
	if s.isTCP() && s.tcpState() == tcp.StateCloseWait {
		s.finished.Store(true)
	}
}

// Readiness returns the events that hold now.
func (s *inet) Readiness() fdtable.Events {
	if s.pending.active() {
		return 0
	}
	ev := events(s.ep.Readiness(waiter.AllEvents))
	if s.pending.failed() {
		ev |= fdtable.In | fdtable.Out | fdtable.Err | fdtable.Hup
	}
	if !s.isTCP() {
		return ev
	}
	ev &^= fdtable.Pri
	// Source: Linux 6.16 net/ipv4/tcp.c, tcp_poll.
	switch s.tcpState() {
	case tcp.StateInitial, tcp.StateBound:
		ev |= fdtable.Out | fdtable.Hup
	case tcp.StateListen:
		if s.stopped.Load() {
			ev |= fdtable.Out | fdtable.Hup
		}
	case tcp.StateCloseWait:
		ev |= fdtable.In | fdtable.RdHup
	case tcp.StateLastAck, tcp.StateClosing, tcp.StateTimeWait, tcp.StateClose:
		ev = ev&^fdtable.Err | fdtable.In | fdtable.Out | fdtable.RdHup | fdtable.Hup
	case tcp.StateError:
		ev |= fdtable.RdHup | fdtable.Hup
	}
	return s.localEvents(ev)
}

// Release closes the socket. With SO_LINGER it waits until all has been sent, or for as long as that says.
func (s *inet) Release() calls.Errno {
	s.pending.cancel()
	linger := s.ep.SocketOptions().GetLinger()
	endTimeWaitWithin(s.ep)
	if s.forget() {
		s.ep.Abort() // as the stack does with what it has and nobody has read
	} else {
		s.ep.Close()
	}
	if s.isTCP() && linger.Enabled && linger.Timeout > 0 {
		s.linger(int64(linger.Timeout))
	}
	s.queue.EventUnregister(&s.entry)
	s.groups.removeAll(s.st)
	if s.isTCP() {
		limitTimeWait()
	}
	return 0
}

// linger waits until the connection is over, at most ns nanoseconds.
func (s *inet) linger(ns int64) {
	changed := make(chan struct{}, 1)
	cancel := s.Notify(func(fdtable.Events) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer cancel()
	expired := after(ns)
	for !over(s.tcpState()) {
		select {
		case <-changed:
		case <-expired:
			return
		}
	}
}

// over reports whether a connection has nothing more to send.
func over(s tcp.EndpointState) bool {
	switch s {
	case tcp.StateFinWait2, tcp.StateTimeWait, tcp.StateClose, tcp.StateError, tcp.StateInitial, tcp.StateBound, tcp.StateListen:
		return true
	}
	return false
}

func (s *inet) LocalAddr() ([]byte, calls.Errno) {
	a, err := s.ep.GetLocalAddress()
	if err != nil {
		return nil, errno(err)
	}
	return putAddress(s.Family, a), 0
}

func (s *inet) RemoteAddr() ([]byte, calls.Errno) {
	if s.isTCP() {
		switch s.tcpState() {
		case tcp.StateTimeWait, tcp.StateClose, tcp.StateError: // as on Linux, where the state is TCP_CLOSE
			return nil, calls.ENOTCONN
		}
	}
	a, err := s.ep.GetRemoteAddress()
	if err != nil {
		return nil, errno(err)
	}
	return putAddress(s.Family, a), 0
}
