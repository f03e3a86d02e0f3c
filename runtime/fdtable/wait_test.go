package fdtable

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// asleep waits until somebody waits for f.
func asleep(t *testing.T, f *fake) {
	t.Helper()
	require.Eventually(t, func() bool { return f.watchers() > 0 }, 5*time.Second, time.Millisecond)
}

// A read that waits goes on when its descriptor is closed, and only then is the description released.
func TestCloseWhileReading(t *testing.T) {
	reset(t)
	f := newFake(t, 10)
	fd, _ := Install(f, O_RDWR)
	type result struct {
		s   string
		err calls.Errno
	}
	done := make(chan result)
	go func() {
		file, _ := Get(fd)
		p := make([]byte, 10)
		n, err := file.Read(p)
		done <- result{string(p[:n]), err}
		file.Put()
		close(done)
	}()
	asleep(t, f)
	require.Zero(t, Close(fd))
	require.Zero(t, f.released.Load())
	f.Write([]byte("late"))
	require.Equal(t, result{"late", 0}, <-done)
	<-done
	require.EqualValues(t, 1, f.released.Load())
	require.Zero(t, f.watchers())
}

// A write waits until all is written; an error after a part of it is for the next one.
func TestWrite(t *testing.T) {
	f := newFake(t, 3)
	file := NewFile(f, O_RDWR)
	done := make(chan int)
	go func() {
		n, err := file.Write([]byte("0123456789"))
		require.Zero(t, err)
		done <- n
		n, err = file.Write([]byte("abcdef"))
		require.Zero(t, err)
		done <- n
	}()
	for got := ""; got < "0123456789"; {
		p := make([]byte, 2)
		n, err := file.Read(p)
		require.Zero(t, err)
		got += string(p[:n])
	}
	require.Equal(t, 10, <-done)
	asleep(t, f)
	f.hangUp()
	require.Equal(t, 3, <-done)
	_, err := file.Write([]byte("x"))
	require.Equal(t, calls.EPIPE, err)

	f = newFake(t, 3)
	file = NewFile(f, O_RDWR|O_NONBLOCK)
	n, err := file.Write([]byte("0123"))
	require.Equal(t, [2]any{3, calls.Errno(0)}, [2]any{n, err}, "a write that must not wait is short")
	_, err = file.Write([]byte("3"))
	require.Equal(t, calls.EAGAIN, err)
}

func TestDeadlines(t *testing.T) {
	require.Equal(t, Never, Deadline(-1))
	require.Equal(t, Never, Deadline(Never), "no overflow")
	f := newFake(t, 3)
	file := NewFile(f, O_RDWR)
	const ms = int64(time.Millisecond)
	for _, d := range []int64{0, -5, 30 * ms} {
		start := kernel.Nanotime()
		require.False(t, file.Wait(In, start+d))
		require.GreaterOrEqual(t, kernel.Nanotime()-start, d)
	}
	require.True(t, file.Wait(Out, 0), "what is ready is not waited for")
	require.Zero(t, f.watchers(), "all that waited is forgotten")

	time.AfterFunc(5*time.Millisecond, func() { f.Signal(In) }) // an edge that brings nothing
	time.AfterFunc(20*time.Millisecond, func() { f.Write([]byte("x")) })
	require.True(t, file.Wait(In, Deadline(10*int64(time.Second))))
	time.AfterFunc(5*time.Millisecond, f.hangUp)
	f.Read(make([]byte, 1))
	require.True(t, file.Wait(Pri, Never), "a hang-up wakes everybody")
	require.True(t, NewFile(plain{f}, O_RDWR).Wait(Pri, Never), "what is always ready")
}

// Poll reports what holds, waits for the first event, and leaves nothing behind.
func TestPoll(t *testing.T) {
	a, b := newFake(t, 1), newFake(t, 1)
	files := []Polled{{File: NewFile(a, 0), Wanted: In}, {Got: NVal}, {File: NewFile(b, 0), Wanted: In}}
	require.Equal(t, 1, Poll(files, Never), "a descriptor that is not open")
	files = []Polled{files[0], {}, files[2]}
	require.Zero(t, Poll(files, Deadline(1e6)))
	time.AfterFunc(5*time.Millisecond, func() { b.Write([]byte("x")) })
	require.Equal(t, 1, Poll(files, Never))
	require.Equal(t, []Events{0, In}, []Events{files[0].Got, files[2].Got})
	a.hangUp()
	files[2].Wanted = In | Out | 1<<20
	require.Equal(t, 2, Poll(files, 0))
	require.Equal(t, []Events{Hup, In}, []Events{files[0].Got, files[2].Got})
	require.Zero(t, a.watchers()+b.watchers())
}

// Once cancel returned and no Signal runs, nothing is called; others still are.
func TestNotifierCancel(t *testing.T) {
	var n Notifier
	var stopped, called atomic.Int32
	stay := n.Notify(func(Events) { called.Add(1) })
	defer stay()
	var self func()
	self = n.Notify(func(Events) { self() }) // from within
	n.Signal(In)
	require.EqualValues(t, 1, called.Load())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				cancel := n.Notify(func(Events) { stopped.Add(1) })
				n.Signal(Out)
				cancel()
				cancel() // once more does no harm
			}
		})
	}
	wg.Wait()
	before := stopped.Load()
	require.GreaterOrEqual(t, before, int32(8000))
	n.Signal(In)
	require.Equal(t, before, stopped.Load())
	require.Len(t, n.observers, 1)
	require.EqualValues(t, 8002, called.Load())
}

// The network poller hears of the readiness of now and of every edge until it or the descriptor is closed.
func TestNetpoll(t *testing.T) {
	reset(t)
	type event struct {
		pd, seq uintptr
		mode    int32
	}
	var got []event
	kernel.Host.NetpollReady = func(pd, seq uintptr, mode int32) { got = append(got, event{pd, seq, mode}) }
	defer func() { kernel.Host.NetpollReady = nil }()
	f := newFake(t, 2)
	fd, _ := Install(f, O_RDWR)
	dup, _ := Dup(fd, 0, false)
	require.EqualValues(t, calls.EBADF, netpollOpen(99, 1, 1))
	require.EqualValues(t, calls.ENOENT, netpollClose(int32(fd)))
	require.Zero(t, netpollOpen(int32(fd), 7, 8))
	require.EqualValues(t, calls.EEXIST, netpollOpen(int32(fd), 7, 9))
	f.Write([]byte("x"))
	f.Signal(Pri)
	f.Read(make([]byte, 1))
	f.hangUp()
	require.Equal(t, []event{{7, 8, 'w'}, {7, 8, 'r'}, {7, 8, 'w'}, {7, 8, 'r' + 'w'}}, got)
	require.Zero(t, netpollClose(int32(fd)))
	require.Zero(t, f.watchers())
	require.Zero(t, netpollOpen(int32(dup), 1, 1))
	Close(dup)
	require.Zero(t, f.watchers(), "closing the descriptor ends it, even if the file lives on")
	p, _ := Install(plain{newFake(t, 1)}, O_RDWR)
	require.EqualValues(t, calls.EPERM, netpollOpen(int32(p), 1, 1))
}
