package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

var pollCalls = []call{
	{calls.SYS_EPOLL_CREATE, func(a calls.Args) (uintptr, calls.Errno) {
		if int32(a.A1) <= 0 {
			return 0, calls.EINVAL
		}
		return epollCreate(0)
	}},
	{calls.SYS_EPOLL_CREATE1, func(a calls.Args) (uintptr, calls.Errno) { return epollCreate(uint32(a.A1)) }},
	{calls.SYS_EPOLL_CTL, epollCtl},
	{calls.SYS_EPOLL_WAIT, epollWait},
	{calls.SYS_EPOLL_PWAIT, epollWait},
	{calls.SYS_EPOLL_PWAIT2, epollPwait2},
	{calls.SYS_POLL, func(a calls.Args) (uintptr, calls.Errno) { return poll(a.A1, a.A2, milliseconds(a.A3)) }},
	{calls.SYS_PPOLL, ppoll},
	{calls.SYS_SELECT, selectTimeval},
	{calls.SYS_PSELECT6, selectTimespec},
}

// milliseconds turns the timeout of poll into a deadline; negative ones never come.
func milliseconds(a uintptr) int64 {
	if ms := int64(int32(a)); ms != 0 {
		return fdtable.Deadline(ms * 1e6)
	}
	return 0
}

// timeout turns the struct timespec at p into a deadline; nil never comes.
func timeout(p uintptr) (int64, calls.Errno) {
	t, err := calls.Optional[fdtable.Timespec](p)
	if err != 0 || t == nil {
		return fdtable.Never, err
	}
	ns, err := nanoseconds(*t)
	if err != 0 || ns == 0 {
		return 0, err
	}
	return fdtable.Deadline(ns), 0
}

func epollCreate(flags uint32) (uintptr, calls.Errno) {
	if flags&^fdtable.O_CLOEXEC != 0 {
		return 0, calls.EINVAL
	}
	return install(fdtable.NewEpoll(), fdtable.O_RDWR|flags)
}

// epollOf returns the epoll instance behind a file.
func epollOf(f *fdFile) (*fdtable.Epoll, calls.Errno) {
	if e, ok := f.Desc.(*fdtable.Epoll); ok {
		return e, 0
	}
	return nil, calls.EINVAL
}

func epollCtl(a calls.Args) (uintptr, calls.Errno) {
	const del = 2
	var ev fdtable.EpollEvent
	if a.A2 != del {
		p, err := calls.Pointer[fdtable.EpollEvent](a.A4)
		if err != 0 {
			return 0, err
		}
		ev = *p
	}
	return withFile(a.A1, func(ef *fdFile) (uintptr, calls.Errno) {
		return withFile(a.A3, func(f *fdFile) (uintptr, calls.Errno) {
			if !f.Pollable() {
				return 0, calls.EPERM
			}
			if f.Desc == ef.Desc {
				return 0, calls.EINVAL
			}
			e, err := epollOf(ef)
			if err != 0 {
				return 0, err
			}
			return status(e.Control(int(int32(a.A2)), int(int32(a.A3)), f, &ev))
		})
	})
}

func epollWait(a calls.Args) (uintptr, calls.Errno) {
	return epollUntil(a, milliseconds(a.A4))
}

func epollPwait2(a calls.Args) (uintptr, calls.Errno) {
	deadline, err := timeout(a.A4)
	if err != 0 {
		return 0, err
	}
	return epollUntil(a, deadline)
}

func epollUntil(a calls.Args, deadline int64) (uintptr, calls.Errno) {
	if int32(a.A3) <= 0 {
		return 0, calls.EINVAL
	}
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		out, err := calls.Slice[fdtable.EpollEvent](a.A2, a.A3)
		if err != 0 {
			return 0, err
		}
		e, err := epollOf(f)
		if err != 0 {
			return 0, err
		}
		return uintptr(e.Wait(out, deadline)), 0
	})
}

// pollfd is struct pollfd of Linux.
type pollfd struct {
	FD      int32
	Events  int16
	Revents int16
}

func ppoll(a calls.Args) (uintptr, calls.Errno) {
	deadline, err := timeout(a.A3)
	if err != 0 {
		return 0, err
	}
	return poll(a.A1, a.A2, deadline)
}

func poll(p, n uintptr, deadline int64) (uintptr, calls.Errno) {
	if n > uintptr(fdtable.Limit()) {
		return 0, calls.EINVAL
	}
	list, err := calls.Slice[pollfd](p, n)
	if err != 0 {
		return 0, err
	}
	files := make([]fdtable.Polled, len(list))
	for i := range list {
		if list[i].FD < 0 {
			continue
		}
		files[i].Wanted = fdtable.Events(uint16(list[i].Events))
		f, err := fdtable.Get(int(list[i].FD))
		if err != 0 {
			files[i].Got = fdtable.NVal
			continue
		}
		defer f.Put()
		if f.Flags()&fdtable.O_PATH != 0 {
			files[i].Got = fdtable.NVal
			continue
		}
		files[i].File = f
	}
	ready := fdtable.Poll(files, deadline)
	for i := range list {
		list[i].Revents = int16(files[i].Got)
	}
	return uintptr(ready), 0
}
