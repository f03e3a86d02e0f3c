package unzstd

// Kinds of symbols in sequences, in the order of their tables.
const (
	literalLengths = iota
	offsets
	matchLengths
	kinds
)

// alphabets are those of the kinds. Source: RFC 8878, section 3.1.1.3.2.1.1.
var alphabets = [kinds]alphabet{
	literalLengths: {0, []uint8{16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 9},
	offsets: {1, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
		28, 29, 30, 31}, 8},
	matchLengths: {3, []uint8{32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 9},
}

// predefined are the probabilities of symbols where a block brings none. Source: RFC 8878, section 3.1.1.3.2.2.
var predefined = [kinds]struct {
	log     uint8
	weights []int16
}{
	literalLengths: {6, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}},
	offsets:        {5, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}},
	matchLengths: {6, []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}},
}

// Modes of tables. Source: RFC 8878, section 3.1.1.3.2.1.
const (
	predefinedMode = iota
	onlyMode
	describedMode
	repeatMode
)

// sequences puts out what a block's sequences make of its literals, which have slack behind them.
func (r *Reader) sequences(in, literals []byte) Problem {
	count, used := sequenceCount(in)
	if used == 0 || count == 0 && used < len(in) {
		return BadBlock
	}
	if count > 0 {
		n, ok := r.readTables(in[used:])
		if !ok {
			return BadCode
		}
		rest, bad := r.execute(in[used+n:], count, literals)
		if bad != "" {
			return bad
		}
		literals = rest
	}
	if len(literals) > r.frame.largest-(r.out.head-r.given) {
		return BadSize
	}
	r.out.head += copy(r.out.buf[r.out.head:], literals)
	return ""
}

// sequenceCount returns how many there are and in how many bytes that is said, 0 if there is not all of it.
// Source: RFC 8878, section 3.1.1.3.2.1.
func sequenceCount(in []byte) (count, used int) {
	switch {
	case len(in) >= 1 && in[0] < 128:
		return int(in[0]), 1
	case len(in) >= 2 && in[0] < 255:
		return int(in[0]-128)<<8 + int(in[1]), 2
	case len(in) >= 3 && in[0] == 255:
		return int(number(in[1:3])) + 0x7f00, 3
	}
	return 0, 0
}

// readTables makes the tables of a block and returns in how many bytes they are described.
// Source: RFC 8878, section 3.1.1.3.2.1.
func (r *Reader) readTables(in []byte) (used int, ok bool) {
	if len(in) == 0 || in[0]&3 != 0 {
		return 0, false
	}
	modes := in[0]
	used = 1
	for kind := range kinds {
		t, a := &r.tables[kind], &alphabets[kind]
		switch modes >> (6 - 2*kind) & 3 {
		case predefinedMode:
			t.make(predefined[kind].weights, predefined[kind].log, a)
		case onlyMode:
			if used >= len(in) || !t.only(in[used], a) {
				return 0, false
			}
			used++
		case describedMode:
			n, ok := t.describe(in[used:], a)
			if !ok {
				return 0, false
			}
			used += n
		case repeatMode:
			if !t.known {
				return 0, false
			}
		}
	}
	return used, true
}
