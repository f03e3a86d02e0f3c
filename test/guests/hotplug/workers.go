package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// workers are goroutines that each do a step again and again.
type workers struct {
	gate    atomic.Pointer[chan struct{}] // closed while there is work
	workers []*worker
}

type worker struct {
	name  string
	steps atomic.Uint64

	// The checker's.
	seen  uint64
	still int // looks since it has moved
}

func startAll() *workers {
	w := &workers{}
	w.work()
	for i := range 3 {
		w.start("compute", compute(i))
	}
	for range 2 {
		w.start("garbage", garbage)
	}
	for range 10 {
		w.start("sleep", func() error { return sleep(3 * time.Millisecond) })
	}
	for range 6 {
		w.start("thread", locked)
	}
	for range 3 {
		w.start("channels", pingPong())
	}
	for cpu := range 3 {
		w.start("pinned", pinned(cpu))
	}
	return w
}

// start makes a worker. A step that fails ends the program.
func (w *workers) start(name string, step func() error) {
	one := &worker{name: name}
	w.workers = append(w.workers, one)
	go func() {
		for {
			<-*w.gate.Load()
			if err := step(); err != nil {
				fail(name, err)
			}
			one.steps.Add(1)
		}
	}()
}

func fail(name string, err error) {
	fmt.Printf("verdict: FAIL %s: %v\n", name, err)
	os.Exit(1)
}

func (w *workers) rest() {
	gate := make(chan struct{})
	w.gate.Store(&gate)
}

func (w *workers) work() {
	gate := make(chan struct{})
	close(gate)
	if old := w.gate.Swap(&gate); old != nil && *old != nil {
		select {
		case <-*old:
		default:
			close(*old)
		}
	}
	for _, one := range w.workers {
		one.still = 0
	}
}

// check looks at all workers, and ends the program if one has not moved for long.
func (w *workers) check() {
	for _, one := range w.workers {
		if n := one.steps.Load(); n != one.seen {
			one.seen, one.still = n, 0
		} else if one.still++; one.still > patience {
			fail(one.name, fmt.Errorf("no progress while it was looked at %d times", one.still))
		}
	}
}

// verdict waits until everybody has moved once more.
func (w *workers) verdict() {
	for _, one := range w.workers {
		for start := one.steps.Load(); one.steps.Load() == start; {
			w.check()
			time.Sleep(interval)
		}
	}
	steps := map[string]uint64{}
	for _, one := range w.workers {
		steps[one.name] += one.steps.Load()
	}
	fmt.Println("hotplug:", steps)
	fmt.Println("verdict: ok")
	os.Exit(0)
}

// compute returns a step that always has the same result.
func compute(i int) func() error {
	data := make([]byte, 8<<10)
	for j := range data {
		data[j] = byte(i + j*j)
	}
	want := sha256.Sum256(data)
	return func() error {
		x := 1.0
		for range 5000 {
			x = x*1.0000001 + 1e-9
		}
		if sha256.Sum256(data) != want || x < 1 || x > 2 {
			return fmt.Errorf("a computation came out differently: %v", x)
		}
		return nil
	}
}

// garbage makes lists and checks them.
func garbage() error {
	type node struct {
		next *node
		n    int
	}
	var list *node
	const length = 2000
	for i := range length {
		list = &node{list, i}
	}
	for i := length - 1; list != nil; i, list = i-1, list.next {
		if list.n != i {
			return fmt.Errorf("a list has %d instead of %d", list.n, i)
		}
	}
	return nil
}

func sleep(d time.Duration) error {
	start := time.Now()
	time.Sleep(d)
	if took := time.Since(start); took < d {
		return fmt.Errorf("slept %v instead of %v", took, d)
	}
	return nil
}

// locked changes to a thread of its own and back.
func locked() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return sleep(2 * time.Millisecond)
}

// pinned returns a step on a processor that may come, go, or not be there.
func pinned(cpu int) func() error {
	return func() error {
		runtime.LockOSThread() // for good: the thread ends with its goroutine
		var set unix.CPUSet
		set.Set(cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil && err != unix.EINVAL {
			return err
		}
		if err := unix.SchedGetaffinity(0, &set); err != nil || set.Count() == 0 {
			return fmt.Errorf("no processor may run a thread: %w", err)
		}
		return sleep(time.Millisecond)
	}
}

// pingPong returns a step that sends to another goroutine and gets an answer.
func pingPong() func() error {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for n := range ping {
			pong <- n + 1
		}
	}()
	n := 0
	return func() error {
		ping <- n
		if got := <-pong; got != n+1 {
			return fmt.Errorf("the answer to %d is %d", n, got)
		}
		n++
		return nil
	}
}
