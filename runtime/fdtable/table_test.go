package fdtable

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
)

// A model is a table of descriptors as simple as can be.
type model struct {
	files map[int]*fake
	limit int
}

func (m *model) lowest(from int) (int, calls.Errno) {
	for ; ; from++ {
		if from >= m.limit {
			return -1, calls.EMFILE
		}
		if m.files[from] == nil {
			return from, 0
		}
	}
}

// users returns how many descriptors there are of f.
func (m *model) users(f *fake) (n int) {
	for _, other := range m.files {
		if other == f {
			n++
		}
	}
	return n
}

// The table agrees with the model, and a description lives for as long as it has a descriptor.
func TestModel(t *testing.T) {
	reset(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	m := &model{files: map[int]*fake{}, limit: MaxFiles}
	var all []*fake
	for range 20000 {
		fd, to := r.IntN(14)-1, r.IntN(14)-1
		old, exists := m.files[fd], m.files[fd] != nil
		switch r.IntN(6) {
		case 0, 1:
			f := newFake(t, 1)
			want, wantErr := m.lowest(0)
			got, err := Install(f, O_RDWR)
			require.Equal(t, wantErr, err)
			require.Equal(t, want, got)
			if err == 0 {
				m.files[got] = f
				all = append(all, f)
			}
		case 2:
			err := Close(fd)
			delete(m.files, fd)
			switch {
			case !exists:
				require.Equal(t, calls.EBADF, err)
			case m.users(old) == 0:
				require.Equal(t, calls.EIO, err, "the error of Release")
			default:
				require.Zero(t, err)
			}
		case 3:
			got, err := Dup(fd, to, false)
			switch {
			case to < 0 || to >= m.limit:
				require.Equal(t, calls.EINVAL, err)
			case !exists:
				require.Equal(t, calls.EBADF, err)
			default:
				want, wantErr := m.lowest(to)
				require.Equal(t, wantErr, err)
				require.Equal(t, want, got)
				if err == 0 {
					m.files[got] = old
				}
			}
		case 4:
			if fd == to {
				continue
			}
			err := DupTo(fd, to, true)
			if !exists || to < 0 || to >= m.limit {
				require.Equal(t, calls.EBADF, err)
				continue
			}
			require.Zero(t, err)
			m.files[to] = old
			on, _ := CloseOnExec(to)
			require.True(t, on)
		case 5:
			if r.IntN(20) == 0 {
				m.limit = r.IntN(12)
				SetLimit(m.limit)
			}
		}
		require.Equal(t, slices.Sorted(maps.Keys(m.files)), Open())
	}
	for _, f := range all {
		require.Equal(t, m.users(f) == 0, f.released.Load() == 1)
	}
}

// Whatever goroutines do with a few descriptors at once, descriptions are released once, and not while they are in use.
func TestRaces(t *testing.T) {
	reset(t)
	var mu sync.Mutex
	var all []*fake
	add := func() *fake {
		mu.Lock()
		defer mu.Unlock()
		f := newFake(t, 4)
		all = append(all, f)
		return f
	}
	epoll, err := Install(NewEpoll(), O_RDWR)
	require.Zero(t, err)
	keep, _ := Get(epoll)
	var wg sync.WaitGroup
	for worker := range 8 {
		r := rand.New(rand.NewPCG(uint64(worker), 0))
		wg.Go(func() {
			for range 3000 {
				fd, to := 1+r.IntN(6), 1+r.IntN(6)
				switch r.IntN(9) {
				case 0, 1:
					Install(add(), O_RDWR|O_NONBLOCK)
				case 2:
					Close(fd)
				case 3:
					Dup(fd, 1, false)
				case 4:
					if fd != to {
						DupTo(fd, to, false)
					}
				case 5:
					netpollOpen(int32(fd), 1, 1)
				case 6:
					netpollClose(int32(fd))
				case 7:
					if f, err := Get(fd); err == 0 {
						f.Write([]byte("ab"))
						f.Read(make([]byte, 3))
						f.Put()
					}
				case 8:
					if f, err := Get(fd); err == 0 {
						e := keep.Desc.(*Epoll)
						e.Control(1+r.IntN(3), fd, f, &EpollEvent{Events: In | Out})
						e.Wait(make([]EpollEvent, 3), 0)
						f.Put()
					}
				}
			}
		})
	}
	wg.Wait()
	for _, fd := range Open() {
		Close(fd)
	}
	keep.Put()
	for _, f := range all {
		require.EqualValues(t, 1, f.released.Load())
		require.Zero(t, f.watchers(), "nobody watches what was closed")
	}
}

func TestFlags(t *testing.T) {
	reset(t)
	f := NewFile(newFake(t, 1), O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC|O_APPEND)
	require.EqualValues(t, O_RDWR|O_APPEND, f.Flags())
	f.SetFlags(O_NONBLOCK | O_WRONLY | O_CREAT)
	require.EqualValues(t, O_RDWR|O_NONBLOCK, f.Flags(), "F_SETFL changes neither access mode nor open's flags")
	for flags, want := range map[uint32][2]bool{
		O_RDONLY: {true, false}, O_WRONLY: {false, true}, O_RDWR: {true, true}, O_ACCMODE: {false, false}, O_RDWR | O_PATH: {false, false},
	} {
		f := NewFile(newFake(t, 1), flags)
		require.Equal(t, want, [2]bool{f.Readable(), f.Writable()}, "%#x", flags)
	}
}
