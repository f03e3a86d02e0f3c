package ext4

import "internal/xengo/runtime/blockfs/le"

// crcTables are for four bytes at once ("slicing"), of the polynomial of CRC-32C.
var crcTables = func() (t [4][256]uint32) {
	for i := range t[0] {
		c := uint32(i)
		for range 8 {
			c = c>>1 ^ 0x82f63b78&-(c&1)
		}
		t[0][i] = c
	}
	for i := range t[0] {
		for n := 1; n < 4; n++ {
			c := t[n-1][i]
			t[n][i] = c>>8 ^ t[0][c&0xff]
		}
	}
	return t
}()

// crcInstruction tells whether the processor has the instruction for it (SSE4.2).
var crcInstruction = hasCRC()

func hasCRC() bool

// crcWords continues a checksum with words of eight bytes, at least one, by that instruction.
//
//go:noescape
func crcWords(c uint32, p *byte, words int) uint32

// crc32c continues a checksum as ext4 and jbd2 have it: CRC-32C that begins with what it is given, ~0 if it begins
// anew, and is not inverted at its end.
func crc32c(c uint32, b []byte) uint32 {
	if words := len(b) / 8; words > 0 && crcInstruction {
		c = crcWords(c, &b[0], words)
		b = b[8*words:]
	}
	return crcByTable(c, b)
}

func crcByTable(c uint32, b []byte) uint32 {
	t := &crcTables
	for len(b) >= 4 {
		c ^= le.U32(b, 0)
		c = t[3][c&0xff] ^ t[2][c>>8&0xff] ^ t[1][c>>16&0xff] ^ t[0][c>>24]
		b = b[4:]
	}
	for _, x := range b {
		c = c>>8 ^ t[0][byte(c)^x]
	}
	return c
}

func crc32cLE32(c uint32, v uint32) uint32 {
	var b [4]byte
	le.Put32(b[:], 0, v)
	return crc32c(c, b[:])
}

// zeros are for checksums in place of a field.
var zeros [4]byte
