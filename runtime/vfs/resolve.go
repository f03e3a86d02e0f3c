package vfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// Resolve says what a path may lead through, as the field resolve of struct open_how. Source: Linux 6.16
// include/uapi/linux/openat2.h, openat2(2).
type Resolve uint64

const (
	ResolveNoXDev       Resolve = 1 << iota // EXDEV if another file system is reached
	ResolveNoMagicLinks                     // ELOOP at links that lead to a file without a path (Follower)
	ResolveNoSymlinks                       // ELOOP at symbolic links
	ResolveBeneath                          // EXDEV if the path leaves the directory that it begins in
	ResolveInRoot                           // that directory is the root
	ResolveCached                           // EAGAIN if the answer is not in memory

	resolveAll = ResolveCached<<1 - 1
)

// Valid reports whether openat2 has these rules, and they agree.
func (r Resolve) Valid() bool {
	return r&^resolveAll == 0 && r&(ResolveBeneath|ResolveInRoot) != ResolveBeneath|ResolveInRoot
}

// ExactFlags is Flags for openat2, which knows all its flags, and a mode only where a file may be made.
func ExactFlags(flags, mode uint64) (uint32, calls.Errno) {
	const known = fdtable.O_ACCMODE | fdtable.O_CREAT | fdtable.O_EXCL | fdtable.O_NOCTTY | fdtable.O_TRUNC | fdtable.O_APPEND | fdtable.O_NONBLOCK |
		fdtable.O_SYNC | fdtable.O_ASYNC | fdtable.O_DIRECT | fdtable.O_LARGEFILE | fdtable.O_DIRECTORY | fdtable.O_NOFOLLOW |
		fdtable.O_NOATIME | fdtable.O_CLOEXEC | fdtable.O_PATH | fdtable.O_TMPFILE
	makes := flags&fdtable.O_CREAT != 0 || flags&tmpfileBit != 0
	switch {
	case flags&^known != 0, mode&^PermMask != 0, mode != 0 && !makes:
		return 0, calls.EINVAL
	case flags&fdtable.O_PATH != 0 && flags&^pathFlags != 0:
		return 0, calls.EINVAL
	}
	return Flags(uint32(flags))
}

// OpenWithin is Open, but the path keeps to resolve. The location of nothing is said to be in memory.
func OpenWithin(at Directory, path string, flags, mode uint32, resolve Resolve) (fdtable.Description, calls.Errno) {
	if resolve&ResolveCached != 0 {
		return nil, calls.EAGAIN
	}
	return open(at, path, flags, mode, resolve)
}

// mayUp says what ".." does where the way is to keep to the directory that it began in: nothing in that itself.
func (w *walker) mayUp() (stay bool, err calls.Errno) {
	if w.resolve&(ResolveBeneath|ResolveInRoot) == 0 {
		return false, 0
	}
	if w.dir == w.start {
		if w.resolve&ResolveBeneath != 0 {
			return false, calls.EXDEV
		}
		return true, 0
	}
	// Somebody may have moved the directory elsewhere since it was reached.
	for dir := w.dir; dir != w.start; {
		up, _ := parent(dir)
		if up == nil || up == dir {
			return false, calls.EAGAIN
		}
		dir = over(up)
	}
	return false, 0
}

// foreign reports whether dir is in another file system, where the way is to keep to one.
func (w *walker) foreign(dir Directory) bool {
	return w.resolve&ResolveNoXDev != 0 && dir.FS() != w.start.FS()
}

// mayJump says whether links may be followed that have no path.
func (w *walker) mayJump() calls.Errno {
	switch {
	case w.resolve&ResolveNoMagicLinks != 0:
		return calls.ELOOP
	case w.resolve&(ResolveBeneath|ResolveInRoot|ResolveNoXDev) != 0:
		return calls.EXDEV // they lead out of /proc
	}
	return 0
}
