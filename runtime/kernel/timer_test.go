package kernel

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTimers sets, moves and stops timers at random: each that was not stopped calls its function once, and never early.
func TestTimers(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				due := Nanotime() + rand.Int64N(int64(20*time.Millisecond))
				called := make(chan int64, 2)
				timer := AfterFunc(due-Nanotime(), func() { called <- Nanotime() })
				switch rand.IntN(3) {
				case 0:
					if timer.Stop() {
						require.False(t, timer.Stop())
						require.Empty(t, called)
						continue
					}
				case 1:
					if timer.Stop() {
						due = Nanotime() + rand.Int64N(int64(20*time.Millisecond))
						timer.Reset(due - Nanotime())
					}
				}
				require.GreaterOrEqual(t, <-called, due)
				require.False(t, timer.Stop())
			}
		})
	}
	all.Wait()
	require.Empty(t, timers.heap)
}

// TestTimerOrder checks the heap against a sorted list.
func TestTimerOrder(t *testing.T) {
	const late = int64(time.Hour)
	var set []*Timer
	for range 1000 {
		switch i := len(set); {
		case i == 0 || rand.IntN(3) > 0:
			set = append(set, AfterFunc(late+rand.Int64N(late), func() { panic("an hour is over") }))
		case rand.IntN(2) == 0:
			set[rand.IntN(i)].Reset(late + rand.Int64N(late))
		default:
			i = rand.IntN(i)
			require.True(t, set[i].Stop())
			set = slices.Delete(set, i, i+1)
		}
	}
	slices.SortFunc(set, func(a, b *Timer) int { return cmp.Compare(a.when, b.when) })
	timers.mu.Lock()
	defer timers.mu.Unlock()
	require.Len(t, timers.heap, len(set))
	for _, want := range set {
		first := timers.heap[0]
		require.Equal(t, want.when, first.when)
		require.True(t, first.remove())
	}
}

// TestTimerNever sets a timer to a time that the clock does not reach.
func TestTimerNever(t *testing.T) {
	timer := AfterFunc(1<<63-1, func() { panic("the end of time") })
	require.Positive(t, timer.when)
	require.True(t, timer.Stop())
}
