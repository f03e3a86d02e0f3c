package unzstd

// Types of blocks. Source: RFC 8878, section 3.1.1.2.2.
const (
	rawBlock = iota
	repeatedByte
	compressedBlock
)

// block decompresses the next block of a frame. If it is damaged, Offset is where it begins.
func (r *Reader) block() Problem {
	start := r.at
	b, bad := r.take(3)
	if bad != "" {
		return bad
	}
	last, kind, size := blockHeader(b)
	if size > r.frame.largest || kind > compressedBlock {
		r.at = start
		return BadBlock
	}
	r.out.room(r.frame.largest)
	first := r.out.head
	r.given = first
	if bad = r.contents(kind, size); bad != "" {
		r.out.head = first // what was made of a damaged block is worth nothing
		if bad != Short {
			r.at = start
		}
		return bad
	}
	return r.finish(r.out.buf[first:r.out.head], last)
}

// blockHeader takes a header of a block, 3 bytes, apart. Source: RFC 8878, section 3.1.1.2.
func blockHeader(b []byte) (last bool, kind, size int) {
	header := int(number(b))
	return header&1 != 0, header >> 1 & 3, header >> 3
}

// contents puts out what a block of the given size has.
func (r *Reader) contents(kind, size int) Problem {
	switch kind {
	case rawBlock:
		b, bad := r.take(size)
		r.out.head += copy(r.out.buf[r.out.head:], b)
		return bad
	case repeatedByte:
		b, bad := r.take(1)
		if bad == "" {
			fill(r.out.buf[r.out.head:][:size], b[0])
			r.out.head += size
		}
		return bad
	}
	b, bad := r.take(size)
	if bad != "" {
		return bad
	}
	literals, used, bad := r.readLiterals(b)
	if bad != "" {
		return bad
	}
	return r.sequences(b[used:], literals)
}

// finish counts what a block put out.
func (r *Reader) finish(p []byte, last bool) Problem {
	f := &r.frame
	f.done += uint64(len(p))
	r.out.filled = min(r.out.filled+len(p), r.out.reach)
	if f.sized && f.done > f.size {
		r.out.head -= len(p)
		return BadSize
	}
	if f.summed {
		f.sum.write(p)
	}
	if last {
		return r.end()
	}
	return ""
}

func fill(p []byte, b byte) {
	for i := range p {
		p[i] = b
	}
}
