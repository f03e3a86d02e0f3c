// Package socket holds the system calls on sockets and what all address families have in common. A family
// (runtime/sockets for IP and netlink, runtime/unixsock) registers how to make its sockets and implements
// Socket; everything that is about descriptors, memory of the caller and waiting is here.
package socket

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/xen/ascii"
)

// Address families. Source: Linux 6.16 include/linux/socket.h.
const (
	AF_UNSPEC  = 0
	AF_UNIX    = 1
	AF_INET    = 2
	AF_INET6   = 10
	AF_NETLINK = 16

	familyMax = 46 // AF_MAX
)

// Types of sockets, and flags that may be or'ed to them. Source: Linux 6.16 include/linux/net.h.
const (
	SOCK_STREAM    = 1
	SOCK_DGRAM     = 2
	SOCK_RAW       = 3
	SOCK_RDM       = 4
	SOCK_SEQPACKET = 5
	SOCK_DCCP      = 6
	SOCK_PACKET    = 10

	typeMask      = 0xf
	sockMax       = 11 // SOCK_MAX
	SOCK_NONBLOCK = fdtable.O_NONBLOCK
	SOCK_CLOEXEC  = fdtable.O_CLOEXEC
)

// Flags of the calls that send and receive. Source: Linux 6.16 include/linux/socket.h.
const (
	MSG_OOB          = 0x1
	MSG_PEEK         = 0x2
	MSG_DONTROUTE    = 0x4
	MSG_CTRUNC       = 0x8
	MSG_TRUNC        = 0x20
	MSG_DONTWAIT     = 0x40
	MSG_EOR          = 0x80
	MSG_WAITALL      = 0x100
	MSG_ERRQUEUE     = 0x2000
	MSG_NOSIGNAL     = 0x4000
	MSG_MORE         = 0x8000
	MSG_WAITFORONE   = 0x10000
	MSG_CMSG_CLOEXEC = 0x40000000
)

// How to shut down.
const (
	SHUT_RD   = 0
	SHUT_WR   = 1
	SHUT_RDWR = 2
)

// A Socket is the description behind a socket's descriptor. None of its methods waits, unless it says so.
// Addresses are struct sockaddr of the socket's family, as they came or as they go.
type Socket interface {
	fdtable.Description

	// Info is what is the same for all sockets.
	Info() *Common

	Bind(addr []byte) calls.Errno
	// Connect returns EINPROGRESS, EALREADY or EAGAIN if it is to be called again after a change of
	// readiness, as the caller of a blocking socket does.
	Connect(addr []byte) calls.Errno
	Listen(backlog int) calls.Errno
	Accept() (Socket, []byte, calls.Errno)
	Shutdown(how int) calls.Errno
	LocalAddr() ([]byte, calls.Errno)
	RemoteAddr() ([]byte, calls.Errno)

	// Option writes the value of an option to value, as much as there is room for, and returns its length.
	Option(level, name int, value []byte) (int, calls.Errno)
	SetOption(level, name int, value []byte) calls.Errno

	// Send sends a message. A stream may take only a part.
	Send(m *Message) (int, calls.Errno)
	// Receive fills in a message.
	Receive(m *Message) (int, calls.Errno)
}

// A Message is what one call sends or receives.
type Message struct {
	Flags   int      // in: MSG_*
	Data    [][]byte // what to send, or where to put what is received
	Addr    []byte   // to whom, nil if it was not said; from whom
	Control *Control // ancillary data; nil if none is sent or wanted

	// Out is set when a message is received: MSG_TRUNC, MSG_CTRUNC, MSG_EOR, MSG_ERRQUEUE.
	Out int
}

// Len returns the number of bytes of m's buffers.
func (m *Message) Len() int {
	n := 0
	for _, b := range m.Data {
		n += len(b)
	}
	return n
}

// Common is what all sockets have.
type Common struct {
	Family, Type, Protocol int

	id uint64
	// Times after which blocking calls give up, in nanoseconds; 0 for never.
	receiveTimeout, sendTimeout atomic.Int64
}

var lastID atomic.Uint64

// Init sets what never changes.
func (c *Common) Init(family, typ, protocol int) {
	c.Family, c.Type, c.Protocol = family, typ, protocol
	c.id = lastID.Add(1)
}

// Info is Socket's method for those who embed c.
func (c *Common) Info() *Common { return c }

// ID returns the number of the socket, which is its inode's.
func (c *Common) ID() uint64 { return c.id }

const (
	modeSocket = 0o140777
	socketDev  = 8 // as Linux's sockfs has some anonymous device
	blockSize  = 4096
)

// Stat is fstat's.
func (c *Common) Stat(st *fdtable.Stat) calls.Errno {
	*st = fdtable.Stat{Dev: socketDev, Ino: c.id, Nlink: 1, Mode: modeSocket, Blksize: blockSize}
	return 0
}

// Name is what /proc/self/fd shows.
func (c *Common) Name() string { return "socket:[" + ascii.Utoa(c.id) + "]" }

// Timeout is how long a blocking call waits for events of mask, in nanoseconds; negative for ever.
func (c *Common) Timeout(mask fdtable.Events) int64 {
	t := c.receiveTimeout.Load()
	if mask&fdtable.Out != 0 {
		t = c.sendTimeout.Load()
	}
	if t == 0 {
		return -1
	}
	return t
}

// A Family makes sockets. Its type has been checked to be one that exists, and carries no flags.
type Family struct {
	New func(typ, protocol int) (Socket, calls.Errno)
	// Pair makes two connected sockets; nil if the family cannot.
	Pair func(typ, protocol int) (a, b Socket, err calls.Errno)
}

var families struct {
	sync.RWMutex
	list [familyMax]*Family
}

// Register makes the sockets of an address family available.
func Register(family int, f *Family) {
	families.Lock()
	defer families.Unlock()
	if families.list[family] != nil {
		panic("socket: family " + ascii.Utoa(uint64(family)) + " registered twice")
	}
	families.list[family] = f
}

// familyOf checks the arguments of socket(2) and socketpair(2).
func familyOf(family, typ uintptr) (*Family, calls.Errno) {
	if typ&^(typeMask|SOCK_NONBLOCK|SOCK_CLOEXEC) != 0 {
		return nil, calls.EINVAL
	}
	if int32(family) < 0 || int32(family) >= familyMax {
		return nil, calls.EAFNOSUPPORT
	}
	if typ&typeMask >= sockMax {
		return nil, calls.EINVAL
	}
	families.RLock()
	f := families.list[int32(family)]
	families.RUnlock()
	if f == nil {
		return nil, calls.EAFNOSUPPORT
	}
	return f, 0
}
