package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
)

// Flags of timerfd_settime(2). Source: Linux 6.16 include/uapi/linux/timerfd.h.
const (
	tfdAbstime     = 1
	tfdCancelOnSet = 2
)

// A timer is the description of a timerfd(2). Times are those of kernel.Nanotime: nobody sets the clock.
type timer struct {
	fdtable.Notifier
	clock uintptr

	mu       sync.Mutex
	next     int64 // when it expires next, or did first since it was read; 0 if it is not armed
	interval int64 // 0 if it expires once
	stop     func() bool
}

// itimerspec is struct itimerspec.
type itimerspec struct{ interval, value fdtable.Timespec }

func timerfdCreate(a calls.Args) (uintptr, calls.Errno) {
	flags := uint32(a.A2)
	if flags&^(fdtable.O_CLOEXEC|fdtable.O_NONBLOCK) != 0 {
		return 0, calls.EINVAL
	}
	switch a.A1 {
	case clockRealtime, clockMonotonic, clockBoottime:
		return install(&timer{clock: a.A1}, fdtable.O_RDWR|flags)
	}
	return 0, calls.EINVAL
}

// withTimer calls f with the timer of a descriptor.
func withTimer(fd uintptr, f func(t *timer) calls.Errno) (uintptr, calls.Errno) {
	return withFile(fd, func(file *fdFile) (uintptr, calls.Errno) {
		t, ok := file.Desc.(*timer)
		if !ok {
			return 0, calls.EINVAL
		}
		return status(f(t))
	})
}

func timerfdSettime(a calls.Args) (uintptr, calls.Errno) {
	if a.A2&^(tfdAbstime|tfdCancelOnSet) != 0 {
		return 0, calls.EINVAL
	}
	spec, err := calls.Pointer[itimerspec](a.A3)
	if err != 0 {
		return 0, err
	}
	interval, err := nanoseconds(spec.interval)
	if err != 0 {
		return 0, err
	}
	value, err := nanoseconds(spec.value)
	if err != 0 {
		return 0, err
	}
	old, err := calls.Optional[itimerspec](a.A4)
	if err != 0 {
		return 0, err
	}
	return withTimer(a.A1, func(t *timer) calls.Errno {
		now, err := clock(t.clock)
		if err != 0 {
			return err
		}
		was := t.set(value, interval, a.A2&tfdAbstime != 0, now)
		if old != nil {
			*old = was
		}
		return 0
	})
}

func timerfdGettime(a calls.Args) (uintptr, calls.Errno) {
	out, err := calls.Pointer[itimerspec](a.A2)
	if err != 0 {
		return 0, err
	}
	return withTimer(a.A1, func(t *timer) calls.Errno {
		t.mu.Lock()
		defer t.mu.Unlock()
		*out = t.left()
		return 0
	})
}

// set arms the timer, or disarms it with value 0, and returns what was left of the time before. now is its clock's.
func (t *timer) set(value, interval int64, absolute bool, now int64) itimerspec {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.left()
	t.interval = interval
	switch {
	case value == 0:
		t.next = 0
	case absolute:
		t.next = fdtable.Deadline(max(0, value-now))
	default:
		t.next = fdtable.Deadline(value)
	}
	t.arm()
	return was
}

// arm has those who wait hear of the next expiration. t.mu is held.
func (t *timer) arm() {
	if t.stop != nil {
		t.stop()
		t.stop = nil
	}
	if t.next != 0 {
		t.stop = kernel.After(max(0, t.next-kernel.Nanotime()), func() { t.Signal(fdtable.In) })
	}
}

// expired returns how often the timer has expired since it was read. t.mu is held.
func (t *timer) expired() int64 {
	late := kernel.Nanotime() - t.next
	switch {
	case t.next == 0 || late < 0:
		return 0
	case t.interval == 0:
		return 1
	}
	return 1 + late/t.interval
}

// left returns the time until the next expiration. t.mu is held.
func (t *timer) left() (s itimerspec) {
	s.interval = timespec(t.interval)
	n := t.expired()
	if t.next != 0 && (n == 0 || t.interval != 0) {
		s.value = timespec(max(1, t.next+n*t.interval-kernel.Nanotime()))
	}
	return s
}

func (t *timer) Read(p []byte) (int, calls.Errno) {
	if len(p) < 8 {
		return 0, calls.EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.expired()
	if n == 0 {
		return 0, calls.EAGAIN
	}
	if t.interval == 0 {
		t.next = 0
	} else {
		t.next += n * t.interval
	}
	t.arm()
	copy(p, calls.AsBytes(&n))
	return 8, 0
}

func (t *timer) Write([]byte) (int, calls.Errno) { return 0, calls.EINVAL }

func (t *timer) Readiness() fdtable.Events {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.expired() > 0 {
		return fdtable.In
	}
	return 0
}

func (t *timer) Release() calls.Errno {
	t.set(0, 0, false, 0)
	return 0
}

func (t *timer) Name() string { return "anon_inode:[timerfd]" }

func (t *timer) Stat(st *fdtable.Stat) calls.Errno {
	anonStat(st)
	return 0
}
