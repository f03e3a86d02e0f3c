package pieces

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	const store Store = "\x00\x00\x0f" +
		"\x06\x00\x00" + "\x08\x00\x02" + "\x00\x00\x00" + // of 3 bytes and of 4
		"\x02\x00\x05" + "\x00\x00\x00" +
		"abcdef"
	require.Equal(t, "abccdef", string(store.Text(0)))
	require.Equal(t, "f", string(store.Text(9)))
	require.Empty(t, store.Text(6))
	require.Equal(t, 0x080002, Word(4, 2))
}
