package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// affinity keeps threads on some processors, where there are several, while they
// compute, sleep, wait for one another and are moved.
func affinity() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its goroutine
		done <- affinityHolds()
	}()
	return <-done
}

func affinityHolds() error {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	n := all.Count()
	if n != runtime.NumCPU() {
		return fmt.Errorf("%d processors, sched_getaffinity says %d", runtime.NumCPU(), n)
	}
	if n == 1 {
		return errors.Join(affinityErrors(), stayOn(0))
	}
	for _, check := range []func(n int) error{followed, byNumber, crowded, othersSleep, moved} {
		if err := check(n); err != nil {
			return err
		}
	}
	return affinityErrors()
}

func only(cpus ...int) *unix.CPUSet {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return &set
}

// processor is the one that the caller runs on.
func processor() (int, error) {
	var cpu uint32
	if _, _, err := syscall.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); err != 0 {
		return 0, err
	}
	return int(cpu), nil
}

// stayOn looks where the calling thread runs while it gives up its processor in
// several ways.
func stayOn(cpus ...int) error {
	for round := range 30 {
		for _, leave := range []func(){runtime.Gosched, func() { time.Sleep(100 * time.Microsecond) }, func() { series(1) }} {
			leave()
			got, err := processor()
			if err != nil {
				return err
			}
			if !only(cpus...).IsSet(got) {
				return fmt.Errorf("round %d: on processor %d instead of %v", round, got, cpus)
			}
		}
	}
	return nil
}

// pinned runs f in a goroutine with a thread of its own on cpus.
func pinned(f func() error, cpus ...int) <-chan error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := unix.SchedSetaffinity(0, only(cpus...))
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return done
}

// followed has threads on each processor and on each pair.
func followed(n int) error {
	var waits []<-chan error
	for a := range n {
		for b := a; b < n; b++ {
			waits = append(waits, pinned(func() error {
				var set unix.CPUSet
				if err := unix.SchedGetaffinity(0, &set); err != nil {
					return err
				}
				if set != *only(a, b) {
					return fmt.Errorf("sched_getaffinity says %v on processors %d and %d", set[:1], a, b)
				}
				return stayOn(a, b)
			}, a, b))
		}
	}
	return firstError(waits)
}

func firstError(waits []<-chan error) error {
	var errs []error
	for _, w := range waits {
		errs = append(errs, <-w)
	}
	return errors.Join(errs...)
}

// byNumber asks for a thread by its number.
func byNumber(n int) error {
	return <-pinned(func() error {
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(unix.Gettid(), &set); err != nil || set != *only(n - 1) {
			return fmt.Errorf("by its number: %v, %v", set[:1], err)
		}
		return nil
	}, n-1)
}

// crowded has more threads on the last processor than fit, which must all get on,
// and hand numbers to one another.
func crowded(n int) error {
	const threads, rounds = 6, 30
	ring := make([]chan int, threads)
	for i := range ring {
		ring[i] = make(chan int, 1)
	}
	var waits []<-chan error
	for i := range threads {
		waits = append(waits, pinned(func() error {
			for range rounds {
				v := <-ring[i]
				series(float64(i))
				if cpu, err := processor(); err != nil || cpu != n-1 {
					return fmt.Errorf("thread %d: on processor %d, %v", i, cpu, err)
				}
				ring[(i+1)%threads] <- v + 1
			}
			return nil
		}, n-1))
	}
	ring[0] <- 0
	if err := firstError(waits); err != nil {
		return err
	}
	if got := <-ring[0]; got != threads*rounds {
		return fmt.Errorf("a number came around as %d instead of %d", got, threads*rounds)
	}
	return nil
}

// othersSleep has threads that spin on the last processor: the others must not be
// busy looking for something to do.
func othersSleep(n int) error {
	var stop atomic.Bool
	var waits []<-chan error
	for range 3 {
		waits = append(waits, pinned(func() error {
			for !stop.Load() {
				series(1)
			}
			return nil
		}, n-1))
	}
	time.Sleep(100 * time.Millisecond)
	before := cpuTime()
	start := time.Now()
	time.Sleep(2 * time.Second)
	took, used := time.Since(start), cpuTime()-before
	stop.Store(true)
	if err := firstError(waits); err != nil {
		return err
	}
	if used > took*3/2 {
		return fmt.Errorf("%v of processor time in %v, where one processor has work", used, took)
	}
	return nil
}

// cpuTime is how long the program has run.
func cpuTime() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// moved moves threads that spin, sleep and wait, from outside, again and again.
func moved(n int) error {
	var stop atomic.Bool
	var steps [4]atomic.Uint64
	var ids sync.Map
	var wait sync.WaitGroup
	tick := make(chan struct{})
	start := func(i int, step func()) {
		wait.Go(func() {
			runtime.LockOSThread()
			ids.Store(i, unix.Gettid())
			for !stop.Load() {
				step()
				steps[i].Add(1)
			}
		})
	}
	start(0, func() { series(1) })
	start(1, func() { time.Sleep(time.Millisecond) })
	start(2, func() { tick <- struct{}{} })
	start(3, func() { <-tick })
	defer wait.Wait()
	defer func() {
		stop.Store(true)
		for { // whoever still waits for the other
			select {
			case <-tick:
			case tick <- struct{}{}:
			case <-time.After(100 * time.Millisecond):
				return
			}
		}
	}()
	var seen [len(steps)]uint64
	for round := range 200 {
		for i := range steps {
			if id, ok := ids.Load(i); ok {
				if err := unix.SchedSetaffinity(id.(int), only((round+i)%n)); err != nil {
					return err
				}
			}
		}
		time.Sleep(2 * time.Millisecond)
		if round%50 != 49 {
			continue
		}
		for i := range steps {
			for deadline := time.Now().Add(20 * time.Second); steps[i].Load() == seen[i]; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					return fmt.Errorf("thread %d stands still in round %d", i, round)
				}
			}
			seen[i] = steps[i].Load()
		}
	}
	return nil
}

func affinityErrors() error {
	var none unix.CPUSet
	if err := unix.SchedSetaffinity(0, &none); err != unix.EINVAL {
		return fmt.Errorf("no processor: %v", err)
	}
	if err := unix.SchedSetaffinity(0, only(1000)); err != unix.EINVAL {
		return fmt.Errorf("processor 1000: %v", err)
	}
	if err := unix.SchedSetaffinity(1<<30, only(0)); err != unix.ESRCH {
		return fmt.Errorf("thread 2^30: %v", err)
	}
	if err := unix.SchedSetaffinity(0, only(0, 1000)); err != nil {
		return fmt.Errorf("processors 0 and 1000: %v", err)
	}
	return nil
}
