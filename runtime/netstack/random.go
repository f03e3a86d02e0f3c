package netstack

import (
	"encoding/binary"
	"sync"

	"internal/xengo/runtime/kernel"
)

// random is the kernel's random numbers, as an io.Reader and a rand.Source. The stack asks for
// two bytes for each packet: they come out of a buffer, where they do not stay.
type random struct {
	mu   sync.Mutex
	buf  [512]byte
	left int // unused bytes, at the end of buf
}

func (r *random) Read(p []byte) (int, error) {
	if len(p) > len(r.buf)/8 {
		kernel.Random(p)
		return len(p), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left < len(p) {
		kernel.Random(r.buf[:])
		r.left = len(r.buf)
	}
	from := r.buf[len(r.buf)-r.left:][:len(p)]
	copy(p, from)
	clear(from)
	r.left -= len(p)
	return len(p), nil
}

func (r *random) Int63() int64 {
	var b [8]byte
	r.Read(b[:])
	return int64(binary.NativeEndian.Uint64(b[:]) >> 1)
}

// Seed does nothing: the numbers are the kernel's.
func (*random) Seed(int64) {}
