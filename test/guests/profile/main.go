// Profile has a CPU profile and an execution trace made of itself, and says what
// is in them.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"sync"
	"time"

	"github.com/google/pprof/profile"
	xtrace "golang.org/x/exp/trace"
)

func main() {
	if err := cpu(); err != nil {
		fail(err)
	}
	if err := execution(); err != nil {
		fail(err)
	}
	fmt.Println("verdict: ok")
}

func fail(err error) {
	fmt.Println("verdict: FAIL", err)
	os.Exit(1)
}

var sum uint64

// Work of three sizes, in functions to be told apart.

//go:noinline
func small() { sum += spin(1) }

//go:noinline
func medium() { sum += spin(2) }

//go:noinline
func large() { sum += spin(5) }

//go:noinline
func spin(n int) (s uint64) {
	for i := range n * 200_000 {
		s = s*31 + uint64(i)
	}
	return s
}

// cpu profiles the program until there are 400 samples, which on a busy machine
// may take more than the four seconds that it should, and prints the share of
// them that each function has.
func cpu() error {
	random := rand.New(rand.NewPCG(1, 2)) // a rhythm could be the profiler's
	total, samples := int64(0), map[string]int64{}
	for start := time.Now(); total < 400; {
		if time.Since(start) > 5*time.Minute {
			return fmt.Errorf("%d samples in %v", total, time.Since(start))
		}
		var b bytes.Buffer
		if err := pprof.StartCPUProfile(&b); err != nil {
			return err
		}
		for begin := time.Now(); time.Since(begin) < time.Second; {
			for range 1 + random.IntN(20) {
				[]func(){small, medium, large}[random.IntN(3)]()
			}
		}
		pprof.StopCPUProfile()
		p, err := profile.Parse(&b)
		if err != nil {
			return err
		}
		for _, s := range p.Sample {
			total += s.Value[0]
			for _, l := range s.Location {
				for _, line := range l.Line {
					samples[line.Function.Name] += s.Value[0]
				}
			}
		}
	}
	for _, name := range []string{"small", "medium", "large"} {
		fmt.Printf("share of %s: %.1f %%\n", name, 100*float64(samples["main."+name])/float64(total))
	}
	return nil
}

// execution traces some goroutines and reads the trace.
func execution() error {
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		return err
	}
	var wg sync.WaitGroup
	c := make(chan int)
	for range 4 {
		wg.Go(func() {
			for range c {
				large()
			}
		})
	}
	for n := range 200 {
		c <- n
	}
	close(c)
	wg.Wait()
	trace.Stop()
	r, err := xtrace.NewReader(&b)
	if err != nil {
		return err
	}
	running := map[xtrace.GoID]bool{}
	for {
		e, err := r.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		if e.Kind() != xtrace.EventStateTransition {
			continue
		}
		for f := range e.Stack().Frames() {
			if strings.HasPrefix(f.Func, "main.execution.func1") {
				running[e.Goroutine()] = true
			}
		}
	}
	if len(running) < 4 {
		return fmt.Errorf("%d of 4 goroutines are in the trace", len(running))
	}
	return nil
}
