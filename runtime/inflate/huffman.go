package inflate

// Source of everything here: RFC 1951, section 3.2.

const (
	endOfBlock  = 256
	maxBits     = 15
	maxLiterals = 288
	lookBits    = 9 // codes up to this length are found in a table
)

// A huffman is a set of codes.
type huffman struct {
	look    [1 << lookBits]uint16 // of the next bits: symbol<<4 | length, 0 if the code is longer or there is none
	count   [maxBits + 1]uint16   // of codes by length
	symbols [maxLiterals]uint16   // in the order of their codes
}

// make makes the codes of symbols that have the given lengths, 0 for those that do not occur. It returns false if there are more codes
// than these lengths allow.
func (h *huffman) make(sizes []uint8) bool {
	h.look, h.count = [1 << lookBits]uint16{}, [maxBits + 1]uint16{}
	for _, n := range sizes {
		h.count[n]++
	}
	h.count[0] = 0
	left := 1
	var next, first [maxBits + 2]uint16 // next code, index of the first symbol
	for n := 1; n <= maxBits; n++ {
		if left = left<<1 - int(h.count[n]); left < 0 {
			return false
		}
		next[n+1] = (next[n] + h.count[n]) << 1
		first[n+1] = first[n] + h.count[n]
	}
	for symbol, n := range sizes {
		if n == 0 {
			continue
		}
		code := next[n]
		next[n]++
		h.symbols[first[n]] = uint16(symbol)
		first[n]++
		if n <= lookBits {
			for i := int(reverse(code, n)); i < len(h.look); i += 1 << n {
				h.look[i] = uint16(symbol)<<4 | uint16(n)
			}
		}
	}
	return true
}

// reverse turns the n bits of a code around, since they come with the highest one first.
func reverse(code uint16, n uint8) (r uint16) {
	for range n {
		r = r<<1 | code&1
		code >>= 1
	}
	return r
}

// symbol decodes the next one.
func (r *Reader) symbol(h *huffman) int {
	r.need(maxBits)
	if e := h.look[r.bits&(1<<lookBits-1)]; e != 0 && uint(e&15) <= r.nbits {
		r.bits >>= e & 15
		r.nbits -= uint(e & 15)
		return int(e >> 4)
	}
	code, first, index := 0, 0, 0
	for n := uint(1); n <= maxBits && n <= r.nbits; n++ {
		code |= int(r.bits >> (n - 1) & 1)
		count := int(h.count[n])
		if code-count < first {
			r.bits >>= n
			r.nbits -= n
			return int(h.symbols[index+code-first])
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	if r.nbits < maxBits {
		r.fail(Short)
	} else {
		r.fail(BadCode)
	}
	return 0
}

// fixed makes the codes of blocks that bring none.
func (r *Reader) fixed() {
	var sizes [maxLiterals]uint8
	for i := range sizes {
		switch {
		case i < 144:
			sizes[i] = 8
		case i < 256:
			sizes[i] = 9
		case i < 280:
			sizes[i] = 7
		default:
			sizes[i] = 8
		}
	}
	r.literal.make(sizes[:])
	for i := range sizes[:30] {
		sizes[i] = 5
	}
	r.reach.make(sizes[:30])
}

// order is that of the lengths of codes for lengths of codes.
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the codes of a block.
func (r *Reader) dynamic() {
	literals, reaches, n := int(r.take(5))+257, int(r.take(5))+1, int(r.take(4))+4
	if literals > 286 || reaches > 30 {
		r.fail(BadCode)
		return
	}
	var sizes [320]uint8
	for _, i := range order[:n] {
		sizes[i] = uint8(r.take(3))
	}
	if !r.literal.make(sizes[:len(order)]) {
		r.fail(BadCode)
		return
	}
	sizes = [320]uint8{}
	for i := 0; i < literals+reaches && r.err == ""; {
		symbol := r.symbol(&r.literal)
		size, times := uint8(symbol), 1
		switch symbol {
		case 16:
			if i == 0 {
				r.fail(BadCode)
				return
			}
			size, times = sizes[i-1], 3+int(r.take(2))
		case 17:
			size, times = 0, 3+int(r.take(3))
		case 18:
			size, times = 0, 11+int(r.take(7))
		}
		if i+times > literals+reaches {
			r.fail(BadCode)
			return
		}
		for range times {
			sizes[i] = size
			i++
		}
	}
	if r.err == "" && (sizes[endOfBlock] == 0 || !r.literal.make(sizes[:literals]) || !r.reach.make(sizes[literals:literals+reaches])) {
		r.fail(BadCode)
	}
}

// An interval is what a code stands for: a base, to which extra bits are added.
type interval struct {
	base  int
	extra uint
}

var (
	lengths   = lengthIntervals()
	distances = distanceIntervals()
)

func lengthIntervals() (list [29]interval) {
	base := 3
	for i := range list {
		extra := uint(max(0, i/4-1))
		list[i] = interval{base, extra}
		base += 1 << extra
	}
	list[28] = interval{258, 0}
	return list
}

func distanceIntervals() (list [30]interval) {
	base := 1
	for i := range list {
		extra := uint(max(0, i/2-1))
		list[i] = interval{base, extra}
		base += 1 << extra
	}
	return list
}

// table is that of the CRC-32 of RFC 1952, section 8.
var table = func() (t [256]uint32) {
	for i := range t {
		c := uint32(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0xedb88320
			} else {
				c >>= 1
			}
		}
		t[i] = c
	}
	return t
}()

// update returns the checksum of what had the checksum sum and then p.
func update(sum uint32, p []byte) uint32 {
	sum = ^sum
	for _, b := range p {
		sum = table[byte(sum)^b] ^ sum>>8
	}
	return ^sum
}
