package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

// The program is process 1, the only one, without a parent and the leader of its session.
const pid = 1

var processCalls = []call{
	{calls.SYS_GETPID, constant(pid)},
	{calls.SYS_GETPPID, constant(0)},
	{calls.SYS_GETPGRP, constant(pid)},
	{calls.SYS_GETPGID, ofProcess(pid)},
	{calls.SYS_GETSID, ofProcess(pid)},
	{calls.SYS_SETSID, func(calls.Args) (uintptr, calls.Errno) { return 0, calls.EPERM }},
	{calls.SYS_SETPGID, ofProcess(0)},
	{calls.SYS_GETPRIORITY, ofProcess(20)}, // 20 minus the nice value
	{calls.SYS_SETPRIORITY, ofProcess(0)},
	{calls.SYS_GETTID, func(calls.Args) (uintptr, calls.Errno) { return uintptr(kernel.ThreadID()), 0 }},
	{calls.SYS_EXIT, exit},
	{calls.SYS_EXIT_GROUP, exit},
	{calls.SYS_WAIT4, func(calls.Args) (uintptr, calls.Errno) { return 0, calls.ECHILD }},
	{calls.SYS_WAITID, func(calls.Args) (uintptr, calls.Errno) { return 0, calls.ECHILD }},
	{calls.SYS_KILL, func(a calls.Args) (uintptr, calls.Errno) { return kill(int(int32(a.A1)), int(int32(a.A2))) }},
	{calls.SYS_TGKILL, tgkill},
	{calls.SYS_TKILL, func(a calls.Args) (uintptr, calls.Errno) { return tkill(int32(a.A1), int(int32(a.A2))) }},
	{calls.SYS_GETUID, func(calls.Args) (uintptr, calls.Errno) { return uintptr(vfs.CurrentCred().UID), 0 }},
	{calls.SYS_GETEUID, func(calls.Args) (uintptr, calls.Errno) { return uintptr(vfs.CurrentCred().EUID), 0 }},
	{calls.SYS_GETGID, func(calls.Args) (uintptr, calls.Errno) { return uintptr(vfs.CurrentCred().GID), 0 }},
	{calls.SYS_GETEGID, func(calls.Args) (uintptr, calls.Errno) { return uintptr(vfs.CurrentCred().EGID), 0 }},
	{calls.SYS_GETGROUPS, getgroups},
	{calls.SYS_GETRESUID, func(a calls.Args) (uintptr, calls.Errno) {
		c := vfs.CurrentCred()
		return getres(a, c.UID, c.EUID, c.SUID)
	}},
	{calls.SYS_GETRESGID, func(a calls.Args) (uintptr, calls.Errno) {
		c := vfs.CurrentCred()
		return getres(a, c.GID, c.EGID, c.SGID)
	}},
	{calls.SYS_SETUID, func(a calls.Args) (uintptr, calls.Errno) { return setres(uids, a.A1, a.A1, a.A1) }},
	{calls.SYS_SETGID, func(a calls.Args) (uintptr, calls.Errno) { return setres(gids, a.A1, a.A1, a.A1) }},
	{calls.SYS_SETREUID, func(a calls.Args) (uintptr, calls.Errno) { return setres(uids, a.A1, a.A2, a.A2) }},
	{calls.SYS_SETREGID, func(a calls.Args) (uintptr, calls.Errno) { return setres(gids, a.A1, a.A2, a.A2) }},
	{calls.SYS_SETRESUID, func(a calls.Args) (uintptr, calls.Errno) { return setres(uids, a.A1, a.A2, a.A3) }},
	{calls.SYS_SETRESGID, func(a calls.Args) (uintptr, calls.Errno) { return setres(gids, a.A1, a.A2, a.A3) }},
	{calls.SYS_SETGROUPS, setgroups},
	{calls.SYS_GETRLIMIT, func(a calls.Args) (uintptr, calls.Errno) { return prlimit(a.A1, 0, a.A2) }},
	{calls.SYS_SETRLIMIT, func(a calls.Args) (uintptr, calls.Errno) { return prlimit(a.A1, a.A2, 0) }},
	{calls.SYS_PRLIMIT64, func(a calls.Args) (uintptr, calls.Errno) {
		if a.A1 != 0 && a.A1 != pid {
			return 0, calls.ESRCH
		}
		return prlimit(a.A2, a.A3, a.A4)
	}},
	{calls.SYS_GETRUSAGE, getrusage},
	{calls.SYS_SYSINFO, sysinfo},
	{calls.SYS_UNAME, uname},
	{calls.SYS_SETHOSTNAME, setHostname},
	{calls.SYS_SCHED_YIELD, func(calls.Args) (uintptr, calls.Errno) { kernel.Yield(); return 0, 0 }},
	{calls.SYS_SCHED_GETAFFINITY, schedGetaffinity},
	{calls.SYS_SCHED_SETAFFINITY, schedSetaffinity},
	{calls.SYS_GETCPU, getcpu},
	{calls.SYS_GETRANDOM, getrandom},
	{calls.SYS_PRCTL, prctl},
	{calls.SYS_CAPGET, capget},
}

