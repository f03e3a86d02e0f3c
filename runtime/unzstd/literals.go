package unzstd

// Types of literals. Source: RFC 8878, section 3.1.1.3.1.1.
const (
	rawLiterals = iota
	repeatedLiteral
	codedLiterals
	treelessLiterals // coded as those of the block before
)

// A literalsHeader is what literals begin with. Source: RFC 8878, section 3.1.1.3.1.1.
type literalsHeader struct {
	kind    byte
	streams int
	size    int // of the literals
	coded   int // of what follows in their place
	length  int // of the header
}

// readLiteralsHeader returns false if there is not all of it.
func readLiteralsHeader(in []byte) (h literalsHeader, ok bool) {
	if len(in) == 0 {
		return h, false
	}
	h.kind = in[0] & 3
	format := in[0] >> 2 & 3
	bits := 0 // of a size
	h.streams, h.length = 4, 3
	switch {
	case h.kind >= codedLiterals && format == 0:
		h.streams, bits = 1, 10
	case h.kind >= codedLiterals:
		bits = int([4]byte{0, 10, 14, 18}[format])
		h.length = int([4]byte{0, 3, 4, 5}[format])
	default:
		h.length = int([4]byte{1, 2, 1, 3}[format])
	}
	if len(in) < h.length {
		return h, false
	}
	v := int(number(in[:h.length]))
	switch {
	case h.kind >= codedLiterals:
		h.size, h.coded = v>>4&(1<<bits-1), v>>(4+bits)
	case format&1 == 0:
		h.size = v >> 3
	default:
		h.size = v >> 4
	}
	switch h.kind {
	case rawLiterals:
		h.coded = h.size
	case repeatedLiteral:
		h.coded = 1
	}
	return h, len(in)-h.length >= h.coded
}

// readLiterals returns the literals of a block, with slack behind them, and how many of its bytes these took.
func (r *Reader) readLiterals(in []byte) (literals []byte, used int, bad Problem) {
	h, ok := readLiteralsHeader(in)
	if !ok || h.size > r.frame.largest {
		return nil, 0, BadLiterals
	}
	literals = r.literals[:h.size]
	used = h.length + h.coded
	in = in[h.length:used]
	switch h.kind {
	case rawLiterals:
		copy(literals, in)
	case repeatedLiteral:
		fill(literals, in[0])
	default:
		if h.kind == codedLiterals {
			n, ok := r.tree.describe(in)
			if !ok {
				return nil, 0, BadCode
			}
			in = in[n:]
		}
		if !r.tree.known || !r.tree.decode(literals, in, h.streams) {
			return nil, 0, BadLiterals
		}
	}
	return literals, used, ""
}
