package sockets

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/socket"
)

// netlinkRoute is the only protocol of netlink there is. Source: Linux 6.16 include/uapi/linux/netlink.h.
const netlinkRoute = 0

// sockaddrNL is the size of struct sockaddr_nl.
const sockaddrNL = 12

// A netlink is a socket of rtnetlink(7): it answers questions about interfaces, addresses and routes.
type netlink struct {
	socket.Common
	fdtable.Notifier
	st *netstack.Stack

	mu      sync.Mutex
	port    uint32
	answers [][]byte // a datagram each
	size    int      // of answers
}

var _ socket.Socket = (*netlink)(nil)

func newNetlink(st *netstack.Stack, typ, protocol int) (socket.Socket, calls.Errno) {
	if typ != socket.SOCK_RAW && typ != socket.SOCK_DGRAM {
		return nil, calls.ESOCKTNOSUPPORT
	}
	if protocol != netlinkRoute {
		return nil, calls.EPROTONOSUPPORT
	}
	n := &netlink{st: st}
	n.Init(socket.AF_NETLINK, typ, protocol)
	return n, 0
}

// The first socket gets the number of the process, as on Linux; more get others.
var netlinkPorts atomic.Uint32

func (n *netlink) bound() uint32 {
	if n.port == 0 {
		n.port = netlinkPorts.Add(1)
	}
	return n.port
}

// isNetlink reports whether b is a struct sockaddr_nl.
func isNetlink(b []byte) bool { return len(b) >= sockaddrNL && socket.FamilyOf(b) == socket.AF_NETLINK }

// Bind gives the socket a number. Nothing announces changes, so groups cannot be joined.
func (n *netlink) Bind(b []byte) calls.Errno {
	if !isNetlink(b) {
		return calls.EINVAL
	}
	if binary.NativeEndian.Uint32(b[8:]) != 0 {
		return calls.EOPNOTSUPP
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	want := binary.NativeEndian.Uint32(b[4:])
	if n.port != 0 && want != n.port {
		return calls.EINVAL
	}
	if want != 0 {
		n.port = want
	}
	n.bound()
	return 0
}

// Connect accepts the kernel as the other end, which it always is.
func (n *netlink) Connect(b []byte) calls.Errno {
	if !isNetlink(b) {
		return calls.EINVAL
	}
	if binary.NativeEndian.Uint32(b[4:]) != 0 {
		return calls.ECONNREFUSED
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bound()
	return 0
}

func netlinkAddress(port uint32) []byte {
	b := make([]byte, sockaddrNL)
	binary.NativeEndian.PutUint16(b, socket.AF_NETLINK)
	binary.NativeEndian.PutUint32(b[4:], port)
	return b
}

func (n *netlink) LocalAddr() ([]byte, calls.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return netlinkAddress(n.port), 0
}

func (n *netlink) RemoteAddr() ([]byte, calls.Errno)            { return netlinkAddress(0), 0 }
func (n *netlink) Listen(int) calls.Errno                       { return calls.EOPNOTSUPP }
func (n *netlink) Accept() (socket.Socket, []byte, calls.Errno) { return nil, nil, calls.EOPNOTSUPP }
func (n *netlink) Shutdown(int) calls.Errno                     { return calls.EOPNOTSUPP }
func (n *netlink) Option(int, int, []byte) (int, calls.Errno)   { return 0, calls.ENOPROTOOPT }
func (n *netlink) SetOption(level, name int, v []byte) calls.Errno {
	switch (option{level, name}) {
	case option{socket.SOL_SOCKET, socket.SO_SNDBUF}, option{socket.SOL_SOCKET, socket.SO_RCVBUF},
		option{socket.SOL_SOCKET, socket.SO_RCVBUFFORCE}, option{socket.SOL_SOCKET, socket.SO_SNDBUFFORCE}:
		return 0 // answers are made as they are asked for: their buffer has the size it needs
	case option{socket.SOL_NETLINK, netlinkExtAck}, option{socket.SOL_NETLINK, netlinkStrict}:
		return 0 // both allow longer answers than are given
	}
	return calls.ENOPROTOOPT
}

// Options of SOL_NETLINK. Source: Linux 6.16 include/uapi/linux/netlink.h.
const (
	netlinkExtAck = 11
	netlinkStrict = 12
)

func (n *netlink) Release() calls.Errno { return 0 }

func (n *netlink) Readiness() fdtable.Events {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.answers) > 0 {
		return fdtable.In | fdtable.Out
	}
	return fdtable.Out
}

func (n *netlink) Read(p []byte) (int, calls.Errno) {
	return n.Receive(&socket.Message{Data: [][]byte{p}})
}

func (n *netlink) Write(p []byte) (int, calls.Errno) {
	return n.Send(&socket.Message{Data: [][]byte{p}})
}

func (n *netlink) Receive(m *socket.Message) (int, calls.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.answers) == 0 {
		return 0, calls.EAGAIN
	}
	b := n.answers[0]
	if m.Flags&socket.MSG_PEEK == 0 {
		n.answers = n.answers[1:]
		n.size -= len(b)
	}
	m.Addr = netlinkAddress(0)
	k := &sink{append([][]byte(nil), m.Data...)}
	done, short := k.Write(b)
	if short != nil {
		m.Out |= socket.MSG_TRUNC
		if m.Flags&socket.MSG_TRUNC != 0 {
			return len(b), 0
		}
	}
	return done, 0
}

// maxRequest is the largest request, in bytes, and maxAnswers how much may wait to be read.
const (
	maxRequest = 32 << 10
	maxAnswers = 1 << 20
)

func (n *netlink) Send(m *socket.Message) (int, calls.Errno) {
	if m.Addr != nil {
		if len(m.Addr) < sockaddrNL || socket.FamilyOf(m.Addr) != socket.AF_NETLINK {
			return 0, calls.EINVAL
		}
		if binary.NativeEndian.Uint32(m.Addr[4:]) != 0 {
			return 0, calls.ECONNREFUSED
		}
	}
	size := m.Len()
	if size > maxRequest {
		return 0, calls.EMSGSIZE
	}
	request := make([]byte, 0, size)
	for _, b := range m.Data {
		request = append(request, b...)
	}
	n.st.WaitSettled() // what is asked for may be about to change
	n.mu.Lock()
	port := n.bound()
	full := n.size > maxAnswers
	n.mu.Unlock()
	if full {
		return 0, calls.ENOBUFS
	}
	answers := answer(n.st, port, request)
	n.mu.Lock()
	for _, a := range answers {
		n.size += len(a)
	}
	n.answers = append(n.answers, answers...)
	n.mu.Unlock()
	n.Signal(fdtable.In)
	return size, 0
}
