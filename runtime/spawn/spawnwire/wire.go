// Package spawnwire is what a guest that starts other programs (package spawn) and
// the service on the host that does it for it (toolchain/spawn) say to each other:
// frames with a kind, the number of a program, and a payload. Numbers are little-endian.
//
// Program 0 is the one at the guest's end, the others are those that it starts, under
// numbers that it chooses. Bytes of a stream are sent up to a window, which Room opens
// again, so that a reader who does not read stops nobody else.
package spawnwire

// A Kind says what a frame means. Payloads are in brackets.
type Kind uint8

// The kinds of frames. G is sent by the guest, H by the host.
const (
	Start   Kind = 1 + iota // G: start the program [Request]
	Started                 // H: it is, or is not, started [error number]
	Data                    // both: bytes of a stream, none at its end [stream, bytes]
	Room                    // both: so many bytes of a stream were taken [stream, number]
	Shut                    // both: nothing of a stream will be taken any more [stream]
	Signal                  // both: a signal for the program [signal]
	Exit                    // H: the program has ended, and all its output was sent [wait status]
	Files                   // both: a piece of a cpio archive of files that changed, none at its end [bytes]
	Gone                    // both: a file, or a folder that is empty then, was removed [path]
	lastKind
)

// Streams of a program.
const (
	Stdin, Stdout, Stderr = 0, 1, 2
	Streams               = 3
)

const (
	// Window is how many bytes of a stream may be on their way.
	Window = 64 << 10

	// MaxPayload is the size of the largest payload: a Request with all arguments and environment.
	MaxPayload = 512 << 10

	// MaxPiece is how many bytes Data and Files bring at most.
	MaxPiece = 16 << 10

	header = 9 // bytes: length of the payload, kind, number
)

// A Frame is one message.
type Frame struct {
	Kind    Kind
	ID      uint32
	Payload []byte
}

// Append appends the frame as it is sent.
func (f *Frame) Append(b []byte) []byte {
	b = append32(b, uint32(len(f.Payload)))
	b = append32(append(b, byte(f.Kind)), f.ID)
	return append(b, f.Payload...)
}

// NewFrame returns a frame with a number for a payload.
func NewFrame(kind Kind, id, number uint32) *Frame {
	return &Frame{kind, id, append32(nil, number)}
}

// NewData returns a frame with bytes of a stream.
func NewData(id uint32, stream int, p []byte) *Frame {
	return &Frame{Data, id, append([]byte{byte(stream)}, p...)}
}

// NewRoom returns a frame that opens the window of a stream by n bytes.
func NewRoom(id uint32, stream, n int) *Frame {
	return &Frame{Room, id, append32([]byte{byte(stream)}, uint32(n))}
}

// NewShut returns a frame that ends a stream from its reader's side.
func NewShut(id uint32, stream int) *Frame { return &Frame{Shut, id, []byte{byte(stream)}} }

// Number returns the payload of Started, Signal or Exit.
func (f *Frame) Number() (n uint32, ok bool) {
	if len(f.Payload) != 4 {
		return 0, false
	}
	return get32(f.Payload), true
}

// Stream returns the payload of Data, Room or Shut: which stream, and what of it.
func (f *Frame) Stream() (stream int, bytes []byte, room int, ok bool) {
	if len(f.Payload) == 0 || f.Payload[0] >= Streams {
		return 0, nil, 0, false
	}
	stream, bytes = int(f.Payload[0]), f.Payload[1:]
	switch {
	case f.Kind == Data:
		ok = len(bytes) <= MaxPiece
	case f.Kind == Room && len(bytes) == 4:
		n := get32(bytes)
		room, ok = int(n), n <= Window
	case f.Kind == Shut:
		ok = len(bytes) == 0
	}
	return stream, bytes, room, ok
}

// A Decoder takes frames out of a stream of bytes.
type Decoder struct {
	buf []byte
}

// Feed takes p and calls take with each frame that is complete, whose payload take may keep. It returns false if the
// stream is not one of frames; there is no going on then.
func (d *Decoder) Feed(p []byte, take func(*Frame)) bool {
	d.buf = append(d.buf, p...)
	for len(d.buf) >= header {
		n, kind := get32(d.buf), Kind(d.buf[4])
		if n > MaxPayload || kind == 0 || kind >= lastKind {
			return false
		}
		end := header + int(n) // at most MaxPayload and a few
		if len(d.buf) < end {
			break
		}
		f := &Frame{kind, get32(d.buf[5:]), append([]byte(nil), d.buf[header:end]...)}
		d.buf = d.buf[end:]
		take(f)
	}
	if len(d.buf) == 0 {
		d.buf = nil
	}
	return true
}

// A Request is what is to be started.
type Request struct {
	Path string // of the program
	Dir  string // to start it in
	Argv []string
	Env  []string

	// Merged says that standard output and error are one file: what is written to them has to come in order, and as output.
	Merged bool
}

// Append appends the request as it is sent.
func (r *Request) Append(b []byte) []byte {
	merged := byte(0)
	if r.Merged {
		merged = 1
	}
	b = appendString(appendString(append(b, merged), r.Path), r.Dir)
	for _, list := range [][]string{r.Argv, r.Env} {
		b = append32(b, uint32(len(list)))
		for _, s := range list {
			b = appendString(b, s)
		}
	}
	return b
}

// ParseRequest returns the request in a payload.
func ParseRequest(b []byte) (r Request, ok bool) {
	if len(b) == 0 || b[0] > 1 {
		return r, false
	}
	p := parser{rest: b[1:]}
	r.Merged = b[0] == 1
	r.Path, r.Dir = p.string(), p.string()
	r.Argv, r.Env = p.strings(), p.strings()
	return r, !p.bad && len(p.rest) == 0
}

// A parser takes values off the beginning of bytes, zero values once it went bad.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) number() uint32 {
	if len(p.rest) < 4 {
		p.bad, p.rest = true, nil
		return 0
	}
	n := get32(p.rest)
	p.rest = p.rest[4:]
	return n
}

func (p *parser) string() string {
	n := p.number()
	if uint64(n) > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return ""
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

func (p *parser) strings() []string {
	n := p.number()
	var list []string
	for range n {
		if p.bad { // or n could be anything
			return nil
		}
		list = append(list, p.string())
	}
	return list
}

func appendString(b []byte, s string) []byte { return append(append32(b, uint32(len(s))), s...) }

func append32(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

func get32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
