package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// vector reads the n structures iovec at p.
func vector(p, n uintptr) ([][]byte, calls.Errno) {
	if n > calls.MaxVec {
		return nil, calls.EINVAL
	}
	return calls.Buffers(p, n)
}

func readv(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		if !f.Readable() {
			return 0, calls.EBADF
		}
		if _, ok := f.Desc.(*fdtable.Epoll); ok {
			return 0, calls.EINVAL
		}
		bufs, err := vector(a.A2, a.A3)
		if err != 0 {
			return 0, err
		}
		if v, ok := f.Desc.(fdtable.Vectored); ok {
			n, err := f.Blocking(fdtable.In, func() (int, calls.Errno) { return v.ReadV(bufs) })
			return uintptr(n), err
		}
		n, err := calls.Each(bufs, func(p []byte, done int) (int, calls.Errno) {
			if done > 0 {
				return f.Desc.Read(p) // never wait when there is something to return
			}
			return f.Read(p)
		})
		return uintptr(n), err
	})
}

func writev(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		if !f.Writable() {
			return 0, calls.EBADF
		}
		if _, ok := f.Desc.(*fdtable.Epoll); ok {
			return 0, calls.EINVAL
		}
		bufs, err := vector(a.A2, a.A3)
		if err != 0 {
			return 0, err
		}
		if v, ok := f.Desc.(fdtable.Vectored); ok {
			n, err := f.WriteV(v, bufs)
			return uintptr(n), err
		}
		n, err := calls.Each(bufs, func(p []byte, _ int) (int, calls.Errno) { return f.Write(p) })
		return uintptr(n), err
	})
}

func preadv(a calls.Args) (uintptr, calls.Errno)  { return vectorAt(a, preadFile) }
func pwritev(a calls.Args) (uintptr, calls.Errno) { return vectorAt(a, pwriteFile) }

// vectorAt does op with the buffers of a call, at its offset and what follows.
func vectorAt(a calls.Args, op func(f *fdFile, p []byte, offset int64) (int, calls.Errno)) (uintptr, calls.Errno) {
	if int64(a.A4) < 0 {
		return 0, calls.EINVAL
	}
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		bufs, err := vector(a.A2, a.A3)
		if err != 0 {
			return 0, err
		}
		n, err := calls.Each(bufs, func(p []byte, done int) (int, calls.Errno) {
			return op(f, p, int64(a.A4)+int64(done))
		})
		return uintptr(n), err
	})
}

// preadv2 and pwritev2 know no flags. Offset -1 is the position of the file.
func preadv2(a calls.Args) (uintptr, calls.Errno) {
	if a.A6 != 0 {
		return 0, calls.EOPNOTSUPP
	}
	if int64(a.A4) == -1 {
		return readv(a)
	}
	return preadv(a)
}

func pwritev2(a calls.Args) (uintptr, calls.Errno) {
	if a.A6 != 0 {
		return 0, calls.EOPNOTSUPP
	}
	if int64(a.A4) == -1 {
		return writev(a)
	}
	return pwritev(a)
}
