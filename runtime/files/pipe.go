package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

const (
	// pipeSize is how many bytes a pipe holds at first, and maxPipe the most that F_SETPIPE_SZ may ask for.
	// Source: pipe(7).
	pipeSize = 64 << 10
	maxPipe  = 1 << 20

	// pipeBuf is the size up to which writes are atomic: PIPE_BUF.
	pipeBuf = 4096

	// minPipe is the smallest buffer that is allocated.
	minPipe = 4096
)

// A pipeRing is the buffer of a pipe with its two ends.
type pipeRing struct {
	mu       sync.Mutex
	opened   sync.Cond // a reader or a writer came
	buf      []byte    // grows up to size
	start, n int       // where the contents begin in buf, and how long they are
	size     int
	readers  int
	writers  int
	comings  [2]int // how many readers, writers there have ever been: for open(2) of named pipes
	notifier fdtable.Notifier
	ino      uint64
	owner    *vfs.Cred // who made it
	inode    vfs.Inode // the name of a named pipe
}

func newPipeRing() *pipeRing {
	p := &pipeRing{size: pipeSize, ino: anonIno(), owner: vfs.CurrentCred()}
	p.opened.L = &p.mu
	return p
}

// A pipeEnd is a description of a pipe: one for reading, one for writing, or for both of a named pipe.
type pipeEnd struct {
	ring        *pipeRing
	read, write bool
	loc         *vfs.Location // of a named pipe
	since       int           // how many writers had come and gone when it was opened without waiting for one
}

func newPipe() (r, w *pipeEnd) {
	ring := newPipeRing()
	return ring.end(true, false), ring.end(false, true)
}

// end returns a new description.
func (p *pipeRing) end(read, write bool) *pipeEnd {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.join(read, write)
}

// join is end for those who hold p.mu.
func (p *pipeRing) join(read, write bool) *pipeEnd {
	if read {
		p.readers++
		p.comings[0]++
	}
	if write {
		p.writers++
		p.comings[1]++
	}
	p.opened.Broadcast()
	return &pipeEnd{ring: p, read: read, write: write}
}

func (e *pipeEnd) Read(b []byte) (int, calls.Errno) { return e.ReadV([][]byte{b}) }

func (e *pipeEnd) ReadV(bufs [][]byte) (int, calls.Errno) {
	if total(bufs) == 0 {
		return 0, 0
	}
	p := e.ring
	p.mu.Lock()
	if p.n == 0 {
		writers := p.writers
		p.mu.Unlock()
		if writers > 0 {
			return 0, calls.EAGAIN
		}
		return 0, 0
	}
	n := 0
	for _, b := range bufs {
		n += p.take(b)
	}
	p.mu.Unlock()
	p.notifier.Signal(fdtable.Out)
	return n, 0
}

// total returns the length of all buffers together.
func total(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += len(b)
	}
	return n
}

// take moves contents to b.
func (p *pipeRing) take(b []byte) int {
	n := copy(b, p.buf[p.start:min(len(p.buf), p.start+p.n)])
	if n < len(b) && n < p.n {
		n += copy(b[n:], p.buf[:p.n-n])
	}
	p.n -= n
	if p.start += n; p.start >= len(p.buf) {
		p.start -= len(p.buf)
	}
	if p.n == 0 {
		p.start = 0
	}
	return n
}

func (e *pipeEnd) Write(b []byte) (int, calls.Errno) { return e.WriteV([][]byte{b}) }

func (e *pipeEnd) WriteV(bufs [][]byte) (int, calls.Errno) {
	size := total(bufs)
	if size == 0 {
		return 0, 0
	}
	p := e.ring
	p.mu.Lock()
	if p.readers == 0 {
		p.mu.Unlock()
		return 0, calls.EPIPE
	}
	room := p.size - p.n
	if room == 0 || size <= pipeBuf && size > room {
		p.mu.Unlock()
		return 0, calls.EAGAIN
	}
	n := 0
	for _, b := range bufs {
		n += p.add(b[:min(len(b), room-n)])
	}
	p.mu.Unlock()
	p.notifier.Signal(fdtable.In)
	return n, 0
}

