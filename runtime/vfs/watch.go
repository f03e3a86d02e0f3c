package vfs

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// Events of inotify(7). Source: Linux 6.16 include/uapi/linux/inotify.h.
const (
	InAccess     = 0x1
	InModify     = 0x2
	InAttrib     = 0x4
	InCloseWrite = 0x8
	InCloseRead  = 0x10 // IN_CLOSE_NOWRITE
	InOpen       = 0x20
	InMovedFrom  = 0x40
	InMovedTo    = 0x80
	InCreate     = 0x100
	InDelete     = 0x200
	InDeleteSelf = 0x400
	InMoveSelf   = 0x800
	InIsDir      = 0x40000000
)

// A Watcher hears what happens to files. It is compared with ==.
type Watcher interface {
	// Happened is called with one event for n, or for the file called name in the directory n. cookie
	// connects the two events of a move. It does not block and calls nothing of this package.
	Happened(n Inode, event, cookie uint32, name string)
}

// watchers are those of each file. As long as there are none, nothing but count is looked at.
var watchers struct {
	count atomic.Int32
	mu    sync.Mutex
	of    map[Inode][]Watcher // slices are never changed in place
}

// lastCookie numbers moves.
var lastCookie atomic.Uint32

// Watch makes w hear what happens to n, and in n if it is a directory.
func Watch(n Inode, w Watcher) {
	watchers.mu.Lock()
	defer watchers.mu.Unlock()
	if watchers.of == nil {
		watchers.of = map[Inode][]Watcher{}
	}
	list := watchers.of[n]
	watchers.of[n] = append(list[:len(list):len(list)], w)
	watchers.count.Add(1)
}

// Unwatch ends what Watch began, if it did.
func Unwatch(n Inode, w Watcher) {
	watchers.mu.Lock()
	defer watchers.mu.Unlock()
	var rest []Watcher
	for _, other := range watchers.of[n] {
		if other != w {
			rest = append(rest, other)
		}
	}
	watchers.count.Add(int32(len(rest) - len(watchers.of[n])))
	if watchers.of[n] = rest; rest == nil {
		delete(watchers.of, n)
	}
}

func watched() bool { return watchers.count.Load() > 0 }

// tell tells the watchers of n.
func tell(n Inode, event, cookie uint32, name string) {
	watchers.mu.Lock()
	list := watchers.of[n]
	watchers.mu.Unlock()
	for _, w := range list {
		w.Happened(n, event, cookie, name)
	}
}

// happened tells the watchers of a file and those of the directory that it was found in.
func happened(loc *Location, event uint32) {
	if !watched() {
		return
	}
	event |= dirBit(loc.Inode)
	if loc.Dir != nil && loc.Last == LastName {
		tell(loc.Dir, event, 0, loc.Name)
	}
	tell(loc.Inode, event, 0, "")
}

// Tell tells the same watchers of what was done past the methods of an open file.
func Tell(d fdtable.Description, event uint32) {
	if l, ok := d.(Located); ok {
		loc := l.Location()
		happened(&loc, event)
	}
}

// happenedIn tells the watchers of a directory about the entry name, the file n.
func happenedIn(dir Directory, name string, n Inode, event uint32) {
	if watched() {
		tell(dir, event|dirBit(n), 0, name)
	}
}

// Came and Went tell the watchers of a directory of an entry that was made or removed by calling dir itself.
func Came(dir Directory, name string, n Inode) { happenedIn(dir, name, n, InCreate) }
func Went(dir Directory, name string, n Inode) { happenedIn(dir, name, n, InDelete) }

// happenedTo tells the watchers of n alone.
func happenedTo(n Inode, event uint32) {
	if watched() {
		tell(n, event, 0, "")
	}
}

func dirBit(n Inode) uint32 {
	if _, ok := n.(Directory); ok {
		return InIsDir
	}
	return 0
}

// moved tells the watchers of both directories and of the file n.
func moved(from, to *Location, n Inode) {
	cookie := lastCookie.Add(1)
	tell(from.Dir, InMovedFrom|dirBit(n), cookie, from.Name)
	tell(to.Dir, InMovedTo|dirBit(n), cookie, to.Name)
}

// InUser is a regular file that lives longer than its names where descriptions use it.
type InUser interface {
	InUse() bool
}

// lostName tells the watchers of n when it is gone: nothing has its name, and nothing uses it.
func lostName(n Inode) {
	if !watched() {
		return
	}
	var st fdtable.Stat
	if err := n.Stat(&st); err != 0 || st.Nlink > 0 && dirBit(n) == 0 {
		return
	}
	if u, ok := n.(InUser); ok && u.InUse() {
		return
	}
	if dir, ok := n.(Directory); ok && !Removed(dir) {
		return
	}
	tell(n, InDeleteSelf, 0, "")
}

// attrEvent is the event of a change of attributes. Source: Linux 6.16 include/linux/fsnotify.h (fsnotify_change).
func attrEvent(set AttrMask) uint32 {
	var event uint32
	if set&(AttrUID|AttrGID|AttrMode) != 0 {
		event |= InAttrib
	}
	if set&AttrSize != 0 {
		event |= InModify
	}
	switch set & (AttrAtime | AttrMtime) {
	case AttrAtime | AttrMtime:
		event |= InAttrib
	case AttrAtime:
		event |= InAccess
	case AttrMtime:
		event |= InModify
	}
	return event
}

// setAttr changes attributes and tells of it.
func setAttr(loc *Location, a *SetAttr) calls.Errno {
	err := loc.Inode.SetAttr(a)
	if err == 0 {
		happened(loc, attrEvent(a.Set))
	}
	return err
}
