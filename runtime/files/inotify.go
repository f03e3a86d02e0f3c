package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// Events and flags of inotify(7) that are not of package vfs. Source: Linux 6.16 include/uapi/linux/inotify.h.
const (
	inAllEvents  = 0xfff
	inUnmount    = 0x2000
	inOverflow   = 0x4000 // IN_Q_OVERFLOW
	inIgnored    = 0x8000
	inOnlyDir    = 0x01000000
	inDontFollow = 0x02000000
	inExclUnlink = 0x04000000
	inMaskCreate = 0x10000000
	inMaskAdd    = 0x20000000
	inOneShot    = 0x80000000

	inAllBits = inAllEvents | inUnmount | inOverflow | inIgnored | inOnlyDir | inDontFollow | inExclUnlink |
		inMaskCreate | inMaskAdd | vfs.InIsDir | inOneShot

	// inotifyHead is the size of struct inotify_event without its name.
	inotifyHead = 16
)

// maxInotifyEvents is how many events wait at most. Source: Linux 6.16 fs/notify/inotify/inotify_user.c
// (inotify_max_queued_events).
const maxInotifyEvents = 16384

// An inotify is the description of an inotify instance. Its lock is innermost but for the notifier's.
type inotify struct {
	fdtable.Notifier

	mu      sync.Mutex
	lastWD  int32
	watches map[int32]*inotifyWatch
	byFile  map[vfs.Inode]*inotifyWatch
	queue   []inotifyEvent
}

type inotifyWatch struct {
	wd   int32
	file vfs.Inode
	mask uint32
}

// inotifyEvent is struct inotify_event.
type inotifyEvent struct {
	wd     int32
	mask   uint32
	cookie uint32
	name   string
}

func inotifyInit(flags uint32) (uintptr, calls.Errno) {
	if flags&^(fdtable.O_CLOEXEC|fdtable.O_NONBLOCK) != 0 {
		return 0, calls.EINVAL
	}
	return install(&inotify{watches: map[int32]*inotifyWatch{}, byFile: map[vfs.Inode]*inotifyWatch{}}, fdtable.O_RDONLY|flags)
}

// withInotify calls f with the instance behind a descriptor.
func withInotify(fd uintptr, f func(*inotify) (uintptr, calls.Errno)) (uintptr, calls.Errno) {
	return withFile(fd, func(file *fdFile) (uintptr, calls.Errno) {
		i, ok := file.Desc.(*inotify)
		if !ok {
			return 0, calls.EINVAL
		}
		return f(i)
	})
}

func inotifyAdd(a calls.Args) (uintptr, calls.Errno) {
	mask := uint32(a.A3)
	if mask&inAllBits == 0 || mask&(inMaskAdd|inMaskCreate) == inMaskAdd|inMaskCreate {
		return 0, calls.EINVAL
	}
	return withInotify(a.A1, func(i *inotify) (uintptr, calls.Errno) {
		var flags uint32
		if mask&inDontFollow != 0 {
			flags = atSymlinkNoFollow
		}
		loc, err := find(cwdFD, a.A2, flags)
		if err != 0 {
			return 0, err
		}
		if _, ok := loc.Inode.(vfs.Directory); !ok && mask&inOnlyDir != 0 {
			return 0, calls.ENOTDIR
		}
		var st fdtable.Stat
		if err := loc.Inode.Stat(&st); err != 0 {
			return 0, err
		}
		if err := vfs.CurrentCred().Access(&st, vfs.MayRead); err != 0 {
			return 0, err
		}
		return i.add(loc.Inode, mask)
	})
}

// add adds a watch, or changes the one that n has.
func (i *inotify) add(n vfs.Inode, mask uint32) (uintptr, calls.Errno) {
	i.mu.Lock()
	defer i.mu.Unlock()
	events := mask & (inAllEvents | inOneShot | inExclUnlink)
	if w := i.byFile[n]; w != nil {
		switch {
		case mask&inMaskCreate != 0:
			return 0, calls.EEXIST
		case mask&inMaskAdd != 0:
			events |= w.mask
		}
		w.mask = events
		return uintptr(w.wd), 0
	}
	i.lastWD++
	w := &inotifyWatch{i.lastWD, n, events}
	i.watches[w.wd], i.byFile[n] = w, w
	vfs.Watch(n, i)
	return uintptr(w.wd), 0
}

