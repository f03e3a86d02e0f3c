package unixsock

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/socket"
)

func (s *Socket) Read(p []byte) (int, calls.Errno) {
	return s.Receive(&socket.Message{Data: [][]byte{p}})
}

func (s *Socket) Write(p []byte) (int, calls.Errno) {
	return s.Send(&socket.Message{Data: [][]byte{p}})
}

func (s *Socket) ReadV(p [][]byte) (int, calls.Errno) {
	return s.Receive(&socket.Message{Data: p})
}

func (s *Socket) WriteV(p [][]byte) (int, calls.Errno) {
	return s.Send(&socket.Message{Data: p})
}

func (s *Socket) Send(m *socket.Message) (int, calls.Errno) {
	if m.Flags&socket.MSG_OOB != 0 {
		return 0, calls.EOPNOTSUPP
	}
	names.mu.Lock()
	mute := s.mute
	names.mu.Unlock()
	if mute {
		return 0, calls.EPIPE
	}
	q, err := s.destination(m)
	if err != 0 {
		return 0, err
	}
	p, err := s.packet(m.Control)
	if err != 0 {
		return 0, err
	}
	size := m.Len()
	if s.Type != socket.SOCK_STREAM && size > maxMessage {
		p.drop()
		return 0, calls.EMSGSIZE
	}
	if size == 0 && s.Type == socket.SOCK_STREAM {
		p.drop()
		return 0, 0
	}
	n, err := q.put(m.Data, p)
	s.await(q, err)
	if err != 0 {
		p.drop()
		if err == calls.EPIPE && s.Type == socket.SOCK_DGRAM {
			err = s.lost(m)
		}
	}
	return n, err
}

// await notes which queue a socket without a peer waits for.
func (s *Socket) await(q *queue, err calls.Errno) {
	names.mu.Lock()
	defer names.mu.Unlock()
	switch {
	case err == calls.EAGAIN && s.out != q:
		s.wait(q)
	case err != calls.EAGAIN && s.waiting != nil:
		s.wait(nil)
	}
}

// lost is the error of sending a datagram to a socket that is gone, which is disconnected by that.
func (s *Socket) lost(m *socket.Message) calls.Errno {
	if m.Addr == nil {
		names.mu.Lock()
		gone := s.peer != nil && s.peer.closed
		names.mu.Unlock()
		if gone {
			s.disconnect()
		} else {
			return calls.EPIPE
		}
	}
	return calls.ECONNREFUSED
}

// destination returns where a message goes.
func (s *Socket) destination(m *socket.Message) (*queue, calls.Errno) {
	if m.Addr == nil || s.Type == socket.SOCK_SEQPACKET {
		if q := s.target(); q != nil {
			return q, 0
		}
		return nil, calls.ENOTCONN
	}
	if s.Type == socket.SOCK_STREAM {
		if s.target() != nil {
			return nil, calls.EISCONN
		}
		return nil, calls.EOPNOTSUPP
	}
	n, err := parseName(m.Addr)
	if err != 0 {
		return nil, err
	}
	if n == "" {
		return nil, calls.EINVAL
	}
	other, err := names.find(n, s.Type)
	if err != 0 {
		return nil, err
	}
	if other.Type != s.Type {
		return nil, calls.EPROTOTYPE
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	if other.peer != nil && other.peer != s {
		return nil, calls.EPERM
	}
	return other.in, 0
}

func (s *Socket) Receive(m *socket.Message) (int, calls.Errno) {
	if m.Flags&socket.MSG_OOB != 0 {
		return 0, calls.EOPNOTSUPP
	}
	if s.connectable() && s.target() == nil {
		if s.Type == socket.SOCK_STREAM {
			return 0, calls.EINVAL
		}
		return 0, calls.ENOTCONN
	}
	total := 0
	n, err := s.in.get(m, func(p *packet, size int) {
		total = size
		if !s.connectable() {
			m.Addr = p.from
		}
		s.putControl(m, p)
	})
	if err != 0 || s.Type == socket.SOCK_STREAM {
		return n, err
	}
	if n < total {
		m.Out |= socket.MSG_TRUNC
		if m.Flags&socket.MSG_TRUNC != 0 {
			return total, 0
		}
	}
	if s.Type == socket.SOCK_SEQPACKET && total > 0 {
		m.Out |= socket.MSG_EOR
	}
	return n, 0
}
