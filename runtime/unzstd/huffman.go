package unzstd

// Source of everything here: RFC 8878, section 4.2.

const (
	maxBits    = 11 // of a code
	maxSymbols = 256
)

// weightAlphabet is that of weights which come as FSE: each is what it is.
var weightAlphabet = alphabet{extra: []uint8{maxBits: 0}, largest: 6}

// A huffman decodes bytes. Its entries are for the next maxBits bits: the byte, and above it the length of its code.
type huffman struct {
	known   bool
	entries [1 << maxBits]uint16
}

// describe makes the codes that in begins with the description of, and returns how long that is. Source: section 4.2.1.
func (h *huffman) describe(in []byte) (used int, ok bool) {
	if len(in) == 0 {
		return 0, false
	}
	var weights [maxSymbols]uint8
	var n int
	header := int(in[0])
	if header < 128 {
		used = 1 + header
		if used > len(in) {
			return 0, false
		}
		n, ok = codedWeights(weights[:maxSymbols-1], in[1:used])
	} else {
		n = header - 127
		used = 1 + (n+1)/2
		if ok = used <= len(in); ok {
			for i := range n {
				weights[i] = in[1+i/2] >> (4 * (1 - i&1)) & 15
			}
		}
	}
	return used, ok && h.make(weights[:n+1])
}

// codedWeights decodes weights that come as FSE: two states take turns, up to where there are no bits for the next one.
// Source: section 4.2.1.2.
func codedWeights(weights []uint8, in []byte) (n int, ok bool) {
	var t fse
	used, ok := t.describe(in, &weightAlphabet)
	if !ok {
		return 0, false
	}
	in = in[used:]
	b, ok := newBackward(in)
	if !ok {
		return 0, false
	}
	state, b := b.take(t.log)
	other, b := b.take(t.log)
	for b.n >= 0 && n+2 <= len(weights) {
		e := t.entries[state]
		weights[n] = uint8(e.base)
		n++
		more, rest := b.fill(in).take(e.nbits)
		state, other, b = other, uint32(e.next)+more, rest
		if b.n < 0 {
			weights[n] = uint8(t.entries[state].base)
			return n + 1, true
		}
	}
	return 0, false
}

// make makes the codes of bytes with the given weights, the last of which follows from the others. It returns false if they
// are impossible. Source: sections 4.2.1 and 4.2.1.3.
func (h *huffman) make(weights []uint8) bool {
	last := len(weights) - 1
	var count [maxBits + 2]int
	sum := 0
	for _, w := range weights[:last] {
		if w > maxBits {
			return false
		}
		count[w]++
		sum += 1 << w >> 1
	}
	if sum == 0 {
		return false
	}
	bits := log2(sum) + 1
	left := 1<<bits - sum
	if bits > maxBits || left&(left-1) != 0 {
		return false
	}
	weights[last] = uint8(log2(left) + 1)
	count[weights[last]]++
	// The longest codes, those of weight 1, come first.
	var next [maxBits + 2]int
	wide := maxBits - bits // each code stands for 1<<wide times as many entries as in a table for bits bits
	for w := 1; w <= bits; w++ {
		next[w+1] = next[w] + count[w]<<(w-1+wide)
	}
	for symbol, w := range weights {
		if w == 0 {
			continue
		}
		e := uint16(symbol) | uint16(bits+1-int(w))<<8
		run := h.entries[next[w]:][:1<<(int(w)-1+wide)]
		for i := range run {
			run[i] = e
		}
		next[w] += len(run)
	}
	h.known = true
	return true
}

// decode decodes all of out from 1 or 4 streams. It returns false unless these end where out does.
// Source: sections 4.2.2 and 3.1.1.3.1.6.
func (h *huffman) decode(out, in []byte, streams int) bool {
	if streams == 1 {
		return h.stream(out, in)
	}
	if len(in) < 6 {
		return false
	}
	jumps, in := in[:6], in[6:]
	part := (len(out) + 3) / 4
	if 3*part > len(out) {
		return false
	}
	for i := range 3 {
		size := int(number(jumps[2*i:][:2]))
		if size > len(in) || !h.stream(out[:part], in[:size]) {
			return false
		}
		out, in = out[part:], in[size:]
	}
	return h.stream(out, in)
}

// stream decodes all of out from one stream.
func (h *huffman) stream(out, in []byte) bool {
	b, ok := newBackward(in)
	if !ok {
		return false
	}
	for len(out) >= 5 && b.at >= 8 {
		b = b.fill(in) // 5 codes of at most 11 bits
		for i := range out[:5] {
			out[i], b = h.next(b)
		}
		out = out[5:]
	}
	for i := range out {
		b = b.fill(in)
		out[i], b = h.next(b)
		if b.n < 0 {
			return false
		}
	}
	return b.over()
}

// next decodes a byte.
func (h *huffman) next(b backward) (byte, backward) {
	e := h.entries[b.bits>>(64-maxBits)]
	return byte(e), b.skip(uint8(e >> 8))
}
