package unzstd

// A backward reads a bitstream from its last bit to its first. Beyond that there are zeros.
// Source: RFC 8878, section 4.1 and 3.1.1.3.2.1.2.
type backward struct {
	bits uint64 // the next one highest
	n    int    // how many there are in bits; less than none when more were taken than there were
	at   int    // the bytes before this one are not yet in bits
}

// newBackward begins behind the highest bit of the last byte, which is 1. It returns false if there is none.
func newBackward(in []byte) (b backward, ok bool) {
	if len(in) == 0 || in[len(in)-1] == 0 {
		return b, false
	}
	b.at = len(in)
	b = b.fill(in)
	mark := uint8(1)
	for in[len(in)-1]>>(8-mark) == 0 {
		mark++
	}
	return b.skip(mark), true
}

// fill makes at least 56 bits available, or all that there are.
func (b backward) fill(in []byte) backward {
	if b.at < 8 {
		return b.scrape(in)
	}
	b.bits |= word(in[b.at-8:b.at]) >> uint(b.n)
	more := (63 - b.n) >> 3
	b.at -= more
	b.n += more << 3
	return b
}

// scrape is fill for the last bytes.
func (b backward) scrape(in []byte) backward {
	for b.n <= 56 && b.at > 0 {
		b.at--
		b.bits |= uint64(in[b.at]) << uint(56-b.n)
		b.n += 8
	}
	return b
}

// take returns the next n bits, at most 31 and as many as fill made available, and what is behind them.
func (b backward) take(n uint8) (uint32, backward) {
	return uint32(b.bits >> 33 >> (31 - n&31)), b.skip(n)
}

// skip is take without a value.
func (b backward) skip(n uint8) backward {
	b.bits <<= n & 63
	b.n -= int(n)
	return b
}

// over reports that there is neither too little nor something left.
func (b backward) over() bool { return b.n == 0 && b.at == 0 }

// word returns the value of 8 bytes, the lowest first.
func word(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// A forward reads bits from the lowest of the first byte on. Source: RFC 8878, section 4.1.1.
type forward struct {
	in []byte
	at int // the next bit
}

// peek returns the next n bits, at most 16. Beyond the end there are zeros.
func (f *forward) peek(n int) int {
	var b [3]byte
	copy(b[:], f.in[min(f.at/8, len(f.in)):])
	return int(number(b[:])) >> (f.at % 8) & (1<<n - 1)
}

// take returns the next n bits.
func (f *forward) take(n int) int {
	v := f.peek(n)
	f.at += n
	return v
}

// bytes returns how many bytes were used, which may be more than there are.
func (f *forward) bytes() int { return (f.at + 7) / 8 }

// log2 returns the place of the highest bit of v, which is not 0.
func log2(v int) (n int) {
	for v > 1 {
		v >>= 1
		n++
	}
	return n
}
