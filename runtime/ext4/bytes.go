package ext4

// Numbers on the disk are little-endian (package le), those of the journal big-endian.

func be32(b []byte, at int) uint32 {
	return uint32(b[at])<<24 | uint32(b[at+1])<<16 | uint32(b[at+2])<<8 | uint32(b[at+3])
}

func putBE32(b []byte, at int, v uint32) {
	b[at], b[at+1], b[at+2], b[at+3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
}

func putBE64(b []byte, at int, v uint64) {
	putBE32(b, at, uint32(v>>32))
	putBE32(b, at+4, uint32(v))
}

// bit, setBit and clearBit work on bitmaps.
func bit(b []byte, n int) bool { return b[n>>3]>>(n&7)&1 != 0 }
func setBit(b []byte, n int)   { b[n>>3] |= 1 << (n & 7) }
func clearBit(b []byte, n int) { b[n>>3] &^= 1 << (n & 7) }
