package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

var timeCalls = []call{
	{calls.SYS_CLOCK_GETTIME, clockGettime},
	{calls.SYS_CLOCK_GETRES, clockGetres},
	{calls.SYS_GETTIMEOFDAY, gettimeofday},
	{calls.SYS_TIME, timeOfDay},
	{calls.SYS_TIMES, times},
	{calls.SYS_NANOSLEEP, func(a calls.Args) (uintptr, calls.Errno) { return sleep(a.A1) }},
	{calls.SYS_CLOCK_NANOSLEEP, clockNanosleep},
	{calls.SYS_TIMERFD_CREATE, timerfdCreate},
	{calls.SYS_TIMERFD_SETTIME, timerfdSettime},
	{calls.SYS_TIMERFD_GETTIME, timerfdGettime},
	{calls.SYS_UTIMENSAT, utimensat},
	{calls.SYS_FUTIMESAT, func(a calls.Args) (uintptr, calls.Errno) { return utimes(a.A1, a.A2, a.A3) }},
	{calls.SYS_UTIMES, func(a calls.Args) (uintptr, calls.Errno) { return utimes(cwdFD, a.A1, a.A2) }},
	{calls.SYS_UTIME, utime},
}

// Clocks. Source: Linux 6.16 include/uapi/linux/time.h.
const (
	clockRealtime        = 0
	clockMonotonic       = 1
	clockProcessCPU      = 2
	clockThreadCPU       = 3
	clockMonotonicRaw    = 4
	clockRealtimeCoarse  = 5
	clockMonotonicCoarse = 6
	clockBoottime        = 7
	clockTAI             = 11
)

// clock returns the time of a clock in nanoseconds. EINVAL for those there are not.
func clock(id uintptr) (int64, calls.Errno) {
	switch id {
	case clockRealtime, clockRealtimeCoarse, clockTAI:
		return kernel.Walltime(), 0
	case clockMonotonic, clockMonotonicRaw, clockMonotonicCoarse, clockBoottime:
		return kernel.Nanotime(), 0
	case clockProcessCPU, clockThreadCPU:
		return kernel.CPUTime(), 0
	}
	return 0, calls.EINVAL
}

func timespec(ns int64) fdtable.Timespec {
	return fdtable.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
}

// nanoseconds turns a duration into nanoseconds, as many as an int64 can hold. EINVAL for invalid ones.
func nanoseconds(t fdtable.Timespec) (int64, calls.Errno) {
	if t.Sec < 0 || t.Nsec < 0 || t.Nsec >= 1e9 {
		return 0, calls.EINVAL
	}
	if t.Sec >= fdtable.Never/1e9 {
		return fdtable.Never, 0
	}
	return t.Sec*1e9 + t.Nsec, 0
}

func clockGettime(a calls.Args) (uintptr, calls.Errno) {
	ns, err := clock(a.A1)
	if err != 0 {
		return 0, err
	}
	t, err := calls.Pointer[fdtable.Timespec](a.A2)
	if err != 0 {
		return 0, err
	}
	*t = timespec(ns)
	return 0, 0
}

func clockGetres(a calls.Args) (uintptr, calls.Errno) {
	if _, err := clock(a.A1); err != 0 {
		return 0, err
	}
	t, err := calls.Optional[fdtable.Timespec](a.A2)
	if err == 0 && t != nil {
		*t = fdtable.Timespec{Nsec: 1}
	}
	return 0, err
}

func gettimeofday(a calls.Args) (uintptr, calls.Errno) {
	t, err := calls.Optional[timeval](a.A1)
	if err != 0 {
		return 0, err
	}
	if t != nil {
		ns := kernel.Walltime()
		*t = timeval{ns / 1e9, ns % 1e9 / 1e3}
	}
	zone, err := calls.Optional[[2]int32](a.A2)
	if err == 0 && zone != nil {
		*zone = [2]int32{}
	}
	return 0, err
}

func timeOfDay(a calls.Args) (uintptr, calls.Errno) {
	sec := kernel.Walltime() / 1e9
	t, err := calls.Optional[int64](a.A1)
	if err == 0 && t != nil {
		*t = sec
	}
	return uintptr(sec), err
}

// ticksPerSecond is USER_HZ, the unit of times(2).
const ticksPerSecond = 100

func times(a calls.Args) (uintptr, calls.Errno) {
	t, err := calls.Optional[[4]int64](a.A1)
	if err != 0 {
		return 0, err
	}
	if t != nil {
		*t = [4]int64{kernel.CPUTime() / (1e9 / ticksPerSecond)}
	}
	return uintptr(kernel.Nanotime() / (1e9 / ticksPerSecond)), 0
}

