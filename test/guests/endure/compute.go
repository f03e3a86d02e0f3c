package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

func (t *tree) count() int {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.count() + t.right.count()
}

// garbage makes trees, some of which live for a while.
func garbage(r *round) error {
	var live [8]*tree
	for n := 0; r.on(); n++ {
		slot := &live[n%len(live)]
		if *slot != nil && (*slot).count() != 1<<11-1 {
			return errors.New("a tree has changed")
		}
		*slot = grow(10)
	}
	return nil
}

// goroutines passes numbers through chains of them.
func goroutines(r *round) error {
	for r.on() {
		const length = 200
		first := make(chan int)
		in := first
		for range length {
			out := make(chan int)
			go func(in, out chan int) {
				defer close(out)
				for n := range in {
					out <- n + 1
				}
			}(in, out)
			in = out
		}
		go func() {
			defer close(first)
			for n := range 10 {
				first <- n
			}
		}()
		want := length
		for n := range in {
			if n != want {
				return fmt.Errorf("%d came, not %d", n, want)
			}
			want++
		}
	}
	return nil
}

// timers sets many, stops some, and looks whether any is early.
func timers(r *round) error {
	for r.on() {
		var mu sync.Mutex
		var wg sync.WaitGroup
		var early error
		for range 50 {
			wait := time.Duration(r.rng.IntN(20e6))
			start := time.Now()
			wg.Add(1)
			t := time.AfterFunc(wait, func() {
				defer wg.Done()
				if took := time.Since(start); took < wait {
					mu.Lock()
					early = fmt.Errorf("a timer of %v came after %v", wait, took)
					mu.Unlock()
				}
			})
			if r.rng.IntN(4) == 0 && t.Stop() {
				wg.Done()
			}
		}
		tick := time.NewTicker(time.Millisecond)
		for range 5 {
			<-tick.C
		}
		tick.Stop()
		wg.Wait()
		if early != nil {
			return early
		}
	}
	return nil
}

// panics recovers from all kinds.
func panics(r *round) error {
	var nothing *tree
	var numbers []int
	var table map[string]int
	kinds := []struct {
		says string
		do   func()
	}{
		{"nil pointer", func() { nothing.left = nil }},
		{"out of range", func() { numbers[len(table)] = 1 }},
		{"nil map", func() { table["x"] = 1 }},
		{"divide by zero", func() { _ = 1 / len(numbers) }},
		{"mine", func() { panic(errors.New("mine")) }},
	}
	for r.on() {
		k := kinds[r.rng.IntN(len(kinds))]
		if got := caught(k.do); !strings.Contains(got, k.says) {
			return fmt.Errorf("%q is not the panic %q", got, k.says)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func caught(f func()) (says string) {
	defer func() { says = fmt.Sprint(recover()) }()
	f()
	return ""
}

// threads locks goroutines to threads, some of which end with them.
func threads(r *round) error {
	for r.on() {
		var wg sync.WaitGroup
		wrong := make(chan error, 20)
		for n := range cap(wrong) {
			wg.Go(func() {
				runtime.LockOSThread()
				if n%2 == 0 {
					defer runtime.UnlockOSThread() // else the thread ends
				}
				tid := syscall.Gettid()
				for range 5 {
					time.Sleep(time.Millisecond)
					if now := syscall.Gettid(); now != tid {
						wrong <- fmt.Errorf("thread %d is now %d", tid, now)
					}
				}
			})
		}
		wg.Wait()
		select {
		case err := <-wrong:
			return err
		default:
		}
	}
	return nil
}

// stacks lets them grow and shrink.
func stacks(r *round) error {
	for r.on() {
		depth := 100 + r.rng.IntN(5000)
		done := make(chan int)
		go func() { done <- deep(depth) }()
		if got := <-done; got != depth {
			return fmt.Errorf("%d, not %d calls deep", got, depth)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func deep(n int) int {
	if n == 0 {
		return 0
	}
	var frame [16]int
	frame[n%len(frame)] = 1
	return deep(n-1) + frame[n%len(frame)]
}

// mappings maps memory, changes its rights, and unmaps it.
func mappings(r *round) error {
	for r.on() {
		size := (1 + r.rng.IntN(64)) * 4096
		b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return err
		}
		for i := range b {
			if b[i] != 0 {
				return fmt.Errorf("byte %d of new memory is %#x", i, b[i])
			}
			b[i] = byte(i)
		}
		if err := syscall.Mprotect(b, syscall.PROT_READ); err != nil {
			return err
		}
		if uintptr(unsafe.Pointer(&b[0]))%4096 != 0 || b[size-1] != byte(size-1) {
			return errors.New("memory is not what it was")
		}
		if err := syscall.Munmap(b); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
