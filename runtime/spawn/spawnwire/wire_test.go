package spawnwire

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRequest(t *testing.T) {
	for _, want := range []Request{
		{},
		{Path: "/bin/x", Dir: "/tmp", Argv: []string{"x", "", "-v"}, Env: []string{"A=b"}, Merged: true},
	} {
		got, ok := ParseRequest(want.Append(nil))
		require.True(t, ok)
		require.Equal(t, want, got)
	}
}

// Frames come out as they went in, however the bytes are cut.
func TestDecoder(t *testing.T) {
	want := []*Frame{NewFrame(Exit, 7, 256), NewData(1, Stdout, []byte("out")), NewRoom(2, Stdin, Window), NewShut(3, Stderr), {Files, 0, []byte{}}}
	var all []byte
	for _, f := range want {
		all = f.Append(all)
	}
	for size := 1; size <= len(all); size++ {
		var d Decoder
		var got []*Frame
		for rest := all; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			require.True(t, d.Feed(rest[:min(size, len(rest))], func(f *Frame) { got = append(got, f) }))
		}
		require.Len(t, got, len(want))
		for i, f := range want {
			require.Equal(t, f.Kind, got[i].Kind)
			require.Equal(t, f.ID, got[i].ID)
			require.True(t, bytes.Equal(f.Payload, got[i].Payload))
		}
	}
}

// Whatever comes, frames are within bounds, and those that are understood are sent as they came.
func FuzzDecoder(f *testing.F) {
	f.Add(NewData(1, Stdout, []byte("x")).Append(nil))
	f.Add((&Frame{Start, 1, (&Request{Path: "p", Argv: []string{"a"}}).Append(nil)}).Append(nil))
	f.Add(NewRoom(1, 0, 5).Append(NewFrame(Signal, 3, 9).Append(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decoder
		var again []byte
		d.Feed(b, func(fr *Frame) {
			again = fr.Append(again)
			if _, p, room, ok := fr.Stream(); ok && (len(p) > MaxPiece || room < 0 || room > Window) {
				t.Fatalf("%d bytes, room %d", len(p), room)
			}
			if r, ok := ParseRequest(fr.Payload); ok && !bytes.Equal(r.Append(nil), fr.Payload) {
				t.Fatalf("%+v is sent otherwise than it came", r)
			}
		})
		if !bytes.HasPrefix(b, again) {
			t.Fatal("frames that nobody sent")
		}
	})
}
