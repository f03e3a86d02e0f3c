package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

// Flags of mremap(2). Source: Linux 6.16 include/uapi/linux/mman.h.
const (
	remapMayMove   = 1
	remapFixed     = 2
	remapDontUnmap = 4
)

// mremap makes a mapping shorter or, if it may move, longer: there is never room behind it.
func mremap(a calls.Args) (uintptr, calls.Errno) {
	old, oldSize, newSize, flags, at := a.A1, pages(a.A2), pages(a.A3), a.A4, uintptr(0)
	if flags&remapFixed != 0 {
		at = a.A5
	}
	switch {
	case flags&^(remapMayMove|remapFixed|remapDontUnmap) != 0, flags&remapFixed != 0 && flags&remapMayMove == 0, flags&remapDontUnmap != 0,
		old%pageSize != 0, newSize == 0, oldSize == 0, at%pageSize != 0, at != 0 && at < old+oldSize && old < at+newSize:
		return 0, calls.EINVAL
	case newSize > 1<<46 || flags&remapFixed != 0 && at == 0:
		return 0, calls.ENOMEM
	}
	if newSize <= oldSize && at == 0 {
		if !mapped(old, oldSize) {
			return 0, calls.EFAULT
		}
		if newSize < oldSize {
			return old, munmapRange(old+newSize, old+oldSize)
		}
		return old, 0
	}
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	m := mappingOf(old, oldSize)
	switch {
	case m == nil:
		return 0, calls.EFAULT
	case flags&remapMayMove == 0, newSize > oldSize && !withinLimit(newSize-oldSize):
		return 0, calls.ENOMEM
	case at != 0 && (m.share != nil || fileIn(at, at+newSize)):
		return 0, calls.ENOMEM // the pages of a file are where they are
	case m.share != nil:
		return m.growShare(old, oldSize, newSize)
	case at != 0:
		unmapAll(cutMappings(at, at+newSize))
		m = mappingOf(old, oldSize) // it is elsewhere in the list
	}
	return m.moveMemory(old, oldSize, at, newSize)
}

// mappingOf returns the mapping that [start, start+size) is in, nil if it is in none or more than one. The caller holds mappingsLock.
func mappingOf(start, size uintptr) *mapping {
	for i := range mappings {
		if m := &mappings[i]; m.start <= start && start+size <= m.start+m.size {
			return m
		}
	}
	return nil
}

// moveMemory gives memory of the program's own another place, which is at if that is not 0. The caller holds mappingsLock.
func (m *mapping) moveMemory(old, oldSize, at, newSize uintptr) (uintptr, calls.Errno) {
	p := kernel.Reserve(at, newSize, protRead|protWrite)
	if p == nil {
		return 0, calls.ENOMEM
	}
	prot := m.prot
	err := calls.Errno(kernel.Protect(calls.At(old), oldSize, protRead|protWrite))
	both := min(oldSize, newSize)
	for in := uintptr(0); err == 0; in += pageSize {
		if in += kernel.Untouched(calls.At(old+in), both-in); in == both {
			break
		}
		from, to := calls.At(old+in), calls.At(uintptr(p)+in)
		if !kernel.Populate(to, pageSize) {
			err = calls.ENOMEM
			break
		}
		copy(calls.Memory(to, pageSize), calls.Memory(from, pageSize))
	}
	if err == 0 {
		err = calls.Errno(kernel.Protect(p, newSize, prot))
	}
	if err != 0 {
		kernel.Unmap(p, newSize)
		return 0, err
	}
	unmapAll(cutMappings(old, old+oldSize))
	(&mapping{prot: prot}).keep(uintptr(p), uintptr(p)+newSize)
	return uintptr(p), 0
}

// growShare maps more of a file. The caller holds mappingsLock.
func (m *mapping) growShare(old, oldSize, newSize uintptr) (uintptr, calls.Errno) {
	s := m.share
	file := s.file.(vfs.Mapper)
	offset := s.offset + int64(old-s.addr)
	if s.pieces == 1 && m.start == old && m.size == oldSize {
		addr, err := file.Remap(s.addr, offset, newSize)
		if err == 0 {
			s.addr, s.size, s.offset = addr, newSize, offset
			m.start, m.size = addr, newSize
		}
		return addr, err
	}
	addr, err := file.Map(offset, newSize)
	if err != 0 {
		return 0, err
	}
	s.file.Opened()
	if w, ok := file.(vfs.WritableMapper); ok {
		w.MapWritable(addr) // whether it may be is not known of a part
	}
	unmapAll(cutMappings(old, old+oldSize))
	(&mapping{share: &share{s.file, addr, newSize, offset, 1}}).keep(addr, addr+newSize)
	return addr, 0
}