// timerAbstime makes clock_nanosleep sleep until, and not for, a time.
const timerAbstime = 1

func clockNanosleep(a calls.Args) (uintptr, calls.Errno) {
	now, err := clock(a.A1)
	switch {
	case err != 0:
		return 0, err
	case a.A1 == clockThreadCPU:
		return 0, calls.EINVAL
	case a.A2&timerAbstime == 0:
		return sleep(a.A3)
	}
	t, err := calls.Pointer[fdtable.Timespec](a.A3)
	if err != 0 {
		return 0, err
	}
	ns, err := nanoseconds(*t)
	if err == 0 && ns > now {
		fdtable.Poll(nil, fdtable.Deadline(ns-now))
	}
	return 0, err
}

// sleep waits for the duration at p. Nothing interrupts it, so nothing is ever left of it.
func sleep(p uintptr) (uintptr, calls.Errno) {
	t, err := calls.Pointer[fdtable.Timespec](p)
	if err != 0 {
		return 0, err
	}
	ns, err := nanoseconds(*t)
	if err == 0 && ns > 0 {
		fdtable.Poll(nil, fdtable.Deadline(ns))
	}
	return 0, err
}

// Special values of Timespec.Nsec for utimensat. Source: Linux 6.16 include/linux/stat.h.
const (
	utimeNow  = 1<<30 - 1
	utimeOmit = 1<<30 - 2
)

func utimensat(a calls.Args) (uintptr, calls.Errno) {
	flags := uint32(a.A4)
	if flags&^(atSymlinkNoFollow|atEmptyPath) != 0 {
		return 0, calls.EINVAL
	}
	t, err := calls.Optional[[2]fdtable.Timespec](a.A3)
	if err != 0 {
		return 0, err
	}
	if t == nil {
		t = &[2]fdtable.Timespec{{Nsec: utimeNow}, {Nsec: utimeNow}}
	}
	if t[0].Nsec == utimeOmit && t[1].Nsec == utimeOmit {
		return 0, 0
	}
	if a.A2 == 0 { // futimens
		if flags != 0 {
			return 0, calls.EINVAL
		}
		if int32(a.A1) == atFDCWD {
			return 0, calls.EFAULT
		}
		return withLocation(a.A1, func(loc vfs.Location) calls.Errno { return setTimes(loc, t) })
	}
	loc, err := find(a.A1, a.A2, flags)
	if err != 0 {
		return 0, err
	}
	return status(setTimes(loc, t))
}

func setTimes(loc vfs.Location, t *[2]fdtable.Timespec) calls.Errno {
	attr := vfs.SetAttr{Atime: t[0], Mtime: t[1]}
	allNow := true
	for _, f := range []struct {
		time *fdtable.Timespec
		mask vfs.AttrMask
	}{{&attr.Atime, vfs.AttrAtime}, {&attr.Mtime, vfs.AttrMtime}} {
		switch ns := f.time.Nsec; {
		case ns == utimeOmit:
			allNow = false
			continue
		case ns == utimeNow:
			*f.time = timespec(kernel.Walltime())
		case ns < 0 || ns >= 1e9:
			return calls.EINVAL
		default:
			allNow = false
		}
		attr.Set |= f.mask
	}
	return vfs.SetTimes(loc, &attr, allNow)
}

func utimes(dirfd, p, tp uintptr) (uintptr, calls.Errno) {
	tv, err := calls.Optional[[2]timeval](tp)
	if err != 0 {
		return 0, err
	}
	t := [2]fdtable.Timespec{{Nsec: utimeNow}, {Nsec: utimeNow}}
	if tv != nil {
		for i, v := range tv {
			if v.Usec < 0 || v.Usec >= 1e6 {
				return 0, calls.EINVAL
			}
			t[i] = fdtable.Timespec{Sec: v.Sec, Nsec: v.Usec * 1e3}
		}
	}
	loc, err := find(dirfd, p, 0)
	if err != 0 {
		return 0, err
	}
	return status(setTimes(loc, &t))
}

func utime(a calls.Args) (uintptr, calls.Errno) {
	sec, err := calls.Optional[[2]int64](a.A2)
	if err != 0 {
		return 0, err
	}
	t := [2]fdtable.Timespec{{Nsec: utimeNow}, {Nsec: utimeNow}}
	if sec != nil {
		t = [2]fdtable.Timespec{{Sec: sec[0]}, {Sec: sec[1]}}
	}
	loc, err := find(cwdFD, a.A1, 0)
	if err != 0 {
		return 0, err
	}
	return status(setTimes(loc, &t))
}
