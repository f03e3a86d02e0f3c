// Package fdtable holds the file descriptors of the program: numbers, what they point to, and everything that
// is the same for all kinds of files: blocking on top of non-blocking descriptions, poll, epoll and the
// runtime's network poller, dup, and the flags of fcntl.
//
// A service makes a Description (a socket, a pipe, an open file) and hands it to Install. Its own system
// calls find it again with Get. A description never blocks: whoever wants to wait parks on its Notify.
package fdtable

import (
	"sync"

	"internal/xengo/runtime/calls"
)

// Events are conditions of a description, with the values of poll(2) and epoll(7).
// Source: Linux 6.16 include/uapi/linux/eventpoll.h.
type Events uint32

const (
	In     Events = 0x0001 // there is something to read, or the end of the file
	Pri    Events = 0x0002 // urgent data
	Out    Events = 0x0004 // a write would not block
	Err    Events = 0x0008 // an error is pending; always reported
	Hup    Events = 0x0010 // the other side is gone in both directions; always reported
	NVal   Events = 0x0020 // not an open file (poll only)
	RdHup  Events = 0x2000 // the other side will not write again
	always        = Err | Hup
)

// A Description is what file descriptors point to; dup'ed descriptors share it. Its methods may be
// called from several goroutines at once.
type Description interface {
	// Read and Write never block: they return EAGAIN when they would. Read returns 0 at the end of the
	// file. Write may be short.
	Read(p []byte) (int, calls.Errno)
	Write(p []byte) (int, calls.Errno)

	// Readiness returns the current events.
	Readiness() Events

	// Notify makes fn be called on every edge, that is whenever an event may have begun to hold (or holds
	// anew: more data came), until cancel is called; a call that is under way then may still finish.
	// fn does not block and calls no method of the description, since it may be called with locks of the
	// description held; not with those that Notify and cancel take. A nil cancel says that the description is always
	// ready and never changes, as regular files are; it cannot be used with epoll.
	Notify(fn func(Events)) (cancel func())

	// Release is called once, when the last descriptor is closed and no call is in progress.
	Release() calls.Errno
}

// What descriptions may have beside the methods that all have. Those without one answer as Linux does
// for files that do not know the call, which is noted here.
type (
	// Seeker: lseek(2) (not named Seek, which vet reserves for io.Seeker), whence as there. Else ESPIPE.
	Seeker interface {
		Lseek(offset int64, whence int) (int64, calls.Errno)
	}
	// PReader and PWriter: pread(2), pwrite(2). Else ESPIPE.
	PReader interface {
		PRead(p []byte, offset int64) (int, calls.Errno)
	}
	PWriter interface {
		PWrite(p []byte, offset int64) (int, calls.Errno)
	}
	// Vectored: readv(2) and writev(2) in one step, for descriptions that keep message boundaries or
	// must not interleave. Else one Read or Write per buffer, until one is short.
	Vectored interface {
		ReadV(p [][]byte) (int, calls.Errno)
		WriteV(p [][]byte) (int, calls.Errno)
	}
	// Stater: fstat(2). Else a file of type 0 as an anonymous inode has it.
	Stater interface {
		Stat(st *Stat) calls.Errno
	}
	// Ioctler: ioctl(2), except for FIONBIO, FIOCLEX and FIONCLEX. ENOTTY for requests it does not know. Else ENOTTY.
	Ioctler interface {
		Ioctl(request, arg uintptr) (uintptr, calls.Errno)
	}
	// Truncater: ftruncate(2). Else EINVAL.
	Truncater interface {
		Truncate(size int64) calls.Errno
	}
	// Syncer: fsync(2) and fdatasync(2). Else EINVAL.
	Syncer interface {
		Sync() calls.Errno
	}
	// DataSyncer: fdatasync(2), if that is not the same.
	DataSyncer interface {
		DataSync() calls.Errno
	}
	// FlagSetter is told the file status flags (O_APPEND, O_NONBLOCK, access mode) when they are set.
	FlagSetter interface {
		SetFlags(flags uint32)
	}
	// Named: what /proc/self/fd shows ("socket:[12]"). Else "anon_inode:[unknown]".
	Named interface {
		Name() string
	}
	// WriteLocker: what one call of write(2) that waits has written is not mixed with what others write: it holds this
	// lock until it has written everything. Else it may be.
	WriteLocker interface {
		WriteLock() *sync.Mutex
	}
	// MaskNotifier: Notify for those who only care for the events of mask, where waiting for events that
	// nobody wants costs something. Else Notify.
	MaskNotifier interface {
		NotifyMask(mask Events, fn func(Events)) (cancel func())
	}
	// Timeouter: how long a read or write that may wait for events of mask does so, in nanoseconds, until it fails
	// with EAGAIN; negative for ever. Else for ever.
	Timeouter interface {
		Timeout(mask Events) int64
	}
	// Fcntler: commands of fcntl(2) that are not about descriptors (locks, pipe size). EINVAL for those it does not know. Else EINVAL.
	Fcntler interface {
		Fcntl(command int, arg uintptr) (uintptr, calls.Errno)
	}
)

// Stat is struct stat of Linux on amd64. Source: Linux 6.16 arch/x86/include/uapi/asm/stat.h.
type Stat struct {
	Dev     uint64
	Ino     uint64
	Nlink   uint64
	Mode    uint32
	UID     uint32
	GID     uint32
	_       uint32
	Rdev    uint64
	Size    int64
	Blksize int64
	Blocks  int64
	Atime   Timespec
	Mtime   Timespec
	Ctime   Timespec
	_       [3]int64
}

// A Timespec is struct timespec: a time or a duration in seconds and nanoseconds.
type Timespec struct {
	Sec, Nsec int64
}

// File status flags and open flags of Linux on amd64. Source: Linux 6.16 include/uapi/asm-generic/fcntl.h.
const (
	O_RDONLY    = 0x0
	O_WRONLY    = 0x1
	O_RDWR      = 0x2
	O_ACCMODE   = 0x3
	O_CREAT     = 0x40
	O_EXCL      = 0x80
	O_NOCTTY    = 0x100
	O_TRUNC     = 0x200
	O_APPEND    = 0x400
	O_NONBLOCK  = 0x800
	O_DSYNC     = 0x1000
	O_ASYNC     = 0x2000
	O_DIRECT    = 0x4000
	O_LARGEFILE = 0x8000
	O_DIRECTORY = 0x10000
	O_NOFOLLOW  = 0x20000
	O_NOATIME   = 0x40000
	O_CLOEXEC   = 0x80000
	O_SYNC      = 0x101000
	O_PATH      = 0x200000
	O_TMPFILE   = 0x410000
)
