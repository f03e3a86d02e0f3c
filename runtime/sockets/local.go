package sockets

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/waiter"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/fifo"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/socket"
)

// Connections within the guest. The stack makes and ends them, and says how they end; their data need not become
// segments. When both sockets are there, a direction gets a buffer into which one puts what the other takes out: a local.
// What the stack was given before that comes first, and its end of the stream last, for the one who ends it has put
// everything before.
//
// Lock order: meetings.mu, sending, local.mu; receiving, local.mu. No lock is held when the other end is signalled, but the
// stack's events may come while sending or receiving is: Readiness and Notify take neither.

// A local is one direction of a connection.
type local struct {
	reader, writer *inet
	before         uint64 // bytes that went through the stack

	mu   sync.Mutex
	data fifo.Buffer
	gone bool // the reader is closed, or its connection was ended: the stack knows what that means
}

// keptBuffer is how much memory of an empty buffer is kept for what comes next, in bytes: all of what it mostly is in a domain
// of half a gigabyte.
func keptBuffer() int { return int(max(64<<10, min(256<<10, kernel.MemTotal()/2048))) }

// limit is how many bytes wait in l before the writer has to: the two buffers that Linux has, too.
func (l *local) limit() int {
	return int(l.reader.ep.SocketOptions().GetReceiveBufferSize() + l.writer.ep.SocketOptions().GetSendBufferSize())
}

// put takes as much of bufs as there is room for; ok is false if the stack has to answer.
func (l *local) put(bufs [][]byte) (n int, ok bool) {
	limit := l.limit()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return 0, false
	}
	for _, b := range bufs {
		part := b[:max(0, min(len(b), limit-l.data.Len()))]
		l.data.Write(part)
		n += len(part)
	}
	return n, true
}

// writable reports whether a writer that waits shall go on: when a third is free, so that it does not wake for every byte.
// Source: Linux 6.16 include/net/sock.h, sk_stream_is_writeable.
func (l *local) writable() bool {
	limit := l.limit()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone || l.hasRoom(limit)
}

// hasRoom is for those who hold l.mu.
func (l *local) hasRoom(limit int) bool { return limit-l.data.Len() >= limit/3 }

// get receives into m. room says that the writer may have waited and need not any more.
func (l *local) get(m *socket.Message) (n int, room bool) {
	limit := l.limit()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range m.Data {
		if m.Flags&socket.MSG_TRUNC != 0 { // tcp(7): the data are thrown away
			n += min(len(b), l.data.Len()-n)
		} else {
			n += l.data.Peek(b, n)
		}
	}
	if m.Flags&socket.MSG_PEEK != 0 {
		return n, false
	}
	full := !l.hasRoom(limit)
	l.data.Skip(n)
	if l.data.Len() == 0 {
		l.data.Limit(keptBuffer())
	}
	return n, full && l.hasRoom(limit)
}

func (l *local) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.data.Len()
}

// leave says that nobody will read any more, and reports whether there was something left.
func (l *local) leave() (unread bool) {
	l.mu.Lock()
	unread, l.gone = l.data.Len() > 0, true
	l.data.Reset()
	l.mu.Unlock()
	l.writer.Signal(fdtable.Out)
	return unread
}

// A neighbour is what an inet knows of a connection within the guest; the rest of it is zero if the other end is elsewhere.
type neighbour struct {
	possible atomic.Bool // the other end is an address of the guest
	in, out  atomic.Pointer[local]

	sending   sync.Mutex
	sent      uint64      // by the stack
	shut      atomic.Bool // nothing more is sent
	receiving sync.Mutex
	received  atomic.Uint64 // from the stack

	met bool    // it is or was in meetings, whose lock guards these
	at  meeting // where
}

// A meeting is what two sockets of a connection have in common.
type meeting struct {
	st                  *netstack.Stack
	connected, accepted tcpip.Address
	from, to            uint16 // ports
}

// meetings has the sockets that wait for the other one of their connection.
var meetings struct {
	mu    sync.Mutex
	inets map[meeting]*inet
}

// isOwn reports whether a is an address of the guest.
func (s *inet) isOwn(a tcpip.Address) bool {
	a = unmapped(a)
	switch {
	case a.Len() == 0:
		return false
	case isLoopback(a):
		return true
	case a.Len() == 4:
		return s.st.CheckLocalAddress(0, header.IPv4ProtocolNumber, a) != 0
	}
	return s.st.CheckLocalAddress(0, header.IPv6ProtocolNumber, a) != 0
}

