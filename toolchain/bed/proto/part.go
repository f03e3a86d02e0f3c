package proto

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
)

// Parts end where their last bytes say so, so that what two files have in common
// makes the same parts in both, wherever it is in them, but for the first and the
// last. (Xia et al., FastCDC, USENIX ATC 2016: a gear hash, and a least length.)
const (
	filePart = 64 << 10 // bytes in a part, at most
	leastCut = 8 << 10  // and at least, unless zeros follow or the end
	cutBits  = 15       // of the hash are zeros at one place in 2^cutBits
	filePage = 4 << 10  // what is zeros is looked for in these steps
)

var zeroPage [filePage]byte

// gear are random numbers, of splitmix64.
var gear = func() (g [256]uint64) {
	var state uint64
	for i := range g {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		g[i] = z ^ z>>31
	}
	return g
}()

// cut returns the length of the part that p, which is not empty, begins with.
func cut(p []byte) int {
	p = p[:min(len(p), filePart)]
	var hash uint64
	for i := leastCut - 64; i < len(p); i++ { // the hash is one of 64 bytes
		hash = hash<<1 + gear[p[i]]
		if i >= leastCut && hash>>(64-cutBits) == 0 {
			return i + 1
		}
	}
	return len(p)
}

// eachPart calls f with the parts of r that are not zeros, in their order, and
// returns the size of r. The holes of a file are not read.
func eachPart(r io.Reader, f func(at int64, p []byte) error) (size int64, err error) {
	var at int64 // of what is left in buf
	buf := make([]byte, 0, 4*filePart)
	for {
		n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return 0, err
		}
		p := buf[:len(buf)+n]
		for len(p) >= filePart || end && len(p) > 0 {
			n, empty := next(p, at, end)
			if !empty {
				if err := f(at, p[:n]); err != nil {
					return 0, err
				}
			}
			at, p = at+int64(n), p[n:]
		}
		if end {
			return at, nil
		}
		buf = buf[:copy(buf[:cap(buf)], p)]
		if file, ok := r.(*os.File); ok && at%filePage == 0 && zeros(buf) {
			at, buf = at+int64(len(buf)), buf[:0]
			if at, err = seekData(file, at); err != nil {
				return 0, err
			}
		}
	}
}

// next returns how long the part is that p begins with, which is at offset at, or
// how many zeros it begins with: pages of them, and what is less at the end.
func next(p []byte, at int64, end bool) (n int, empty bool) {
	page := int(-at & (filePage - 1)) // the first page of the file in p
	if page == 0 {
		for n < len(p) && (end || n+filePage <= len(p)) && zeros(p[n:min(n+filePage, len(p))]) {
			n = min(n+filePage, len(p))
		}
		if n > 0 {
			return n, true
		}
		page = filePage
	}
	for page < min(len(p), filePart) && !zeros(p[page:min(page+filePage, len(p))]) {
		page += filePage
	}
	return cut(p[:min(page, len(p))]), false
}

func zeros(p []byte) bool {
	for len(p) > filePage {
		if string(p[:filePage]) != string(zeroPage[:]) {
			return false
		}
		p = p[filePage:]
	}
	return string(p) == string(zeroPage[:len(p)])
}

// seekData goes on where f has data again, or at its end.
func seekData(f *os.File, at int64) (int64, error) {
	const data = 3 // SEEK_DATA, lseek(2)
	if runtime.GOOS == "linux" {
		next, err := f.Seek(at, data)
		if err == nil {
			return next, nil
		}
		if errors.Is(err, syscall.ENXIO) {
			return f.Seek(0, io.SeekEnd)
		}
	}
	return f.Seek(at, io.SeekStart) // it cannot tell
}
