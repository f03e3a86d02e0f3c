package fifo

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzBuffer compares with a slice. Of each pair of bytes the first says what is
// done, and the second how much.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 200, 1, 100, 0, 255, 2, 30, 3, 20, 0, 255, 1, 255, 4, 0})
	f.Add([]byte{5, 255, 1, 200, 5, 255, 5, 255, 4, 1, 1, 255, 6, 0, 0, 9})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var b Buffer
		want := []byte{}
		next := byte(0)
		for ; len(ops) >= 2; ops = ops[2:] {
			op, n := ops[0]%7, int(ops[1])
			switch op {
			case 0, 5: // a little, much
				if op == 5 {
					n *= 64
				}
				p := make([]byte, n)
				for i := range p {
					next++
					p[i] = next
				}
				b.Write(p)
				want = append(want, p...)
			case 1:
				p := make([]byte, n*64)
				got := b.Read(p)
				require.Equal(t, min(len(p), len(want)), got)
				require.Equal(t, want[:got], p[:got])
				want = want[got:]
			case 2:
				p := make([]byte, 1000)
				skip := n * 4
				rest := want[min(skip, len(want)):]
				got := b.Peek(p, skip)
				require.Equal(t, min(len(p), len(rest)), got)
				require.Equal(t, rest[:got], p[:got])
			case 3:
				n = min(n, len(want))
				b.Skip(n)
				want = want[n:]
			case 4:
				b.Limit(n * 100)
				require.LessOrEqual(t, len(b.buf), max(n*100, len(want), minimum))
			case 6:
				b.Reset()
				want = []byte{}
			}
			require.Equal(t, len(want), b.Len())
		}
		p := make([]byte, len(want))
		require.Equal(t, len(want), b.Read(p))
		require.Equal(t, want, p)
	})
}
