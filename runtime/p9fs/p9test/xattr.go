package p9test

import (
	"golang.org/x/sys/unix"

	"internal/xengo/drivers/ninepfront/p9"
)

// An attribute is the extended attribute that a fid stands for.
type attribute struct {
	name    string // "": the list of all names
	value   []byte
	written int // bytes of value, -1 where it is read
	flags   int
}

// xattr does what is about extended attributes.
func (s *Server) xattr(req p9.Message) (p9.Message, error) {
	switch m := req.(type) {
	case *p9.Txattrwalk:
		f, err := s.get(m.Fid)
		if err != nil {
			return nil, err
		}
		value := make([]byte, 64<<10)
		n, err := unix.Llistxattr(s.at(f.path), value)
		if m.Name != "" {
			n, err = unix.Lgetxattr(s.at(f.path), m.Name, value)
		}
		if err != nil {
			return nil, err
		}
		return &p9.Rxattrwalk{Size: uint64(n)}, s.set(m.NewFid, fid{path: f.path, attr: &attribute{m.Name, value[:n], -1, 0}})
	case *p9.Txattrcreate:
		s.mu.Lock()
		defer s.mu.Unlock()
		f := s.fids[m.Fid]
		switch {
		case f == nil || f.file != nil || f.attr != nil:
			return nil, unix.EINVAL
		case m.Size > 64<<10:
			return nil, unix.E2BIG
		}
		f.attr = &attribute{m.Name, make([]byte, m.Size), 0, int(m.Flags)}
		return &p9.Rxattrcreate{}, nil
	}
	return s.names(req)
}

func (a *attribute) read(m *p9.Tread) p9.Message {
	rest := a.value[min(m.Offset, uint64(len(a.value))):]
	return &p9.Rread{Data: rest[:min(uint64(m.Count), uint64(len(rest)))]}
}

func (a *attribute) write(m *p9.Twrite) (p9.Message, error) {
	if a.written < 0 || m.Offset != uint64(a.written) || len(m.Data) > len(a.value)-a.written {
		return nil, unix.EINVAL
	}
	a.written += copy(a.value[a.written:], m.Data)
	return &p9.Rwrite{Count: uint32(len(m.Data))}, nil
}

// end does what was to be done with an attribute that was written; an empty one goes.
func (a *attribute) end(path string) error {
	switch {
	case a.written < 0:
		return nil
	case a.written < len(a.value):
		return unix.EINVAL
	case len(a.value) == 0:
		return unix.Lremovexattr(path, a.name)
	}
	return unix.Lsetxattr(path, a.name, a.value, a.flags)
}
