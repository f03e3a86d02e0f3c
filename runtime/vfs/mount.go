package vfs

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
)

// A Mount is a file system in the tree.
type Mount struct {
	ID     int       // from 1, which is the root
	Point  Directory // the directory that it hides; nil for the root
	Root   Directory // the root directory of the file system
	Source string    // what mount(8) shows as the device
}

// mounts is the mount table, replaced as a whole on every change. The first is the root.
var (
	mounts     atomic.Pointer[[]*Mount]
	mountsLock sync.Mutex // held while replacing it
)

// SetRoot makes root the root of the tree, in place of what was. Mounts on the old root are gone.
func SetRoot(root Directory, source string) {
	mountsLock.Lock()
	defer mountsLock.Unlock()
	mounts.Store(&[]*Mount{{ID: 1, Root: root, Source: source}})
}

// MountAt puts the file system with the root directory root over the directory point.
func MountAt(point, root Directory, source string) calls.Errno {
	mountsLock.Lock()
	defer mountsLock.Unlock()
	old := *mounts.Load()
	if point == old[0].Root {
		return calls.EBUSY
	}
	list := append(old[:len(old):len(old)], &Mount{ID: old[len(old)-1].ID + 1, Point: point, Root: root, Source: source})
	mounts.Store(&list)
	return 0
}

// Mounts returns the mount table.
func Mounts() []*Mount {
	return *mounts.Load()
}

// Root returns the root directory.
func Root() Directory {
	return Mounts()[0].Root
}

// over returns the root of the file system that is mounted on dir, or dir.
func over(dir Directory) Directory {
	list := Mounts()
	for i := len(list) - 1; i > 0; i-- {
		if list[i].Point == dir {
			return over(list[i].Root)
		}
	}
	return dir
}

// parent returns the directory above dir, across mounts, and dir's name there. The root is its own parent. The name
// is "" if dir was removed, and above is nil if it is not known any more or its file system was unmounted.
func parent(dir Directory) (above Directory, name string) {
	for dir != Root() {
		up, name := dir.Parent()
		if up != dir {
			return up, name
		}
		m := mountOf(dir)
		if m == nil {
			return nil, ""
		}
		dir = m.Point
	}
	return dir, ""
}

// Removed reports whether dir has been, and is only in use yet. It is asked rarely and from several places: inlined, it would
// take the small program its last page (test/bench, TestSize).
//
//go:noinline
func Removed(dir Directory) bool {
	up, name := dir.Parent()
	return up != dir && name == ""
}

// mountOf returns the mount whose root directory is root.
func mountOf(root Directory) *Mount {
	for _, m := range Mounts() {
		if m.Root == root {
			return m
		}
	}
	return nil
}

// PathOf returns the path of a directory, false if it was removed.
func PathOf(dir Directory) (string, bool) {
	path := ""
	for dir != Root() {
		up, name := parent(dir)
		if name == "" {
			return "", false
		}
		path = "/" + name + path
		dir = up
	}
	if path == "" {
		path = "/"
	}
	return path, true
}

// Path returns the path of a location, as /proc/self/fd shows it.
func (l Location) Path() string {
	if d, ok := l.Inode.(Directory); ok {
		if path, ok := PathOf(d); ok {
			return path
		}
		return l.Name + " (deleted)"
	}
	if l.Dir == nil {
		return l.Name
	}
	path, ok := PathOf(l.Dir)
	if path != "/" {
		path += "/"
	}
	if n, err := l.Dir.Lookup(l.Name); !ok || err != 0 || n != l.Inode {
		return path + l.Name + " (deleted)"
	}
	return path + l.Name
}
