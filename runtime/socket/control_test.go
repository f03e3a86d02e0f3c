package socket

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"internal/xengo/runtime/calls"
)

// TestControl writes messages that package unix reads.
func TestControl(t *testing.T) {
	for room := range 120 {
		c := NewControlSpace(make([]byte, room))
		c.Put(SOL_SOCKET, SCM_RIGHTS, []byte{1, 2, 3, 4})
		c.Put32(SOL_IP, 2, 64)
		c.Put(SOL_IPV6, 50, make([]byte, 20))
		list, err := unix.ParseSocketControlMessage(c.buf[:c.Len()])
		if c.Truncated {
			continue
		}
		require.NoError(t, err)
		require.Len(t, list, 3, "in %d bytes", room)
		assert.Equal(t, []byte{1, 2, 3, 4}, list[0].Data)
		again, errno := NewControl(c.buf[:c.Len()]).Messages()
		require.Zero(t, errno)
		assert.Len(t, again, 3)
	}
}

func FuzzControl(f *testing.F) {
	f.Add(unix.UnixRights(3, 4))
	f.Add([]byte{15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := NewControl(b).Messages()
		if err != 0 {
			assert.Equal(t, calls.EINVAL, err)
			return
		}
		out := NewControlSpace(make([]byte, len(b)+align))
		for _, m := range list {
			out.Put(m.Level, m.Type, m.Data)
		}
		again, err := NewControl(out.buf[:out.Len()]).Messages()
		require.Zero(t, err)
		assert.Equal(t, len(list), len(again))
	})
}

func TestTimeval(t *testing.T) {
	tv := func(sec, usec int64) []byte {
		b := make([]byte, 16)
		put64(b, uint64(sec))
		put64(b[8:], uint64(usec))
		return b
	}
	for _, test := range []struct {
		b   []byte
		ns  int64
		err calls.Errno
	}{
		{tv(1, 500000), 1.5e9, 0},
		{tv(0, 0), 0, 0},
		{tv(-1, 0), 1, 0},
		{tv(1<<62, 0), 0, 0},
		{tv(0, 1e6), 0, calls.EDOM},
		{tv(0, -1), 0, calls.EDOM},
		{make([]byte, 8), 0, calls.EINVAL},
	} {
		ns, err := timeval(test.b)
		assert.Equal(t, test.ns, ns)
		assert.Equal(t, test.err, err)
	}
}
