package fdtable

import (
	"sync/atomic"

	"internal/xengo/runtime/kernel"
)

// Never is the deadline of those who wait for as long as it takes.
const Never int64 = 1<<63 - 1

// Deadline returns the time, in nanoseconds of kernel.Nanotime, that lies ns nanoseconds ahead. Negative means Never.
func Deadline(ns int64) int64 {
	if ns < 0 {
		return Never
	}
	if now := kernel.Nanotime(); ns < Never-now {
		return now + ns
	}
	return Never
}

// A waiter is a goroutine that waits for the first of several things to happen. The zero value is one.
type waiter struct {
	sleeper kernel.Sleeper
	woken   atomic.Bool
}

// wake makes the waiter's sleep return, now or when it comes to it.
func (w *waiter) wake(Events) {
	w.woken.Store(true)
	w.sleeper.Wake()
}

// sleep waits for wake. It returns false if the deadline passed first, and may return true for no reason.
func (w *waiter) sleep(deadline int64) bool {
	if deadline == Never {
		w.sleeper.Sleep()
		return true
	}
	if left := deadline - kernel.Nanotime(); left > 0 {
		stop := kernel.After(left, w.sleeper.Wake)
		w.sleeper.Sleep()
		stop()
	}
	return w.woken.Swap(false) || !Passed(deadline)
}

// Wait waits until one of the events of mask, or an error or hang-up, holds. It returns false if the deadline
// passed first.
func (f *File) Wait(mask Events, deadline int64) bool {
	w := new(waiter)
	cancel := notify(f.Desc, mask, w.wake)
	if cancel == nil {
		return true
	}
	defer cancel()
	for f.Desc.Readiness()&(mask|always) == 0 {
		if !w.sleep(deadline) {
			return f.Desc.Readiness()&(mask|always) != 0
		}
	}
	return true
}

// Pollable reports whether it makes sense to wait for f: whether it is not always ready.
func (f *File) Pollable() bool {
	cancel := f.Desc.Notify(func(Events) {})
	if cancel == nil {
		return false
	}
	cancel()
	return true
}

// notify asks d to call fn on edges of the events of mask, and possibly on others.
func notify(d Description, mask Events, fn func(Events)) (cancel func()) {
	if m, ok := d.(MaskNotifier); ok {
		return m.NotifyMask(mask, fn)
	}
	return d.Notify(fn)
}

// Passed reports whether a deadline has passed.
func Passed(deadline int64) bool { return kernel.Nanotime() >= deadline }
