package proto

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A file is its parts that are not zeros, each behind its offset (8 bytes) and
// its length (4 bytes), in this order; then its size in the place of an offset
// and the length 0. So an image of a disk costs what is in it, and a file that
// was cut off is not taken for one.

// WriteFile writes what is in r. The holes of a file are not read.
func WriteFile(w io.Writer, r io.Reader) error {
	size, err := eachPart(r, func(at int64, p []byte) error { return writePart(w, at, p) })
	if err != nil {
		return err
	}
	return writePart(w, size, nil)
}

func writePart(w io.Writer, at int64, p []byte) error {
	_, err := w.Write(append(appendPlace(nil, at, len(p)), p...))
	return err
}

// placeSize is how long the offset and the length of a part are.
const placeSize = 8 + 4

func appendPlace(b []byte, at int64, n int) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// parsePlace returns the place of a part of a file whose first size bytes came before it.
func parsePlace(b []byte, size int64) (at int64, n int, err error) {
	at, length := int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint32(b[8:])
	if at < size || length > filePart || at+int64(length) < at {
		return 0, 0, fmt.Errorf("proto: part of %d bytes at %d of a file, behind %d", length, at, size)
	}
	return at, int(length), nil
}

// A File is what ReadFile fills, such as an empty os.File.
type File interface {
	io.WriterAt
	Truncate(size int64) error
}

// Contents is a File in memory, for one that is not large.
type Contents []byte

func (c *Contents) Truncate(size int64) error {
	*c = append(*c, make([]byte, max(0, size-int64(len(*c))))...)[:size]
	return nil
}

func (c *Contents) WriteAt(p []byte, at int64) (int, error) {
	c.Truncate(max(int64(len(*c)), at+int64(len(p))))
	return copy((*c)[at:], p), nil
}

// ReadFile reads what WriteFile wrote into f, which is empty, and returns its
// size. What was zeros becomes holes.
func ReadFile(r io.Reader, f File) (size int64, err error) {
	buf := make([]byte, filePart)
	for {
		var h [placeSize]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return 0, noEnd(err)
		}
		at, n, err := parsePlace(h[:], size)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return at, f.Truncate(at)
		}
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return 0, noEnd(err)
		}
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return 0, err
		}
		size = at + int64(n)
	}
}

// noEnd is err, but a file must not end without its end.
func noEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
