package sockets

import (
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/socket"
)

// after is time.After for nanoseconds.
func after(ns int64) <-chan time.Time { return time.After(time.Duration(ns)) }

// A program may use the network before the guest has an address. What then would fail waits until the first
// configuration is over: a connection is under way meanwhile, as if the network were slow; all else waits in its call.

// A pendingConnect is a connection that waits for the configuration.
type pendingConnect struct {
	state atomic.Int32

	mu  sync.Mutex
	err calls.Errno
}

const (
	pendingNone = iota
	pendingActive
	pendingFailed
	pendingCancelled
)

func (p *pendingConnect) active() bool { return p.state.Load() == pendingActive }
func (p *pendingConnect) failed() bool { return p.state.Load() == pendingFailed }

// take returns and clears the error of a connection that failed.
func (p *pendingConnect) take() calls.Errno {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.failed() {
		return 0
	}
	p.state.Store(pendingNone)
	return p.err
}

// cancel makes sure that the endpoint is not connected any more.
func (p *pendingConnect) cancel() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Store(pendingCancelled)
}

// connectLater connects when the configuration is over.
func (s *inet) connectLater(a tcpip.FullAddress) calls.Errno {
	if !s.pending.state.CompareAndSwap(pendingNone, pendingActive) {
		return calls.EALREADY
	}
	s.st.WhenSettled(func() {
		s.pending.mu.Lock()
		if !s.pending.active() {
			s.pending.mu.Unlock()
			return
		}
		err := s.connect(a)
		s.pending.state.Store(pendingNone)
		if _, started := err.(*tcpip.ErrConnectStarted); err != nil && !started {
			s.pending.err = connectError(err)
			s.pending.state.Store(pendingFailed)
		}
		s.pending.mu.Unlock()
		s.Signal(fdtable.In | fdtable.Out | fdtable.Err | fdtable.Hup)
	})
	return calls.EINPROGRESS
}

// early reports whether a may become reachable only when the configuration is over.
func (s *inet) early(a tcpip.FullAddress) bool {
	return !isLoopback(a.Addr) && !s.st.Settled() && !s.reachable(a)
}

// reachable reports whether there is a route to a.
func (s *inet) reachable(a tcpip.FullAddress) bool {
	addr, protocol := unmapped(a.Addr), header.IPv6ProtocolNumber
	if addr.Len() == 4 {
		protocol = header.IPv4ProtocolNumber
	}
	r, err := s.st.FindRoute(a.NIC, tcpip.Address{}, addr, protocol, false)
	if err != nil {
		return false
	}
	r.Release()
	return true
}

func (s *inet) Connect(b []byte) calls.Errno {
	if len(b) < 2 {
		return calls.EINVAL
	}
	if socket.FamilyOf(b) == socket.AF_UNSPEC {
		return s.disconnect()
	}
	if s.pending.active() {
		return calls.EALREADY
	}
	if err := s.pending.take(); err != 0 {
		return err
	}
	a, err := parseAddress(s.Family, b, !s.isTCP())
	if err != 0 {
		return err
	}
	if s.ep.SocketOptions().GetV6Only() && unmapped(a.Addr).Len() == 4 && s.Family == socket.AF_INET6 {
		return calls.ENETUNREACH
	}
	if s.early(a) {
		if s.isTCP() && s.tcpState() <= tcp.StateBound {
			return s.connectLater(a)
		}
		s.st.WaitSettled()
	}
	terr := s.connect(a)
	if _, ok := terr.(*tcpip.ErrInvalidEndpointState); ok && s.isTCP() && s.tcpState() == tcp.StateListen {
		return calls.EISCONN
	}
	return connectError(terr)
}

// connect has the stack connect s, and looks for the other end if that is in the guest.
func (s *inet) connect(a tcpip.FullAddress) tcpip.Error {
	if !s.isTCP() || !s.isOwn(a.Addr) {
		return s.ep.Connect(a)
	}
	s.neighbour.possible.Store(true)
	err := s.ep.Connect(a)
	if own, failed := s.ep.GetLocalAddress(); failed == nil {
		s.meet(own, a, false)
	}
	return err
}