// constant is the handler of a call that always has the same result.
//
//go:noinline
func constant(r uintptr) calls.Handler {
	return func(calls.Args) (uintptr, calls.Errno) { return r, 0 }
}

// ofProcess is constant for calls whose first or, with PRIO_PROCESS = 0 before it, second argument names the process.
//
//go:noinline
func ofProcess(r uintptr) calls.Handler {
	return func(a calls.Args) (uintptr, calls.Errno) {
		if int32(a.A1) > pid {
			return 0, calls.ESRCH
		}
		return r, 0
	}
}

func exit(a calls.Args) (uintptr, calls.Errno) {
	kernel.Exit(int32(a.A1) & 0xff)
	return 0, 0
}

// lastSignal is the highest signal's number.
const lastSignal = 64

// kill sends a signal to the program, under whatever name that may have.
func kill(to, sig int) (uintptr, calls.Errno) {
	if sig < 0 || sig > lastSignal {
		return 0, calls.EINVAL
	}
	if to != pid && to != 0 {
		return 0, calls.ESRCH // -1 is everybody but oneself and process 1, hence nobody
	}
	if sig != 0 {
		kernel.RaiseSignal(uint32(sig))
	}
	return 0, 0
}

func tgkill(a calls.Args) (uintptr, calls.Errno) {
	if int32(a.A1) <= 0 || int32(a.A2) <= 0 {
		return 0, calls.EINVAL
	}
	if int32(a.A1) != pid {
		return 0, calls.ESRCH
	}
	return tkill(int32(a.A2), int(int32(a.A3)))
}

// tkill sends a signal to a thread.
func tkill(tid int32, sig int) (uintptr, calls.Errno) {
	if sig < 0 || sig > lastSignal {
		return 0, calls.EINVAL
	}
	if !kernel.RaiseThread(tid, uint32(sig)) {
		return 0, calls.ESRCH
	}
	return 0, 0
}

func getgroups(a calls.Args) (uintptr, calls.Errno) {
	groups := vfs.CurrentCred().Groups
	n := int32(a.A1)
	if n == 0 {
		return uintptr(len(groups)), 0
	}
	if n < int32(len(groups)) {
		return 0, calls.EINVAL
	}
	out, err := calls.Slice[uint32](a.A2, uintptr(len(groups)))
	if err != 0 {
		return 0, err
	}
	return uintptr(copy(out, groups)), 0
}

func setgroups(a calls.Args) (uintptr, calls.Errno) {
	const maxGroups = 65536 // NGROUPS_MAX
	if a.A1 > maxGroups {
		return 0, calls.EINVAL
	}
	list, err := calls.Slice[uint32](a.A2, a.A1)
	if err != 0 {
		return 0, err
	}
	c := *vfs.CurrentCred()
	if c.EUID != 0 {
		return 0, calls.EPERM
	}
	c.Groups = append([]uint32(nil), list...)
	vfs.SetCred(&c)
	return 0, 0
}

func getres(a calls.Args, ids ...uint32) (uintptr, calls.Errno) {
	for i, p := range []uintptr{a.A1, a.A2, a.A3} {
		out, err := calls.Pointer[uint32](p)
		if err != 0 {
			return 0, err
		}
		*out = ids[i]
	}
	return 0, 0
}

// uids and gids are the real, effective and saved numbers in c.
func uids(c *vfs.Cred) [3]*uint32 { return [3]*uint32{&c.UID, &c.EUID, &c.SUID} }
func gids(c *vfs.Cred) [3]*uint32 { return [3]*uint32{&c.GID, &c.EGID, &c.SGID} }

// setres sets the numbers that which selects; -1 leaves one as it is. Others than root may only choose among those they have.
func setres(which func(*vfs.Cred) [3]*uint32, ids ...uintptr) (uintptr, calls.Errno) {
	old := *vfs.CurrentCred()
	c := old
	have := which(&old)
	for i, field := range which(&c) {
		id := uint32(ids[i])
		if id == vfs.NoID {
			continue
		}
		if old.EUID != 0 && id != *have[0] && id != *have[1] && id != *have[2] {
			return 0, calls.EPERM
		}
		*field = id
	}
	vfs.SetCred(&c)
	return 0, 0
}
