package xenstore

import (
	"bytes"
	"testing"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/xenstore/xswire"
)

// However a stream is cut, the same messages come out of it; and whatever it
// is, nothing panics and memory stays bounded.
func FuzzParser(f *testing.F) {
	stream := xswire.AppendMessage(nil, abi.XSRead, 1, 0, "value")
	stream = xswire.AppendMessage(stream, abi.XSWatchEvent, 0, 0, "p\x00t\x00")
	stream = xswire.AppendMessage(stream, abi.XSError, 2, 0, "ENOENT\x00")
	f.Add(stream, uint8(1))
	f.Add(stream, uint8(7))
	f.Add(xswire.Header{Len: 4097}.Append(nil), uint8(16))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		collect := func(n int) (out []byte, ok bool) {
			var p parser
			for b := stream; len(b) > 0; {
				n := min(n, len(b))
				if !p.feed(b[:n], func(h xswire.Header, payload []byte) {
					out = append(h.Append(out), payload...)
					parseEvent(payload)
					cString(payload)
					if h.Len != uint32(len(payload)) {
						t.Errorf("payload of %d bytes, header says %d", len(payload), h.Len)
					}
				}) {
					return out, false
				}
				b = b[n:]
				if len(p.buf) >= xswire.HeaderSize+abi.XenstorePayloadMax {
					t.Errorf("%d bytes are kept", len(p.buf))
				}
			}
			return out, true
		}
		whole, ok1 := collect(len(stream) + 1)
		pieces, ok2 := collect(int(cut) + 1)
		if ok1 != ok2 || !bytes.Equal(whole, pieces) {
			t.Errorf("whole: %d bytes, %v; in pieces: %d bytes, %v", len(whole), ok1, len(pieces), ok2)
		}
	})
}

func TestSplitNul(t *testing.T) {
	for in, want := range map[string]int{"": 0, "a": 0, "a\x00": 1, "a\x00b": 1, "a\x00b\x00": 2, "\x00": 1, "\x00\x00": 2} {
		if got := splitNul([]byte(in)); len(got) != want {
			t.Errorf("splitNul(%q) = %q, want %d strings", in, got, want)
		}
	}
}
