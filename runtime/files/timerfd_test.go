package files

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
)

func TestTimerfd(t *testing.T) {
	only(t)
	const ms = int64(time.Millisecond)
	spec := func(value, interval int64) []byte {
		return calls.AsBytes(&itimerspec{timespec(interval), timespec(value)})
	}
	fd := must(t, calls.SYS_TIMERFD_CREATE, clockMonotonic, fdtable.O_NONBLOCK)
	defer sys(calls.SYS_CLOSE, fd)
	var got itimerspec
	must(t, calls.SYS_TIMERFD_GETTIME, fd, calls.AsBytes(&got))
	require.Zero(t, got)
	buf := make([]byte, 8)
	_, err := sys(calls.SYS_READ, fd, buf, 8)
	require.Equal(t, calls.EAGAIN, err)

	// Once.
	must(t, calls.SYS_TIMERFD_SETTIME, fd, 0, spec(int64(time.Hour), 0), calls.AsBytes(&got))
	must(t, calls.SYS_TIMERFD_SETTIME, fd, 0, spec(5*ms, 0), calls.AsBytes(&got))
	require.Equal(t, int64(3599), got.value.Sec)
	events := pollfds(pollfd{FD: int32(fd), Events: 1})
	require.Equal(t, 1, must(t, calls.SYS_POLL, events, 1, -1))
	require.Equal(t, 8, must(t, calls.SYS_READ, fd, buf, 8))
	require.Equal(t, uint64(1), binary.NativeEndian.Uint64(buf))
	_, err = sys(calls.SYS_READ, fd, buf, 8)
	require.Equal(t, calls.EAGAIN, err)
	must(t, calls.SYS_TIMERFD_GETTIME, fd, calls.AsBytes(&got))
	require.Zero(t, got)

	// Again and again, from a time that has passed: whoever reads hears how often.
	must(t, calls.SYS_TIMERFD_SETTIME, fd, tfdAbstime, spec(max(1, kernel.Nanotime()-10*ms), ms), 0)
	must(t, calls.SYS_TIMERFD_GETTIME, fd, calls.AsBytes(&got))
	require.Equal(t, timespec(ms), got.interval)
	require.Positive(t, got.value.Nsec)
	require.LessOrEqual(t, got.value.Nsec, ms)
	for count := uint64(0); count < 20; {
		must(t, calls.SYS_POLL, events, 1, -1)
		must(t, calls.SYS_READ, fd, buf, 8)
		count += binary.NativeEndian.Uint64(buf)
	}
	must(t, calls.SYS_TIMERFD_SETTIME, fd, 0, spec(0, ms), 0) // the end of it
	require.Zero(t, must(t, calls.SYS_POLL, events, 1, 20))

	ev := must(t, calls.SYS_EVENTFD2, 0, 0)
	defer sys(calls.SYS_CLOSE, ev)
	for _, c := range []struct {
		nr   uintptr
		args []any
		want calls.Errno
	}{
		{calls.SYS_TIMERFD_CREATE, []any{clockProcessCPU, 0}, calls.EINVAL},
		{calls.SYS_TIMERFD_CREATE, []any{clockMonotonic, 1}, calls.EINVAL},
		{calls.SYS_TIMERFD_SETTIME, []any{fd, 8, spec(1, 0), 0}, calls.EINVAL},
		{calls.SYS_TIMERFD_SETTIME, []any{fd, 0, spec(-1, 0), 0}, calls.EINVAL},
		{calls.SYS_TIMERFD_SETTIME, []any{ev, 0, spec(1, 0), 0}, calls.EINVAL},
		{calls.SYS_TIMERFD_SETTIME, []any{999, 0, spec(1, 0), 0}, calls.EBADF},
		{calls.SYS_TIMERFD_GETTIME, []any{fd, uintptr(8)}, calls.EFAULT},
		{calls.SYS_READ, []any{fd, buf, 7}, calls.EINVAL},
		{calls.SYS_WRITE, []any{fd, buf, 8}, calls.EINVAL},
	} {
		_, err := sys(c.nr, c.args...)
		require.Equal(t, c.want, err, "%s %v", calls.Name(c.nr), c.args)
	}
}

// A timer with a long time behind it, and one that never expires.
func TestTimerfdFar(t *testing.T) {
	for _, c := range []struct {
		value, interval int64
		absolute        bool
	}{{1, 1, true}, {fdtable.Never, 1, false}, {fdtable.Never, fdtable.Never, true}} {
		timer := &timer{clock: clockMonotonic}
		timer.set(c.value, c.interval, c.absolute, kernel.Nanotime())
		timer.mu.Lock()
		n := timer.expired()
		left := timer.left()
		timer.mu.Unlock()
		if c.value == 1 {
			require.Positive(t, n)
		} else {
			require.Zero(t, n)
			require.Positive(t, left.value.Sec)
		}
		timer.Release()
	}
}
