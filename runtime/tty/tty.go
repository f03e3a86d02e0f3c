package tty

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
)

// A TTY is the console. All its descriptions share it.
type TTY struct {
	fdtable.Notifier

	writing sync.Mutex // of a write(2) that waits for room; before mu
	mu      sync.Mutex // guards what follows
	pipe    bool       // a program is at the other end
	termios Termios
	size    Winsize
	in      input
	signals []uint32 // to send once mu is released
	pending []byte   // echo, and the newline of a split "\r\n", that the console had no room for
	full    bool     // the console had no room for something
	gone    bool     // the other end is gone
	readers int      // who wants to know of input
	keys    bool     // input is taken even if there are no readers
	pumping [2]bool  // whether a goroutine waits for input, for room
}

// maxPending bounds the echo that is kept for a console that does not move.
const maxPending = 4096

// New returns a terminal. If the command line of the kernel says console=pipe, a program is at the other end: what it
// sends is neither echoed nor searched for signals, and nobody is told that this is a terminal. Lines and the ends of
// files (Ctrl-D) are the same, and so is Ctrl-V, by which the other end quotes bytes that mean something here.
func New() *TTY {
	t := &TTY{termios: sane, pipe: kernel.Option("console") == "pipe"}
	if t.pipe {
		t.termios.Lflag &^= lISIG | lECHO | lECHOE | lECHOK
	}
	return t
}

// Read returns input: in canonical mode a line or the rest of one, and 0 bytes for an end of file.
func (t *TTY) Read(p []byte) (int, calls.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	t.collect()
	t.mu.Lock()
	defer t.mu.Unlock()
	take := t.in.take
	if t.termios.Lflag&lICANON == 0 {
		take = t.in.takeAll
	}
	if n, ok := take(p); ok {
		if t.readers > 0 || t.keys {
			t.pump(forInput)
		}
		return n, 0
	}
	if t.gone || t.termios.Lflag&lICANON == 0 && t.termios.CC[vMIN] == 0 {
		return 0, 0
	}
	return 0, calls.EAGAIN
}

// collect takes what has arrived from the console.
func (t *TTY) collect() {
	var buf [256]byte
	for {
		t.mu.Lock()
		if t.in.size >= maxQueued {
			t.mu.Unlock()
			return // the rest stays where it is until somebody reads
		}
		n := kernel.ConsoleRead(buf[:])
		for _, c := range buf[:n] {
			t.typed(c)
		}
		if t.termios.Lflag&lICANON == 0 && len(t.in.line) > 0 {
			t.in.push()
		}
		t.flush()
		signals := t.signals
		t.signals = nil
		t.mu.Unlock()
		for _, sig := range signals {
			kernel.RaiseSignal(sig)
		}
		if n == 0 {
			return
		}
	}
}

// WriteLock keeps a line whole that is longer than the console has room for: programs write to it by two descriptors.
// Source: Linux 6.16 drivers/tty/tty_io.c, tty_write_lock.
func (t *TTY) WriteLock() *sync.Mutex { return &t.writing }

// Write writes as much of p as the console has room for.
func (t *TTY) Write(p []byte) (int, calls.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return 0, calls.EIO
	}
	if !t.flush() {
		return 0, calls.EAGAIN
	}
	n := t.output(p)
	if n == 0 && len(p) > 0 {
		return 0, calls.EAGAIN
	}
	return n, 0
}

// output writes p, newlines translated, and returns how many of its bytes are taken care of.
func (t *TTY) output(p []byte) int {
	if t.termios.Oflag&oPOST == 0 || t.termios.Oflag&oNLCR == 0 {
		return t.send(p)
	}
	for done := 0; ; {
		end := done
		for end < len(p) && p[end] != '\n' {
			end++
		}
		n := t.send(p[done:end])
		done += n
		if done < end || end == len(p) {
			return done
		}
		switch t.send([]byte("\r\n")) {
		case 0:
			return done
		case 1:
			t.pending = append(t.pending, '\n')
			t.pump(forRoom)
			return done + 1
		}
		done++
	}
}

// send gives the console what it has room for.
func (t *TTY) send(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	n := kernel.ConsoleWrite(p)
	t.full = n < len(p)
	return n
}

// put writes s as echo: what the console has no room for is kept, and lost if that is too much.
func (t *TTY) put(s string) {
	if !t.flush() {
		if len(t.pending)+2*len(s) <= maxPending {
			t.hold(s)
		}
		return
	}
	if n := t.output([]byte(s)); n < len(s) {
		t.hold(s[n:])
	}
}

// hold keeps s, newlines translated, until there is room for it.
func (t *TTY) hold(s string) {
	for _, c := range []byte(s) {
		if c == '\n' && t.termios.Oflag&(oPOST|oNLCR) == oPOST|oNLCR {
			t.pending = append(t.pending, '\r')
		}
		t.pending = append(t.pending, c)
	}
	t.pump(forRoom)
}

// flush writes what is pending and reports whether that was all.
func (t *TTY) flush() bool {
	if len(t.pending) > 0 {
		n := t.send(t.pending)
		t.pending = t.pending[n:]
	}
	return len(t.pending) == 0
}

// Readiness takes new input to see whether a line is complete.
func (t *TTY) Readiness() fdtable.Events {
	t.collect()
	t.mu.Lock()
	defer t.mu.Unlock()
	var ev fdtable.Events
	if len(t.in.lines) > 0 {
		ev |= fdtable.In
	}
	if t.full {
		t.pump(forRoom) // so that the answer is another one some time
	} else {
		ev |= fdtable.Out
	}
	if t.gone {
		ev |= fdtable.In | fdtable.Hup
	}
	return ev
}

// Release has nothing to do: the console stays.
func (t *TTY) Release() calls.Errno { return 0 }
