package mux

import (
	"bufio"
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFrameRoundTrip(t *testing.T) {
	frames := []frame{
		{kindOpen, 1, []byte{}},
		{kindData, 0xffffffff, bytes.Repeat([]byte("x"), maxPayload)},
		{kindEnd, 2, []byte{}},
		{kindReset, 3, []byte{}},
		{kindCredit, 4, []byte{0, 1, 2, 3}},
	}
	var wire []byte
	for _, f := range frames {
		wire = appendFrame(wire, f)
	}
	r := bufio.NewReader(bytes.NewReader(wire))
	for _, f := range frames {
		got, err := readFrame(r)
		require.NoError(t, err)
		require.Equal(t, f, got)
	}
	_, err := readFrame(r)
	require.Equal(t, io.EOF, err)
}

func TestBadFrames(t *testing.T) {
	for name, wire := range map[string][]byte{
		"unknown kind": {9, 0, 0, 0, 1, 0, 0, 0, 0},
		"kind 0":       {0, 0, 0, 0, 1, 0, 0, 0, 0},
		"too long":     {byte(kindData), 0, 0, 0, 1, 0, 0, 0x80, 1},
		"huge":         {byte(kindData), 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
		"short credit": {byte(kindCredit), 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3},
		"cut header":   {byte(kindData), 0, 0},
		"cut payload":  {byte(kindData), 0, 0, 0, 1, 0, 0, 0, 3, 1},
	} {
		_, err := readFrame(bufio.NewReader(bytes.NewReader(wire)))
		require.Error(t, err, name)
	}
	_, err := readFrame(bufio.NewReader(bytes.NewReader([]byte(marker))))
	require.Equal(t, errGreeted, err)
}

// FuzzReadFrame feeds what a broken agent might send: every frame that is
// accepted is within bounds and has one wire format.
func FuzzReadFrame(f *testing.F) {
	f.Add(appendFrame(nil, frame{kindData, 7, []byte("hello")}))
	f.Add(appendFrame(nil, frame{kindCredit, 7, []byte{0, 0, 1, 0}}))
	f.Add([]byte(marker))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bufio.NewReader(bytes.NewReader(wire))
		var again []byte
		for {
			got, err := readFrame(r)
			if err != nil {
				break
			}
			require.LessOrEqual(t, len(got.payload), maxPayload)
			again = appendFrame(again, got)
		}
		require.True(t, bytes.HasPrefix(wire, again))
	})
}

// FuzzSession gives a session any bytes: it must end without a panic, and so
// must what waits for it.
func FuzzSession(f *testing.F) {
	open := appendFrame(nil, frame{kind: kindOpen, stream: 1})
	f.Add(open)
	f.Add(append(open, open...))
	f.Add(appendFrame(open, frame{kindData, 1, make([]byte, maxPayload)}))
	f.Add(appendFrame(open, frame{kindCredit, 1, []byte{0xff, 0xff, 0xff, 0xff}}))
	f.Fuzz(func(t *testing.T, wire []byte) {
		s := start(newConn(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(wire), io.Discard}))
		for {
			st, err := s.Accept()
			if err != nil {
				break
			}
			go func() {
				io.Copy(st, st)
				st.Close()
			}()
		}
		require.Error(t, s.Err())
	})
}
