package ext4

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCRC(t *testing.T) {
	b := make([]byte, 300)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	for from := range 20 {
		for to := from; to <= len(b); to++ {
			c := rand.Uint32()
			want := ^crc32.Update(^c, table, b[from:to])
			require.Equal(t, want, crc32c(c, b[from:to]))
			require.Equal(t, want, crcByTable(c, b[from:to]))
		}
	}
}
