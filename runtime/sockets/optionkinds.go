package sockets

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

// A number is an option whose value is an int.
type number interface {
	get(s *inet, o option) (int, calls.Errno)
	set(s *inet, o option, v int) calls.Errno
}

type options = tcpip.SocketOptions

const maxInt32 = 1<<31 - 1

// A flag is an option that the stack keeps as a bool.
type flag struct {
	load  func(*options) bool
	store func(*options, bool)
}

func (f flag) get(s *inet, _ option) (int, calls.Errno) {
	return socket.Bool(f.load(s.ep.SocketOptions())), 0
}

func (f flag) set(s *inet, _ option, v int) calls.Errno {
	f.store(s.ep.SocketOptions(), v != 0)
	return 0
}

// A not is a flag whose bool means the opposite.
type not flag

func (f not) get(s *inet, _ option) (int, calls.Errno) {
	return socket.Bool(!f.load(s.ep.SocketOptions())), 0
}

func (f not) set(s *inet, _ option, v int) calls.Errno {
	f.store(s.ep.SocketOptions(), v == 0)
	return 0
}

// An integer is an option that the stack keeps as an int between least and most.
type integer struct {
	opt         tcpip.SockOptInt
	least, most int
}

func (n integer) get(s *inet, _ option) (int, calls.Errno) {
	v, err := s.ep.GetSockOptInt(n.opt)
	return v, errno(err)
}

func (n integer) set(s *inet, _ option, v int) calls.Errno {
	if v < n.least || v > n.most {
		return calls.EINVAL
	}
	return errno(s.ep.SetSockOptInt(n.opt, v))
}

// A hops is an integer that -1 sets to its default: unset for the stack, show for the program.
type hops struct {
	integer
	unset, show int
}

func (n hops) get(s *inet, o option) (int, calls.Errno) {
	v, err := n.integer.get(s, o)
	if v == n.unset {
		v = n.show
	}
	return v, err
}

func (n hops) set(s *inet, o option, v int) calls.Errno {
	if v == -1 {
		return errno(s.ep.SetSockOptInt(n.opt, n.unset))
	}
	return n.integer.set(s, o, v)
}

// A tos is an integer of which only a byte counts.
type tos struct{ integer }

func (n tos) set(s *inet, o option, v int) calls.Errno { return n.integer.set(s, o, v&0xff) }

// A kept is an option that is only remembered, because what it is for happens in any case or does not exist here.
// It is the option's default.
type kept int

func (unset kept) get(s *inet, o option) (int, calls.Errno) { return s.settings.get(o) ^ int(unset), 0 }

func (unset kept) set(s *inet, o option, v int) calls.Errno {
	s.settings.set(o, v^int(unset))
	return 0
}

// A discovery is IP_MTU_DISCOVER. The stack fragments as the path demands, and TCP heeds it in any case.
type discovery struct{ kept }

func (d discovery) set(s *inet, o option, v int) calls.Errno {
	if v < 0 || v > pmtudiscOmit {
		return calls.EINVAL
	}
	return d.kept.set(s, o, v)
}

// A readOnly is an option that cannot be set.
type readOnly func(s *inet) (int, calls.Errno)

func (r readOnly) get(s *inet, _ option) (int, calls.Errno) { return r(s) }

func (readOnly) set(*inet, option, int) calls.Errno { return calls.ENOPROTOOPT }

// A datagram is an option that streams have, but cannot set.
type datagram struct{ number }

func (n datagram) set(s *inet, o option, v int) calls.Errno {
	if s.isTCP() {
		return calls.EINVAL
	}
	return n.number.set(s, o, v)
}

// A duration is an option that the stack keeps as a time, in units of some length.
type duration[T ~int64, P interface {
	*T
	tcpip.GettableSocketOption
	tcpip.SettableSocketOption
}] struct {
	unit        time.Duration
	least, most int
}

func (d duration[T, P]) get(s *inet, _ option) (int, calls.Errno) {
	var v T
	err := s.ep.GetSockOpt(P(&v))
	return int(time.Duration(v) / d.unit), errno(err)
}

func (d duration[T, P]) set(s *inet, _ option, v int) calls.Errno {
	if v < d.least || v > d.most {
		return calls.EINVAL
	}
	t := T(time.Duration(v) * d.unit)
	return errno(s.ep.SetSockOpt(P(&t)))
}

// A bufferSize is SO_SNDBUF or SO_RCVBUF. Linux doubles the size that is asked for, to make up for its overhead, and
// shows what it has made of it. Source: Linux 6.16 net/core/sock.c, sk_setsockopt.
type bufferSize struct {
	load   func(*options) int64
	store  func(*options, int64, bool)
	limits func(*options) (least, most int64)
}

const (
	bufferFactor = 2
	maxBuffer    = maxInt32 / bufferFactor
)

func (b bufferSize) get(s *inet, _ option) (int, calls.Errno) {
	return int(b.load(s.ep.SocketOptions())), 0
}

func (b bufferSize) set(s *inet, _ option, v int) calls.Errno {
	o := s.ep.SocketOptions()
	least, most := b.limits(o)
	b.store(o, max(least, min(most, int64(min(uint32(v), maxBuffer))*bufferFactor)), true)
	return 0
}

// A forced sets a bufferSize without an upper limit.
type forced struct{ bufferSize }

func (forced) get(*inet, option) (int, calls.Errno) { return 0, calls.ENOPROTOOPT }

func (b forced) set(s *inet, _ option, v int) calls.Errno {
	o := s.ep.SocketOptions()
	least, _ := b.limits(o)
	b.store(o, max(least, int64(min(v, maxBuffer))*bufferFactor), true)
	return 0
}

// v6only is IPV6_V6ONLY, which can be changed until the socket is bound.
type v6only struct{}

func (v6only) get(s *inet, _ option) (int, calls.Errno) {
	return socket.Bool(s.ep.SocketOptions().GetV6Only()), 0
}

func (v6only) set(s *inet, _ option, v int) calls.Errno {
	if a, err := s.ep.GetLocalAddress(); err == nil && a.Port != 0 || s.isTCP() && s.tcpState() != tcp.StateInitial {
		return calls.EINVAL
	}
	s.ep.SocketOptions().SetV6Only(v != 0)
	return 0
}
