package fat

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

const (
	maxSize = 1<<32 - 1
	maxStep = 1 << 18 // bytes that are written at once
)

// A file is a regular file.
type file struct{ node }

// look returns the size, and where an offset is on the disk: n bytes from at on, no more than max.
func (f *file) look(offset, max int64) (size, at, n int64, err calls.Errno) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.dead {
		return 0, 0, 0, calls.ESTALE
	}
	if err := f.clusters(); err != 0 {
		return 0, 0, 0, err
	}
	size = int64(f.size)
	cs := int64(f.fs.clusterSize)
	i := offset / cs
	if offset < 0 || i >= int64(len(f.chain)) {
		return size, 0, 0, 0
	}
	at = f.fs.place(f.chain[i]) + offset%cs
	n = cs - offset%cs
	for i++; n < max && i < int64(len(f.chain)) && f.chain[i] == f.chain[i-1]+1; i++ {
		n += cs
	}
	return size, at, min(n, max), 0
}

// ReadAt reads.
func (f *file) ReadAt(p []byte, offset int64) (int, calls.Errno) {
	if offset < 0 {
		return 0, calls.EINVAL
	}
	f.data.RLock()
	defer f.data.RUnlock()
	for done := 0; ; {
		pos := offset + int64(done)
		size, at, n, err := f.look(pos, int64(len(p)-done))
		if err == 0 && (pos >= size || done == len(p)) {
			return done, 0
		}
		n = min(n, size-pos)
		if err == 0 && n <= 0 {
			err = calls.EIO // it has fewer clusters than its size needs
		}
		if err == 0 {
			err = f.fs.disk.ReadAt(p[done:int64(done)+n], at)
		}
		if err != 0 {
			if done > 0 {
				return done, 0
			}
			return 0, err
		}
		done += int(n)
	}
}

// WriteAt writes.
func (f *file) WriteAt(p []byte, offset int64) (n int, last int64, err calls.Errno) {
	f.data.Lock()
	defer f.data.Unlock()
	size, _, _, err := f.look(0, 0)
	if offset == vfs.AtEnd {
		offset = size
	}
	switch {
	case err != 0:
		return 0, 0, err
	case offset < 0:
		return 0, 0, calls.EINVAL
	case len(p) == 0:
		return 0, offset, 0
	case offset >= maxSize:
		return 0, 0, calls.EFBIG
	}
	p = p[:min(int64(len(p)), maxSize-offset)]
	if offset > size {
		if err := f.extend(size, offset); err != 0 {
			return 0, 0, err
		}
	}
	if n, err = f.write(p, offset); n > 0 {
		err = 0
	}
	return n, offset + int64(n), err
}

// write writes p, and makes the file longer for it. The caller holds data.
func (f *file) write(p []byte, offset int64) (n int, err calls.Errno) {
	for n < len(p) {
		step := p[n:min(len(p), n+maxStep)]
		pos := offset + int64(n)
		if err := f.reserve(pos + int64(len(step))); err != 0 && err != calls.ENOSPC {
			return n, err
		}
		_, at, room, err := f.look(pos, int64(len(step)))
		if err == 0 && room == 0 {
			err = calls.ENOSPC
		}
		if err == 0 {
			step = step[:room]
			err = f.fs.disk.WriteAt(step, at)
		}
		if err == 0 {
			err = f.wrote(pos + room)
		}
		if err != 0 {
			return n, err
		}
		n += len(step)
	}
	return n, 0
}

// change begins a change of the file's clusters. The caller holds fs.mu.
func (f *file) change() calls.Errno {
	if err := f.fs.change(); err != 0 {
		return err
	}
	return f.clusters()
}

// reserve gives the file clusters up to a size, as far as there are any.
func (f *file) reserve(size int64) calls.Errno {
	fs := f.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := f.change(); err != 0 {
		return err
	}
	cs := int64(fs.clusterSize)
	if int64(len(f.chain))*cs < size && f.cutAt == fs.seq {
		if err := fs.commit(); err != 0 {
			return err
		}
	}
	for int64(len(f.chain))*cs < size {
		tail := uint32(0)
		if len(f.chain) > 0 {
			tail = f.chain[len(f.chain)-1]
		}
		c, err := fs.take(tail)
		if err != 0 {
			return err
		}
		if f.chain = append(f.chain, c); tail == 0 {
			f.first = c
			f.store()
		}
	}
	return 0
}

// wrote notes that the file has data up to a size.
func (f *file) wrote(size int64) calls.Errno {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.change(); err != 0 {
		return err
	}
	if size > int64(f.size) {
		f.size = uint32(size)
		f.fs.written = true
	}
	f.attr |= attrArchive
	f.touch()
	return 0
}

// extend writes zeros: there are no holes. What fails leaves the size as it was.
func (f *file) extend(from, to int64) calls.Errno {
	zeros := make([]byte, min(to-from, maxStep))
	for at := from; at < to; {
		n, err := f.write(zeros[:min(int64(len(zeros)), to-at)], at)
		at += int64(n)
		if err != 0 {
			if err := f.cut(from); err != 0 {
				return err
			}
			return err
		}
	}
	return 0
}

// truncate sets the size.
func (f *file) truncate(size int64) calls.Errno {
	switch {
	case size < 0:
		return calls.EINVAL
	case size > maxSize:
		return calls.EFBIG
	}
	f.data.Lock()
	defer f.data.Unlock()
	old, _, _, err := f.look(0, 0)
	if err != 0 {
		return err
	}
	if size > old {
		return f.extend(old, size)
	}
	return f.cut(size)
}

// cut gives back what is behind a size. The caller holds data.
func (f *file) cut(size int64) calls.Errno {
	fs := f.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := f.change(); err != 0 {
		return err
	}
	cs := int64(fs.clusterSize)
	if keep := int((size + cs - 1) / cs); keep < len(f.chain) {
		if keep == 0 {
			f.first = 0
		} else {
			fs.frees = append(fs.frees, change{f.chain[keep-1], end})
			f.cutAt = fs.seq
		}
		fs.release(f.chain[keep:])
		f.chain = f.chain[:keep:keep]
	}
	f.size = uint32(size)
	f.touch()
	return 0
}

// Allocate is fallocate(2): with mode 0 the file becomes that long.
func (f *file) Allocate(mode uint32, offset, length int64) calls.Errno {
	if mode != 0 {
		return calls.EOPNOTSUPP
	}
	if offset < 0 || length <= 0 || offset > maxSize-length {
		return calls.EFBIG
	}
	f.data.Lock()
	defer f.data.Unlock()
	size, _, _, err := f.look(0, 0)
	if err != 0 || size >= offset+length {
		return err
	}
	return f.extend(size, offset+length)
}

// SeekData finds data, which is everywhere, or the hole behind it.
func (f *file) SeekData(offset int64, hole bool) (int64, calls.Errno) {
	size, _, _, err := f.look(0, 0)
	switch {
	case err != 0:
		return 0, err
	case offset < 0 || offset >= size:
		return 0, calls.ENXIO
	case hole:
		return size, 0
	}
	return offset, 0
}

// Sync makes the file durable: its contents, attributes and name.
func (f *file) Sync() calls.Errno { return f.fs.Sync() }

// Opened and Closed count descriptions.
func (f *file) Opened() {
	f.fs.mu.Lock()
	f.opens++
	f.fs.mu.Unlock()
}

func (f *file) Closed() {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.opens--
	if f.opens == 0 && f.slot == nil && !f.dead {
		f.fs.nameless--
		f.reclaim()
	}
}

var _ vfs.Regular = (*file)(nil)
