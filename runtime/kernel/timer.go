package kernel

import "sync"

// A Timer calls a function on a goroutine of its own when its time has come. It is for work in the background: it is no
// reason for the program to live, as one of package time and After are, and it is not among the timers that the scheduler
// looks at whenever it chooses a goroutine. Linux has such timers in its kernel, too.
type Timer struct {
	f func()

	when int64 // by Nanotime
	at   int   // index in timers.heap, or -1
}

// timers has those that run, as a heap with the earliest first.
var timers struct {
	mu    sync.Mutex
	heap  []*Timer
	alarm int64 // when runTimers will look, at the latest; 0: never
	start sync.Once
}

// AfterFunc returns a Timer that calls f when ns nanoseconds have passed.
func AfterFunc(ns int64, f func()) *Timer {
	t := &Timer{f: f, at: -1}
	t.Reset(ns)
	timers.start.Do(func() { go runTimers() })
	return t
}

// Reset has t call its function when ns nanoseconds have passed, and not at the time it was to before.
func (t *Timer) Reset(ns int64) {
	ts := &timers
	now := Nanotime()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.when = now + max(0, ns); t.when < now {
		t.when = 1<<63 - 1
	}
	if t.at < 0 {
		t.at = len(ts.heap)
		ts.heap = append(ts.heap, t)
	}
	place(t.at)
	setAlarm(now)
}

// Stop reports whether it came in time.
func (t *Timer) Stop() bool {
	timers.mu.Lock()
	defer timers.mu.Unlock()
	return t.remove()
}

// remove takes t out of the heap, if it is there. timers.mu is held.
func (t *Timer) remove() bool {
	ts := &timers
	if t.at < 0 {
		return false
	}
	last := len(ts.heap) - 1
	moved := ts.heap[last]
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	if moved != t {
		ts.heap[t.at], moved.at = moved, t.at
		place(moved.at)
	}
	t.at = -1
	return true
}

// runTimers starts the functions whose time has come.
func runTimers() {
	ts := &timers
	for {
		now := Nanotime()
		ts.mu.Lock()
		for len(ts.heap) > 0 && ts.heap[0].when <= now {
			t := ts.heap[0]
			t.remove()
			go t.f()
		}
		ts.alarm = 0
		setAlarm(now)
		ts.mu.Unlock()
		runtime_waitAlarm()
	}
}

// setAlarm has runTimers look when the first timer wants it to. timers.mu is held.
func setAlarm(now int64) {
	ts := &timers
	if len(ts.heap) == 0 {
		return
	}
	if when := ts.heap[0].when; ts.alarm == 0 || when < ts.alarm {
		ts.alarm = when
		runtime_setAlarm(max(0, when-now))
	}
}

// place moves the timer with index i up or down to where it belongs.
func place(i int) {
	h := timers.heap
	swap := func(i, j int) {
		h[i], h[j] = h[j], h[i]
		h[i].at, h[j].at = i, j
	}
	for i > 0 && h[i].when < h[(i-1)/2].when {
		swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].when < h[least].when {
				least = child
			}
		}
		if least == i {
			return
		}
		swap(i, least)
		i = least
	}
}
