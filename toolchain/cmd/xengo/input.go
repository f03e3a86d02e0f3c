package main

import (
	"errors"
	"io"
	"os"
	"time"
)

// Bytes of keys.
const (
	ctrlC       = 3
	ctrlD       = 4
	ctrlV       = 0x16
	ctrlBracket = 0x1d // "]"
)

// openInput connects standard input with the guest's console. restore gives the
// terminal back.
func (s *session) openInput() (restore func() error, err error) {
	nothing := func() error { return nil }
	switch {
	case s.raw:
		t, err := makeRaw(os.Stdin)
		if err != nil {
			return nil, err
		}
		go s.keys(os.Stdin)
		return t.restore, nil
	case isTerminal(os.Stdin) && !foreground(os.Stdin):
		return nothing, nil // a job in the background: reading would stop it
	}
	go s.pipe(os.Stdin)
	return nothing, nil
}

// keys passes keys on. Ctrl-] is ours.
func (s *session) keys(r io.Reader) {
	buf := make([]byte, 4096)
	var last time.Time // of a Ctrl-C
	for {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			switch c {
			case ctrlBracket:
				s.end()
				return
			case ctrlC:
				if time.Since(last) < 2*time.Second {
					s.say("Ctrl-] ends the guest at once")
				}
				last = time.Now()
			}
		}
		if n > 0 {
			if _, err := s.guest.Input.Write(buf[:n]); err != nil {
				return // the guest is gone
			}
		}
		if err != nil {
			return
		}
	}
}

// pipe passes on all of r, and its end.
func (s *session) pipe(r io.Reader) {
	if err := typeAll(s.guest.Input, r); err != nil {
		s.say("standard input: %v", err)
	}
}

// typeAll types all of r, and its end, on a guest's console. It returns why r cannot be read; that the guest is gone is no
// error.
func typeAll(console io.Writer, r io.Reader) (bad error) {
	buf := make([]byte, 4096)
	open := false // a line has begun
	for {
		n, err := r.Read(buf)
		if n > 0 {
			open = buf[n-1] != '\n'
			if _, err := console.Write(literally(buf[:n])); err != nil {
				return nil // the guest is gone
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			bad = err
			break
		}
	}
	end := []byte{ctrlD}
	if open {
		end = []byte{ctrlD, ctrlD} // the first only ends the line
	}
	console.Write(end) // if the guest is gone it needs no end
	return bad
}

// literally quotes with Ctrl-V, for the guest's terminal, all control characters
// but tab and newline.
func literally(p []byte) []byte {
	out := make([]byte, 0, len(p)+16)
	for _, c := range p {
		if c < ' ' && c != '\t' && c != '\n' || c == 0x7f {
			out = append(out, ctrlV)
		}
		out = append(out, c)
	}
	return out
}
