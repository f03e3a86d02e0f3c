package socket

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// maxControl is the most control data of one message, net.core.optmem_max. Source: Linux 6.16 net/core/sock.c.
const maxControl = 128 << 10

// msghdr is struct msghdr of Linux on amd64. Source: Linux 6.16 include/linux/socket.h (struct user_msghdr).
type msghdr struct {
	name       uintptr
	nameLen    int32
	_          uint32
	iov        uintptr
	iovLen     uintptr
	control    uintptr
	controlLen uintptr
	flags      int32
	_          uint32
}

// mmsghdr is struct mmsghdr.
type mmsghdr struct {
	msghdr
	n uint32
	_ uint32
}

// data returns the buffers of a message.
func (h *msghdr) data() ([][]byte, calls.Errno) {
	if h.iovLen > calls.MaxVec {
		return nil, calls.EMSGSIZE
	}
	return calls.Buffers(h.iov, h.iovLen)
}

// single returns the buffer of calls that have only one.
func single(p, n uintptr) ([][]byte, calls.Errno) {
	b, err := calls.Buffer(p, n)
	return [][]byte{b}, err
}

func sendto(a calls.Args) (uintptr, calls.Errno) {
	f, s, err := get(a.A1)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	m := Message{Flags: int(int32(a.A4))}
	if m.Data, err = single(a.A2, a.A3); err != 0 {
		return 0, err
	}
	if a.A5 != 0 {
		if m.Addr, err = address(a.A5, a.A6); err != 0 {
			return 0, err
		}
	}
	n, err := send(f, s, &m)
	return uintptr(n), err
}

func sendmsg(a calls.Args) (uintptr, calls.Errno) { return withHeader(a, sendHeader) }
func recvmsg(a calls.Args) (uintptr, calls.Errno) { return withHeader(a, receiveHeader) }

// withHeader does op with the structure msghdr of a call.
func withHeader(a calls.Args, op func(f *fdtable.File, s Socket, h *msghdr, flags int) (int, calls.Errno)) (uintptr, calls.Errno) {
	f, s, err := get(a.A1)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	h, err := calls.Pointer[msghdr](a.A2)
	if err != 0 {
		return 0, err
	}
	n, err := op(f, s, h, int(int32(a.A3)))
	return uintptr(n), err
}

// sendHeader sends what h describes.
func sendHeader(f *fdtable.File, s Socket, h *msghdr, flags int) (int, calls.Errno) {
	m := Message{Flags: flags}
	var err calls.Errno
	if m.Data, err = h.data(); err != 0 {
		return 0, err
	}
	if h.name != 0 && h.nameLen != 0 {
		if m.Addr, err = address(h.name, uintptr(uint32(h.nameLen))); err != 0 {
			return 0, err
		}
	}
	if h.control != 0 && h.controlLen > 0 {
		if h.controlLen > maxControl {
			return 0, calls.ENOBUFS
		}
		b, err := calls.Bytes(h.control, h.controlLen)
		if err != 0 {
			return 0, err
		}
		m.Control = NewControl(append([]byte(nil), b...))
	}
	return send(f, s, &m)
}

// waits reports whether a call with these flags waits.
func waits(f *fdtable.File, flags int) bool { return !f.Nonblocking() && flags&MSG_DONTWAIT == 0 }

// send sends m: all of it, on a stream that may wait.
func send(f *fdtable.File, s Socket, m *Message) (int, calls.Errno) {
	deadline := fdtable.Deadline(s.Info().Timeout(fdtable.Out))
	done, total := 0, m.Len()
	for {
		n, err := s.Send(m)
		done += n
		if err == calls.EAGAIN && waits(f, m.Flags) && f.Wait(fdtable.Out, deadline) {
			continue
		}
		if err != 0 && done > 0 {
			return done, 0
		}
		if err != 0 || s.Info().Type != SOCK_STREAM || done >= total || !waits(f, m.Flags) {
			return done, err
		}
		m.Data, m.Control = calls.Skip(m.Data, n), nil
	}
}

func recvfrom(a calls.Args) (uintptr, calls.Errno) {
	f, s, err := get(a.A1)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	m := Message{Flags: int(int32(a.A4))}
	if m.Data, err = single(a.A2, a.A3); err != 0 {
		return 0, err
	}
	n, err := receive(f, s, &m)
	if err == 0 && a.A5 != 0 {
		err = putAddress(m.Addr, a.A5, a.A6)
	}
	return uintptr(n), err
}

