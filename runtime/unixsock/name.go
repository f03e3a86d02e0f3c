package unixsock

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/socket"
	"internal/xengo/runtime/vfs"
)

// pathMax is the size of sun_path. Source: Linux 6.16 include/uapi/linux/un.h.
const pathMax = 108

// A name is what a socket is bound to: the part of an address after the family. "" is no name, one that begins with a zero is
// abstract, any other is a path.
type name string

func (n name) abstract() bool { return n != "" && n[0] == 0 }

// address returns n as a struct sockaddr_un; paths end with a zero.
func (n name) address() []byte {
	b := append([]byte{socket.AF_UNIX, 0}, n...)
	if n != "" && !n.abstract() {
		b = append(b, 0)
	}
	return b
}

// parseName reads an address. A path ends at its first zero.
func parseName(b []byte) (name, calls.Errno) {
	if len(b) < 2 || len(b) > 2+pathMax || socket.FamilyOf(b) != socket.AF_UNIX {
		return "", calls.EINVAL
	}
	b = b[2:]
	if len(b) == 0 || b[0] == 0 {
		return name(b), 0
	}
	for i, c := range b {
		if c == 0 {
			return name(b[:i]), 0
		}
	}
	return name(b), 0
}

// names are the sockets that have one.
var names = registry{abstract: map[abstractName]*Socket{}, paths: map[vfs.Inode]*Socket{}}

// An abstractName is unique among the sockets of a type.
type abstractName struct {
	name name
	typ  int
}

type registry struct {
	mu       sync.Mutex
	abstract map[abstractName]*Socket
	paths    map[vfs.Inode]*Socket
	auto     uint32
}

// forget takes the names of a socket away. The file of a path stays.
func (r *registry) forget(s *Socket) {
	if key := (abstractName{s.name, s.Type}); r.abstract[key] == s {
		delete(r.abstract, key)
	}
	if s.inode != nil {
		delete(r.paths, s.inode)
	}
}

// find returns the socket with that name, of that type if it is abstract. ECONNREFUSED if there is only its file.
func (r *registry) find(n name, typ int) (*Socket, calls.Errno) {
	if n.abstract() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s := r.abstract[abstractName{n, typ}]; s != nil {
			return s, 0
		}
		return nil, calls.ECONNREFUSED
	}
	loc, err := vfs.Walk(files.WorkingDir(), string(n), vfs.Follow)
	if err != 0 {
		return nil, err
	}
	if modeOf(loc.Inode)&vfs.S_IFMT != vfs.S_IFSOCK {
		return nil, calls.ECONNREFUSED
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.paths[loc.Inode]; s != nil {
		return s, 0
	}
	return nil, calls.ECONNREFUSED
}

func (s *Socket) Bind(b []byte) calls.Errno {
	n, err := parseName(b)
	if err != 0 {
		return err
	}
	names.mu.Lock()
	bound := s.name != ""
	names.mu.Unlock()
	switch {
	case n == "" && bound:
		return 0
	case bound && !n.abstract():
		if _, err := vfs.Walk(files.WorkingDir(), string(n), 0); err == 0 {
			return calls.EADDRINUSE
		}
		return calls.EINVAL
	case bound:
		return calls.EINVAL
	case n == "":
		s.bindAuto()
		return 0
	case n.abstract():
		names.mu.Lock()
		defer names.mu.Unlock()
		return s.bindAbstract(n)
	}
	if err := vfs.Make(files.WorkingDir(), string(n), files.Masked(vfs.S_IFSOCK|0o777), 0, ""); err != 0 {
		if err == calls.EEXIST {
			return calls.EADDRINUSE
		}
		return err
	}
	loc, err := vfs.Walk(files.WorkingDir(), string(n), 0)
	if err != 0 {
		return err
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	names.paths[loc.Inode] = s
	s.name, s.inode = n, loc.Inode
	return 0
}

// bindAbstract gives s an abstract name. names.mu is held.
func (s *Socket) bindAbstract(n name) calls.Errno {
	key := abstractName{n, s.Type}
	if names.abstract[key] != nil {
		return calls.EADDRINUSE
	}
	names.abstract[key] = s
	s.name = n
	return 0
}

// bindAuto gives s an abstract name of five hexadecimal digits.
func (s *Socket) bindAuto() {
	names.mu.Lock()
	defer names.mu.Unlock()
	for s.name == "" {
		names.auto++
		b := []byte{0, 0, 0, 0, 0, 0}
		for i := range 5 {
			b[5-i] = "0123456789abcdef"[names.auto>>(4*i)&15]
		}
		s.bindAbstract(name(b)) // fails if the name is taken: then the next one
	}
}

func (s *Socket) LocalAddr() ([]byte, calls.Errno) {
	names.mu.Lock()
	defer names.mu.Unlock()
	return s.name.address(), 0
}

func (s *Socket) RemoteAddr() ([]byte, calls.Errno) {
	names.mu.Lock()
	defer names.mu.Unlock()
	if s.state != connected {
		return nil, calls.ENOTCONN
	}
	if s.peer == nil {
		return name("").address(), 0
	}
	return s.peer.name.address(), 0
}
