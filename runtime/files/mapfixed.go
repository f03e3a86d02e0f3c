package files

import (
	"slices"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// The addresses at the program's disposal are those that it was given, where MAP_FIXED replaces what is in memory of its own,
// which is how programs use a range that they have reserved, and those that are free where others are taken from: such as it gave
// back itself.

// own reports whether m is memory of the program's own, and not a file's.
func (m *mapping) own() bool { return m.share == nil }

// touched reports whether something is mapped in [start, end).
func touched(start, end uintptr) bool {
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	return slices.ContainsFunc(mappings, func(m mapping) bool { return m.touches(start, end) })
}

// mapAt is mmap at an address.
func mapAt(a calls.Args, size uintptr) (uintptr, calls.Errno) {
	start, prot, flags := a.A1, a.A3, a.A4
	anonymous := flags&mapAnonymous != 0
	switch {
	case start%pageSize != 0 || start+size < start || prot&^(protRead|protWrite|protExec) != 0:
		return 0, calls.EINVAL
	case flags&mapFixedNo != 0 && touched(start, start+size):
		return 0, calls.EEXIST
	case !anonymous && flags&mapType != mapPrivate:
		return 0, calls.ENOMEM // the pages of a file are where they are
	}
	var fill func(p []byte) calls.Errno
	if !anonymous {
		f, err := getFile(a.A5)
		if err != 0 {
			return 0, err
		}
		defer f.Put()
		if fill, err = filler(f, int64(a.A6)); err != 0 {
			return 0, err
		}
	}
	again, err := renew(start, size, fill)
	if err != 0 {
		return 0, err
	}
	if !again {
		if !vacate(start, start+size) || !spaceFor(size) || start == 0 || kernel.Reserve(start, size, protRead|protWrite) == nil {
			return 0, calls.ENOMEM
		}
		return useMemory(start, size, int32(prot), fill)
	}
	if prot == protRead|protWrite {
		return start, 0
	}
	mappingsLock.Lock()
	defer mappingsLock.Unlock()
	return start, protectRange(start, size, prot)
}

// renew makes memory of the program's own as if it was never touched, lets it write to it, and has fill, if there is one, do so.
// It does nothing, and reports that, if not all of the memory is.
func renew(start, size uintptr, fill func(p []byte) calls.Errno) (own bool, err calls.Errno) {
	mappingsLock.Lock()
	if !covered(start, size, (*mapping).own) {
		mappingsLock.Unlock()
		return false, 0
	}
	err = protectRange(start, size, protRead|protWrite)
	mappingsLock.Unlock()
	if err != 0 {
		return true, err
	}
	kernel.Discard(calls.At(start), size)
	if fill == nil {
		return true, 0
	}
	if !kernel.Populate(calls.At(start), size) {
		return true, calls.ENOMEM
	}
	return true, fill(calls.Memory(calls.At(start), size))
}

// fileIn reports whether a file is mapped in [start, end). The caller holds mappingsLock.
func fileIn(start, end uintptr) bool {
	return slices.ContainsFunc(mappings, func(m mapping) bool { return m.touches(start, end) && !m.own() })
}

// vacate unmaps what is the program's own in [start, end). It reports false, and does nothing, if a file is mapped there: its pages
// stay where they are.
func vacate(start, end uintptr) bool {
	mappingsLock.Lock()
	if fileIn(start, end) {
		mappingsLock.Unlock()
		return false
	}
	gone := cutMappings(start, end)
	mappingsLock.Unlock()
	unmapAll(gone)
	return true
}

// filler returns a function that reads a file into memory that maps it.
func filler(f *fdFile, offset int64) (func(p []byte) calls.Errno, calls.Errno) {
	file, err := mappable(f, false)
	if err != 0 {
		return nil, err
	}
	return func(p []byte) calls.Errno {
		_, err := file.ReadAt(p, offset)
		return err
	}, 0
}
