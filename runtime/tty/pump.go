package tty

import (
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
)

// Directions of pumping.
const (
	forInput = 0
	forRoom  = 1
)

// Notify is NotifyMask for all events.
func (t *TTY) Notify(fn func(fdtable.Events)) (cancel func()) {
	return t.NotifyMask(fdtable.In|fdtable.Out, fn)
}

// NotifyMask starts to listen to the console for those of the events that are not there yet: a goroutine waits
// for input as long as somebody is interested, and one for room until there is some.
func (t *TTY) NotifyMask(mask fdtable.Events, fn func(fdtable.Events)) (cancel func()) {
	stop := t.Notifier.Notify(fn)
	t.mu.Lock()
	defer t.mu.Unlock()
	if mask&fdtable.Out != 0 && t.full {
		t.pump(forRoom)
	}
	if mask&fdtable.In == 0 {
		return stop
	}
	t.reads(+1)
	return func() {
		stop()
		t.mu.Lock()
		t.reads(-1)
		t.mu.Unlock()
	}
}

// reads notes that there is one reader more or less. The goroutine that waits for input waits anew when that changes
// what it waits for. The caller holds t.mu.
func (t *TTY) reads(n int) {
	waited := t.readers > 0
	t.readers += n
	if t.pumping[forInput] && waited != (t.readers > 0) {
		kernel.ConsoleWake()
	}
	if t.readers > 0 {
		t.pump(forInput)
	}
}

// WatchKeys makes Ctrl-C and the like work even while nobody reads. A program that waits for nothing else is still
// found to be deadlocked.
func (t *TTY) WatchKeys() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.pipe {
		t.keys = true
		t.pump(forInput)
	}
}

// pump starts the goroutine of a direction unless it runs. The caller holds t.mu.
func (t *TTY) pump(direction int) {
	if t.pumping[direction] || t.gone || direction == forInput && t.in.size >= maxQueued {
		return
	}
	t.pumping[direction] = true
	if direction == forInput {
		go t.pumpInput()
	} else {
		go t.pumpRoom()
	}
}

func (t *TTY) pumpInput() {
	for {
		wanted, user := t.wanted()
		if !wanted {
			return
		}
		ok := kernel.ConsoleWait(false, user)
		if !ok {
			t.hangUp()
		}
		t.collect()
		t.mu.Lock()
		readable := len(t.in.lines) > 0
		t.mu.Unlock()
		if readable || !ok {
			t.Signal(fdtable.In)
		}
	}
}

// wanted reports whether input is wanted, and by a reader, and there is room for it; if not, the goroutine that asks is
// done.
func (t *TTY) wanted() (ok, user bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if (t.readers > 0 || t.keys) && !t.gone && t.in.size < maxQueued {
		return true, t.readers > 0
	}
	t.pumping[forInput] = false
	return false, false
}

// pumpRoom waits until the console has taken what is pending, and has room for more.
func (t *TTY) pumpRoom() {
	for ok := true; ok; {
		if ok = kernel.ConsoleWait(true, true); !ok {
			t.hangUp()
		}
		t.mu.Lock()
		t.full = false
		if t.flush() || !ok {
			t.pumping[forRoom] = false
			ok = false
		}
		t.mu.Unlock()
	}
	t.Signal(fdtable.Out)
}

// hangUp notes that the other end is gone for good.
func (t *TTY) hangUp() {
	t.mu.Lock()
	t.gone = true
	t.mu.Unlock()
	t.Signal(fdtable.In | fdtable.Out | fdtable.Hup)
}
