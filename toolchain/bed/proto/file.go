package proto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
)

// A file is its parts that are not zeros, each behind its offset (8 bytes) and
// its length (4 bytes), in this order; then its size in the place of an offset
// and the length 0. So an image of a disk costs what is in it, and a file that
// was cut off is not taken for one.

const (
	filePart = 64 << 10 // bytes in a part, at most
	filePage = 4 << 10  // what is zeros is looked for in these steps
)

var zeroPage [filePage]byte

// WriteFile writes what is in r. The holes of a file are not read.
func WriteFile(w io.Writer, r io.Reader) error {
	buf := make([]byte, filePart)
	for at := int64(0); ; {
		n, err := io.ReadFull(r, buf)
		sent, werr := writeParts(w, at, buf[:n])
		if werr != nil {
			return werr
		}
		at += int64(n)
		switch f, ok := r.(*os.File); {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return writePart(w, at, nil)
		case err != nil:
			return err
		case !sent && ok:
			if at, err = seekData(f, at); err != nil {
				return err
			}
		}
	}
}

// writeParts writes what of p, which is at offset at, is not zeros, and reports
// whether there was something.
func writeParts(w io.Writer, at int64, p []byte) (sent bool, err error) {
	for start, end := 0, 0; start < len(p); start = end {
		for end < len(p) && !zeros(p[end:min(end+filePage, len(p))]) {
			end = min(end+filePage, len(p))
		}
		if start == end {
			end = min(end+filePage, len(p))
			continue
		}
		if err := writePart(w, at+int64(start), p[start:end]); err != nil {
			return sent, err
		}
		sent = true
	}
	return sent, nil
}

func zeros(p []byte) bool { return string(p) == string(zeroPage[:len(p)]) }

func writePart(w io.Writer, at int64, p []byte) error {
	b := binary.BigEndian.AppendUint64(nil, uint64(at))
	b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
	_, err := w.Write(append(b, p...))
	return err
}

// seekData goes on where f has data again, or at its end.
func seekData(f *os.File, at int64) (int64, error) {
	const data = 3 // SEEK_DATA, lseek(2)
	if runtime.GOOS == "linux" {
		next, err := f.Seek(at, data)
		if err == nil {
			return next, nil
		}
		if errors.Is(err, syscall.ENXIO) {
			return f.Seek(0, io.SeekEnd)
		}
	}
	return f.Seek(at, io.SeekStart) // it cannot tell
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
		var h [12]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return 0, noEnd(err)
		}
		at, n := int64(binary.BigEndian.Uint64(h[:])), binary.BigEndian.Uint32(h[8:])
		if at < size || n > filePart || at+int64(n) < at {
			return 0, fmt.Errorf("proto: part of %d bytes at %d of a file, behind %d", n, at, size)
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
