package mux

import (
	"bytes"
	"crypto/rand"
	"io"
)

// marker begins a session. Its first byte is no kind of frame.
const marker = "\xffxengo-bed\x01"

const nonceSize = 16

// greet sends the marker with a fresh nonce and waits for its echo.
func greet(rw io.ReadWriter) error {
	hello := []byte(marker)
	hello = append(hello, make([]byte, nonceSize)...)
	rand.Read(hello[len(marker):])
	if _, err := rw.Write(hello); err != nil {
		return err
	}
	return skipTo(rw, hello)
}

// answer waits for a greeting and echoes it.
func answer(rw io.ReadWriter) error {
	if err := skipTo(rw, []byte(marker)); err != nil {
		return err
	}
	hello := append([]byte(marker), make([]byte, nonceSize)...)
	if _, err := io.ReadFull(rw, hello[len(marker):]); err != nil {
		return err
	}
	_, err := rw.Write(hello)
	return err
}

// skipTo reads up to the end of the first occurrence of want, byte by byte so
// as to take nothing behind it.
func skipTo(r io.Reader, want []byte) error {
	var last []byte
	var b [1]byte
	for !bytes.Equal(last, want) {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return err
		}
		if last = append(last, b[0]); len(last) > len(want) {
			last = last[1:]
		}
	}
	return nil
}
