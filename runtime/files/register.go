// Package files registers the system calls on files and on the program itself, and furnishes the tree: a root in
// memory, /etc, /dev, /proc, and the console as standard input and output.
//
// Package os imports it for that effect.
package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// A call is a line of a table of handlers.
type call struct {
	nr      uintptr
	handler calls.Handler
}

func init() {
	for _, table := range [][]call{pathCalls, ioCalls, syncCalls, fdCalls, statCalls, pollCalls, processCalls, timeCalls, memoryCalls} {
		for _, c := range table {
			calls.Register(c.nr, c.handler)
		}
	}
	registerXattr()
	for _, nr := range absent {
		calls.RegisterAbsent(nr)
	}
	furnish()
	furnishRamdisk()
}

// absent are calls that std and well-known modules try and do without.
var absent = []uintptr{
	calls.SYS_PIDFD_OPEN, // package os goes by process numbers then
	calls.SYS_PIDFD_SEND_SIGNAL,
	calls.SYS_CLONE, calls.SYS_CLONE3, calls.SYS_FORK, calls.SYS_VFORK, calls.SYS_EXECVE, calls.SYS_EXECVEAT,
	calls.SYS_IO_URING_SETUP,
	calls.SYS_RSEQ, calls.SYS_MEMBARRIER,
	calls.SYS_UNSHARE, calls.SYS_SETNS,
	calls.SYS_BPF, calls.SYS_PERF_EVENT_OPEN,
	calls.SYS_LANDLOCK_CREATE_RULESET, calls.SYS_SECCOMP,
	calls.SYS_NAME_TO_HANDLE_AT, calls.SYS_OPEN_BY_HANDLE_AT,
	calls.SYS_FANOTIFY_INIT,
	calls.SYS_ADJTIMEX, calls.SYS_CLOCK_ADJTIME, // Xen's clock is the host's to adjust
}

// withFile calls f with the file of a descriptor. For most calls one opened with O_PATH is none.
func withFile(fd uintptr, f func(*fdFile) (uintptr, calls.Errno)) (uintptr, calls.Errno) {
	return withAnyFile(fd, func(file *fdFile) (uintptr, calls.Errno) {
		if file.Flags()&fdtable.O_PATH != 0 {
			return 0, calls.EBADF
		}
		return f(file)
	})
}

// withAnyFile is withFile for calls that have a use for O_PATH.
func withAnyFile(fd uintptr, f func(*fdFile) (uintptr, calls.Errno)) (uintptr, calls.Errno) {
	file, err := getFile(fd)
	if err != 0 {
		return 0, err
	}
	defer file.Put()
	return f(file)
}

// status turns the result of a call that returns nothing but an error into that of a handler.
func status(err calls.Errno) (uintptr, calls.Errno) { return 0, err }
