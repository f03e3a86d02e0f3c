package unzstd

// The primes of XXH64. Source: the algorithm's description, doc/xxhash_spec.md of xxHash 0.8.3.
const (
	prime1 = 0x9E3779B185EBCA87
	prime2 = 0xC2B2AE3D27D4EB4F
	prime3 = 0x165667B19E3779F9
	prime4 = 0x85EBCA77C2B2AE63
	prime5 = 0x27D4EB2F165667C5
)

// An xxh64 makes the checksum of a frame's contents, XXH64 with seed 0 (RFC 8878, section 3.1.1).
type xxh64 struct {
	lanes [4]uint64
	size  uint64
	rest  [32]byte // what does not yet fill a stripe
}

func newSum() xxh64 {
	var seed uint64
	return xxh64{lanes: [4]uint64{seed + prime1 + prime2, seed + prime2, seed, seed - prime1}}
}

func rotate(v uint64, n uint) uint64 { return v<<n | v>>(64-n) }

func round(lane, v uint64) uint64 { return rotate(lane+v*prime2, 31) * prime1 }

func (x *xxh64) write(p []byte) {
	used := int(x.size % 32)
	x.size += uint64(len(p))
	if used > 0 {
		n := copy(x.rest[used:], p)
		if p = p[n:]; used+n < len(x.rest) {
			return
		}
		x.stripes(x.rest[:])
	}
	x.stripes(p)
	copy(x.rest[:], p[len(p)&^31:])
}

// stripes takes all whole stripes of 32 bytes.
func (x *xxh64) stripes(p []byte) {
	a, b, c, d := x.lanes[0], x.lanes[1], x.lanes[2], x.lanes[3]
	for len(p) >= 32 {
		a, b = round(a, word(p)), round(b, word(p[8:]))
		c, d = round(c, word(p[16:])), round(d, word(p[24:]))
		p = p[32:]
	}
	x.lanes = [4]uint64{a, b, c, d}
}

// value returns the checksum.
func (x *xxh64) value() uint64 {
	v := x.lanes[2] + prime5 // of the seed, if there is not even a stripe
	if l := x.lanes; x.size >= 32 {
		v = rotate(l[0], 1) + rotate(l[1], 7) + rotate(l[2], 12) + rotate(l[3], 18)
		for _, lane := range l {
			v = (v^round(0, lane))*prime1 + prime4
		}
	}
	v += x.size
	p := x.rest[:x.size%32]
	for ; len(p) >= 8; p = p[8:] {
		v = rotate(v^round(0, word(p)), 27)*prime1 + prime4
	}
	if len(p) >= 4 {
		v = rotate(v^number(p[:4])*prime1, 23)*prime2 + prime3
		p = p[4:]
	}
	for _, b := range p {
		v = rotate(v^uint64(b)*prime5, 11) * prime1
	}
	v = (v ^ v>>33) * prime2
	v = (v ^ v>>29) * prime3
	return v ^ v>>32
}
