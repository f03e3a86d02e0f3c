package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// fdSetSize is the number of descriptors that select(2) can name.
const fdSetSize = 1024

type fdSet [fdSetSize / 64]uint64

func (s *fdSet) has(fd int) bool { return s != nil && s[fd/64]&(1<<(fd%64)) != 0 }
func (s *fdSet) add(fd int)      { s[fd/64] |= 1 << (fd % 64) }

// What the three sets of select stand for. Source: Linux 6.16 fs/select.c (POLLIN_SET and so on).
var selectEvents = [3]fdtable.Events{
	fdtable.In | fdtable.Hup | fdtable.Err,
	fdtable.Out | fdtable.Err,
	fdtable.Pri,
}

// timeval is struct timeval of Linux.
type timeval struct{ Sec, Usec int64 }

func selectTimeval(a calls.Args) (uintptr, calls.Errno) {
	t, err := calls.Optional[timeval](a.A5)
	if err != 0 {
		return 0, err
	}
	deadline := fdtable.Never
	if t != nil {
		if t.Sec < 0 || t.Usec < 0 {
			return 0, calls.EINVAL
		}
		ns, err := nanoseconds(fdtable.Timespec{Sec: t.Sec + t.Usec/1e6, Nsec: t.Usec % 1e6 * 1e3})
		if err != 0 {
			return 0, err
		}
		if deadline = 0; ns > 0 {
			deadline = fdtable.Deadline(ns)
		}
	}
	return selectUntil(a, deadline)
}

func selectTimespec(a calls.Args) (uintptr, calls.Errno) {
	deadline, err := timeout(a.A5)
	if err != 0 {
		return 0, err
	}
	return selectUntil(a, deadline)
}

func selectUntil(a calls.Args, deadline int64) (uintptr, calls.Errno) {
	n := int(int32(a.A1))
	if n < 0 {
		return 0, calls.EINVAL
	}
	n = min(n, fdSetSize)
	var sets [3]*fdSet
	for i, p := range []uintptr{a.A2, a.A3, a.A4} {
		s, err := calls.Optional[fdSet](p)
		if err != 0 {
			return 0, err
		}
		sets[i] = s
	}
	files, fds, err := selected(n, sets)
	for _, p := range files {
		defer p.File.Put()
	}
	if err != 0 {
		return 0, err
	}
	fdtable.Poll(files, deadline)
	return answer(sets, files, fds), 0
}

// selected returns the files that are in any of the sets, with references, and their descriptors.
func selected(n int, sets [3]*fdSet) (files []fdtable.Polled, fds []int, err calls.Errno) {
	for fd := range n {
		var wanted fdtable.Events
		for i, s := range sets {
			if s.has(fd) {
				wanted |= selectEvents[i]
			}
		}
		if wanted == 0 {
			continue
		}
		f, err := fdtable.Get(fd)
		if err != 0 {
			return files, nil, err
		}
		files = append(files, fdtable.Polled{File: f, Wanted: wanted})
		fds = append(fds, fd)
	}
	return files, fds, 0
}

// answer replaces the sets by those descriptors that are ready and returns their number.
func answer(sets [3]*fdSet, files []fdtable.Polled, fds []int) uintptr {
	ready := uintptr(0)
	for i, s := range sets {
		if s == nil {
			continue
		}
		var out fdSet
		for j, fd := range fds {
			if s.has(fd) && files[j].Got&selectEvents[i] != 0 {
				out.add(fd)
				ready++
			}
		}
		*s = out
	}
	return ready
}
