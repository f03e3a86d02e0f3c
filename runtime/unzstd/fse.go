package unzstd

// Finite State Entropy. Source of everything here: RFC 8878, section 4.1.

const (
	minLog = 5
	maxLog = 9
)

// An alphabet is what the symbols of a table stand for: a base, to which extra bits are added. The bases follow each other.
type alphabet struct {
	first   uint32  // the base of symbol 0
	extra   []uint8 // extra bits of each symbol
	largest int     // the largest accuracy log
}

// An fse decodes symbols. Each entry is a state.
type fse struct {
	known   bool
	log     uint8
	entries [1 << maxLog]entry
}

// An entry says what its symbol stands for, and which states can come next.
type entry struct {
	base  uint32
	next  uint16 // to which nbits bits are added
	nbits uint8
	extra uint8
}

// describe makes the table that in begins with the description of, and returns how long that is. Source: section 4.1.1.
func (t *fse) describe(in []byte, a *alphabet) (used int, ok bool) {
	bits := forward{in: in}
	log := bits.take(4) + minLog
	if log > a.largest {
		return 0, false
	}
	var weights [1 << 6]int16
	symbol := 0
	for left := 1 << log; left > 0; symbol++ {
		if symbol >= len(a.extra) || bits.bytes() > len(in) {
			return 0, false
		}
		weight := bits.probability(left)
		weights[symbol] = int16(weight)
		left -= max(weight, -weight)
		for again := weight == 0; again; {
			zeros := bits.take(2)
			symbol += zeros
			again = zeros == 3 && bits.bytes() <= len(in)
		}
	}
	if symbol > len(a.extra) || bits.bytes() > len(in) {
		return 0, false
	}
	t.make(weights[:symbol], uint8(log), a)
	return bits.bytes(), true
}

// probability reads one when so much is left: -1 is for less than 1. Small values have a bit less where there are not values
// enough for all bits.
func (f *forward) probability(left int) int {
	most := left + 1
	n := log2(most)
	short := 1<<(n+1) - 1 - most // so many values have n bits
	v := f.peek(n + 1)
	if v&(1<<n-1) < short {
		f.at += n
		return v&(1<<n-1) - 1
	}
	f.at += n + 1
	if v >= 1<<n {
		v -= short
	}
	return v - 1
}

// make makes the table of symbols with the given probabilities, whose sum is 1<<log.
func (t *fse) make(weights []int16, log uint8, a *alphabet) {
	size := 1 << log
	var symbols [1 << maxLog]uint8
	spread(symbols[:size], weights)
	var next [1 << 6]uint16
	var base [1 << 6]uint32
	sum := a.first
	for s, w := range weights {
		next[s] = uint16(max(w, -w))
		base[s] = sum
		sum += 1 << a.extra[s]
	}
	for i, s := range symbols[:size] {
		n := next[s]
		next[s]++
		nbits := log - uint8(log2(int(n)))
		t.entries[i] = entry{base: base[s], next: n<<nbits - uint16(size), nbits: nbits, extra: a.extra[s]}
	}
	t.log, t.known = log, true
}

// spread gives each symbol as many states as its probability says, those below 1 the last ones.
func spread(symbols []uint8, weights []int16) {
	size := len(symbols)
	end := size
	for s, w := range weights {
		if w < 0 {
			end--
			symbols[end] = uint8(s)
		}
	}
	at := 0
	for s, w := range weights {
		for ; w > 0; w-- {
			symbols[at] = uint8(s)
			at = (at + size>>1 + size>>3 + 3) & (size - 1)
			for at >= end {
				at = (at + size>>1 + size>>3 + 3) & (size - 1)
			}
		}
	}
}

// only makes the table that has one symbol.
func (t *fse) only(symbol uint8, a *alphabet) bool {
	if int(symbol) >= len(a.extra) {
		return false
	}
	base := a.first
	for _, n := range a.extra[:symbol] {
		base += 1 << n
	}
	t.entries[0] = entry{base: base, extra: a.extra[symbol]}
	t.log, t.known = 0, true
	return true
}
