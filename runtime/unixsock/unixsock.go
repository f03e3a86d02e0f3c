// Package unixsock is the address family AF_UNIX: streams, datagrams and sequences of packets within the program, with
// path names, abstract names or none, and with file descriptors and credentials that are passed along (unix(7)).
//
// Descriptors of a socket that are passed through itself, and nowhere else any more, stay open for ever: nothing looks for such
// cycles.
package unixsock

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/socket"
	"internal/xengo/runtime/vfs"
)

func init() {
	socket.Register(socket.AF_UNIX, &socket.Family{
		New: func(typ, protocol int) (socket.Socket, calls.Errno) {
			s, err := newSocket(typ, protocol)
			if err != 0 {
				return nil, err
			}
			return s, 0
		},
		Pair: pair,
	})
}

// A state is that of a connection.
type state int

const (
	unconnected state = iota
	listening
	connected
)

// A Socket is a socket of AF_UNIX.
type Socket struct {
	socket.Common
	fdtable.Notifier

	in *queue // what can be received

	// The following is guarded by names.mu, since it is about two sockets at once.
	state   state
	name    name
	inode   vfs.Inode // of a path
	peer    *Socket   // that this one is connected to
	out     *queue    // of the peer, also of one that is gone
	backlog int
	pending []*Socket // connections that wait to be accepted
	cred    ucred     // of whoever connected or listened
	other   ucred     // of the peer
	closed  bool
	mute    bool   // it sends no more datagrams
	waiting *queue // that had no room for a connection or a datagram of this socket, which has no peer

	opts settings
}

var _ socket.Socket = (*Socket)(nil)

func newSocket(typ, protocol int) (*Socket, calls.Errno) {
	if protocol != 0 && protocol != socket.AF_UNIX {
		return nil, calls.EPROTONOSUPPORT
	}
	switch typ {
	case socket.SOCK_RAW:
		typ = socket.SOCK_DGRAM // Source: Linux 6.16 net/unix/af_unix.c, unix_create
	case socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET:
	default:
		return nil, calls.ESOCKTNOSUPPORT
	}
	s := &Socket{}
	s.Init(socket.AF_UNIX, typ, 0)
	s.in = newQueue(typ == socket.SOCK_STREAM, &s.Notifier)
	s.cred = current()
	return s, 0
}

func pair(typ, protocol int) (a, b socket.Socket, err calls.Errno) {
	s, err := newSocket(typ, protocol)
	if err != 0 {
		return nil, nil, err
	}
	t, err := newSocket(typ, protocol)
	if err != 0 {
		return nil, nil, err
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	s.join(t)
	t.join(s)
	return s, t, 0
}

// join makes t the peer of s. names.mu is held.
func (s *Socket) join(t *Socket) {
	s.peer, s.out, s.other, s.state = t, t.in, t.cred, connected
	t.in.addWriter(&s.Notifier)
}

// connectable reports whether connections are made to and from s, rather than messages sent.
func (s *Socket) connectable() bool { return s.Type != socket.SOCK_DGRAM }

// target returns the queue that s sends to, nil if it is not connected.
func (s *Socket) target() *queue {
	names.mu.Lock()
	defer names.mu.Unlock()
	return s.out
}

func (s *Socket) Readiness() fdtable.Events {
	names.mu.Lock()
	st, pending, out, closed, waiting := s.state, len(s.pending), s.out, s.closed, s.waiting
	names.mu.Unlock()
	if st == listening {
		if closed {
			return fdtable.In | fdtable.Hup | fdtable.RdHup
		}
		if pending > 0 {
			return fdtable.In
		}
		return 0
	}
	ev := s.in.readable()
	if out == nil {
		if waiting != nil && waiting.isFull() {
			return ev
		}
		ev |= fdtable.Out
		if s.connectable() {
			ev |= fdtable.Hup
		}
		return ev
	}
	return ev | out.writable(s.connectable() && ev&fdtable.RdHup != 0)
}

// wait makes edges of q, which has no room, count as the socket's; with nil those of none any more. names.mu is held.
func (s *Socket) wait(q *queue) {
	if s.waiting == q {
		return
	}
	if s.waiting != nil {
		s.waiting.removeWriter(&s.Notifier)
	}
	if s.waiting = q; q != nil {
		q.addWriter(&s.Notifier)
	}
}

// Release closes the socket.
func (s *Socket) Release() calls.Errno {
	s.close(false)
	return 0
}

// close closes the socket; with reset its peer finds the connection reset, and not only if it has sent what nobody read.
func (s *Socket) close(reset bool) {
	names.mu.Lock()
	s.closed = true
	names.forget(s)
	s.wait(nil)
	pending := s.pending
	s.pending = nil
	out, peer := s.out, s.peer
	s.out, s.peer = nil, nil
	if peer != nil && peer.peer == s && s.connectable() {
		peer.peer = nil
	}
	names.mu.Unlock()
	for _, c := range pending {
		c.close(true)
	}
	unread := s.in.end()
	if out != nil {
		out.removeWriter(&s.Notifier)
		if s.connectable() {
			out.finish(unread || reset)
		}
	}
}

func (s *Socket) Shutdown(how int) calls.Errno {
	names.mu.Lock()
	st, out := s.state, s.out
	if st == listening {
		s.closed = s.closed || how != socket.SHUT_WR
	}
	names.mu.Unlock()
	if st == listening {
		s.Signal(fdtable.In | fdtable.Hup)
		return 0
	}
	switch {
	case how == socket.SHUT_RD:
	case !s.connectable():
		names.mu.Lock()
		s.mute = true
		names.mu.Unlock()
	case out != nil:
		out.finish(false)
	}
	if how != socket.SHUT_WR {
		s.in.finish(false)
		s.in.refuse()
	}
	return 0
}

// A ucred is struct ucred. Source: Linux 6.16 include/linux/socket.h.
type ucred struct {
	pid      int32
	uid, gid uint32
}

// settings are options of a socket.
type settings struct {
	sync.Mutex
	passCred bool
}
