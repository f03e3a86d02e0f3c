package unzstd

const (
	magic          = 0xfd2fb528
	skippableMagic = 0x184d2a50 // and the 15 numbers after it
)

// A frame is what a frame's header says, and how far it has come. Source: RFC 8878, section 3.1.1.1.
type frame struct {
	sized   bool // its header says the size
	size    uint64
	done    uint64 // bytes of its contents so far
	summed  bool   // a checksum follows
	sum     xxh64
	largest int // what a block has at most (section 3.1.1.2.4)
}

// Is reports whether data begins as zstd's does, with a frame or one that is to be skipped.
func Is(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	m := number(data[:4])
	return m == magic || skippable(m)
}

// skippable reports whether a frame has nothing for us. Source: RFC 8878, section 3.1.2.
func skippable(magic uint64) bool { return magic&^15 == skippableMagic }

// begin reads the beginning of a frame, or passes one that is to be skipped.
func (r *Reader) begin() Problem {
	if r.at > 0 && !Is(r.in[r.at:]) {
		r.state = atEnd
		return ""
	}
	start := r.at
	b, bad := r.take(4)
	if bad != "" {
		return bad
	}
	m := number(b)
	switch {
	case m == magic:
		if bad = r.header(); bad != "" && bad != Short {
			r.at = start
		}
		return bad
	case !skippable(m):
		r.at = start
		return NotZstd
	}
	if b, bad = r.take(4); bad == "" {
		_, bad = r.take(int(number(b)))
	}
	return bad
}

// header reads what follows the magic number. Source: RFC 8878, sections 3.1.1.1.1 to 3.1.1.1.4.
func (r *Reader) header() Problem {
	b, bad := r.take(1)
	if bad != "" {
		return bad
	}
	descriptor := b[0]
	if descriptor>>3&1 != 0 {
		return BadHeader
	}
	forWindow, forDictionary, forSize := 1, [4]int{0, 1, 2, 4}[descriptor&3], [4]int{0, 2, 4, 8}[descriptor>>6]
	single := descriptor>>5&1 != 0
	if single {
		forWindow, forSize = 0, max(1, forSize)
	}
	if b, bad = r.take(forWindow + forDictionary + forSize); bad != "" {
		return bad
	}
	dictionary, size := number(b[forWindow:][:forDictionary]), number(b[forWindow+forDictionary:])
	if forSize == 2 {
		size += 256
	}
	reach := size // of the window
	if !single {
		reach = 1 << (10 + b[0]>>3)
		reach += reach / 8 * uint64(b[0]&7)
	}
	switch {
	case dictionary != 0:
		return NoDictionary
	case reach > maxWindow:
		return WindowTooLong
	}
	r.start(frame{sized: forSize > 0, size: size, summed: descriptor>>2&1 != 0, sum: newSum(), largest: int(min(reach, maxBlock))}, int(reach))
	return ""
}

// start prepares for the blocks of a frame, to which nothing before it matters.
func (r *Reader) start(f frame, reach int) {
	r.frame, r.state = f, atBlock
	r.out.reset(reach)
	r.given = 0
	r.tree.known = false
	for i := range r.tables {
		r.tables[i].known = false
	}
	r.repeat = [3]uint32{1, 4, 8}
}

// end compares size and checksum. Source: RFC 8878, section 3.1.1.
func (r *Reader) end() Problem {
	f := &r.frame
	if f.sized && f.done != f.size {
		return BadSize
	}
	r.state = atFrame
	if !f.summed {
		return ""
	}
	b, bad := r.take(4)
	if bad == "" && uint32(number(b)) != uint32(f.sum.value()) {
		r.at -= 4
		bad = BadSum
	}
	return bad
}
