package socket

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

func init() {
	for _, c := range []struct {
		nr      uintptr
		handler calls.Handler
	}{
		{calls.SYS_SOCKET, newSocket},
		{calls.SYS_SOCKETPAIR, socketpair},
		{calls.SYS_BIND, bind},
		{calls.SYS_CONNECT, connect},
		{calls.SYS_LISTEN, listen},
		{calls.SYS_ACCEPT, func(a calls.Args) (uintptr, calls.Errno) { return accept(a, 0) }},
		{calls.SYS_ACCEPT4, func(a calls.Args) (uintptr, calls.Errno) { return accept(a, a.A4) }},
		{calls.SYS_SHUTDOWN, shutdown},
		{calls.SYS_GETSOCKNAME, func(a calls.Args) (uintptr, calls.Errno) { return name(a, Socket.LocalAddr) }},
		{calls.SYS_GETPEERNAME, func(a calls.Args) (uintptr, calls.Errno) { return name(a, Socket.RemoteAddr) }},
		{calls.SYS_SETSOCKOPT, setsockopt},
		{calls.SYS_GETSOCKOPT, getsockopt},
		{calls.SYS_SENDTO, sendto},
		{calls.SYS_RECVFROM, recvfrom},
		{calls.SYS_SENDMSG, sendmsg},
		{calls.SYS_RECVMSG, recvmsg},
		{calls.SYS_SENDMMSG, sendmmsg},
		{calls.SYS_RECVMMSG, recvmmsg},
	} {
		calls.Register(c.nr, c.handler)
	}
}

// get returns the file and the socket of a descriptor. The caller gives the file back with Put.
func get(fd uintptr) (*fdtable.File, Socket, calls.Errno) {
	f, err := fdtable.Get(int(int32(fd)))
	if err != 0 {
		return nil, nil, err
	}
	if f.Flags()&fdtable.O_PATH != 0 {
		f.Put()
		return nil, nil, calls.EBADF
	}
	s, ok := f.Desc.(Socket)
	if !ok {
		f.Put()
		return nil, nil, calls.ENOTSOCK
	}
	return f, s, 0
}

// with calls op with the socket of a descriptor.
func with(fd uintptr, op func(Socket) calls.Errno) (uintptr, calls.Errno) {
	f, s, err := get(fd)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	return 0, op(s)
}

// install gives a new socket a descriptor; flags are those of socket(2).
func install(s Socket, flags uintptr) (uintptr, calls.Errno) {
	fd, err := fdtable.Install(s, uint32(fdtable.O_RDWR|flags&(SOCK_NONBLOCK|SOCK_CLOEXEC)))
	if err != 0 {
		s.Release() // a socket without a descriptor has nobody to report to
		return 0, err
	}
	return uintptr(fd), 0
}

func newSocket(a calls.Args) (uintptr, calls.Errno) {
	f, err := familyOf(a.A1, a.A2)
	if err != 0 {
		return 0, err
	}
	s, err := f.New(int(a.A2&typeMask), int(int32(a.A3)))
	if err != 0 {
		return 0, err
	}
	return install(s, a.A2)
}

func socketpair(a calls.Args) (uintptr, calls.Errno) {
	f, err := familyOf(a.A1, a.A2)
	if err != 0 {
		return 0, err
	}
	out, err := calls.Pointer[[2]int32](a.A4)
	if err != 0 {
		return 0, err
	}
	if f.Pair == nil {
		return 0, calls.EOPNOTSUPP
	}
	s, t, err := f.Pair(int(a.A2&typeMask), int(int32(a.A3)))
	if err != 0 {
		return 0, err
	}
	fd, err := install(s, a.A2)
	if err != 0 {
		t.Release()
		return 0, err
	}
	other, err := install(t, a.A2)
	if err != 0 {
		fdtable.Close(int(fd))
		return 0, err
	}
	out[0], out[1] = int32(fd), int32(other)
	return 0, 0
}

func bind(a calls.Args) (uintptr, calls.Errno) {
	return with(a.A1, func(s Socket) calls.Errno {
		addr, err := address(a.A2, a.A3)
		if err != 0 {
			return err
		}
		return s.Bind(addr)
	})
}

func listen(a calls.Args) (uintptr, calls.Errno) {
	const maxBacklog = 4096 // /proc/sys/net/core/somaxconn
	return with(a.A1, func(s Socket) calls.Errno {
		backlog := int(uint32(a.A2)) // negative ones are very large, as on Linux
		return s.Listen(min(backlog, maxBacklog))
	})
}

func shutdown(a calls.Args) (uintptr, calls.Errno) {
	return with(a.A1, func(s Socket) calls.Errno {
		how := int(int32(a.A2))
		if how < SHUT_RD || how > SHUT_RDWR {
			return calls.EINVAL
		}
		return s.Shutdown(how)
	})
}

func name(a calls.Args, of func(Socket) ([]byte, calls.Errno)) (uintptr, calls.Errno) {
	return with(a.A1, func(s Socket) calls.Errno {
		addr, err := of(s)
		if err != 0 {
			return err
		}
		return putAddress(addr, a.A2, a.A3)
	})
}

func connect(a calls.Args) (uintptr, calls.Errno) {
	f, s, err := get(a.A1)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	addr, err := address(a.A2, a.A3)
	if err != 0 {
		return 0, err
	}
	err = s.Connect(addr)
	if f.Nonblocking() {
		return 0, err
	}
	deadline := fdtable.Deadline(s.Info().Timeout(fdtable.Out))
	for err == calls.EINPROGRESS || err == calls.EALREADY || err == calls.EAGAIN {
		if !f.Wait(fdtable.Out, deadline) {
			return 0, err
		}
		err = s.Connect(addr)
	}
	return 0, err
}

func accept(a calls.Args, flags uintptr) (uintptr, calls.Errno) {
	if flags&^(SOCK_NONBLOCK|SOCK_CLOEXEC) != 0 {
		return 0, calls.EINVAL
	}
	f, s, err := get(a.A1)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	var peer []byte
	var conn Socket
	deadline := fdtable.Deadline(s.Info().Timeout(fdtable.In))
	_, err = f.BlockingUntil(fdtable.In, deadline, func() (_ int, err calls.Errno) {
		conn, peer, err = s.Accept()
		return 0, err
	})
	if err != 0 {
		return 0, err
	}
	fd, err := install(conn, flags)
	if err != 0 || a.A2 == 0 {
		return fd, err
	}
	if err := putAddress(peer, a.A2, a.A3); err != 0 {
		fdtable.Close(int(fd))
		return 0, err
	}
	return fd, 0
}
