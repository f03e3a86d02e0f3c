package tty

import (
	"internal/xengo/runtime/calls"
)

// Requests of ioctl(2) on terminals. Source: Linux 6.16 include/uapi/asm-generic/ioctls.h.
const (
	tcgets     = 0x5401
	tcsets     = 0x5402
	tcsetsw    = 0x5403
	tcsetsf    = 0x5404
	tcflsh     = 0x540b
	tiocsctty  = 0x540e
	tiocgpgrp  = 0x540f
	tiocspgrp  = 0x5410
	tiocgwinsz = 0x5413
	tiocswinsz = 0x5414
	fionread   = 0x541b
	tiocnotty  = 0x5422
	tiocgsid   = 0x5429
)

// Ioctl implements the requests by which programs recognise a terminal, ask its size and switch its modes.
func (t *TTY) Ioctl(request, arg uintptr) (uintptr, calls.Errno) {
	if t.pipe && request != fionread {
		return 0, calls.ENOTTY
	}
	switch request {
	case tcgets:
		return get(arg, func(p *Termios) { *p = t.termios }, t)
	case tcsets, tcsetsw, tcsetsf:
		return t.setModes(arg, request == tcsetsf)
	case tiocgwinsz:
		return get(arg, func(p *Winsize) { *p = t.size }, t)
	case tiocswinsz:
		return get(arg, func(p *Winsize) { t.size = *p }, t)
	case tiocgpgrp, tiocgsid:
		return get(arg, func(p *int32) { *p = 1 }, t)
	case fionread:
		t.collect()
		return get(arg, func(p *int32) { *p = int32(t.in.size) }, t)
	case tiocspgrp, tiocsctty, tiocnotty:
		return 0, 0 // there is one process, and this is its terminal
	case tcflsh:
		return t.discard(arg)
	}
	return 0, calls.ENOTTY
}

// Queues of TCFLSH. Source: Linux 6.16 include/uapi/asm-generic/termbits-common.h.
const (
	tciFLUSH  = 0
	tcoFLUSH  = 1
	tcioFLUSH = 2
)

// discard forgets what was typed or, of what is to be shown, the echo that the console had no room for.
func (t *TTY) discard(queue uintptr) (uintptr, calls.Errno) {
	if queue > tcioFLUSH {
		return 0, calls.EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if queue != tcoFLUSH {
		t.in = input{}
	}
	if queue != tciFLUSH {
		t.pending = nil
	}
	return 0, 0
}

// get calls f with the structure at arg while t is locked.
func get[T any](arg uintptr, f func(*T), t *TTY) (uintptr, calls.Errno) {
	p, err := calls.Pointer[T](arg)
	if err != 0 {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f(p)
	return 0, 0
}

// setModes switches to the modes at arg. What was typed but not completed becomes readable in raw mode.
func (t *TTY) setModes(arg uintptr, discard bool) (uintptr, calls.Errno) {
	return get(arg, func(p *Termios) {
		t.termios = *p
		if discard {
			t.in = input{}
		}
		if t.termios.Lflag&lICANON == 0 && len(t.in.line) > 0 {
			t.in.push()
		}
	}, t)
}
