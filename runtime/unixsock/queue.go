package unixsock

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/socket"
)

const (
	// queueSize is how many bytes wait in a queue before writers have to: net.core.wmem_default.
	queueSize = 212992
	// maxDatagrams is how many datagrams may wait: net.unix.max_dgram_qlen. Source: Linux 6.16 net/unix/sysctl_net_unix.c.
	maxDatagrams = 10
	// maxMessage is the longest message: what a send buffer has room for. Source: net/unix/af_unix.c, unix_dgram_sendmsg.
	maxMessage = queueSize - 32
	// maxChunk is how much of a stream is copied at once.
	maxChunk = 64 << 10
)

// chunks are buffers of long pieces: streams would otherwise allocate all that they
// carry.
var chunks = sync.Pool{New: func() any { return new([maxChunk]byte) }}

// A packet is a message, or a piece of a stream.
type packet struct {
	data  []byte
	chunk *[maxChunk]byte // of chunks, where data are; nil if they were allocated
	from  []byte          // address of the sender
	files []*fdtable.File
	cred  ucred
}

// room gives p a buffer for size bytes.
func (p *packet) room(size int) {
	if size <= maxChunk/2 || size > maxChunk {
		p.data = make([]byte, 0, size)
		return
	}
	p.chunk = chunks.Get().(*[maxChunk]byte)
	p.data = p.chunk[:0]
}

// drop closes files that nobody received.
func (p *packet) drop() {
	for _, f := range p.files {
		f.Put()
	}
	p.files = nil
}

// A queue is what a socket can receive.
type queue struct {
	stream bool
	reader *fdtable.Notifier

	mu       sync.Mutex
	packets  []packet
	size     int
	limit    int
	finished bool // no more will come
	refusing bool // no more is taken
	reset    bool // the peer is gone and has not read all
	gone     bool // the reader is
	crowded  bool // the reader listens and has as many connections waiting as it may
	writers  []*fdtable.Notifier
}

func newQueue(stream bool, reader *fdtable.Notifier) *queue {
	return &queue{stream: stream, reader: reader, limit: queueSize}
}

func (q *queue) addWriter(n *fdtable.Notifier) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writers = append(q.writers, n)
}

func (q *queue) removeWriter(n *fdtable.Notifier) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.writers {
		if w == n {
			q.writers = append(q.writers[:i:i], q.writers[i+1:]...)
			return
		}
	}
}

// signal tells the writers of an edge, without a lock.
func (q *queue) signal(ev fdtable.Events) {
	q.mu.Lock()
	list := append([]*fdtable.Notifier(nil), q.writers...)
	q.mu.Unlock()
	for _, w := range list {
		w.Signal(ev)
	}
}

// full reports whether writers have to wait. q.mu is held.
func (q *queue) full() bool {
	return q.size >= q.limit || !q.stream && len(q.packets) > maxDatagrams || q.crowded
}

// isFull is full for those who do not hold q.mu.
func (q *queue) isFull() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.full() && !q.gone
}

// setCrowded says whether there is no room for connections.
func (q *queue) setCrowded(on bool) {
	q.mu.Lock()
	changed := q.crowded != on
	q.crowded = on
	q.mu.Unlock()
	if changed && !on {
		q.signal(fdtable.Out)
	}
}

// put queues a message, or as much of it as there is room for if it is a stream. packet.data is copied.
func (q *queue) put(bufs [][]byte, p packet) (int, calls.Errno) {
	size := 0
	for _, b := range bufs {
		size += len(b)
	}
	q.mu.Lock()
	switch {
	case q.gone || q.refusing || q.finished:
		q.mu.Unlock()
		return 0, calls.EPIPE
	case q.full():
		q.mu.Unlock()
		return 0, calls.EAGAIN
	}
	if q.stream {
		size = min(size, q.limit-q.size, maxChunk)
	}
	p.room(size)
	for _, b := range bufs {
		p.data = append(p.data, b[:min(len(b), size-len(p.data))]...)
	}
	q.size += size
	q.packets = append(q.packets, p)
	q.mu.Unlock()
	q.reader.Signal(fdtable.In)
	return size, 0
}

// empty returns the error or end that a receiver finds: done is false if there is a packet. q.mu is held.
func (q *queue) empty() (done bool, err calls.Errno) {
	switch {
	case q.reset && len(q.packets) == 0:
		q.reset = false
		return true, calls.ECONNRESET
	case len(q.packets) > 0:
		return false, 0
	case q.finished || q.refusing:
		return true, 0
	}
	return true, calls.EAGAIN
}

