package main

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"
)

// float computes the same floating-point sum in several goroutines that
// preempt each other, with garbage collections on top, and compares the bits.
func float() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want := make([]float64, 4)
	for i := range want {
		want[i] = series(float64(i) + 0.5)
	}
	end := time.Now().Add(2 * time.Second)
	errs := make(chan error, len(want))
	var wait sync.WaitGroup
	for i, w := range want {
		wait.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				if got := series(float64(i) + 0.5); math.Float64bits(got) != math.Float64bits(w) {
					errs <- fmt.Errorf("sum %d, round %d: %v, want %v", i, n, got, w)
					return
				}
			}
		})
	}
	for time.Now().Before(end) {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	wait.Wait()
	close(errs)
	return <-errs
}

// series keeps many values in floating-point registers for a while.
//
//go:noinline
func series(x float64) float64 {
	a, b, c, d, e, f := x, x+1, x+2, x+3, x+4, x+5
	for n := 1.0; n < 20_000; n++ {
		a += 1 / (n * b)
		b = math.FMA(b, 1.0000001, c/n)
		c = math.Sqrt(c*c + n)
		d -= a / (n + e)
		e = e*0.999 + d
		f += math.Abs(d) / (c + n)
	}
	return a + b + c + d + e + f
}
