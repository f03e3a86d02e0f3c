// Package inflate decompresses gzip (RFC 1952), as a ramdisk may be compressed. Package compress/gzip cannot be used below
// package os.
package inflate

// A Problem says what is wrong with compressed data; the zero Problem is none.
type Problem = string

// Problems that there can be.
const (
	Short       Problem = "the compressed data ends too early"
	BadHeader   Problem = "not gzip"
	BadBlock    Problem = "damaged compressed data: no such kind of block"
	BadCode     Problem = "damaged compressed data: an impossible code"
	BadDistance Problem = "damaged compressed data: a reference to what is not there"
	BadSum      Problem = "damaged compressed data: the checksum differs"
)

// windowSize is how far references reach. Source: RFC 1951, section 2.
const windowSize = 32 << 10

// Is reports whether data begins as gzip does.
func Is(data []byte) bool { return len(data) >= 2 && data[0] == 0x1f && data[1] == 0x8b }

// A Reader decompresses one member after the other of what it is given, as gunzip does, up to something else or the end.
type Reader struct {
	in  []byte
	at  int // the next byte of in
	err Problem

	bits  uint64 // that were taken from in and not yet used, the next one lowest
	nbits uint

	state   state
	last    bool // the current block is the last one of its member
	left    int  // bytes of a stored block, or of a reference
	from    int  // distance of the reference
	literal huffman
	reach   huffman // codes of distances

	out    [windowSize]byte
	head   int // where the next byte goes in out
	filled int // how many bytes of out there are, all of one member

	sum  uint32
	size uint32 // of the member so far
}

type state uint8

const (
	atMember state = iota
	atBlock
	inStored
	inCodes
	atEnd
)

// New returns a Reader of data.
func New(data []byte) *Reader { return &Reader{in: data} }

// Offset returns how many bytes of the data were used.
func (r *Reader) Offset() int { return r.at - int(r.nbits/8) }

// Read decompresses to p. It returns fewer bytes than there is room for only at the end, or with a problem.
func (r *Reader) Read(p []byte) (int, Problem) {
	n := 0
	for n < len(p) && r.err == "" && r.state != atEnd {
		n += r.step(p[n:])
	}
	return n, r.err
}

// step does what comes next and returns how many bytes it put into p.
func (r *Reader) step(p []byte) (n int) {
	switch r.state {
	case atMember:
		r.header()
	case atBlock:
		if r.last {
			r.trailer()
		} else {
			r.block()
		}
	case inStored:
		n = r.stored(p)
	case inCodes:
		n = r.codes(p)
	}
	if n > 0 {
		r.sum = update(r.sum, p[:n])
		r.size += uint32(n)
	}
	return n
}

func (r *Reader) fail(why Problem) {
	if r.err == "" {
		r.err = why
	}
}

// emit puts a byte out.
func (r *Reader) emit(b byte) byte {
	r.out[r.head] = b
	r.head = (r.head + 1) % windowSize
	r.filled = min(r.filled+1, windowSize)
	return b
}

// need makes n bits, at most 32, available. Beyond the end there are zeros, and a problem if they are used.
func (r *Reader) need(n uint) {
	for r.nbits < n && r.at < len(r.in) {
		r.bits |= uint64(r.in[r.at]) << r.nbits
		r.at++
		r.nbits += 8
	}
}

// take returns the next n bits.
func (r *Reader) take(n uint) uint32 {
	r.need(n)
	if r.nbits < n {
		r.fail(Short)
		return 0
	}
	v := uint32(r.bits & (1<<n - 1))
	r.bits >>= n
	r.nbits -= n
	return v
}

// align drops what is left of a byte.
func (r *Reader) align() { r.take(r.nbits % 8) }

// Flags of a member's header. Source: RFC 1952, section 2.3.1.
const (
	flagSum     = 1 << 1
	flagExtra   = 1 << 2
	flagName    = 1 << 3
	flagComment = 1 << 4
)

// header reads the beginning of a member.
func (r *Reader) header() {
	if r.at > 0 && !Is(r.in[r.at:]) {
		r.state = atEnd
		return
	}
	magic := r.take(16)
	method := r.take(8)
	if r.err == "" && (magic != 0x8b1f || method != 8) {
		r.fail(BadHeader)
	}
	flags := r.take(8)
	r.take(32) // time
	r.take(16) // how well it is compressed, by which system
	if flags&flagExtra != 0 {
		for n := r.take(16); n > 0 && r.err == ""; n-- {
			r.take(8)
		}
	}
	for _, flag := range []uint32{flagName, flagComment} {
		for flags&flag != 0 && r.take(8) != 0 {
		}
	}
	if flags&flagSum != 0 {
		r.take(16)
	}
	r.state, r.last, r.sum, r.size, r.head, r.filled = atBlock, false, 0, 0, 0, 0
}

// trailer compares checksum and size.
func (r *Reader) trailer() {
	r.align()
	sum := r.take(32)
	size := r.take(32)
	if r.err == "" && (sum != r.sum || size != r.size) {
		r.fail(BadSum)
	}
	// Whole bytes that were looked at ahead are given back.
	r.at -= int(r.nbits / 8)
	r.bits, r.nbits, r.state = 0, 0, atMember
}

// block reads the beginning of a block.
func (r *Reader) block() {
	r.last = r.take(1) != 0
	switch r.take(2) {
	case 0:
		r.align()
		n := r.take(16)
		if r.take(16) != n^0xffff && r.err == "" {
			r.fail(BadBlock)
		}
		r.left, r.state = int(n), inStored
	case 1:
		r.fixed()
		r.left, r.state = 0, inCodes
	case 2:
		r.dynamic()
		r.left, r.state = 0, inCodes
	default:
		r.fail(BadBlock)
	}
}

func (r *Reader) stored(p []byte) int {
	n := min(len(p), r.left)
	for i := range n {
		p[i] = r.emit(byte(r.take(8)))
		if r.err != "" {
			return i
		}
	}
	if r.left -= n; r.left == 0 {
		r.state = atBlock
	}
	return n
}

// codes decodes until p is full or the block ends.
func (r *Reader) codes(p []byte) int {
	n := 0
	for n < len(p) && r.err == "" {
		if r.left > 0 {
			p[n] = r.emit(r.out[(r.head-r.from+windowSize)%windowSize])
			r.left--
			n++
			continue
		}
		symbol := r.symbol(&r.literal)
		switch {
		case r.err != "":
		case symbol < endOfBlock:
			p[n] = r.emit(byte(symbol))
			n++
		case symbol == endOfBlock:
			r.state = atBlock
			return n
		default:
			r.reference(symbol)
		}
	}
	return n
}

// reference begins to repeat what was there before.
func (r *Reader) reference(symbol int) {
	symbol -= endOfBlock + 1
	if symbol >= len(lengths) {
		r.fail(BadCode)
		return
	}
	length := lengths[symbol].base + int(r.take(lengths[symbol].extra))
	far := r.symbol(&r.reach)
	if r.err == "" && far >= len(distances) {
		r.fail(BadCode)
	}
	if r.err != "" {
		return
	}
	from := distances[far].base + int(r.take(distances[far].extra))
	if r.err == "" && from > r.filled {
		r.fail(BadDistance)
		return
	}
	r.left, r.from = length, from
}
