package proto

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONTakesOneLine(t *testing.T) {
	var b bytes.Buffer
	req := Request{Op: Exec, Argv: []string{"sh", "-c", "echo\n"}, TTY: true}
	require.NoError(t, WriteJSON(&b, req))
	b.WriteString("rest")
	var got Request
	require.NoError(t, ReadJSON(&b, &got))
	require.Equal(t, req, got)
	require.Equal(t, "rest", b.String())
}

func TestPackets(t *testing.T) {
	var b bytes.Buffer
	big := bytes.Repeat([]byte("x"), maxPacket)
	require.NoError(t, WritePacket(&b, Stdout, big))
	require.NoError(t, WritePacket(&b, Stdin, nil))
	c, p, err := ReadPacket(&b)
	require.NoError(t, err)
	require.Equal(t, Stdout, c)
	require.Equal(t, big, p)
	c, p, err = ReadPacket(&b)
	require.NoError(t, err)
	require.Equal(t, Stdin, c)
	require.Empty(t, p)
	_, _, err = ReadPacket(&b)
	require.Equal(t, io.EOF, err)
	_, _, err = ReadPacket(strings.NewReader("\x01\x00\x01\x00\x01"))
	require.ErrorContains(t, err, "65537 bytes")
	_, _, err = ReadPacket(strings.NewReader("\x01\x00\x00\x00\x02x"))
	require.Equal(t, io.ErrUnexpectedEOF, err)
}

func TestDatagrams(t *testing.T) {
	var b bytes.Buffer
	for _, d := range []string{"", "a", strings.Repeat("x", maxPacket-1)} {
		require.NoError(t, WriteDatagram(&b, []byte(d)))
		got, err := ReadDatagram(&b)
		require.NoError(t, err)
		require.Equal(t, d, string(got))
	}
	require.Error(t, WriteDatagram(&b, make([]byte, maxPacket)))
}

// FuzzRead gives every reader any bytes.
func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"Op\":\"exec\"}\n\x01\x00\x00\x00\x01x\x00\x01y"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		var req Request
		if ReadJSON(r, &req) != nil {
			return
		}
		for {
			if _, p, err := ReadPacket(r); err != nil {
				break
			} else if len(p) > maxPacket {
				t.Fatal(len(p))
			}
		}
		r.Reset(b)
		for {
			if _, err := ReadDatagram(r); err != nil {
				break
			}
		}
	})
}
