package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/fifo"
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

	// minPipe is the least that F_SETPIPE_SZ gives: a page.
	minPipe = 4096
)

// A pipeRing is the buffer of a pipe with its two ends.
type pipeRing struct {
	mu       sync.Mutex
	opened   sync.Cond // a reader or a writer came
	data     fifo.Buffer
	size     int // how much it may hold
	readers  int
	writers  int
	comings  [2]int // how many readers, writers there have ever been: for open(2) of named pipes
	notifier fdtable.Notifier
	ino      uint64
	owner    *vfs.Cred // who made it
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
	if p.data.Len() == 0 {
		writers := p.writers
		p.mu.Unlock()
		if writers > 0 {
			return 0, calls.EAGAIN
		}
		return 0, 0
	}
	n := 0
	for _, b := range bufs {
		n += p.data.Read(b)
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
	room := p.size - p.data.Len()
	if room == 0 || size <= pipeBuf && size > room {
		p.mu.Unlock()
		return 0, calls.EAGAIN
	}
	n := 0
	for _, b := range bufs {
		part := b[:min(len(b), room-n)]
		p.data.Write(part)
		n += len(part)
	}
	p.mu.Unlock()
	p.notifier.Signal(fdtable.In)
	return n, 0
}

func (e *pipeEnd) Readiness() fdtable.Events {
	p := e.ring
	p.mu.Lock()
	defer p.mu.Unlock()
	var ev fdtable.Events
	if e.read {
		if p.data.Len() > 0 {
			ev |= fdtable.In
		}
		if p.writers == 0 && p.comings[1] > e.since {
			ev |= fdtable.Hup
		}
	}
	if e.write {
		if p.size-p.data.Len() >= pipeBuf {
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
	if e.loc != nil {
		e.leaveFifo()
	} else {
		e.ring.leave(e)
	}
	e.ring.notifier.Signal(fdtable.In | fdtable.Out | fdtable.Hup | fdtable.Err)
	return 0
}

// leave takes an end away, and reports whether it was the last.
func (p *pipeRing) leave(e *pipeEnd) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.read {
		p.readers--
	}
	if e.write {
		p.writers--
	}
	if last = p.readers == 0 && p.writers == 0; last {
		p.data.Reset()
	}
	return last
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
	*n = int32(e.ring.data.Len())
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
		if size < p.data.Len() {
			return 0, calls.EBUSY
		}
		p.size = size
		p.data.Limit(size)
		return uintptr(size), 0
	}
	return 0, calls.EINVAL
}
