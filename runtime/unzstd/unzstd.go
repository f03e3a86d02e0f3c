// Package unzstd decompresses Zstandard (RFC 8878), as a ramdisk may be compressed. It is what package inflate is for gzip.
//
// Frames may refer back up to 128 MiB, as Linux's initramfs may (Linux 6.16, lib/decompress_unzstd.c), and as zstd makes them
// up to level 22. Memory is taken for what there is to refer to, not for what a frame claims. There are no dictionaries.
package unzstd

// A Problem says what is wrong with compressed data; the zero Problem is none.
type Problem = string

// Problems that there can be.
const (
	Short         Problem = "the compressed data ends too early"
	NotZstd       Problem = "not zstd"
	BadHeader     Problem = "damaged compressed data: an impossible header of a frame"
	BadBlock      Problem = "damaged compressed data: an impossible block"
	BadLiterals   Problem = "damaged compressed data: impossible literals"
	BadCode       Problem = "damaged compressed data: an impossible code"
	BadOffset     Problem = "damaged compressed data: a reference to what is not there"
	BadSize       Problem = "damaged compressed data: the size differs"
	BadSum        Problem = "damaged compressed data: the checksum differs"
	NoDictionary  Problem = "compressed with a dictionary, which is not supported"
	WindowTooLong Problem = "compressed with a window of more than 128 MiB, which is not supported"
)

const (
	maxWindow = 128 << 20
	maxBlock  = 128 << 10 // Source: RFC 8878, section 3.1.1.2.4.
)

// A Reader decompresses one frame after the other of what it is given, as zstd -d does, up to something else or the end.
type Reader struct {
	in    []byte
	at    int // the next byte of in
	err   Problem
	state state
	frame frame
	out   window
	given int // how much of out was read; the rest is of one block

	literals [maxBlock + slack]byte
	tree     huffman
	tables   [kinds]fse
	repeat   [3]uint32 // the latest offsets (section 3.1.1.5)
}

type state uint8

const (
	atFrame state = iota
	atBlock
	atEnd
)

// New returns a Reader of data.
func New(data []byte) *Reader { return &Reader{in: data} }

// Offset returns how many bytes of the data were used.
func (r *Reader) Offset() int { return r.at }

// Read decompresses to p. It returns fewer bytes than there is room for only at the end, or with a problem.
func (r *Reader) Read(p []byte) (int, Problem) {
	n := 0
	for {
		copied := copy(p[n:], r.out.buf[r.given:r.out.head])
		r.given += copied
		if n += copied; n == len(p) || r.state == atEnd {
			return n, ""
		}
		if r.err == "" {
			r.err = r.step()
		}
		if r.err != "" {
			return n, r.err
		}
	}
}

// step does what comes next, when all was read that was decompressed before.
func (r *Reader) step() Problem {
	if r.state == atFrame {
		return r.begin()
	}
	return r.block()
}

// take returns the next n bytes.
func (r *Reader) take(n int) ([]byte, Problem) {
	if n > len(r.in)-r.at {
		r.at = len(r.in)
		return nil, Short
	}
	r.at += n
	return r.in[r.at-n : r.at], ""
}

// number returns the value of up to 8 bytes, the lowest first.
func number(b []byte) (v uint64) {
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return v
}