// get receives into m: one message, or a part of a stream that came with the same files and credentials. all is called with what
// else came, while it stays in the queue if peeked at.
func (q *queue) get(m *socket.Message, all func(p *packet, size int)) (int, calls.Errno) {
	q.mu.Lock()
	if done, err := q.empty(); done {
		q.mu.Unlock()
		return 0, err
	}
	peek := m.Flags&socket.MSG_PEEK != 0
	wasFull := q.full()
	first := q.packets[0]
	n := 0
	if q.stream {
		n = q.getStream(m.Data, peek)
	} else {
		for _, b := range m.Data {
			n += copy(b, first.data[n:])
		}
		if !peek {
			q.pop()
		}
	}
	size := len(first.data)
	if peek {
		first.files = append([]*fdtable.File(nil), first.files...)
		for _, f := range first.files {
			f.Ref()
		}
	}
	notFull := wasFull && !q.full()
	q.mu.Unlock()
	if notFull {
		q.signal(fdtable.Out)
	}
	all(&first, size)
	return n, 0
}

// pop removes the first packet, whose data nobody has any more. q.mu is held.
func (q *queue) pop() {
	q.size -= len(q.packets[0].data)
	if c := q.packets[0].chunk; c != nil {
		chunks.Put(c)
	}
	q.packets[0] = packet{}
	if q.packets = q.packets[1:]; len(q.packets) == 0 {
		q.packets = nil
	}
}

// getStream copies from the beginning of a stream, but not across the ends of a piece that files came with. What came with the first piece leaves it.
// q.mu is held.
func (q *queue) getStream(bufs [][]byte, peek bool) int {
	n, alone := 0, false
	bufs = append([][]byte(nil), bufs...)
	for i := 0; i < len(q.packets); {
		p := &q.packets[i]
		if n > 0 && (len(p.files) > 0 || alone) {
			break
		}
		alone = len(p.files) > 0
		c := 0
		for c < len(p.data) && len(bufs) > 0 {
			k := copy(bufs[0], p.data[c:])
			c += k
			bufs = calls.Skip(bufs, k)
		}
		n += c
		if peek {
			if c < len(p.data) {
				break
			}
			i++
			continue
		}
		if c < len(p.data) {
			p.data, p.files = p.data[c:], nil
			q.size -= c
			break
		}
		q.pop()
	}
	return n
}

// finish says that nothing more comes; with reset the peer has not read all that was sent to it.
func (q *queue) finish(reset bool) {
	q.mu.Lock()
	q.finished, q.reset = true, q.reset || reset
	q.mu.Unlock()
	q.reader.Signal(fdtable.In | fdtable.Out | fdtable.RdHup | fdtable.Hup)
	q.signal(fdtable.Out)
}

// refuse says that the reader takes no more.
func (q *queue) refuse() {
	q.mu.Lock()
	q.refusing = true
	q.mu.Unlock()
	q.signal(fdtable.Out | fdtable.Err | fdtable.Hup)
}

// end is refuse for a reader that is gone. It reports whether it has left something unread.
func (q *queue) end() (unread bool) {
	q.mu.Lock()
	left := q.packets
	q.gone, q.packets, q.size = true, nil, 0
	q.mu.Unlock()
	for i := range left {
		left[i].drop()
	}
	q.signal(fdtable.Out | fdtable.Err | fdtable.Hup)
	return len(left) > 0
}

// readable returns the events of the reader.
func (q *queue) readable() fdtable.Events {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ev fdtable.Events
	if len(q.packets) > 0 || q.finished || q.refusing || q.reset {
		ev |= fdtable.In
	}
	if q.finished || q.refusing {
		ev |= fdtable.RdHup
	}
	if q.reset {
		ev |= fdtable.Err
	}
	return ev
}

// writable returns those of a writer. half says that it will not receive any more.
func (q *queue) writable(half bool) fdtable.Events {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ev fdtable.Events
	over := q.gone || q.refusing || q.finished
	if over || !q.full() {
		ev |= fdtable.Out
	}
	if half && over {
		ev |= fdtable.Hup
	}
	return ev
}

// length returns how many bytes a reader can have at once, in a stream or in the next message.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.stream && len(q.packets) > 0 {
		return len(q.packets[0].data)
	}
	return q.size
}
