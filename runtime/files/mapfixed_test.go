package files

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

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
		{shared, pageSize, own | mapFixed, calls.ENOMEM},
		{p, pageSize, mapShared | mapFixed, calls.ENOMEM},
		{p, pageSize, own | mapFixedNo, calls.EEXIST},
		{0, pageSize, own | mapFixed, calls.ENOMEM},
	} {
		_, err := sys(calls.SYS_MMAP, c.start, c.size, protRead, c.flags, fd, 0)
		require.Equal(t, c.want, err, "%+v", c)
	}

	// Addresses that were given back can be had again, and together with those next to them.
	must(t, calls.SYS_MUNMAP, p+2*pageSize, 2*pageSize)
	require.Equal(t, p+2*pageSize, must(t, calls.SYS_MMAP, p+2*pageSize, pageSize, protRead, mapPrivate|mapFixedNo, fd, 0))
	require.Equal(t, "hello", string(at(p+2*pageSize)))
	require.Equal(t, p, must(t, calls.SYS_MMAP, p, 4*pageSize, protRead|protWrite, own|mapFixed, -1, 0))
	require.Equal(t, make([]byte, 5), at(p+2*pageSize))
	copy(at(p), "moved")
	must(t, calls.SYS_MUNMAP, p+3*pageSize, pageSize)
	require.Equal(t, p+2*pageSize, must(t, calls.SYS_MREMAP, p, pageSize, 2*pageSize, remapMayMove|remapFixed, p+2*pageSize))
	require.Equal(t, "moved", string(at(p+2*pageSize)))
	for _, c := range []struct {
		old, to int
		want    calls.Errno
	}{{p, p + 2*pageSize, calls.EFAULT}, {p + 2*pageSize, p + 2*pageSize, calls.EINVAL}, {p + 2*pageSize, p + 1, calls.EINVAL}, {shared, p, calls.ENOMEM}, {p + 2*pageSize, shared, calls.ENOMEM}} {
		_, err := sys(calls.SYS_MREMAP, c.old, pageSize, pageSize, remapMayMove|remapFixed, c.to)
		require.Equal(t, c.want, err, "%+v", c)
	}

	must(t, calls.SYS_MUNMAP, p, 4*pageSize)
	must(t, calls.SYS_MUNMAP, shared, pageSize)
	require.Empty(t, mappings)
}

// The limit on the address space is one on what the program maps.
func TestAddressSpaceLimit(t *testing.T) {
	only(t)
	var old unix.Rlimit
	must(t, calls.SYS_PRLIMIT64, 0, unix.RLIMIT_AS, 0, calls.AsBytes(&old))
	defer sys(calls.SYS_PRLIMIT64, 0, unix.RLIMIT_AS, calls.AsBytes(&old), 0)
	mapped := uint64(0)
	for _, m := range mappings {
		mapped += uint64(m.size)
	}
	must(t, calls.SYS_PRLIMIT64, 0, unix.RLIMIT_AS, calls.AsBytes(&unix.Rlimit{Cur: mapped + 3*pageSize, Max: old.Max}), 0)
	mmap := func(size int) (int, calls.Errno) {
		return sys(calls.SYS_MMAP, 0, size, protRead|protWrite, mapAnonymous|mapPrivate, -1, 0)
	}
	_, err := mmap(4 * pageSize)
	require.Equal(t, calls.ENOMEM, err)
	p, err := mmap(2 * pageSize)
	require.Zero(t, err)
	_, err = mmap(2 * pageSize)
	require.Equal(t, calls.ENOMEM, err)
	_, err = sys(calls.SYS_MREMAP, p, 2*pageSize, 4*pageSize, remapMayMove)
	require.Equal(t, calls.ENOMEM, err)
	p = must(t, calls.SYS_MREMAP, p, 2*pageSize, 3*pageSize, remapMayMove)
	must(t, calls.SYS_MUNMAP, p, 3*pageSize)
	p, err = mmap(3 * pageSize)
	require.Zero(t, err)
	must(t, calls.SYS_MUNMAP, p, 3*pageSize)
}
