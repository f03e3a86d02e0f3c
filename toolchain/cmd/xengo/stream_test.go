package main

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the guest's terminal does to newlines is undone exactly, whatever else
// the program wrote and however the console tears it.
func TestNewlines(t *testing.T) {
	const alphabet = "\r\r\n\nab"
	for range 5000 {
		var program bytes.Buffer
		for range rand.IntN(12) {
			program.WriteByte(alphabet[rand.IntN(len(alphabet))])
		}
		console := strings.ReplaceAll(program.String(), "\n", "\r\n")
		var out bytes.Buffer
		n := &newlines{w: &out}
		for len(console) > 0 {
			k := 1 + rand.IntN(len(console))
			got, err := n.Write([]byte(console[:k]))
			require.NoError(t, err)
			require.Equal(t, k, got)
			console = console[k:]
		}
		require.NoError(t, n.Flush())
		require.Equal(t, program.String(), out.String())
	}
}

func TestLiterally(t *testing.T) {
	require.Equal(t, "a\n\tb\xff", string(literally([]byte("a\n\tb\xff"))))
	require.Equal(t, "\x16\x00\x16\x04\x16\x16\x16\x7f\x16\r", string(literally([]byte("\x00\x04\x16\x7f\r"))))
}