// meet looks for the other end of a connection between own and peer, which may come first or second.
func (s *inet) meet(own, peer tcpip.FullAddress, accepted bool) {
	at := meeting{s.st, unmapped(own.Addr), unmapped(peer.Addr), own.Port, peer.Port}
	if accepted {
		at = meeting{s.st, unmapped(peer.Addr), unmapped(own.Addr), peer.Port, own.Port}
	}
	m := &meetings
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &s.neighbour
	if n.met {
		return
	}
	n.met, n.at = true, at
	other := m.inets[at]
	if other == nil {
		if m.inets == nil {
			m.inets = map[meeting]*inet{}
		}
		m.inets[at] = s
		return
	}
	delete(m.inets, at)
	link(s, other)
	link(other, s)
}

// link gives a direction of a connection its buffer.
func link(writer, reader *inet) {
	writer.neighbour.sending.Lock()
	defer writer.neighbour.sending.Unlock()
	l := &local{reader: reader, writer: writer, before: writer.neighbour.sent}
	reader.neighbour.in.Store(l)
	writer.neighbour.out.Store(l)
}

// forget ends s's part in a connection, and reports whether it leaves something unread.
func (s *inet) forget() (unread bool) {
	m := &meetings
	m.mu.Lock()
	n := &s.neighbour
	if n.met && m.inets[n.at] == s {
		delete(m.inets, n.at)
	}
	n.met = true
	m.mu.Unlock()
	if l := n.in.Load(); l != nil {
		return l.leave()
	}
	return false
}

// sendLocal is Send on a stream whose other end may be in the guest.
func (s *inet) sendLocal(m *socket.Message) (int, calls.Errno) {
	n := &s.neighbour
	n.sending.Lock()
	l := n.out.Load()
	count, ok := 0, false
	if l != nil && !n.shut.Load() {
		count, ok = l.put(m.Data)
	}
	if !ok {
		defer n.sending.Unlock()
		count, err := s.sendStack(newPayload(m), tcpip.WriteOptions{})
		n.sent += uint64(count)
		return count, err
	}
	n.sending.Unlock()
	if count == 0 && m.Len() > 0 {
		return 0, calls.EAGAIN
	}
	l.reader.Signal(fdtable.In)
	return count, 0
}

// receiveLocal is receiveStream on a stream whose other end may be in the guest.
func (s *inet) receiveLocal(m *socket.Message) (int, calls.Errno) {
	n := &s.neighbour
	n.receiving.Lock()
	l := n.in.Load()
	if l == nil {
		// An end that the stack has seen was sent after the sockets met, if they have.
		ready := s.stackReady()
		if l = n.in.Load(); l == nil && !ready {
			n.receiving.Unlock()
			return 0, calls.EAGAIN
		}
	}
	if l == nil || n.received.Load() < l.before {
		defer n.receiving.Unlock()
		count, err := s.receiveStack(m)
		if m.Flags&socket.MSG_PEEK == 0 {
			n.received.Add(uint64(count))
		}
		return count, err
	}
	count, room := l.get(m)
	if count == 0 {
		if !s.stackReady() {
			n.receiving.Unlock()
			return 0, calls.EAGAIN
		}
		count, room = l.get(m) // what was put before the end
	}
	n.receiving.Unlock()
	if room {
		l.writer.Signal(fdtable.Out)
	}
	if count == 0 {
		return s.receiveStack(m)
	}
	return count, 0
}

// stackReady reports whether the stack has data, an error or the end of the stream.
func (s *inet) stackReady() bool {
	return s.ep.Readiness(waiter.ReadableEvents|waiter.EventHUp|waiter.EventErr) != 0
}

// localEvents corrects the stack's events of a connection within the guest.
func (s *inet) localEvents(ev fdtable.Events) fdtable.Events {
	n := &s.neighbour
	if l := n.in.Load(); l != nil && n.received.Load() >= l.before && l.length() > 0 {
		ev |= fdtable.In
	}
	if l := n.out.Load(); l != nil && !n.shut.Load() && !l.writable() {
		ev &^= fdtable.Out
	}
	return ev
}
