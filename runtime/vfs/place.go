package vfs

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// Base is the part of descriptions that were opened by path.
type Base struct {
	Loc   Location // where it was opened
	moved atomic.Pointer[Location]
}

// Location returns where the file is: the name that it was opened by, or what a rename has made of that.
func (b *Base) Location() Location {
	if loc := b.moved.Load(); loc != nil {
		return *loc
	}
	return b.Loc
}

func (b *Base) Stat(st *fdtable.Stat) calls.Errno { return b.Loc.Inode.Stat(st) }
func (b *Base) Name() string                      { return b.Location().Path() }
func (b *Base) Readiness() fdtable.Events         { return fdtable.In | fdtable.Out }
func (b *Base) Release() calls.Errno              { return 0 }

// Notify returns nil: files and directories are always ready.
func (b *Base) Notify(func(fdtable.Events)) (cancel func()) { return nil }

// happened tells of an event of the open file.
func (b *Base) happened(event uint32) {
	if watched() {
		loc := b.Location()
		happened(&loc, event)
	}
}

// places are the open files and directories, so that their names follow when they are renamed.
var places struct {
	mu   sync.Mutex
	open map[Inode][]*Base
}

// enter notes that b is open, leave that it is not.
func (b *Base) enter() {
	places.mu.Lock()
	defer places.mu.Unlock()
	if places.open == nil {
		places.open = map[Inode][]*Base{}
	}
	places.open[b.Loc.Inode] = append(places.open[b.Loc.Inode], b)
}

func (b *Base) leave() {
	places.mu.Lock()
	defer places.mu.Unlock()
	list := places.open[b.Loc.Inode]
	for i := range list {
		if list[i] == b {
			last := len(list) - 1
			list[i], list[last] = list[last], nil
			list = list[:last]
			break
		}
	}
	if places.open[b.Loc.Inode] = list; len(list) == 0 {
		delete(places.open, b.Loc.Inode)
	}
}

// follow gives those who have from open, by that name and no other, the name of to. With exchange it is both ways.
func follow(from, to *Location, exchange bool) {
	places.mu.Lock()
	defer places.mu.Unlock()
	there := named(to)
	for _, b := range named(from) {
		b.move(to)
	}
	if exchange {
		for _, b := range there {
			b.move(from)
		}
	}
}

// named returns the open files that have the name of loc. places' lock is held.
func named(loc *Location) (list []*Base) {
	for _, b := range places.open[loc.Inode] {
		if at := b.Location(); at.Dir == loc.Dir && at.Name == loc.Name {
			list = append(list, b)
		}
	}
	return list
}

func (b *Base) move(to *Location) {
	b.moved.Store(&Location{Dir: to.Dir, Name: to.Name, Inode: b.Loc.Inode})
}
