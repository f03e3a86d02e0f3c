package proto

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A file that is sent goes in batches: how many parts there are (4 bytes), and for
// each its offset and length, as of a file that is written, and its Sum. The answer
// is a Reply, whose Missing are those parts, counted from 0, that the receiver has
// not kept from files before; their bytes follow. No part, and then the size (8
// bytes), is the end.

// A batch is sent when it has this many bytes or parts.
const (
	batchSize  = 4 << 20
	batchParts = 1024
)

// Sum is SHA-256 of a part.
type Sum [sha256.Size]byte

const descriptionSize = placeSize + sha256.Size

// batch are parts that the receiver does not know of yet.
type batch struct {
	descriptions []byte
	parts        [][]byte
	size         int // of all parts
}

// SendFile sends what is in r to ReceiveFile. The holes of a file are not read.
func SendFile(rw io.ReadWriter, r io.Reader) error {
	var b batch
	size, err := eachPart(r, func(at int64, p []byte) error {
		b.add(at, p)
		if b.size < batchSize && len(b.parts) < batchParts {
			return nil
		}
		return b.send(rw)
	})
	if err == nil && b.size > 0 {
		err = b.send(rw)
	}
	if err != nil {
		return err
	}
	_, err = rw.Write(binary.BigEndian.AppendUint64(make([]byte, 4), uint64(size)))
	return err
}

func (b *batch) add(at int64, p []byte) {
	sum := sha256.Sum256(p)
	b.descriptions = append(appendPlace(b.descriptions, at, len(p)), sum[:]...)
	b.parts = append(b.parts, bytes.Clone(p))
	b.size += len(p)
}

// send sends the batch, which is empty then.
func (b *batch) send(rw io.ReadWriter) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(b.parts)))
	if _, err := rw.Write(append(head, b.descriptions...)); err != nil {
		return err
	}
	var reply Reply
	if err := ReadJSON(rw, &reply); err != nil {
		return noEnd(err)
	}
	if reply.Error != "" {
		return errors.New(reply.Error)
	}
	for _, i := range reply.Missing {
		if i < 0 || i >= len(b.parts) {
			return fmt.Errorf("proto: part %d of %d is missing", i, len(b.parts))
		}
		if _, err := rw.Write(b.parts[i]); err != nil {
			return err
		}
	}
	*b = batch{}
	return nil
}

// ReceiveFile reads what SendFile sends into f, which is empty, and returns its size.
// What was zeros becomes holes. It takes parts from the store, and adds those that
// were not there.
func ReceiveFile(rw io.ReadWriter, f File, s *Store) (size int64, err error) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(rw, head[:]); err != nil {
			return 0, noEnd(err)
		}
		n := binary.BigEndian.Uint32(head[:])
		if n == 0 {
			break
		}
		if n > batchParts {
			return 0, fmt.Errorf("proto: batch of %d parts", n)
		}
		if size, err = receiveBatch(rw, f, s, int(n), size); err != nil {
			return 0, err
		}
	}
	var last [8]byte
	if _, err := io.ReadFull(rw, last[:]); err != nil {
		return 0, noEnd(err)
	}
	end := int64(binary.BigEndian.Uint64(last[:]))
	if end < size {
		return 0, fmt.Errorf("proto: file of %d bytes, with parts up to %d", end, size)
	}
	return end, f.Truncate(end)
}

// missing is a part that the store does not have.
type missing struct {
	at  int64
	n   int
	sum Sum
}

// receiveBatch receives n parts of a file that has size bytes so far.
func receiveBatch(rw io.ReadWriter, f File, s *Store, n int, size int64) (int64, error) {
	descriptions := make([]byte, n*descriptionSize)
	if _, err := io.ReadFull(rw, descriptions); err != nil {
		return 0, noEnd(err)
	}
	var reply Reply
	var parts []missing
	for i := range n {
		d := descriptions[i*descriptionSize:][:descriptionSize]
		at, length, err := parsePlace(d, size)
		if err != nil {
			return 0, err
		}
		part := missing{at, length, Sum(d[placeSize:])}
		size = at + int64(length)
		there, err := s.copyTo(f, &part)
		if err != nil {
			return 0, err
		}
		if !there {
			reply.Missing, parts = append(reply.Missing, i), append(parts, part)
		}
	}
	if err := WriteJSON(rw, reply); err != nil {
		return 0, err
	}
	buf := make([]byte, filePart)
	for _, part := range parts {
		p := buf[:part.n]
		if _, err := io.ReadFull(rw, p); err != nil {
			return 0, noEnd(err)
		}
		if _, err := f.WriteAt(p, part.at); err != nil {
			return 0, err
		}
		s.keep(part.sum, p)
	}
	return size, nil
}
