package ramdisk

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/runtime/newc"
)

// partSize is how much of a file is in one frame. A guest decompresses that much to read any of it; squashfs has the same.
const partSize = 128 << 10

// A packer compresses an archive with zstd so that the contents of each regular file are in frames of their own. A guest
// leaves these as they are until the file is read (runtime/files/packed.go), zstd -d makes the archive of them. What is between
// contents is in frames that are not compressed: a guest reads it all at its start.
type packer struct {
	w     io.Writer
	z     *zstd.Encoder
	head  int // bytes of header and name that come next
	left  uint64
	plain []byte
	part  []byte
}

func newPacker(w io.Writer) (*packer, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(true))
	return &packer{w: w, z: z}, err
}

// record announces the next member, which begins at a multiple of 4.
func (p *packer) record(r cpio.Record) {
	p.head, p.left = (newc.HeaderSize+len(r.Name)+1+3)&^3, 0
	if r.Mode&cpio.S_IFMT == cpio.S_IFREG && r.ReaderAt != nil {
		p.left = r.FileSize
	}
}

func (p *packer) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		var took int
		var err error
		switch {
		case p.head > 0:
			took = min(len(b), p.head)
			p.head -= took
			p.plain = append(p.plain, b[:took]...)
		case p.left > 0:
			took, err = p.contents(b)
		default:
			took = len(b)
			p.plain = append(p.plain, b...)
		}
		if err == nil && len(p.plain) >= partSize {
			err = p.flush()
		}
		if err != nil {
			return n - len(b), err
		}
		b = b[took:]
	}
	return n, nil
}

// contents takes contents of a file and writes what makes a part.
func (p *packer) contents(b []byte) (int, error) {
	took := int(min(uint64(len(b)), p.left, uint64(partSize-len(p.part))))
	p.part = append(p.part, b[:took]...)
	p.left -= uint64(took)
	if p.left > 0 && len(p.part) < partSize {
		return took, nil
	}
	if err := p.flush(); err != nil {
		return 0, err
	}
	_, err := p.w.Write(p.z.EncodeAll(p.part, nil))
	p.part = p.part[:0]
	return took, err
}

// flush writes what is not contents.
func (p *packer) flush() error {
	for len(p.plain) > 0 {
		n := min(len(p.plain), partSize)
		if _, err := p.w.Write(stored(p.plain[:n])); err != nil {
			return err
		}
		p.plain = p.plain[n:]
	}
	p.plain = p.plain[:0]
	return nil
}

// stored makes a frame of one block that is not compressed. Source: RFC 8878, sections 3.1.1.1 and 3.1.1.2.
func stored(b []byte) []byte {
	const magic, singleSegment, size32, last = 0xfd2fb528, 1 << 5, 2 << 6, 1
	f := binary.LittleEndian.AppendUint32(nil, magic)
	f = append(f, singleSegment|size32)
	f = binary.LittleEndian.AppendUint32(f, uint32(len(b)))
	header := len(b)<<3 | last
	f = append(f, byte(header), byte(header>>8), byte(header>>16))
	return append(f, b...)
}
