package netstack

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"internal/xengo/runtime/kernel"
)

// clock is the stack's. Its timers are in the background: the program's own do not get slower by them.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

func (clock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(time.Duration(kernel.Nanotime()))
}

func (clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	return timer{kernel.AfterFunc(int64(d), f)}
}

type timer struct{ *kernel.Timer }

func (t timer) Reset(d time.Duration) { t.Timer.Reset(int64(d)) }

// expiry returns a channel that is closed when d has passed, and the timer that does it.
func expiry(d time.Duration) (<-chan struct{}, *kernel.Timer) {
	c := make(chan struct{})
	return c, kernel.AfterFunc(int64(d), func() { close(c) })
}
