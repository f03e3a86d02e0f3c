package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// iovec is struct iovec of Linux.
type iovec struct {
	base, size uintptr
}

// vector reads the n iovecs at p.
func vector(p, n uintptr) ([][]byte, calls.Errno) {
	if n > maxVec {
		return nil, calls.EINVAL
	}
	list, err := calls.Slice[iovec](p, n)
	if err != 0 {
		return nil, err
	}
	bufs := make([][]byte, 0, n)
	left := uintptr(maxIO)
	for _, v := range list {
		if int(v.size) < 0 {
			return nil, calls.EINVAL
		}
		b, err := calls.Bytes(v.base, min(v.size, left))
		if err != 0 {
			return nil, err
		}
		left -= uintptr(len(b))
		bufs = append(bufs, b)
	}
	return bufs, 0
}

// each passes the buffers to op one after the other until one is not used up.
func each(bufs [][]byte, op func(p []byte, done int) (int, calls.Errno)) (uintptr, calls.Errno) {
	done := 0
	for _, b := range bufs {
		if len(b) == 0 {
			continue
		}
		n, err := op(b, done)
		done += n
		if err != 0 && done == 0 {
			return 0, err
		}
		if err != 0 || n < len(b) {
			break
		}
	}
	return uintptr(done), 0
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
		return each(bufs, func(p []byte, done int) (int, calls.Errno) {
			if done > 0 {
				return f.Desc.Read(p) // never wait when there is something to return
			}
			return f.Read(p)
		})
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
		return each(bufs, func(p []byte, _ int) (int, calls.Errno) { return f.Write(p) })
	})
}

func preadv(a calls.Args) (uintptr, calls.Errno) {
	if int64(a.A4) < 0 {
		return 0, calls.EINVAL
	}
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		bufs, err := vector(a.A2, a.A3)
		if err != 0 {
			return 0, err
		}
		return each(bufs, func(p []byte, done int) (int, calls.Errno) {
			return preadFile(f, p, int64(a.A4)+int64(done))
		})
	})
}

func pwritev(a calls.Args) (uintptr, calls.Errno) {
	if int64(a.A4) < 0 {
		return 0, calls.EINVAL
	}
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		bufs, err := vector(a.A2, a.A3)
		if err != 0 {
			return 0, err
		}
		return each(bufs, func(p []byte, done int) (int, calls.Errno) {
			return pwriteFile(f, p, int64(a.A4)+int64(done))
		})
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
