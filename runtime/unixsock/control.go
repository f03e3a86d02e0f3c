package unixsock

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/socket"
	"internal/xengo/runtime/vfs"
)

const (
	// maxRights is how many descriptors a message can carry: SCM_MAX_FD. Source: Linux 6.16 include/net/scm.h.
	maxRights = 253
	ucredLen  = 12
)

// packet returns a message without its data, as the control messages say.
func (s *Socket) packet(c *socket.Control) (packet, calls.Errno) {
	names.mu.Lock()
	var p packet
	if s.name != "" {
		p.from = s.name.address()
	}
	names.mu.Unlock()
	p.cred = current()
	list, err := c.Messages()
	for _, m := range list {
		if err == 0 && m.Level == socket.SOL_SOCKET {
			err = p.apply(m)
		}
	}
	if err != 0 {
		p.drop()
		return packet{}, err
	}
	return p, 0
}

// apply adds what a control message says.
func (p *packet) apply(m socket.ControlMessage) calls.Errno {
	switch m.Type {
	case socket.SCM_RIGHTS:
		for b := m.Data; len(b) >= 4; b = b[4:] {
			if len(p.files) == maxRights {
				return calls.EINVAL
			}
			f, err := fdtable.Get(int(int32(socket.Uint32(b))))
			if err != 0 {
				return err
			}
			p.files = append(p.files, f)
		}
		return 0
	case socket.SCM_CREDENTIALS:
		if len(m.Data) != ucredLen {
			return calls.EINVAL
		}
		given := ucred{
			int32(socket.Uint32(m.Data)), socket.Uint32(m.Data[4:]), socket.Uint32(m.Data[8:]),
		}
		if given.pid != p.cred.pid && given.pid != 0 {
			return calls.ESRCH
		}
		if vfs.CurrentCred().EUID != 0 && given != p.cred {
			return calls.EPERM
		}
		p.cred.uid, p.cred.gid = given.uid, given.gid
		return 0
	}
	return calls.EINVAL
}

func (c ucred) bytes() []byte {
	b := socket.Append32(nil, uint32(c.pid))
	b = socket.Append32(b, c.uid)
	return socket.Append32(b, c.gid)
}

// putControl hands over what came with a message. Files for which there is no room are closed.
func (s *Socket) putControl(m *socket.Message, p *packet) {
	defer p.drop()
	s.opts.Lock()
	pass := s.opts.passCred
	s.opts.Unlock()
	if m.Control == nil {
		if pass || len(p.files) > 0 {
			m.Out |= socket.MSG_CTRUNC
		}
		return
	}
	if pass {
		m.Control.Put(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, p.cred.bytes())
	}
	if len(p.files) == 0 {
		return
	}
	var fds []byte
	for len(p.files) > 0 && m.Control.Room() >= len(fds)+4 {
		fd, err := fdtable.InstallFile(p.files[0], m.Flags&socket.MSG_CMSG_CLOEXEC != 0)
		if err != 0 {
			break
		}
		p.files = p.files[1:] // its reference is the descriptor's now
		fds = socket.Append32(fds, uint32(fd))
	}
	if len(fds) > 0 {
		m.Control.Put(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)
	}
	if len(p.files) > 0 {
		m.Control.Truncated = true
	}
}
