package ext4

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// maxSize is the largest size of a file.
func (fs *FS) maxSize() int64 { return (1<<32 - 1) * int64(fs.blockSize) }

// alive reports whether the file has contents: it may have been freed since it was found.
func (n *inode) alive() bool {
	n.lifeMu.Lock()
	defer n.lifeMu.Unlock()
	return !n.dead
}

// look returns the size, and the extent that an offset is in.
func (n *inode) look(offset int64) (size int64, e extent, err calls.Errno) {
	n.fs.rlock()
	defer n.fs.mu.RUnlock()
	if size = n.size(); offset >= 0 && offset < n.fs.maxSize() {
		e, err = n.find(uint32(offset / int64(n.fs.blockSize)))
	}
	return size, e, err
}

func (f *file) ReadAt(p []byte, offset int64) (int, calls.Errno) {
	if offset < 0 {
		return 0, calls.EINVAL
	}
	f.data.RLock()
	defer f.data.RUnlock()
	if !f.alive() {
		return 0, calls.ESTALE
	}
	bs := int64(f.fs.blockSize)
	done := 0
	for done < len(p) {
		at := offset + int64(done)
		size, e, err := f.look(at)
		if err == 0 && at >= size {
			break
		}
		var part []byte
		if err == 0 {
			part = p[done:min(int64(len(p)), int64(done)+size-at, int64(done)+int64(e.end())*bs-at)]
			if e.start == 0 || e.unwritten {
				clear(part)
			} else {
				err = f.fs.disk.ReadAt(part, int64(e.start)*bs+at-int64(e.block)*bs)
			}
		}
		if err != 0 {
			if done == 0 {
				return 0, err
			}
			break
		}
		done += len(part)
	}
	f.overlay(p[:done], offset)
	return done, 0
}

// maxStep is how much, in bytes, is written to new blocks at once.
const maxStep = 1 << 20

func (f *file) WriteAt(p []byte, offset int64) (n int, end int64, err calls.Errno) {
	f.data.Lock()
	defer f.data.Unlock()
	size, _, _ := f.look(-1)
	if offset == vfs.AtEnd {
		offset = size
	}
	switch {
	case offset < 0:
		return 0, 0, calls.EINVAL
	case !f.alive():
		return 0, 0, calls.ESTALE
	case len(p) == 0:
		return 0, offset, 0
	case offset >= f.fs.maxSize():
		return 0, 0, calls.EFBIG
	}
	p = p[:min(int64(len(p)), f.fs.maxSize()-offset)]
	f.bound(max(size, offset+int64(len(p))))
	defer func() { f.bound(max(size, end)) }()
	if err := f.populate(offset, offset+int64(len(p))); err != 0 {
		return 0, 0, err
	}
	if offset > size {
		if err := f.zeroTail(size); err != 0 {
			return 0, 0, err
		}
	}
	for n < len(p) && err == 0 {
		var step int
		step, err = f.write(p[n:], offset+int64(n))
		n += step
	}
	if n > 0 {
		f.mirror(p[:n], offset)
		err = f.wrote(offset + int64(n))
	}
	return n, offset + int64(n), err
}

// wrote notes that data was written up to end.
func (f *file) wrote(end int64) calls.Errno {
	if err := f.fs.begin(); err != 0 {
		return err
	}
	defer f.fs.end()
	changed := f.touchModify()
	if end <= f.size() && f.mode()&(vfs.S_ISUID|vfs.S_ISGID) == 0 {
		if changed {
			f.timesChanged()
		}
		return 0
	}
	if end > f.size() {
		f.setSize(end)
		f.bound(end)
	}
	if m := f.mode(); m&(vfs.S_ISUID|vfs.S_ISGID) != 0 {
		m &^= vfs.S_ISUID
		if m&0o010 != 0 {
			m &^= vfs.S_ISGID
		}
		le.Put16(f.raw, inMode, uint16(m))
	}
	f.changed()
	return 0
}

