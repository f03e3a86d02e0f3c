package fdtable

import (
	"sync"
	"sync/atomic"
	"testing"

	"internal/xengo/runtime/calls"
)

// A fake is a description with a buffer of room bytes. It fails the test if it is used after it was released, released twice
// or while it is in use.
type fake struct {
	Notifier
	t        testing.TB
	room     int
	busy     atomic.Int32
	released atomic.Int32

	mu   sync.Mutex
	data []byte
	gone bool // the other side hung up
}

func newFake(t testing.TB, room int) *fake { return &fake{t: t, room: room} }

func (f *fake) use() (done func()) {
	f.busy.Add(1)
	if f.released.Load() != 0 {
		f.t.Error("a description is used after it was released")
	}
	return func() { f.busy.Add(-1) }
}

func (f *fake) Read(p []byte) (int, calls.Errno) {
	defer f.use()()
	f.mu.Lock()
	n := copy(p, f.data)
	f.data = f.data[n:]
	gone := f.gone
	f.mu.Unlock()
	if n == 0 && !gone {
		return 0, calls.EAGAIN
	}
	f.Signal(Out)
	return n, 0
}

func (f *fake) Write(p []byte) (int, calls.Errno) {
	defer f.use()()
	f.mu.Lock()
	if f.gone {
		f.mu.Unlock()
		return 0, calls.EPIPE
	}
	n := min(len(p), f.room-len(f.data))
	f.data = append(f.data, p[:n]...)
	f.mu.Unlock()
	if n == 0 && len(p) > 0 {
		return 0, calls.EAGAIN
	}
	f.Signal(In)
	return n, 0
}

func (f *fake) hangUp() {
	f.mu.Lock()
	f.gone = true
	f.mu.Unlock()
	f.Signal(Hup)
}

func (f *fake) Readiness() (ev Events) {
	defer f.use()()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.data) > 0 {
		ev |= In
	}
	if len(f.data) < f.room {
		ev |= Out
	}
	if f.gone {
		ev |= Hup
	}
	return ev
}

func (f *fake) Release() calls.Errno {
	if f.released.Add(1) != 1 {
		f.t.Error("a description is released twice")
	}
	if f.busy.Load() != 0 {
		f.t.Error("a description is released while it is in use")
	}
	return calls.EIO // close(2) passes it on
}

// watchers returns how many wait for edges.
func (f *fake) watchers() int {
	f.Notifier.mu.Lock()
	defer f.Notifier.mu.Unlock()
	return len(f.observers)
}

// plain is a description that is always ready, as regular files are.
type plain struct{ *fake }

func (p plain) Notify(func(Events)) (cancel func()) { return nil }

// reset empties the table.
func reset(t testing.TB) {
	clear := func() {
		SetLimit(MaxFiles)
		for _, fd := range Open() {
			Close(fd)
		}
	}
	clear()
	t.Cleanup(clear)
}
