package netstack

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRandom takes numbers of all lengths: none may come twice, nor zeroes that were left
// in the buffer.
func TestRandom(t *testing.T) {
	r := new(random)
	seen := map[[8]byte]bool{}
	for n := range 2000 {
		p := make([]byte, 8+n%100)
		got, err := r.Read(p)
		require.NoError(t, err)
		require.Equal(t, len(p), got)
		first, last := [8]byte(p), [8]byte(p[len(p)-8:])
		require.False(t, seen[first])
		require.NotZero(t, last)
		seen[first] = true
		require.GreaterOrEqual(t, r.Int63(), int64(0))
	}
}
