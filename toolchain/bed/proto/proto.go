// Package proto is what the bed and its agent in dom0 say on a stream: one
// request as a line of JSON, one reply as a line of JSON, then what the
// operation defines.
package proto

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Operations.
const (
	Exec   = "exec"   // run Argv; then packets, see Channel; once the host ended its direction, Cleanup
	Put    = "send"   // write the file that follows (see SendFile; until there was that it was "put") to Path; a second reply when it is there
	Get    = "get"    // the file at Path follows (see WriteFile)
	Follow = "follow" // the bytes of Path, which is made if need be, follow as it grows, until it is quiet after the host ended its direction
	Dial   = "dial"   // connect to Address; then its bytes, or for udp datagrams (see WriteDatagram)
	Next   = "next"   // the reply's Number is one that no other Next got
	Sync   = "sync"   // reply when dom0's clock was set to Time, seconds since 1970
)

// Request begins a stream.
type Request struct {
	Op      string
	Argv    []string `json:",omitempty"`
	Env     []string `json:",omitempty"` // added to the agent's own
	Dir     string   `json:",omitempty"`
	Cleanup []string `json:",omitempty"` // program to run when Argv has ended and the host has let go
	TTY     bool     `json:",omitempty"` // run on a terminal of its own
	Size    string   `json:",omitempty"` // of the terminal, as in a packet of that Channel
	Path    string   `json:",omitempty"`
	Mode    uint32   `json:",omitempty"` // permission bits of Put
	Network string   `json:",omitempty"` // "tcp", "udp"
	Address string   `json:",omitempty"`
	Time    int64    `json:",omitempty"`
}

// Reply is the agent's answer.
type Reply struct {
	Error   string `json:",omitempty"`
	Number  int    `json:",omitempty"`
	Missing []int  `json:",omitempty"` // see SendFile
}

// Channel says what a packet of Exec carries.
type Channel uint8

// The channels of Exec. An empty Stdin packet is the end of the input.
const (
	Stdin  Channel = iota
	Stdout         // of the program
	Stderr         // of the program
	Exit           // the last packet: exit status in decimal, or 128 + signal
	Signal         // to the program: signal number in decimal
	Size           // of the terminal: "rows columns"
)

const maxLine = 1 << 20 // bytes in a request

// WriteJSON writes v as one line.
func WriteJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// ReadJSON reads one line into v and nothing behind it.
func ReadJSON(r io.Reader, v any) error {
	var line bytes.Buffer
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if b[0] == '\n' {
			return json.Unmarshal(line.Bytes(), v)
		}
		if line.Len() == maxLine {
			return errors.New("proto: line too long")
		}
		line.WriteByte(b[0])
	}
}

const maxPacket = 64 << 10 // bytes in a packet or datagram

// WritePacket writes one packet of Exec.
func WritePacket(w io.Writer, c Channel, p []byte) error {
	b := binary.BigEndian.AppendUint32([]byte{byte(c)}, uint32(len(p)))
	_, err := w.Write(append(b, p...))
	return err
}

// ReadPacket reads one packet of Exec.
func ReadPacket(r io.Reader) (Channel, []byte, error) {
	var h [5]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(h[1:])
	if n > maxPacket {
		return 0, nil, fmt.Errorf("proto: packet of %d bytes", n)
	}
	p := make([]byte, n)
	_, err := io.ReadFull(r, p)
	return Channel(h[0]), p, err
}

// WriteDatagram writes p, of at most 65535 bytes, with its length in front.
func WriteDatagram(w io.Writer, p []byte) error {
	if len(p) >= maxPacket {
		return fmt.Errorf("proto: datagram of %d bytes", len(p))
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(len(p)))
	_, err := w.Write(append(b, p...))
	return err
}

// ReadDatagram reads what WriteDatagram wrote.
func ReadDatagram(r io.Reader) ([]byte, error) {
	var h [2]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	p := make([]byte, binary.BigEndian.Uint16(h[:]))
	_, err := io.ReadFull(r, p)
	return p, err
}
