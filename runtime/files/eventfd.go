package files

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/memfs"
)

// anonDev is the device of files that are of no file system, and anonIno their next inode number; 1 is that of those that
// have none of their own.
var (
	anonDev  = memfs.NewDevice()
	lastAnon atomic.Uint64
)

func anonIno() uint64 { return lastAnon.Add(1) + 1 }

// efdSemaphore makes reads take 1. Source: Linux 6.16 include/uapi/linux/eventfd.h.
const efdSemaphore = 1

// An event is the description of an eventfd(2): a counter.
type event struct {
	fdtable.Notifier
	mu        sync.Mutex
	count     uint64
	semaphore bool
}

// maxEvent is the largest value of the counter.
const maxEvent = ^uint64(0) - 1

func eventfd(initial uintptr, flags uint32) (uintptr, calls.Errno) {
	if flags&^(efdSemaphore|fdtable.O_CLOEXEC|fdtable.O_NONBLOCK) != 0 {
		return 0, calls.EINVAL
	}
	e := &event{count: uint64(uint32(initial)), semaphore: flags&efdSemaphore != 0}
	return install(e, fdtable.O_RDWR|flags&^efdSemaphore)
}

func (e *event) Read(p []byte) (int, calls.Errno) {
	if len(p) < 8 {
		return 0, calls.EINVAL
	}
	e.mu.Lock()
	v := e.count
	if v == 0 {
		e.mu.Unlock()
		return 0, calls.EAGAIN
	}
	if e.semaphore {
		v = 1
	}
	e.count -= v
	e.mu.Unlock()
	copy(p, calls.AsBytes(&v))
	e.Signal(fdtable.Out)
	return 8, 0
}

// Write takes 8 bytes and, as Linux does of late, no more.
func (e *event) Write(p []byte) (int, calls.Errno) {
	if len(p) != 8 {
		return 0, calls.EINVAL
	}
	var v uint64
	copy(calls.AsBytes(&v), p)
	if v > maxEvent {
		return 0, calls.EINVAL
	}
	e.mu.Lock()
	if v > maxEvent-e.count {
		e.mu.Unlock()
		return 0, calls.EAGAIN
	}
	e.count += v
	e.mu.Unlock()
	e.Signal(fdtable.In)
	return 8, 0
}

func (e *event) Readiness() fdtable.Events {
	e.mu.Lock()
	defer e.mu.Unlock()
	var ev fdtable.Events
	if e.count > 0 {
		ev |= fdtable.In
	}
	if e.count < maxEvent {
		ev |= fdtable.Out
	}
	return ev
}

func (e *event) Release() calls.Errno { return 0 }
func (e *event) Name() string         { return "anon_inode:[eventfd]" }

func (e *event) Stat(st *fdtable.Stat) calls.Errno {
	anonStat(st)
	return 0
}

// anonStat is the status of descriptions that are of no file system and have none of their own.
func anonStat(st *fdtable.Stat) {
	*st = fdtable.Stat{Dev: anonDev, Ino: 1, Nlink: 1, Mode: 0o600, Blksize: 4096}
}