func inotifyRemove(a calls.Args) (uintptr, calls.Errno) {
	return withInotify(a.A1, func(i *inotify) (uintptr, calls.Errno) {
		i.mu.Lock()
		w := i.watches[int32(a.A2)]
		if w == nil {
			i.mu.Unlock()
			return 0, calls.EINVAL
		}
		i.drop(w)
		i.mu.Unlock()
		i.Signal(fdtable.In)
		return 0, 0
	})
}

// drop ends a watch, which is the last event of it. The caller holds i.mu.
func (i *inotify) drop(w *inotifyWatch) {
	delete(i.watches, w.wd)
	delete(i.byFile, w.file)
	vfs.Unwatch(w.file, i)
	i.put(inotifyEvent{w.wd, inIgnored, 0, ""})
}

// Happened is the method of vfs.Watcher.
func (i *inotify) Happened(n vfs.Inode, event, cookie uint32, name string) {
	i.mu.Lock()
	w := i.byFile[n]
	if w == nil {
		i.mu.Unlock()
		return
	}
	gone := event&vfs.InDeleteSelf != 0
	wanted := w.mask&event&inAllEvents != 0
	if wanted {
		if event&(vfs.InDeleteSelf|vfs.InMoveSelf) != 0 {
			event &^= vfs.InIsDir
		}
		i.put(inotifyEvent{w.wd, event, cookie, name})
	}
	if gone || wanted && w.mask&inOneShot != 0 {
		i.drop(w)
	}
	i.mu.Unlock()
	i.Signal(fdtable.In)
}

// put queues an event, unless it is the same as the last one, or there are too many. The caller holds i.mu.
func (i *inotify) put(e inotifyEvent) {
	if last := len(i.queue) - 1; last >= 0 && i.queue[last] == e {
		return
	}
	switch {
	case len(i.queue) > maxInotifyEvents:
		return
	case len(i.queue) == maxInotifyEvents:
		e = inotifyEvent{-1, inOverflow, 0, ""}
	}
	i.queue = append(i.queue, e)
}

// size is that of the event as it is read. Names end in NULs, at a multiple of the head.
func (e *inotifyEvent) size() int {
	if e.name == "" {
		return inotifyHead
	}
	return inotifyHead + (len(e.name)+1+inotifyHead-1)&^(inotifyHead-1)
}

func (e *inotifyEvent) encode(p []byte) {
	head := [4]uint32{uint32(e.wd), e.mask, e.cookie, uint32(e.size() - inotifyHead)}
	clear(p[copy(p, calls.AsBytes(&head)):])
	copy(p[inotifyHead:], e.name)
}

// Read returns as many events as fit.
func (i *inotify) Read(p []byte) (int, calls.Errno) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := 0
	for len(i.queue) > 0 {
		e := &i.queue[0]
		if e.size() > len(p)-n {
			if n == 0 {
				return 0, calls.EINVAL
			}
			return n, 0
		}
		e.encode(p[n : n+e.size()])
		n += e.size()
		i.queue = i.queue[1:]
	}
	if n == 0 {
		return 0, calls.EAGAIN
	}
	return n, 0
}

func (i *inotify) Write([]byte) (int, calls.Errno) { return 0, calls.EBADF }

func (i *inotify) Readiness() fdtable.Events {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.queue) > 0 {
		return fdtable.In
	}
	return 0
}

// Ioctl knows FIONREAD, the size of what waits.
func (i *inotify) Ioctl(request, arg uintptr) (uintptr, calls.Errno) {
	if request != fionread {
		return 0, calls.ENOTTY
	}
	p, err := calls.Pointer[int32](arg)
	if err != 0 {
		return 0, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	*p = 0
	for n := range i.queue {
		*p += int32(i.queue[n].size())
	}
	return 0, 0
}

func (i *inotify) Release() calls.Errno {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, w := range i.watches {
		vfs.Unwatch(w.file, i)
	}
	i.watches, i.byFile, i.queue = nil, nil, nil
	return 0
}

func (i *inotify) Name() string { return "anon_inode:inotify" }

func (i *inotify) Stat(st *fdtable.Stat) calls.Errno {
	anonStat(st)
	return 0
}
