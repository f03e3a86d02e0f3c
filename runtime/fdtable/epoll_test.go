package fdtable

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
)

// collect returns the events that e reports, by the first byte of their data.
func collect(e *Epoll) map[byte]Events {
	out := make([]EpollEvent, 10)
	got := map[byte]Events{}
	for _, ev := range out[:e.Wait(out, 0)] {
		got[ev.Data[0]] = ev.Events
	}
	return got
}

func event(id byte, ev Events) *EpollEvent { return &EpollEvent{Events: ev, Data: [8]byte{id}} }

func TestEpollModes(t *testing.T) {
	e := NewEpoll()
	level, edge, once, silent := newFake(t, 1), newFake(t, 1), newFake(t, 1), newFake(t, 1)
	for id, f := range []*fake{level, edge, once, silent} {
		mask := []Events{In, In | EpollET, In | EpollOneShot, 0}[id]
		require.Zero(t, e.Control(epollAdd, id, NewFile(f, 0), event(byte(id), mask)))
	}
	require.Empty(t, collect(e))
	for _, f := range []*fake{level, edge, once, silent} {
		f.Write([]byte("x"))
	}
	require.Equal(t, map[byte]Events{0: In, 1: In, 2: In}, collect(e))
	require.Equal(t, map[byte]Events{0: In}, collect(e), "only the level stays")
	edge.Signal(Out)
	require.Equal(t, map[byte]Events{0: In}, collect(e), "an edge of something else is none")
	edge.Signal(In)
	once.Signal(In)
	silent.hangUp()
	once.hangUp()
	require.Equal(t, map[byte]Events{0: In, 1: In, 3: Hup}, collect(e), "hang-ups are reported unasked, but not after a one-shot")
	require.Equal(t, In, e.Readiness())
	level.Read(make([]byte, 1))
	silent.mu.Lock()
	silent.gone = false
	silent.mu.Unlock()
	require.Zero(t, e.Readiness())
}

func TestEpollControl(t *testing.T) {
	e := NewEpoll()
	f := newFake(t, 1)
	file := NewFile(f, 0)
	ev := event(0, In|Out)
	require.Equal(t, calls.ENOENT, e.Control(epollMod, 5, file, ev))
	require.Equal(t, calls.ENOENT, e.Control(epollDel, 5, file, ev))
	require.Equal(t, calls.EINVAL, e.Control(4, 5, file, ev))
	require.Zero(t, e.Control(epollAdd, 5, file, ev))
	require.Equal(t, calls.EEXIST, e.Control(epollAdd, 5, file, ev))
	require.Zero(t, e.Control(epollAdd, 6, file, event(6, In)), "another descriptor of the same file")
	require.Zero(t, e.Control(epollMod, 5, file, event(9, In|EpollOneShot)))
	require.Empty(t, collect(e))
	f.Write([]byte("x"))
	require.Equal(t, map[byte]Events{9: In, 6: In}, collect(e))
	require.Zero(t, e.Control(epollMod, 5, file, event(9, In)), "a one-shot armed anew")
	require.Equal(t, map[byte]Events{9: In, 6: In}, collect(e))
	require.Zero(t, e.Control(epollDel, 5, file, nil))
	require.Equal(t, map[byte]Events{6: In}, collect(e))
	require.Equal(t, calls.EPERM, e.Control(epollAdd, 7, NewFile(plain{f}, 0), ev))
	require.Equal(t, calls.ENOENT, e.Control(epollDel, 7, NewFile(plain{f}, 0), nil))

	// Epolls may watch each other, to a depth, and not in circles.
	list := []*Epoll{e}
	for range maxNesting {
		outer := NewEpoll()
		require.Zero(t, outer.Control(epollAdd, 1, NewFile(list[len(list)-1], 0), event(1, In)))
		list = append(list, outer)
	}
	require.Equal(t, In, list[len(list)-1].Readiness())
	require.Equal(t, calls.EINVAL, e.Control(epollAdd, 1, NewFile(e, 0), ev))
	require.Equal(t, calls.ELOOP, e.Control(epollAdd, 1, NewFile(list[2], 0), ev))
	require.Equal(t, calls.ELOOP, NewEpoll().Control(epollAdd, 1, NewFile(list[len(list)-1], 0), ev))
}

// What was closed or removed is not reported, even if it was found ready before.
func TestEpollForgets(t *testing.T) {
	reset(t)
	e := NewEpoll()
	for range 100 {
		f := newFake(t, 1)
		fd, _ := Install(f, O_RDWR)
		file, _ := Get(fd)
		require.Zero(t, e.Control(epollAdd, fd, file, event(1, In)))
		f.Write([]byte("x"))
		file.Put()
		Close(fd)
		require.Zero(t, f.watchers())
	}
	require.Zero(t, e.Readiness())
	require.Empty(t, collect(e))
	require.Empty(t, e.ready, "nothing is kept")
	f := newFake(t, 1)
	require.Zero(t, e.Control(epollAdd, 1, NewFile(f, 0), event(1, In)))
	e.Release()
	require.Zero(t, f.watchers())
}

// Where there is room for fewer events than hold, those come first next time that did not come yet.
func TestEpollTurns(t *testing.T) {
	e := NewEpoll()
	for id := range 3 {
		f := newFake(t, 1)
		require.Zero(t, e.Control(epollAdd, id, NewFile(f, 0), event(byte(id), In)))
		f.Write([]byte("x"))
	}
	var got []byte
	out := make([]EpollEvent, 2)
	for range 3 {
		require.Equal(t, 2, e.Wait(out, 0))
		got = append(got, out[0].Data[0], out[1].Data[0])
	}
	require.Equal(t, []byte{0, 1, 2, 0, 1, 2}, got)
}

// What holds is found by everyone who looks, however many do at a time.
func TestEpollTogether(t *testing.T) {
	e, outer := NewEpoll(), NewEpoll()
	f := newFake(t, 1)
	f.Write([]byte("x"))
	require.Zero(t, e.Control(epollAdd, 1, NewFile(f, 0), event(1, In)))
	require.Zero(t, outer.Control(epollAdd, 1, NewFile(e, 0), event(2, In)))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			out := make([]EpollEvent, 1)
			for range 3000 {
				if e.Wait(out, 0) != 1 || outer.Wait(out, 0) != 1 || e.Readiness() != In {
					t.Error("nothing was found")
					return
				}
			}
		})
	}
	wg.Wait()
}

// However additions, removals and edges meet, no watcher is left behind and no event of one that is watched is lost.
func TestEpollRaces(t *testing.T) {
	e := NewEpoll()
	f := newFake(t, 1<<20)
	file := NewFile(f, O_RDWR)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3000 {
				e.Control(epollAdd, 1, file, event(1, In))
				e.Control(epollDel, 1, file, nil)
			}
		})
	}
	wg.Wait()
	require.Zero(t, f.watchers())

	require.Zero(t, e.Control(epollAdd, 1, file, event(1, In|EpollET)))
	const total = 20000
	wg.Go(func() {
		for range total {
			f.Write([]byte("x"))
		}
	})
	out := make([]EpollEvent, 1)
	for got := 0; got < total; {
		require.Equal(t, 1, e.Wait(out, Deadline(10e9)), "after %d of %d", got, total)
		for {
			n, err := f.Read(make([]byte, 100))
			if err != 0 {
				break
			}
			got += n
		}
	}
	wg.Wait()
}
