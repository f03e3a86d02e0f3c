package unixsock

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

func (s *Socket) Option(level, name int, value []byte) (int, calls.Errno) {
	if level != socket.SOL_SOCKET {
		return 0, calls.EOPNOTSUPP
	}
	switch name {
	case socket.SO_ERROR:
		return socket.PutInt(value, int(s.in.takeReset())), 0
	case socket.SO_ACCEPTCONN:
		names.mu.Lock()
		defer names.mu.Unlock()
		return socket.PutInt(value, socket.Bool(s.state == listening)), 0
	case socket.SO_PASSCRED:
		s.opts.Lock()
		defer s.opts.Unlock()
		return socket.PutInt(value, socket.Bool(s.opts.passCred)), 0
	case socket.SO_PEERCRED:
		names.mu.Lock()
		defer names.mu.Unlock()
		c := s.other
		switch s.state {
		case listening:
			c = s.cred
		case unconnected:
			c = ucred{0, ^uint32(0), ^uint32(0)}
		}
		return copy(value, c.bytes()), 0
	case socket.SO_SNDBUF, socket.SO_RCVBUF:
		q := s.in
		if name == socket.SO_SNDBUF {
			if out := s.target(); out != nil {
				q = out
			}
		}
		return socket.PutInt(value, q.capacity()), 0
	case socket.SO_REUSEADDR, socket.SO_BROADCAST, socket.SO_KEEPALIVE:
		return socket.PutInt(value, 0), 0
	}
	return 0, calls.ENOPROTOOPT
}

// bufferFactor is what Linux multiplies buffers by that are asked for; minBuffer is the smallest.
// Source: Linux 6.16 include/net/sock.h.
const (
	bufferFactor = 2
	minBuffer    = 4608
	maxBuffer    = queueSize * bufferFactor
)

func (s *Socket) SetOption(level, name int, value []byte) calls.Errno {
	if level != socket.SOL_SOCKET {
		return calls.EOPNOTSUPP
	}
	v, err := socket.Int(value)
	switch name {
	case socket.SO_PASSCRED:
		if err == 0 {
			s.opts.Lock()
			s.opts.passCred = v != 0
			s.opts.Unlock()
		}
		return err
	case socket.SO_SNDBUF, socket.SO_SNDBUFFORCE:
		// What waits to be read is kept by the reader, so that is what a send buffer limits.
		if q := s.target(); err == 0 && q != nil {
			q.setLimit(v)
		}
		return err
	case socket.SO_RCVBUF, socket.SO_RCVBUFFORCE:
		return err // unix(7): has no effect
	case socket.SO_REUSEADDR, socket.SO_BROADCAST, socket.SO_KEEPALIVE, socket.SO_DONTROUTE:
		return err // about networks
	case socket.SO_LINGER:
		return 0 // about networks, and not an int
	}
	return calls.ENOPROTOOPT
}

func (q *queue) setLimit(v int) {
	q.mu.Lock()
	q.limit = max(minBuffer, min(v, maxBuffer/bufferFactor)*bufferFactor)
	q.mu.Unlock()
	q.signal(0)
}

func (q *queue) capacity() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.limit
}

// takeReset returns and clears the error of a peer that has gone without reading all.
func (q *queue) takeReset() calls.Errno {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.reset {
		return 0
	}
	q.reset = false
	return calls.ECONNRESET
}

// Requests of ioctl(2). Source: Linux 6.16 include/uapi/linux/sockios.h.
const (
	siocInQ  = 0x541b
	siocOutQ = 0x5411
)

func (s *Socket) Ioctl(request, arg uintptr) (uintptr, calls.Errno) {
	if request != siocInQ && request != siocOutQ {
		return 0, calls.ENOTTY
	}
	out, err := calls.Pointer[int32](arg)
	if err != 0 {
		return 0, err
	}
	*out = 0
	q := s.in
	if request == siocOutQ {
		q = s.target()
	}
	if q != nil {
		*out = int32(q.length())
	}
	return 0, 0
}
