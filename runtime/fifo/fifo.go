// Package fifo has the buffers of pipes and of connections within the guest.
package fifo

// minimum is the smallest buffer that is allocated.
const minimum = 4096

// A Buffer is a queue of bytes that grows as it must. The zero value is empty.
// It is for one goroutine at a time.
type Buffer struct {
	buf      []byte
	start, n int // where the contents begin in buf, and how long they are
}

// Len is how many bytes are in the queue.
func (b *Buffer) Len() int { return b.n }

// Write appends p.
func (b *Buffer) Write(p []byte) {
	if need := b.n + len(p); need > len(b.buf) {
		size := max(len(b.buf), minimum)
		for size < need {
			size *= 2
		}
		b.move(size)
	}
	end := b.start + b.n
	if end >= len(b.buf) {
		end -= len(b.buf)
	}
	n := copy(b.buf[end:], p)
	copy(b.buf, p[n:])
	b.n += len(p)
}

// Read takes up to len(p) bytes out of the queue.
func (b *Buffer) Read(p []byte) int {
	n := b.Peek(p, 0)
	b.Skip(n)
	return n
}

// Peek copies what comes after the first skip bytes, and leaves it where it is.
func (b *Buffer) Peek(p []byte, skip int) int {
	if skip >= b.n {
		return 0
	}
	at, left := b.start+skip, b.n-skip
	if at >= len(b.buf) {
		at -= len(b.buf)
	}
	n := copy(p, b.buf[at:min(len(b.buf), at+left)])
	if n < len(p) && n < left {
		n += copy(p[n:], b.buf[:left-n])
	}
	return n
}

// Skip takes n bytes, of those that are there, out of the queue.
func (b *Buffer) Skip(n int) {
	b.n -= n
	if b.start += n; b.start >= len(b.buf) {
		b.start -= len(b.buf)
	}
	if b.n == 0 {
		b.start = 0
	}
}

// Limit gives memory back beyond size, as far as the contents do not need it.
func (b *Buffer) Limit(size int) {
	if size = max(size, b.n); size < len(b.buf) {
		b.move(size)
	}
}

// Reset empties the queue, and gives its memory back.
func (b *Buffer) Reset() { *b = Buffer{} }

// move takes another buffer, in which there is room for the contents.
func (b *Buffer) move(size int) {
	buf := make([]byte, size)
	n := b.Peek(buf, 0)
	*b = Buffer{buf, 0, n}
}
