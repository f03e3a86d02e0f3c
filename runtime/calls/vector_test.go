package calls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuffers(t *testing.T) {
	a, b := []byte("abc"), []byte("de")
	list := []Iovec{{Address(a), 3}, {0, 0}, {Address(b), 2}}
	read := func() ([][]byte, Errno) { return Buffers(Address(AsBytes(&list[0])), uintptr(len(list))) }
	bufs, err := read()
	require.Zero(t, err)
	require.Equal(t, [][]byte{a, nil, b}, bufs)

	list[1] = Iovec{0, 1}
	_, err = read()
	require.Equal(t, EFAULT, err)
	list[1] = Iovec{0, 1 << 63}
	_, err = read()
	require.Equal(t, EINVAL, err)
	bufs, err = Buffers(0, 0)
	require.Zero(t, err)
	require.Empty(t, bufs)
}

func TestSkip(t *testing.T) {
	for n, want := range []string{"abcde", "bcde", "cde", "de", "e", ""} {
		var rest string
		for _, b := range Skip([][]byte{[]byte("ab"), nil, []byte("c"), []byte("de")}, n) {
			rest += string(b)
		}
		require.Equal(t, want, rest, n)
	}
}

func TestEach(t *testing.T) {
	bufs := [][]byte{nil, []byte("ab"), []byte("cd"), []byte("ef")}
	// move takes limit bytes, and then gives end.
	move := func(limit int, end Errno) (int, Errno) {
		return Each(bufs, func(p []byte, done int) (int, Errno) {
			if done >= limit {
				return 0, end
			}
			return min(len(p), limit-done), 0
		})
	}
	for limit := range 7 {
		n, err := move(limit, 0)
		require.Equal(t, limit, n)
		require.Zero(t, err)
	}
	_, err := move(0, EIO)
	require.Equal(t, EIO, err)
	n, err := move(4, EIO)
	require.Equal(t, 4, n, "what was moved counts")
	require.Zero(t, err)
}