// connectError is errno for connect(2).
func connectError(err tcpip.Error) calls.Errno {
	switch err.(type) {
	case *tcpip.ErrNoPortAvailable:
		return calls.EADDRNOTAVAIL
	}
	return errno(err)
}

// disconnect dissolves the association of a datagram socket.
func (s *inet) disconnect() calls.Errno {
	if s.isTCP() {
		// The stack's connections cannot be used again.
		if s.tcpState() <= tcp.StateBound {
			return 0
		}
		s.forget()
		s.ep.Abort()
		return 0
	}
	return errno(s.ep.Disconnect())
}

func (s *inet) Bind(b []byte) calls.Errno {
	if s.Family == socket.AF_INET && socket.FamilyOf(b) == socket.AF_UNSPEC && len(b) >= sockaddrLen && [4]byte(b[4:8]) == [4]byte{} {
		b[0] = socket.AF_INET // Source: Linux 6.16 net/ipv4/af_inet.c, __inet_bind: for compatibility
	}
	a, err := parseAddress(s.Family, b, false)
	if err != 0 {
		return err
	}
	if s.Family == socket.AF_INET6 && s.ep.SocketOptions().GetV6Only() && header.IsV4MappedAddress(a.Addr) && a.Addr.Len() == 16 {
		return calls.EINVAL
	}
	if s.missing(a) {
		s.st.WaitSettled()
	}
	switch terr := s.ep.Bind(a).(type) {
	case *tcpip.ErrNoPortAvailable:
		return calls.EADDRINUSE
	default:
		return errno(terr)
	}
}

// missing reports whether a is an address that the guest may yet be given.
func (s *inet) missing(a tcpip.FullAddress) bool {
	addr := unmapped(a.Addr)
	if isLoopback(addr) || s.st.Settled() {
		return false
	}
	if header.IsV4MulticastAddress(addr) || header.IsV6MulticastAddress(addr) || addr == header.IPv4Broadcast {
		return false
	}
	protocol := header.IPv6ProtocolNumber
	if addr.Len() == 4 {
		protocol = header.IPv4ProtocolNumber
	}
	return s.st.CheckLocalAddress(a.NIC, protocol, addr) == 0
}

func (s *inet) Listen(backlog int) calls.Errno {
	if !s.isTCP() {
		return calls.EOPNOTSUPP
	}
	// Linux's queue holds one more. Source: Linux 6.16 include/net/sock.h, sk_acceptq_is_full.
	err := s.ep.Listen(backlog + 1)
	if err == nil {
		s.stopped.Store(false)
	}
	if _, ok := err.(*tcpip.ErrInvalidEndpointState); ok && s.tcpState() == tcp.StateListen {
		return 0 // more connections wait than are to from now on: they are not thrown out
	}
	return errno(err)
}

func (s *inet) Accept() (socket.Socket, []byte, calls.Errno) {
	var peer tcpip.FullAddress
	ep, queue, err := s.ep.Accept(&peer)
	if err != nil {
		return nil, nil, errno(err)
	}
	a := wrap(s.st, ep, queue, s.Family, s.Type, s.Protocol)
	if a.isOwn(peer.Addr) {
		a.neighbour.possible.Store(true)
		if own, failed := ep.GetLocalAddress(); failed == nil {
			a.meet(own, peer, true)
		}
	}
	return a, putAddress(s.Family, peer), 0
}

func (s *inet) Shutdown(how int) calls.Errno {
	flags := [...]tcpip.ShutdownFlags{
		socket.SHUT_RD:   tcpip.ShutdownRead,
		socket.SHUT_WR:   tcpip.ShutdownWrite,
		socket.SHUT_RDWR: tcpip.ShutdownRead | tcpip.ShutdownWrite,
	}[how]
	if s.isTCP() && s.tcpState() == tcp.StateListen && how != socket.SHUT_WR {
		s.stopped.Store(true)
	}
	// What is sent before the end is in the peer's buffer before the end is sent.
	s.neighbour.sending.Lock()
	defer s.neighbour.sending.Unlock()
	err := s.ep.Shutdown(flags)
	if err == nil && how != socket.SHUT_RD {
		s.neighbour.shut.Store(true)
	}
	return errno(err)
}
