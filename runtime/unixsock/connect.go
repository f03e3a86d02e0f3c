package unixsock

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/socket"
	"internal/xengo/runtime/vfs"
)

// current returns the credentials of the program, which is process 1.
func current() ucred {
	c := vfs.CurrentCred()
	return ucred{1, c.EUID, c.EGID}
}

// modeOf returns the mode of a file, 0 if it cannot be had.
func modeOf(n vfs.Inode) uint32 {
	var st fdtable.Stat
	if n.Stat(&st) != 0 {
		return 0
	}
	return st.Mode
}

func (s *Socket) Listen(backlog int) calls.Errno {
	if !s.connectable() {
		return calls.EOPNOTSUPP
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	if s.name == "" || s.state == connected {
		return calls.EINVAL
	}
	s.state, s.backlog, s.cred = listening, backlog, current()
	return 0
}

func (s *Socket) Connect(b []byte) calls.Errno {
	if s.Type == socket.SOCK_DGRAM && socket.FamilyOf(b) == socket.AF_UNSPEC && len(b) >= 2 {
		s.disconnect()
		return 0
	}
	n, err := parseName(b)
	if err != 0 {
		return err
	}
	if n == "" {
		return calls.EINVAL
	}
	other, err := names.find(n, s.Type)
	if err != 0 {
		return err
	}
	if other.Type != s.Type {
		return calls.EPROTOTYPE
	}
	if !s.connectable() {
		return s.associate(other)
	}
	names.mu.Lock()
	err = s.connectTo(other)
	names.mu.Unlock()
	if err == 0 {
		other.Signal(fdtable.In)
		s.Signal(fdtable.Out)
	}
	return err
}

// connectTo queues a connection at a listening socket. names.mu is held.
func (s *Socket) connectTo(other *Socket) calls.Errno {
	switch {
	case s.state == connected:
		return calls.EISCONN
	case s.state == listening:
		return calls.EINVAL
	case other.state != listening || other.closed:
		return calls.ECONNREFUSED
	case len(other.pending) > other.backlog:
		other.in.setCrowded(true)
		s.wait(other.in)
		return calls.EAGAIN
	}
	s.wait(nil)
	c := &Socket{name: other.name, cred: other.cred}
	c.Init(socket.AF_UNIX, s.Type, 0)
	c.in = newQueue(s.Type == socket.SOCK_STREAM, &c.Notifier)
	s.cred = current()
	s.join(c)
	c.join(s)
	other.pending = append(other.pending, c)
	return 0
}

// associate makes other the destination of the datagrams of s, and the only source.
func (s *Socket) associate(other *Socket) calls.Errno {
	s.disconnect()
	names.mu.Lock()
	defer names.mu.Unlock()
	if other.peer != nil && other.peer != s {
		return calls.EPERM
	}
	s.join(other)
	return 0
}

func (s *Socket) disconnect() {
	names.mu.Lock()
	defer names.mu.Unlock()
	if s.out != nil {
		s.out.removeWriter(&s.Notifier)
	}
	s.peer, s.out, s.state = nil, nil, unconnected
}

func (s *Socket) Accept() (socket.Socket, []byte, calls.Errno) {
	if !s.connectable() {
		return nil, nil, calls.EOPNOTSUPP
	}
	names.mu.Lock()
	if s.state != listening || s.closed {
		names.mu.Unlock()
		return nil, nil, calls.EINVAL
	}
	if len(s.pending) == 0 {
		names.mu.Unlock()
		return nil, nil, calls.EAGAIN
	}
	c := s.pending[0]
	s.pending = s.pending[1:]
	var from name
	if c.peer != nil {
		from = c.peer.name
	}
	names.mu.Unlock()
	s.in.setCrowded(false)
	return c, from.address(), 0
}
