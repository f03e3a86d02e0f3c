// Package mux carries several byte streams over one connection, with flow
// control for each of them. The bed speaks it with its agent in dom0 over a
// virtio serial port.
//
// A frame is one byte of kind, four of stream number, four of length (both
// big-endian), then that many bytes. The two ends first agree on where frames
// begin: the dialing end sends a marker and a nonce, the other end answers with
// the same, and both drop what came before. So a connection that was cut in the
// middle of a frame does not spoil the next.
package mux

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errGreeted ends a session when a greeting stands where a frame should: the
// other end has begun anew.
var errGreeted = errors.New("mux: the other end began a new session")

type kind uint8

const (
	kindOpen   kind = iota + 1 // a new stream, from the dialing end
	kindData                   // bytes of a stream
	kindEnd                    // no more data in this direction
	kindReset                  // the stream is gone, both directions
	kindCredit                 // the receiver has room for 4 bytes' worth (uint32) more
)

const (
	headerSize = 9
	maxPayload = 32 << 10  // bytes in a frame
	window     = 512 << 10 // bytes in flight on a stream, per direction
)

type frame struct {
	kind    kind
	stream  uint32
	payload []byte
}

// appendFrame appends f in wire format.
func appendFrame(b []byte, f frame) []byte {
	b = append(b, byte(f.kind))
	b = binary.BigEndian.AppendUint32(b, f.stream)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.payload)))
	return append(b, f.payload...)
}

// readFrame reads one frame. Its payload is its own. It leaves a greeting where
// it is.
func readFrame(r *bufio.Reader) (frame, error) {
	if b, err := r.Peek(1); err != nil {
		return frame{}, err
	} else if b[0] == marker[0] {
		return frame{}, errGreeted
	}
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: kind(h[0]), stream: binary.BigEndian.Uint32(h[1:])}
	n := binary.BigEndian.Uint32(h[5:])
	switch {
	case f.kind < kindOpen || f.kind > kindCredit:
		return frame{}, fmt.Errorf("mux: frame of unknown kind %d", h[0])
	case n > maxPayload:
		return frame{}, fmt.Errorf("mux: frame of %d bytes", n)
	case f.kind == kindCredit && n != 4:
		return frame{}, fmt.Errorf("mux: credit frame of %d bytes", n)
	}
	f.payload = make([]byte, n)
	_, err := io.ReadFull(r, f.payload)
	return f, err
}
