package calls

const (
	// MaxIO is the most bytes that one call moves, MAX_RW_COUNT. Source: Linux 6.16 include/linux/fs.h.
	MaxIO = 0x7ffff000

	// MaxVec is the most buffers that one call takes, UIO_MAXIOV. Source: Linux 6.16 include/uapi/linux/uio.h.
	MaxVec = 1024
)

// Iovec is struct iovec. Source: Linux 6.16 include/uapi/linux/uio.h.
type Iovec struct{ Base, Size uintptr }

// Buffer returns what a call moves of the n bytes at p. EFAULT as for Bytes.
func Buffer(p, n uintptr) ([]byte, Errno) { return Bytes(p, min(n, MaxIO)) }

// Buffers returns what a call moves of the buffers that the n (at most MaxVec) Iovecs at p describe. EFAULT as for
// Bytes, EINVAL if a length is negative.
func Buffers(p, n uintptr) ([][]byte, Errno) {
	list, err := Slice[Iovec](p, n)
	if err != 0 {
		return nil, err
	}
	bufs := make([][]byte, 0, len(list))
	left := uintptr(MaxIO)
	for _, v := range list {
		if int(v.Size) < 0 {
			return nil, EINVAL
		}
		b, err := Bytes(v.Base, min(v.Size, left))
		if err != 0 {
			return nil, err
		}
		left -= uintptr(len(b))
		bufs = append(bufs, b)
	}
	return bufs, 0
}

// Skip returns what follows the first n bytes of bufs, whose elements it may change.
func Skip(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// Each passes the buffers that are not empty to op, with how much was moved before, one after the other until one is not used
// up. An error counts if nothing was moved.
func Each(bufs [][]byte, op func(p []byte, done int) (int, Errno)) (int, Errno) {
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
	return done, 0
}