// write writes the beginning of p, as far as one extent goes.
func (f *file) write(p []byte, offset int64) (int, calls.Errno) {
	bs := int64(f.fs.blockSize)
	_, e, err := f.look(offset)
	if err != 0 {
		return 0, err
	}
	if p = p[:min(int64(len(p)), int64(e.end())*bs-offset)]; e.start != 0 && !e.unwritten {
		if err := f.fs.disk.WriteAt(p, int64(e.start)*bs+offset-int64(e.block)*bs); err != 0 {
			return 0, err
		}
		return len(p), 0
	}
	p = p[:min(len(p), maxStep)]
	first := offset / bs
	count := uint64((offset+int64(len(p))+bs-1)/bs - first)
	s := span{e.start + uint64(first-int64(e.block)), count}
	if e.start == 0 {
		if s, err = f.reserve(uint32(first), count); err != 0 {
			return 0, err
		}
		p = p[:min(int64(len(p)), (first+int64(s.count))*bs-offset)]
	}
	whole := p
	if offset%bs != 0 || len(p)%int(bs) != 0 {
		whole = make([]byte, s.count*uint64(bs))
		copy(whole[offset%bs:], p)
	}
	if err = f.fs.disk.WriteAt(whole, int64(s.start)*bs); err == 0 {
		err = f.own(extent{block: uint32(first), count: uint32(s.count), start: s.start}, e.start == 0)
	} else if e.start == 0 {
		f.fs.mu.Lock()
		f.fs.unbusy(s)
		f.fs.mu.Unlock()
	}
	if err != 0 {
		return 0, err
	}
	return len(p), 0
}

// reserve finds room for blocks of the file, behind the one before them.
func (f *file) reserve(first uint32, count uint64) (span, calls.Errno) {
	fs := f.fs
	if err := fs.begin(); err != 0 {
		return span{}, err
	}
	defer fs.end()
	if fs.available() == 0 && fs.busyCount > 0 {
		if err := fs.commit(); err != 0 {
			return span{}, err
		}
	}
	if count = min(count, fs.available(), maxWritten); count == 0 {
		return span{}, calls.ENOSPC
	}
	goal := f.goal()
	if first > 0 {
		before, err := f.find(first - 1)
		if err != 0 {
			return span{}, err
		}
		if before.start != 0 {
			goal = before.start + uint64(first-before.block)
		}
	}
	return fs.reserve(goal, count)
}

// own makes blocks that have been written to the file's.
func (f *file) own(e extent, reserved bool) calls.Errno {
	fs := f.fs
	if err := fs.begin(); err != 0 {
		return err
	}
	defer fs.end()
	if reserved {
		if err := fs.take(span{e.start, uint64(e.count)}); err != 0 {
			return err
		}
		f.addBlocks(int64(e.count))
	}
	if err := f.set(e); err != 0 {
		return err
	}
	f.changed()
	return 0
}

// zeroTail makes what is behind the end of the file in its last block zeros, before it becomes part of it.
func (f *file) zeroTail(size int64) calls.Errno {
	bs := int64(f.fs.blockSize)
	if size%bs == 0 {
		return 0
	}
	_, e, err := f.look(size)
	if err != 0 || e.start == 0 || e.unwritten {
		return err
	}
	return f.fs.disk.WriteAt(make([]byte, bs-size%bs), int64(e.start)*bs+size-int64(e.block)*bs)
}

// truncate sets the size.
func (n *inode) truncate(size int64) calls.Errno {
	f, ok := n.self.(*file)
	if !ok || size < 0 {
		return calls.EINVAL
	}
	if size > f.fs.maxSize() {
		return calls.EFBIG
	}
	f.data.Lock()
	defer f.data.Unlock()
	if !f.alive() {
		return calls.ESTALE
	}
	old, _, _ := f.look(-1)
	if size > old {
		if err := f.zeroTail(old); err != 0 {
			return err
		}
	}
	if err := f.fs.begin(); err != 0 {
		return err
	}
	shrinks := size < f.size()
	f.setSize(size)
	f.bound(size)
	f.touchModify()
	f.changed()
	if shrinks {
		f.fs.addOrphan(&f.inode)
	}
	f.fs.end()
	if !shrinks {
		return 0
	}
	f.cutAreas(size)
	return f.cut()
}

// cut frees the blocks behind the end of a file that is in the chain of orphans. The caller holds data for writing.
func (n *inode) cut() calls.Errno {
	bs := int64(n.fs.blockSize)
	for at := uint64((n.size() + bs - 1) / bs); ; {
		if err := n.fs.begin(); err != 0 {
			return err
		}
		var err calls.Errno
		at, err = n.freeSome(at, 1<<32)
		if err == 0 && at == 1<<32 {
			err = n.fs.dropOrphan(n)
		}
		n.changed()
		n.fs.end()
		if err != 0 || at == 1<<32 {
			return err
		}
	}
}

