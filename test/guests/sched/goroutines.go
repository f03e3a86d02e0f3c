package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// spinning runs f beside a goroutine that spins without calls, on one P.
func spinning(f func() error) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var stop atomic.Bool
	var wait sync.WaitGroup
	started := make(chan struct{})
	wait.Go(func() {
		close(started)
		for !stop.Load() { // an instruction, not a call
		}
	})
	<-started
	defer wait.Wait()
	defer stop.Store(true)
	return f()
}

// spin waits for a ticker that must come through.
func spin() error {
	return spinning(func() error {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		late := time.After(30 * time.Second)
		for n := range 20 {
			select {
			case <-ticker.C:
			case <-late:
				return fmt.Errorf("only %d ticks of 20 ms in 30 s", n)
			}
		}
		return nil
	})
}

// spinGC collects garbage, for which the spinning goroutine has to stop.
func spinGC() error {
	return spinning(func() error {
		for range 3 {
			runtime.GC()
		}
		return nil
	})
}

// goroutines passes numbers through a chain of 10,000 goroutines, each of which
// adds one.
func goroutines() error {
	const links, numbers = 10_000, 10
	first := make(chan int)
	last := first
	for range links {
		in, out := last, make(chan int)
		go func() {
			defer close(out)
			for n := range in {
				out <- n + 1
			}
		}()
		last = out
	}
	go func() {
		defer close(first)
		for n := range numbers {
			first <- n
		}
	}()
	want := links
	for n := range last {
		if n != want {
			return fmt.Errorf("got %d, want %d", n, want)
		}
		want++
	}
	if want != links+numbers {
		return fmt.Errorf("only %d of %d numbers came through", want-links, numbers)
	}
	return nil
}

// threads hands a token around goroutines that each have a thread of their own.
func threads() error {
	const n, rounds = 8, 50
	ring := make([]chan int, n)
	for i := range ring {
		ring[i] = make(chan int)
	}
	done := make(chan int, 1)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for token := range ring[i] {
				if token == n*rounds {
					done <- token
				} else {
					ring[(i+1)%n] <- token + 1
				}
			}
		})
	}
	ring[0] <- 0
	<-done
	for _, c := range ring {
		close(c)
	}
	wait.Wait()
	return nil
}

// stacks grows the stacks of several goroutines while they hold pointers into
// them.
func stacks() error {
	var wait sync.WaitGroup
	var wrong atomic.Int64
	for range 8 {
		wait.Go(func() {
			x := 0
			if depth(5_000, &x); x != 5_000 {
				wrong.Add(1)
			}
		})
	}
	wait.Wait()
	if n := wrong.Load(); n > 0 {
		return fmt.Errorf("%d goroutines lost count", n)
	}
	return nil
}

//go:noinline
func depth(n int, x *int) {
	var here int
	if n > 0 {
		depth(n-1, &here)
		*x = here + 1
	}
}

// fair has more spinning threads than there may be CPUs, beside events that come
// more often than time slices end, and looks that each gets its share.
func fair() error {
	const n = 3
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + n))
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	var stop atomic.Bool
	var counts [n]atomic.Int64
	var wait sync.WaitGroup
	for i := range counts {
		wait.Go(func() {
			runtime.LockOSThread()
			for !stop.Load() {
				counts[i].Add(1)
			}
		})
	}
	for end := time.After(2 * time.Second); ; {
		select {
		case <-ticker.C:
			continue
		case <-end:
		}
		break
	}
	stop.Store(true)
	wait.Wait()
	least, most := counts[0].Load(), counts[0].Load()
	for i := range counts {
		least, most = min(least, counts[i].Load()), max(most, counts[i].Load())
	}
	fmt.Println("fair:", least, "to", most)
	if least < most/10 {
		return fmt.Errorf("a thread got %d turns, another %d", least, most)
	}
	return nil
}