// add appends b, for which there is room.
func (p *pipeRing) add(b []byte) int {
	if need := p.n + len(b); need > len(p.buf) {
		p.grow(need)
	}
	end := p.start + p.n
	if end >= len(p.buf) {
		end -= len(p.buf)
	}
	n := copy(p.buf[end:], b)
	copy(p.buf, b[n:])
	p.n += len(b)
	return len(b)
}

// grow makes the buffer at least need bytes long.
func (p *pipeRing) grow(need int) {
	size := max(len(p.buf), minPipe)
	for size < need {
		size *= 2
	}
	buf := make([]byte, size)
	n := p.n
	p.take(buf)
	p.buf, p.start, p.n = buf, 0, n
}

func (e *pipeEnd) Readiness() fdtable.Events {
	p := e.ring
	p.mu.Lock()
	defer p.mu.Unlock()
	var ev fdtable.Events
	if e.read {
		if p.n > 0 {
			ev |= fdtable.In
		}
		if p.writers == 0 && p.comings[1] > e.since {
			ev |= fdtable.Hup
		}
	}
	if e.write {
		if p.size-p.n >= pipeBuf {
			ev |= fdtable.Out
		}
		if p.readers == 0 {
			ev |= fdtable.Err
		}
	}
	return ev
}

func (e *pipeEnd) Notify(fn func(fdtable.Events)) (cancel func()) {
	return e.ring.notifier.Notify(fn)
}

func (e *pipeEnd) Release() calls.Errno {
	p := e.ring
	p.mu.Lock()
	if e.read {
		p.readers--
	}
	if e.write {
		p.writers--
	}
	if p.readers == 0 && p.writers == 0 {
		p.buf, p.start, p.n = nil, 0, 0
	}
	p.mu.Unlock()
	p.notifier.Signal(fdtable.In | fdtable.Out | fdtable.Hup | fdtable.Err)
	return 0
}

func (e *pipeEnd) Stat(st *fdtable.Stat) calls.Errno {
	if e.loc != nil {
		return e.loc.Inode.Stat(st)
	}
	*st = fdtable.Stat{
		Dev: anonDev, Ino: e.ring.ino, Nlink: 1, Mode: vfs.S_IFIFO | 0o600, Blksize: pipeBuf,
		UID: e.ring.owner.EUID, GID: e.ring.owner.EGID,
	}
	return 0
}

func (e *pipeEnd) Name() string {
	if e.loc != nil {
		return e.loc.Path()
	}
	return "pipe:[" + ascii.Utoa(e.ring.ino) + "]"
}

// Ioctl knows FIONREAD.
func (e *pipeEnd) Ioctl(request, arg uintptr) (uintptr, calls.Errno) {
	if request != fionread {
		return 0, calls.ENOTTY
	}
	n, err := calls.Pointer[int32](arg)
	if err != 0 {
		return 0, err
	}
	e.ring.mu.Lock()
	defer e.ring.mu.Unlock()
	*n = int32(e.ring.n)
	return 0, 0
}

// Commands of fcntl(2) on pipes. Source: Linux 6.16 include/uapi/linux/fcntl.h.
const (
	fSETPIPESZ = 1031
	fGETPIPESZ = 1032
)

func (e *pipeEnd) Fcntl(command int, arg uintptr) (uintptr, calls.Errno) {
	p := e.ring
	p.mu.Lock()
	defer p.mu.Unlock()
	switch command {
	case fGETPIPESZ:
		return uintptr(p.size), 0
	case fSETPIPESZ:
		size := minPipe
		for uintptr(size) < arg && size <= maxPipe {
			size *= 2
		}
		if size > maxPipe {
			return 0, calls.EPERM
		}
		if size < p.n {
			return 0, calls.EBUSY
		}
		p.resize(size)
		return uintptr(size), 0
	}
	return 0, calls.EINVAL
}

// resize changes how much the pipe may hold.
func (p *pipeRing) resize(size int) {
	if size < len(p.buf) {
		buf := make([]byte, size)
		n := p.n
		p.take(buf[:n])
		p.buf, p.start, p.n = buf, 0, n
	}
	p.size = size
}