// freeSome frees blocks of the file, as many as fit into the transaction, and returns where it came to.
func (n *inode) freeSome(from, end uint64) (uint64, calls.Errno) {
	free := n.fs.release
	if n.mode()&vfs.S_IFMT != vfs.S_IFREG { // what they have is metadata
		free = func(s span) calls.Errno {
			for ; s.count > 0; s.start, s.count = s.start+1, s.count-1 {
				if err := n.fs.releaseMeta(s.start); err != 0 {
					return err
				}
			}
			return 0
		}
	}
	return n.punchSome(from, end, n.fs.journal.room()/2+16, func(s span) calls.Errno {
		n.addBlocks(-int64(s.count))
		return free(s)
	})
}

// reclaim frees a file that has neither names nor users.
func (n *inode) reclaim() {
	n.lifeMu.Lock()
	if !n.unlinked || n.opens > 0 || n.dead {
		n.lifeMu.Unlock()
		return
	}
	n.dead = true
	n.lifeMu.Unlock()
	n.data.Lock()
	defer n.data.Unlock()
	n.freeAreas()
	n.freeAll()
}

// abandon is reclaim for a file that may have users, who will find it dead. What they have mapped stays theirs.
func (n *inode) abandon() {
	n.lifeMu.Lock()
	done := !n.unlinked || n.dead
	n.dead = n.dead || n.unlinked
	n.lifeMu.Unlock()
	if !done {
		n.data.Lock()
		defer n.data.Unlock()
		n.freeAll()
	}
}

// freeAll frees the file and what it has on the disk. The caller holds n.data for writing.
func (n *inode) freeAll() {
	for at, done := uint64(0), false; !done; {
		if n.fs.begin() != 0 {
			return // it stays an orphan, and is freed at the next mount
		}
		var err calls.Errno
		if n.flags()&flagExtents == 0 {
			at = 1 << 32
		} else {
			at, err = n.freeSome(at, 1<<32)
			n.changed()
		}
		if err == 0 && at == 1<<32 {
			done = true
			err = n.free()
		}
		n.fs.end()
		if err != 0 {
			return
		}
	}
}

// free gives the inode back.
func (n *inode) free() calls.Errno {
	fs := n.fs
	if err := n.freeXattr(); err != 0 {
		return err
	}
	if err := fs.dropOrphan(n); err != 0 {
		return err
	}
	n.setSize(0)
	le.Put32(n.raw, inDtime, uint32(now().Sec))
	n.changed()
	fs.nodesMu.Lock()
	delete(fs.nodes, n.ino)
	fs.nodesMu.Unlock()
	return fs.freeInode(n.ino, n.isDir())
}

// revive gives a name to a file that had none. It fails if it is being freed.
func (n *inode) revive() bool {
	n.lifeMu.Lock()
	defer n.lifeMu.Unlock()
	if n.dead {
		return false
	}
	n.unlinked = false
	return true
}

// Opened and Closed count descriptions.
func (n *inode) Opened() {
	n.lifeMu.Lock()
	n.opens++
	n.lifeMu.Unlock()
}

func (n *inode) Closed() {
	n.lifeMu.Lock()
	n.opens--
	n.lifeMu.Unlock()
	n.reclaim()
}

// Sync makes the file durable: its contents, attributes and name.
func (f *file) Sync() calls.Errno {
	if err := f.writeAreas(); err != 0 {
		return err
	}
	return f.sync()
}

// DataSync is Sync but for what is not needed to read the file: times.
func (f *file) DataSync() calls.Errno {
	if err := f.writeAreas(); err != 0 {
		return err
	}
	return f.fs.syncFrom(func() uint64 { return f.lastData })
}

func (n *inode) sync() calls.Errno {
	return n.fs.syncFrom(func() uint64 { return n.last })
}

// SeekData finds data or a hole.
func (f *file) SeekData(offset int64, hole bool) (int64, calls.Errno) {
	f.data.RLock()
	defer f.data.RUnlock()
	for at := offset; ; {
		size, e, err := f.look(at)
		switch {
		case err != 0:
			return 0, err
		case at < 0 || at >= size:
			if hole && at >= size && offset >= 0 && offset < size {
				return size, 0
			}
			return 0, calls.ENXIO
		case (e.start == 0 || e.unwritten) == hole:
			return at, 0
		}
		at = int64(e.end()) * int64(f.fs.blockSize)
	}
}

var _ vfs.Regular = (*file)(nil)
