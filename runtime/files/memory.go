package files

import (
	"slices"
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

var memoryCalls = []call{
	{calls.SYS_MMAP, mmap},
	{calls.SYS_MUNMAP, munmap},
	{calls.SYS_MREMAP, mremap},
	{calls.SYS_MPROTECT, mprotect},
	{calls.SYS_MADVISE, madvise},
	{calls.SYS_MSYNC, msync},
	{calls.SYS_MLOCK, inMemory},
	{calls.SYS_MLOCK2, inMemory},
	{calls.SYS_MUNLOCK, inMemory},
	{calls.SYS_MLOCKALL, constant(0)}, // memory is never paged out
	{calls.SYS_MUNLOCKALL, constant(0)},
	{calls.SYS_MINCORE, mincore},
}

// Arguments of mmap(2) and relatives. Source: Linux 6.16 include/uapi/asm-generic/mman-common.h, mman.h.
const (
	protRead     = 1
	protWrite    = 2
	protExec     = 4
	mapShared    = 0x01
	mapPrivate   = 0x02
	mapSharedVal = 0x03
	mapType      = 0x0f
	mapFixed     = 0x10
	mapAnonymous = 0x20
	mapNoReserve = 0x4000
	mapFixedNo   = 0x100000

	madvDontneed = 4
	madvLast     = 25

	pageSize = 4096
)

// A mapping is a range of addresses that mmap returned, or what is left of it.
type mapping struct {
	start, size uintptr
	share       *share // nil for memory of its own
	prot        int32  // of memory of its own
}

// A share is a file that is mapped shared. Guarded by mappingsLock.
type share struct {
	file   vfs.Regular
	addr   uintptr
	size   uintptr
	offset int64 // in the file
	pieces int   // mappings that are left of it
}

// mappings are those of the program, in no order: there are few. The same address may occur more than once, for a file
// that is mapped more than once.
var (
	mappingsLock sync.Mutex
	mappings     []mapping
)

func pages(n uintptr) uintptr { return (n + pageSize - 1) &^ (pageSize - 1) }

func mmap(a calls.Args) (uintptr, calls.Errno) {
	size, prot, flags, offset := a.A2, a.A3, a.A4, int64(a.A6)
	switch {
	case size == 0 || offset%pageSize != 0 || flags&mapType == 0:
		return 0, calls.EINVAL
	case size > 1<<46:
		return 0, calls.ENOMEM
	}
	size = pages(size)
	if flags&(mapFixed|mapFixedNo) != 0 {
		return mapAt(a, size)
	}
	if !spaceFor(size) {
		return 0, calls.ENOMEM
	}
	if flags&mapAnonymous != 0 {
		if prot&protWrite != 0 && flags&mapNoReserve == 0 && uint64(size) > kernel.MemTotal() {
			return 0, calls.ENOMEM // what Linux calls an obvious overcommit; memory is taken when it is touched
		}
		return mapMemory(a.A1&^(pageSize-1), size, int32(prot), nil)
	}
	f, err := getFile(a.A5)
	if err != 0 {
		return 0, err
	}
	defer f.Put()
	return mapFile(f, a.A1&^(pageSize-1), size, prot, flags, offset)
}

// spaceFor reports whether RLIMIT_AS, which counts what the program maps, lets it map more.
func spaceFor(more uintptr) bool {
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	return withinLimit(more)
}

// withinLimit is spaceFor for callers that hold mappingsLock.
func withinLimit(more uintptr) bool {
	limit := limitOf(rlimitAS)
	total := uint64(more)
	for _, m := range mappings {
		total += uint64(m.size)
	}
	return total <= limit
}

// mapMemory maps memory of its own, at the address hint if that is free, and lets fill, if there is one, write to it.
func mapMemory(hint, size uintptr, prot int32, fill func([]byte) calls.Errno) (uintptr, calls.Errno) {
	p := kernel.Reserve(hint, size, protRead|protWrite)
	if p == nil && hint != 0 {
		p = kernel.Reserve(0, size, protRead|protWrite)
	}
	if p == nil {
		return 0, calls.ENOMEM
	}
	return useMemory(uintptr(p), size, prot, fill)
}

// useMemory makes reserved memory a mapping, or frees it.
func useMemory(start, size uintptr, prot int32, fill func([]byte) calls.Errno) (uintptr, calls.Errno) {
	p := calls.At(start)
	err := calls.ENOMEM
	if fill == nil || kernel.Populate(p, size) {
		if err = 0; fill != nil {
			err = fill(calls.Memory(p, size))
		}
		if err == 0 && prot != protRead|protWrite {
			err = calls.Errno(kernel.Protect(p, size, prot))
		}
	}
	if err != 0 {
		kernel.Unmap(p, size)
		return 0, err
	}
	remember(mapping{start: start, size: size, prot: prot})
	return start, 0
}

func remember(m mapping) {
	mappingsLock.Lock()
	mappings = append(mappings, m)
	mappingsLock.Unlock()
}

func mapFile(f *fdFile, hint, size, prot, flags uintptr, offset int64) (uintptr, calls.Errno) {
	if flags&mapType == mapPrivate {
		fill, err := filler(f, offset)
		if err != 0 {
			return 0, err
		}
		return mapMemory(hint, size, int32(prot), fill)
	}
	file, err := mappable(f, prot&protWrite != 0)
	if err != 0 {
		return 0, err
	}
	m, ok := file.(vfs.Mapper)
	if !ok {
		return 0, calls.ENODEV
	}
	addr, err := m.Map(offset, size)
	if err != 0 {
		return 0, err
	}
	file.Opened()
	made := mapping{start: addr, size: size, share: &share{file, addr, size, offset, 1}}
	made.writable(prot)
	remember(made)
	return addr, 0
}

// mappable returns what is to be mapped of a file, to be written to by the mapping or not.
func mappable(f *fdFile, write bool) (vfs.Regular, calls.Errno) {
	file := vfs.Contents(f.Desc)
	switch {
	case f.Flags()&fdtable.O_PATH != 0:
		return nil, calls.EBADF
	case !f.Readable() || write && !f.Writable():
		return nil, calls.EACCES
	case file == nil:
		return nil, calls.ENODEV
	}
	return file, 0
}

// writable tells the file of a shared mapping if it may be written to.
func (m *mapping) writable(prot uintptr) {
	if w, ok := m.share.file.(vfs.WritableMapper); ok && prot&protWrite != 0 {
		w.MapWritable(m.share.addr)
	}
}

// munmap unmaps the whole or a part of what was mapped.
func munmap(a calls.Args) (uintptr, calls.Errno) {
	if a.A1%pageSize != 0 || a.A2 == 0 {
		return 0, calls.EINVAL
	}
	start, end := a.A1, a.A1+pages(a.A2)
	if end <= start {
		return 0, calls.EINVAL
	}
	return 0, munmapRange(start, end)
}

func munmapRange(start, end uintptr) calls.Errno {
	mappingsLock.Lock()
	gone := cutMappings(start, end)
	mappingsLock.Unlock()
	unmapAll(gone)
	return 0
}

// cutMappings takes [start, end) out of the mappings and returns what is to be unmapped for that. Of several mappings of a file
// at the same address it is one that goes. The caller holds mappingsLock.
func cutMappings(start, end uintptr) (gone []mapping) {
	all := mappings
	mappings = nil
	var cut [][2]uintptr
	for _, m := range all {
		low, high := max(m.start, start), min(m.start+m.size, end)
		if low >= high || m.share != nil && overlaps(cut, low, high) {
			m.keep(m.start, m.start+m.size)
			continue
		}
		pieces := m.keep(m.start, low) + m.keep(high, m.start+m.size)
		if m.share == nil {
			m = mapping{start: low, size: high - low}
		} else {
			cut = append(cut, [2]uintptr{low, high})
			if m.share.pieces += pieces - 1; m.share.pieces != 0 {
				continue
			}
		}
		gone = append(gone, m)
	}
	return gone
}

// keep adds what m has, or would have, in [start, end) to the mappings, and returns how many that are. The caller holds
// mappingsLock.
//
//go:noinline
func (m *mapping) keep(start, end uintptr) int {
	if start >= end {
		return 0
	}
	mappings = append(mappings, mapping{start, end - start, m.share, m.prot})
	return 1
}

func overlaps(list [][2]uintptr, low, high uintptr) bool {
	for _, r := range list {
		if r[0] < high && low < r[1] {
			return true
		}
	}
	return false
}

// unmap gives back what a mapping stood for, once there is no mapping of it.
func (m *mapping) unmap() {
	if m.share == nil {
		kernel.Unmap(calls.At(m.start), m.size)
		return
	}
	m.share.file.(vfs.Mapper).Unmap(m.share.addr)
	m.share.file.Closed()
}

// unmapAll does that with what cutMappings returned.
func unmapAll(gone []mapping) {
	for i := range gone {
		gone[i].unmap()
	}
}

// touches reports whether m has something of [start, end).
func (m *mapping) touches(start, end uintptr) bool { return m.start < end && start < m.start+m.size }

// covered reports whether all of [start, start+size) is in mappings of a kind. The caller holds mappingsLock.
func covered(start, size uintptr, kind func(m *mapping) bool) bool {
	for at := start; at < start+size; {
		next := at
		for i := range mappings {
			if m := &mappings[i]; m.touches(at, at+1) && kind(m) {
				next = max(next, m.start+m.size)
			}
		}
		if next == at {
			return false
		}
		at = next
	}
	return true
}

// mapped reports whether all of [start, start+size) is mapped.
func mapped(start, size uintptr) bool {
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	return covered(start, size, func(*mapping) bool { return true })
}

// rangeArg checks a range of addresses that was mapped.
func rangeArg(start, size uintptr) (uintptr, calls.Errno) {
	if start%pageSize != 0 {
		return 0, calls.EINVAL
	}
	size = pages(size)
	if size > 0 && !mapped(start, size) {
		return 0, calls.ENOMEM
	}
	return size, 0
}

// mprotect protects memory of the program's own. That of a file stays writable: it is the file's contents, which may be
// written by other ways.
func mprotect(a calls.Args) (uintptr, calls.Errno) {
	if a.A3&^(protRead|protWrite|protExec) != 0 {
		return 0, calls.EINVAL
	}
	size, err := rangeArg(a.A1, a.A2)
	if err != 0 || size == 0 {
		return 0, err
	}
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	return 0, protectRange(a.A1, size, a.A3)
}

// protectRange protects what of a range is the program's own. The caller holds mappingsLock.
func protectRange(start, size, prot uintptr) calls.Errno {
	for _, m := range slices.Clone(mappings) {
		low, high := max(m.start, start), min(m.start+m.size, start+size)
		switch {
		case low >= high:
			continue
		case m.share != nil:
			m.writable(prot)
			continue
		}
		if err := kernel.Protect(calls.At(low), high-low, int32(prot)); err != 0 {
			return calls.Errno(err)
		}
		cutMappings(low, high) // its memory stays
		(&mapping{prot: int32(prot)}).keep(low, high)
	}
	return 0
}

// madvise gives no advice to anybody, but MADV_DONTNEED, which programs use to get pages of zeroes, does that.
func madvise(a calls.Args) (uintptr, calls.Errno) {
	if a.A1%pageSize != 0 || a.A3 > madvLast {
		return 0, calls.EINVAL
	}
	if a.A3 != madvDontneed {
		return 0, 0
	}
	size, err := rangeArg(a.A1, a.A2)
	if err != 0 {
		return 0, err
	}
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	for _, m := range mappings {
		low, high := max(m.start, a.A1), min(m.start+m.size, a.A1+size)
		if low < high && m.share == nil {
			kernel.Discard(calls.At(low), high-low)
		}
	}
	return 0, 0
}

// msync has the files of shared mappings write what is not yet durable. Those in memory have nothing to write: there a mapping is
// the contents.
func msync(a calls.Args) (uintptr, calls.Errno) {
	const known = 1 | 2 | 4 // MS_ASYNC, MS_INVALIDATE, MS_SYNC
	if a.A3&^known != 0 || a.A3&5 == 5 {
		return 0, calls.EINVAL
	}
	size, err := rangeArg(a.A1, a.A2)
	if err != 0 || a.A3&4 == 0 {
		return 0, err
	}
	for _, file := range sharedIn(a.A1, a.A1+size) {
		err := file.Sync()
		file.Closed()
		if err != 0 {
			return 0, err
		}
	}
	return 0, 0
}

// sharedIn returns the files that are mapped shared in a range, opened once more.
func sharedIn(start, end uintptr) (files []vfs.Regular) {
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	for _, m := range mappings {
		if m.share != nil && m.touches(start, end) {
			m.share.file.Opened()
			files = append(files, m.share.file)
		}
	}
	return files
}

// inMemory is mlock, which has nothing to do: memory is never paged out.
func inMemory(calls.Args) (uintptr, calls.Errno) { return 0, 0 }

// mincore says what is in memory: everything that was touched.
func mincore(a calls.Args) (uintptr, calls.Errno) {
	size, err := rangeArg(a.A1, a.A2)
	if err != 0 {
		return 0, err
	}
	out, err := calls.Bytes(a.A3, size/pageSize)
	for i := range out {
		out[i] = 0
		if kernel.Untouched(calls.At(a.A1+uintptr(i)*pageSize), pageSize) == 0 {
			out[i] = 1
		}
	}
	return 0, err
}