// receiveHeader receives into what h describes.
func receiveHeader(f *fdtable.File, s Socket, h *msghdr, flags int) (int, calls.Errno) {
	m := Message{Flags: flags}
	var err calls.Errno
	if m.Data, err = h.data(); err != 0 {
		return 0, err
	}
	if h.name != 0 && h.nameLen < 0 {
		return 0, calls.EINVAL
	}
	if h.control != 0 && h.controlLen > 0 {
		b, err := calls.Buffer(h.control, h.controlLen)
		if err != 0 {
			return 0, err
		}
		m.Control = NewControlSpace(b)
	}
	n, err := receive(f, s, &m)
	if err != 0 {
		return 0, err
	}
	h.flags = int32(m.Out | flags&MSG_CMSG_CLOEXEC)
	h.controlLen = 0
	if m.Control != nil {
		h.controlLen = uintptr(m.Control.Len())
		if m.Control.Truncated {
			h.flags |= MSG_CTRUNC
		}
	}
	if h.name == 0 {
		return n, 0
	}
	out, err := calls.Bytes(h.name, uintptr(min(int(h.nameLen), len(m.Addr))))
	if err != 0 {
		return 0, err
	}
	copy(out, m.Addr)
	h.nameLen = int32(len(m.Addr))
	return n, 0
}

// receive receives m, waiting for it if that may be, and with MSG_WAITALL on a stream until all buffers are full.
func receive(f *fdtable.File, s Socket, m *Message) (int, calls.Errno) {
	deadline := fdtable.Deadline(s.Info().Timeout(fdtable.In))
	done, total := 0, m.Len()
	for {
		n, err := s.Receive(m)
		done += n
		if err == calls.EAGAIN && waits(f, m.Flags) && m.Flags&MSG_ERRQUEUE == 0 && f.Wait(fdtable.In, deadline) {
			continue
		}
		if err != 0 && done > 0 {
			return done, 0
		}
		all := m.Flags&(MSG_WAITALL|MSG_PEEK) == MSG_WAITALL && s.Info().Type == SOCK_STREAM && waits(f, m.Flags)
		if err != 0 || !all || n == 0 || done >= total {
			return done, err
		}
		m.Data = calls.Skip(m.Data, n)
	}
}

func sendmmsg(a calls.Args) (uintptr, calls.Errno) {
	f, s, err := get(a.A1)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	list, err := calls.Slice[mmsghdr](a.A2, min(uintptr(uint32(a.A3)), calls.MaxVec))
	if err != 0 {
		return 0, err
	}
	for i := range list {
		n, err := sendHeader(f, s, &list[i].msghdr, int(int32(a.A4)))
		if err != 0 {
			return uintptr(i), unless(i > 0, err)
		}
		list[i].n = uint32(n)
	}
	return uintptr(len(list)), 0
}

// unless returns err, or 0 if something was achieved before it.
func unless(achieved bool, err calls.Errno) calls.Errno {
	if achieved {
		return 0
	}
	return err
}

func recvmmsg(a calls.Args) (uintptr, calls.Errno) {
	f, s, err := get(a.A1)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	list, err := calls.Slice[mmsghdr](a.A2, min(uintptr(uint32(a.A3)), calls.MaxVec))
	if err != 0 {
		return 0, err
	}
	t, err := calls.Optional[fdtable.Timespec](a.A5)
	if err != 0 {
		return 0, err
	}
	deadline := fdtable.Never
	if t != nil {
		if t.Sec < 0 || t.Nsec < 0 || t.Nsec >= 1e9 {
			return 0, calls.EINVAL
		}
		deadline = fdtable.Deadline(min(t.Sec, maxSeconds)*1e9 + t.Nsec)
	}
	flags := int(int32(a.A4))
	for i := range list {
		n, err := receiveHeader(f, s, &list[i].msghdr, flags&^MSG_WAITFORONE)
		if err != 0 {
			return uintptr(i), unless(i > 0, err)
		}
		list[i].n = uint32(n)
		if flags&MSG_WAITFORONE != 0 {
			flags |= MSG_DONTWAIT
		}
		if t != nil && fdtable.Passed(deadline) { // recvmmsg(2): looked at after each message only
			return uintptr(i + 1), 0
		}
	}
	return uintptr(len(list)), 0
}
