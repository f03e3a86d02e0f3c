package goroot

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/pieces"
)

// TestPacker packs texts that repeat each other, and long ones.
func TestPacker(t *testing.T) {
	const phrase = "what is said twice is kept once"
	texts := []string{
		"", "a", phrase, "again: " + phrase, phrase + phrase[:minPiece] + phrase[1:],
		strings.Repeat("z", 3*pieces.MaxPiece), strings.Repeat("yx", 500), strings.Repeat("z", pieces.MaxPiece+1),
	}
	store := packed(t, texts)
	require.Equal(t, 1, strings.Count(string(store), phrase))
}

// packed packs texts and checks that they are in the store.
func packed(t *testing.T, texts []string) pieces.Store {
	t.Helper()
	var p packer
	var lists []int
	for _, text := range texts {
		lists = append(lists, p.add(text))
	}
	store, err := p.store()
	require.NoError(t, err)
	for i, text := range texts {
		require.Equal(t, text, string(pieces.Store(store).Text(lists[i])))
	}
	return pieces.Store(store)
}

func TestPackerFull(t *testing.T) {
	var p packer
	p.pool = make([]byte, pieces.MaxPool)
	_, err := p.store()
	require.NoError(t, err)
	p.add("x")
	_, err = p.store()
	require.ErrorContains(t, err, "do not fit")
}

// FuzzPacker packs texts that a byte of 0 ends.
func FuzzPacker(f *testing.F) {
	f.Add([]byte("one and the same\x00the one and the same\x00"))
	f.Add(bytes.Repeat([]byte("ab"), 300))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= pieces.MaxPool {
			packed(t, strings.Split(string(data), "\x00"))
		}
	})
}
