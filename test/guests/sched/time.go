package main

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"
)

// timers sleeps 1,000 times, some at once, between 1 and 100 ms. No sleep may be
// shorter than asked for; how long they took in addition is only told.
func timers() error {
	const sleepers, each = 50, 20
	var mutex sync.Mutex
	var wait sync.WaitGroup
	var worst, sum time.Duration
	var err error
	for range sleepers {
		wait.Go(func() {
			for range each {
				want := time.Millisecond + time.Duration(mathrand.Int64N(int64(99*time.Millisecond)))
				start := time.Now()
				time.Sleep(want)
				late := time.Since(start) - want
				mutex.Lock()
				if late < 0 {
					err = fmt.Errorf("a sleep of %v came %v early", want, -late)
				}
				worst, sum = max(worst, late), sum+late
				mutex.Unlock()
			}
		})
	}
	wait.Wait()
	fmt.Printf("timers: late by %v on average, %v at worst\n", sum/(sleepers*each), worst)
	return err
}

// clocks watches the monotonic clock, which may not step back, and compares it
// with the wall clock over half a second.
func clocks() error {
	start := time.Now()
	for last := start; time.Since(start) < 500*time.Millisecond; {
		now := time.Now()
		if now.Sub(last) < 0 {
			return fmt.Errorf("time went back by %v", last.Sub(now))
		}
		last = now
	}
	end := time.Now()
	monotonic, wall := end.Sub(start), end.Round(0).Sub(start.Round(0))
	if d := (wall - monotonic).Abs(); d > 100*time.Millisecond {
		return fmt.Errorf("%v by the monotonic clock, %v by the wall clock", monotonic, wall)
	}
	return nil
}

// tellTime says what time it is, for comparison with another clock.
func tellTime() error {
	fmt.Printf("time: %d ms\n", time.Now().UnixMilli())
	return nil
}

// tellRandom says some random bytes, for comparison with another boot's.
func tellRandom() error {
	var a, b [32]byte
	rand.Read(a[:])
	rand.Read(b[:])
	if a == b {
		return fmt.Errorf("twice %x", a)
	}
	fmt.Printf("random: %x\n", a)
	return nil
}
