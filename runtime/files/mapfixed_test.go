package files

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// What was reserved is given contents and rights in parts; nothing can be put where the program has no memory of its own.
func TestMapFixed(t *testing.T) {
	only(t)
	fd := must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600)
	must(t, calls.SYS_WRITE, fd, []byte("hello"), 5)
	at := func(p int) []byte { b, _ := calls.Bytes(uintptr(p), 5); return b }
	const own = mapPrivate | mapAnonymous
	p := must(t, calls.SYS_MMAP, 0, 4*pageSize, 0, own, -1, 0)
	require.Equal(t, p+pageSize, must(t, calls.SYS_MMAP, p+pageSize, pageSize, protRead|protWrite, own|mapFixed, -1, 0))
	copy(at(p+pageSize), "dirty")
	require.Equal(t, p+pageSize, must(t, calls.SYS_MMAP, p+pageSize, 2*pageSize, protRead, mapPrivate|mapFixed, fd, 0))
	require.Equal(t, "hello", string(at(p+pageSize)))
	must(t, calls.SYS_MMAP, p+pageSize, pageSize, protRead|protWrite, own|mapFixed, -1, 0)
	require.Equal(t, make([]byte, 5), at(p+pageSize), "memory anew has zeroes")

	shared := must(t, calls.SYS_MMAP, 0, pageSize, protRead, mapShared, fd, 0)
	for _, c := range []struct {
		start, size, flags int
		want               calls.Errno
	}{
		{p + 1, pageSize, own | mapFixed, calls.EINVAL},
		{p, 5 * pageSize, own | mapFixed, calls.ENOMEM},
		{shared, pageSize, own | mapFixed, calls.ENOMEM},
		{p, pageSize, mapShared | mapFixed, calls.ENOMEM},
		{p, pageSize, own | mapFixedNo, calls.EEXIST},
		{1 << 46, pageSize, own | mapFixedNo, calls.ENOMEM},
	} {
		_, err := sys(calls.SYS_MMAP, c.start, c.size, protRead, c.flags, fd, 0)
		require.Equal(t, c.want, err, "%+v", c)
	}

	must(t, calls.SYS_MUNMAP, p, 4*pageSize)
	must(t, calls.SYS_MUNMAP, shared, pageSize)
	require.Empty(t, mappings)
}
