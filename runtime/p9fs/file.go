package p9fs

import (
	"sync"

	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A handle is an open regular file.
type handle struct {
	*file
	chunk int // most bytes of a read or write

	appending sync.Mutex // held from asking for the size to writing there

	mu      sync.RWMutex // held while fid is in use; for writing while it changes
	fid     uint32
	appends bool // the server writes at the end, whatever the offset
	closed  bool
}

func newHandle(f *file, fid, ioUnit uint32, appends bool) *handle {
	h := &handle{file: f, fid: fid, appends: appends, chunk: f.fs.msize - p9.WriteOverhead}
	if ioUnit != 0 && int64(ioUnit) < int64(h.chunk) {
		h.chunk = int(ioUnit)
	}
	f.fs.mu.Lock()
	f.open = append(f.open, h)
	f.fs.mu.Unlock()
	return h
}

// setCreated keeps the handle that came of making a file.
func (f *file) setCreated(h *handle) {
	f.fs.mu.Lock()
	old := f.created
	f.created = h
	f.fs.mu.Unlock()
	if old != nil {
		old.Closed()
	}
}

// takeCreated returns it.
func (f *file) takeCreated() *handle {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	h := f.created
	f.created = nil
	return h
}

// Open returns what a description reads and writes with.
func (f *file) Open(flags uint32) (vfs.Inode, calls.Errno) {
	appends := flags&fdtable.O_APPEND != 0 && f.fs.appends()
	if h := f.takeCreated(); h != nil {
		if !appends && flags&fdtable.O_TRUNC == 0 {
			return h, 0
		}
		h.Closed()
	}
	fid, ioUnit, err := f.openFid(flags)
	if err != 0 {
		return nil, err
	}
	return newHandle(f, fid, ioUnit, appends), 0
}

// openFid returns a fid that is open.
func (f *file) openFid(flags uint32) (fid, ioUnit uint32, err calls.Errno) {
	got, err := f.fs.get(&f.node)
	if err != 0 {
		return 0, 0, err
	}
	opened, err := f.fs.open(got.fid, flags)
	if err != 0 {
		f.fs.clunk(got.fid)
	}
	return got.fid, opened.IOUnit, err
}

// use calls f with the fid, unless the handle is closed.
func (h *handle) use(f func(fid uint32) calls.Errno) (err calls.Errno, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.closed {
		return 0, false
	}
	return f(h.fid), true
}

// Opened has nothing to do: there is a handle for each description.
func (h *handle) Opened() {}

// Closed ends the description.
func (h *handle) Closed() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	fs := h.fs
	fs.mu.Lock()
	for i, other := range h.open {
		if other == h {
			h.open = append(h.open[:i:i], h.open[i+1:]...)
			break
		}
	}
	fs.mu.Unlock()
	fs.clunk(h.fid)
}

func (h *handle) ReadAt(p []byte, offset int64) (int, calls.Errno) {
	if offset < 0 {
		return 0, calls.EINVAL
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	n, err := h.fs.readAll(h.fid, p, offset, h.chunk)
	if n > 0 {
		err = 0
	}
	return n, err
}

// readAll makes requests for at most chunk bytes until p is full, there is no more, or one fails. What came before that
// is there.
func (fs *FS) readAll(fid uint32, p []byte, offset int64, chunk int) (done int, err calls.Errno) {
	for done < len(p) {
		n, err := fs.readPart(fid, p[done:min(len(p), done+chunk)], offset+int64(done))
		if err != 0 || n == 0 {
			return done, err
		}
		done += n
	}
	return done, 0
}

// readPart reads in one request.
func (fs *FS) readPart(fid uint32, p []byte, offset int64) (int, calls.Errno) {
	r := p9.Rread{Data: p[:0:len(p)]}
	err := fs.callLarge(len(p), &p9.Tread{Fid: fid, Offset: uint64(offset), Count: uint32(len(p))}, &r)
	if err == 0 && len(r.Data) > len(p) {
		err = fs.broken(errCount)
	}
	if err != 0 {
		return 0, err
	}
	return len(r.Data), 0
}

func (h *handle) WriteAt(p []byte, offset int64) (n int, end int64, err calls.Errno) {
	if offset == vfs.AtEnd {
		return h.append(p)
	}
	if offset < 0 {
		return 0, 0, calls.EINVAL
	}
	if err := h.plain(); err != 0 {
		return 0, 0, err
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	n, err = h.fs.writeAll(h.fid, p, offset, h.chunk)
	return n, offset + int64(n), err
}

// append writes at the end. If the server does not find that itself, what others than this description
// append meanwhile may be lost.
func (h *handle) append(p []byte) (n int, end int64, err calls.Errno) {
	h.appending.Lock()
	defer h.appending.Unlock()
	h.mu.RLock()
	defer h.mu.RUnlock()
	var st fdtable.Stat
	if h.appends {
		if n, err = h.fs.writeAll(h.fid, p, 0, h.chunk); err == 0 {
			err = h.fs.stat(h.fid, &st)
		}
		if n > 0 {
			err = 0
		}
		return n, st.Size, err
	}
	if err := h.fs.stat(h.fid, &st); err != 0 {
		return 0, 0, err
	}
	n, err = h.fs.writeAll(h.fid, p, st.Size, h.chunk)
	return n, st.Size + int64(n), err
}

// writeAll makes requests for at most chunk bytes until all is written, or one fails. It succeeds if anything was written.
func (fs *FS) writeAll(fid uint32, p []byte, offset int64, chunk int) (int, calls.Errno) {
	done := 0
	for done < len(p) {
		part := p[done:min(len(p), done+chunk)]
		var r p9.Rwrite
		err := fs.callLarge(len(part), &p9.Twrite{Fid: fid, Offset: uint64(offset) + uint64(done), Data: part}, &r)
		switch {
		case err == 0 && uint64(r.Count) > uint64(len(part)):
			err = fs.broken(errCount)
		case err == 0 && r.Count == 0:
			err = calls.EIO
		}
		if err != 0 {
			if done > 0 {
				err = 0
			}
			return done, err
		}
		done += int(r.Count)
	}
	return done, 0
}

// plain makes sure that the server writes where it is told: O_APPEND can be taken away (fcntl, F_SETFL).
func (h *handle) plain() calls.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.appends || h.closed {
		return 0
	}
	fid, _, err := h.openFid(fdtable.O_RDWR)
	if err == calls.EACCES {
		fid, _, err = h.openFid(fdtable.O_WRONLY)
	}
	if err != 0 {
		return err
	}
	h.fs.clunk(h.fid)
	h.fid, h.appends = fid, false
	return 0
}

// Allocate is not there: 9P has no request for it.
func (h *handle) Allocate(uint32, int64, int64) calls.Errno { return calls.EOPNOTSUPP }

// SeekData knows of no holes but the one at the end.
func (h *handle) SeekData(offset int64, hole bool) (int64, calls.Errno) {
	var st fdtable.Stat
	if err := h.Stat(&st); err != 0 {
		return 0, err
	}
	switch {
	case offset < 0 || offset >= st.Size:
		return 0, calls.ENXIO
	case hole:
		return st.Size, 0
	}
	return offset, 0
}

func (h *handle) Sync() calls.Errno {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.fs.sync(h.fid)
}

var (
	_ vfs.Regular = (*handle)(nil)
	_ vfs.Opener  = (*file)(nil)
	_ vfs.Opener  = (*dir)(nil)
)
