package memfs

import "internal/xengo/runtime/calls"

// A base is the contents that a file came with, of which nothing is in memory of the file system: a text, or what packed
// makes. Of it there are the first size bytes.
type base struct {
	text   string
	packed Packed
	size   int64
}

// Packed is contents that are kept in another form than they are read in.
type Packed interface {
	// ReadAt fills p with what is at offset. Both are within the contents. It may be called by several at once.
	ReadAt(p []byte, offset int64) calls.Errno
}

func textBase(s string) base { return base{text: s, size: int64(len(s))} }

// readAt copies what is at offset to p and returns how much there was.
func (b *base) readAt(p []byte, offset int64) (int, calls.Errno) {
	if offset >= b.size {
		return 0, 0
	}
	p = p[:min(int64(len(p)), b.size-offset)]
	if b.packed != nil {
		return len(p), b.packed.ReadAt(p, offset)
	}
	return copy(p, b.text[offset:]), 0
}
