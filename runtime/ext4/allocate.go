package ext4

import "internal/xengo/runtime/calls"

// Modes of fallocate(2). Source: Linux 6.16 include/uapi/linux/falloc.h.
const (
	fallocKeepSize  = 0x01
	fallocPunchHole = 0x02
	fallocZeroRange = 0x10
)

// Allocate is fallocate(2).
func (f *file) Allocate(mode uint32, offset, length int64) calls.Errno {
	f.data.Lock()
	defer f.data.Unlock()
	size, _, _ := f.look(-1)
	end := offset + length
	switch {
	case offset < 0 || length <= 0:
		return calls.EINVAL
	case end < 0 || end > f.fs.maxSize():
		return calls.EFBIG
	case !f.alive():
		return calls.ESTALE
	}
	keep := mode&fallocKeepSize != 0
	switch mode &^ fallocKeepSize {
	case 0:
	case fallocPunchHole:
		if !keep {
			return calls.EOPNOTSUPP
		}
		return f.zero(offset, min(end, size))
	case fallocZeroRange:
		if err := f.zero(offset, min(end, size)); err != 0 {
			return err
		}
	default:
		return calls.EOPNOTSUPP
	}
	if err := f.zeroTail(size); err != 0 && end > size {
		return err
	}
	if err := f.allocate(offset, end); err != 0 {
		return err
	}
	if keep {
		return f.wrote(0)
	}
	return f.wrote(end)
}

// allocate gives blocks to holes, which read as zeros still.
func (f *file) allocate(offset, end int64) calls.Errno {
	bs := int64(f.fs.blockSize)
	last := uint64((end + bs - 1) / bs)
	for at := uint64(offset / bs); at < last; {
		_, e, err := f.look(int64(at) * bs)
		if err != 0 {
			return err
		}
		if e.start != 0 {
			at = e.end()
			continue
		}
		s, err := f.reserve(uint32(at), min(last, e.end())-at)
		if err != 0 {
			return err
		}
		s0 := span{s.start, min(s.count, maxUnwritten)}
		if s0.count < s.count {
			f.fs.mu.Lock()
			f.fs.unbusy(span{s.start + s0.count, s.count - s0.count})
			f.fs.mu.Unlock()
		}
		if err := f.own(extent{block: uint32(at), count: uint32(s0.count), start: s0.start, unwritten: true}, true); err != 0 {
			return err
		}
		at += s0.count
	}
	return 0
}

// zero makes contents zeros: whole blocks are freed.
func (f *file) zero(offset, end int64) calls.Errno {
	if offset >= end {
		return 0
	}
	bs := int64(f.fs.blockSize)
	first, last := (offset+bs-1)/bs, end/bs
	if first > last { // within a block
		return f.zeroPart(offset, end)
	}
	if err := f.zeroPart(offset, first*bs); err != 0 {
		return err
	}
	if err := f.zeroPart(last*bs, end); err != 0 {
		return err
	}
	for at := uint64(first); at < uint64(last); {
		if err := f.fs.begin(); err != 0 {
			return err
		}
		var err calls.Errno
		at, err = f.freeSome(at, uint64(last))
		f.touchModify()
		f.changed()
		f.fs.end()
		if err != 0 {
			return err
		}
	}
	f.mirror(make([]byte, end-offset), offset)
	return 0
}

// zeroPart writes zeros to a part of a block, if it has any.
func (f *file) zeroPart(offset, end int64) calls.Errno {
	if offset >= end {
		return 0
	}
	bs := int64(f.fs.blockSize)
	_, e, err := f.look(offset)
	if err != 0 || e.start == 0 || e.unwritten {
		return err
	}
	return f.fs.disk.WriteAt(make([]byte, end-offset), int64(e.start)*bs+offset-int64(e.block)*bs)
}
