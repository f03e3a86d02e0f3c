// Endure does all sorts of things at once, round after round, and looks after
// each round whether anything is left of them.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// worker does one kind of work until ctx ends it. It leaves nothing behind.
type worker struct {
	name string
	work func(r *round) error
}

// round is a stretch of time in which all workers are at work.
type round struct {
	end time.Time
	rng *rand.Rand
	ops *atomic.Int64
}

// on reports whether there is time left, and counts.
func (r *round) on() bool {
	r.ops.Add(1)
	return time.Now().Before(r.end)
}

var workers = []worker{
	{"garbage", garbage},
	{"goroutines", goroutines},
	{"timers", timers},
	{"panics", panics},
	{"threads", threads},
	{"stacks", stacks},
	{"mappings", mappings},
	{"files", files},
	{"pipes", pipes},
	{"tcp", tcp},
	{"udp", udp},
	{"http", web},
}

func main() {
	length := flag.Duration("for", 20*time.Second, "how long all rounds take")
	rounds := flag.Int("rounds", 5, "how many there are, at least 3")
	seed := flag.Uint64("seed", 1, "of the random numbers")
	flag.Parse()
	if *rounds < 3 {
		fmt.Fprintln(os.Stderr, "endure: fewer than 3 rounds show nothing")
		os.Exit(2)
	}
	if err := startWeb(); err != nil {
		fail(err)
	}
	var after []usage
	for n := range *rounds {
		if err := play(*length/time.Duration(*rounds), *seed+uint64(n)); err != nil {
			fail(err)
		}
		u, err := measure()
		if err != nil {
			fail(err)
		}
		after = append(after, u)
		fmt.Printf("endure: round %d of %d: %v\n", n+1, *rounds, u)
	}
	// The first rounds fill caches and pools.
	if err := after[len(after)-1].notMoreThan(after[1]); err != nil {
		fail(err)
	}
	fmt.Println("verdict: ok")
}

func fail(err error) {
	fmt.Println("verdict: FAIL", err)
	os.Exit(1)
}

// play has all workers work for a while.
func play(length time.Duration, seed uint64) error {
	var wg sync.WaitGroup
	errs := make([]error, len(workers))
	ops := make([]atomic.Int64, len(workers))
	end := time.Now().Add(length)
	for i, w := range workers {
		wg.Go(func() {
			r := &round{end, rand.New(rand.NewPCG(seed, uint64(i))), &ops[i]}
			if err := w.work(r); err != nil {
				errs[i] = fmt.Errorf("%s: %w", w.name, err)
			}
		})
	}
	wg.Wait()
	for i, w := range workers {
		if errs[i] != nil {
			return errs[i]
		}
		fmt.Printf("%s %d ", w.name, ops[i].Load())
	}
	fmt.Println()
	return nil
}
