package fdtable

import (
	"sync"

	"internal/xengo/runtime/calls"
)

// Modes of an epoll registration. Source: Linux 6.16 include/uapi/linux/eventpoll.h.
const (
	EpollET      Events = 1 << 31
	EpollOneShot Events = 1 << 30
	EpollWakeup  Events = 1 << 29
	EpollExcl    Events = 1 << 28
	epollModes          = EpollET | EpollOneShot | EpollWakeup | EpollExcl
)

// EpollEvent is struct epoll_event of Linux on amd64, which is packed.
type EpollEvent struct {
	Events Events
	Data   [8]byte
}

// Operations of epoll_ctl(2).
const (
	epollAdd = 1
	epollDel = 2
	epollMod = 3
)

// maxNesting is how deep epolls may watch each other. Source: Linux 6.16 fs/eventpoll.c (EP_MAX_NESTS).
const maxNesting = 4

// An Epoll is the description of an epoll instance.
//
// Lock order: scan, scan of those that it watches, mu. An edge takes mu only.
type Epoll struct {
	Notifier

	scan sync.Mutex // held by who looks through ready: others would find nothing meanwhile

	mu    sync.Mutex
	items map[epollKey]*epollItem
	ready []*epollItem // those that had an edge and were not found idle since
}

// An epollKey is what Linux, too, tells registrations apart by.
type epollKey struct {
	fd   int
	file *File
}

type epollItem struct {
	key    epollKey
	cancel func()

	// Guarded by Epoll.mu.
	mask   Events // what to report, with the modes; 0 after a one-shot
	data   [8]byte
	queued bool
	gone   bool
}

// NewEpoll returns an epoll instance that watches nothing.
func NewEpoll() *Epoll { return &Epoll{items: make(map[epollKey]*epollItem)} }

func (e *Epoll) Read([]byte) (int, calls.Errno)  { return 0, calls.EINVAL }
func (e *Epoll) Write([]byte) (int, calls.Errno) { return 0, calls.EINVAL }
func (e *Epoll) Name() string                    { return "anon_inode:[eventpoll]" }

// Release ends all registrations.
func (e *Epoll) Release() calls.Errno {
	e.mu.Lock()
	items := e.items
	e.items, e.ready = make(map[epollKey]*epollItem), nil
	for _, it := range items {
		it.gone = true
	}
	e.mu.Unlock()
	for _, it := range items {
		if it.cancel != nil {
			it.cancel()
		}
	}
	return 0
}

// Readiness is In if Collect would return something.
func (e *Epoll) Readiness() Events {
	e.scan.Lock()
	e.mu.Lock()
	list := append([]*epollItem(nil), e.ready...)
	e.mu.Unlock()
	var ev Events
	for _, it := range list {
		if e.current(it) != 0 {
			ev = In
			break
		}
	}
	e.scan.Unlock()
	return ev
}

// current returns the events of an item that are to be reported now.
func (e *Epoll) current(it *epollItem) Events {
	e.mu.Lock()
	mask, gone := it.mask, it.gone
	e.mu.Unlock()
	if gone || mask&^epollModes == 0 || !it.key.file.hold() {
		return 0
	}
	defer it.key.file.Put()
	return it.key.file.Desc.Readiness() & (mask&^epollModes | always)
}

// Control adds, changes or removes what is watched.
func (e *Epoll) Control(op int, fd int, f *File, ev *EpollEvent) calls.Errno {
	key := epollKey{fd, f}
	switch op {
	case epollAdd:
		return e.add(key, ev)
	case epollDel:
		return e.remove(key)
	case epollMod:
		return e.modify(key, ev)
	}
	return calls.EINVAL
}

func (e *Epoll) add(key epollKey, ev *EpollEvent) calls.Errno {
	if inner, ok := key.file.Desc.(*Epoll); ok {
		if inner == e {
			return calls.EINVAL
		}
		if inner.watches(e, maxNesting) {
			return calls.ELOOP
		}
	}
	it := &epollItem{key: key, mask: ev.Events | always, data: ev.Data}
	e.mu.Lock()
	if e.items[key] != nil {
		e.mu.Unlock()
		return calls.EEXIST
	}
	e.items[key] = it
	e.mu.Unlock()
	cancel := notify(key.file.Desc, ev.Events, func(ev Events) { e.edge(it, ev) })
	if cancel == nil {
		e.mu.Lock()
		delete(e.items, key)
		e.mu.Unlock()
		return calls.EPERM
	}
	forget := key.file.OnClose(func() { e.remove(key) })
	e.mu.Lock()
	it.cancel = func() { cancel(); forget() }
	gone := it.gone
	e.mu.Unlock()
	if gone { // somebody was faster to remove it
		it.cancel()
		return 0
	}
	if ev := e.current(it); ev != 0 {
		e.edge(it, ev)
	}
	return 0
}

// watches reports whether e watches other, directly or through up to depth epolls.
func (e *Epoll) watches(other *Epoll, depth int) bool {
	if depth == 0 {
		return true
	}
	e.mu.Lock()
	var inner []*Epoll
	for key := range e.items {
		if n, ok := key.file.Desc.(*Epoll); ok {
			inner = append(inner, n)
		}
	}
	e.mu.Unlock()
	for _, n := range inner {
		if n == other || n.watches(other, depth-1) {
			return true
		}
	}
	return false
}

func (e *Epoll) remove(key epollKey) calls.Errno {
	e.mu.Lock()
	it := e.items[key]
	if it == nil {
		e.mu.Unlock()
		return calls.ENOENT
	}
	delete(e.items, key)
	it.gone = true
	if it.queued {
		e.unqueue(it)
	}
	cancel := it.cancel
	e.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	return 0
}

// unqueue takes an item out of those that may be ready. The caller holds e.mu.
func (e *Epoll) unqueue(it *epollItem) {
	var rest []*epollItem
	for _, other := range e.ready {
		if other != it {
			rest = append(rest, other)
		}
	}
	e.ready, it.queued = rest, false
}

func (e *Epoll) modify(key epollKey, ev *EpollEvent) calls.Errno {
	e.mu.Lock()
	it := e.items[key]
	if it == nil {
		e.mu.Unlock()
		return calls.ENOENT
	}
	it.mask, it.data = ev.Events|always, ev.Data
	e.mu.Unlock()
	if ev := e.current(it); ev != 0 {
		e.edge(it, ev)
	}
	return 0
}

// edge queues an item that may have become ready and wakes those who wait.
func (e *Epoll) edge(it *epollItem, ev Events) {
	e.mu.Lock()
	if it.gone || it.mask&^epollModes&ev == 0 {
		e.mu.Unlock()
		return
	}
	if !it.queued {
		it.queued = true
		e.ready = append(e.ready, it)
	}
	e.mu.Unlock()
	e.Signal(In)
}

// Collect fills out with events that hold and returns how many there are.
func (e *Epoll) Collect(out []EpollEvent) int {
	e.scan.Lock()
	e.mu.Lock()
	list := e.ready
	e.ready = nil
	for _, it := range list {
		it.queued = false
	}
	e.mu.Unlock()
	n := 0
	var again []*epollItem
	for n < len(out) && len(list) > 0 {
		it := list[0]
		list = list[1:]
		ev := e.current(it)
		if ev == 0 {
			continue
		}
		if e.report(it, ev, &out[n]) {
			again = append(again, it)
		}
		n++
	}
	e.requeue(list) // those that there was no room for come first next time
	e.requeue(again)
	e.scan.Unlock()
	return n
}

// report writes an event and reports whether the item stays in the queue, as it does if it is level-triggered.
func (e *Epoll) report(it *epollItem, ev Events, out *EpollEvent) (stays bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*out = EpollEvent{ev, it.data}
	if it.mask&EpollOneShot != 0 {
		it.mask &= epollModes
		return false
	}
	return it.mask&EpollET == 0
}

// requeue puts items back that are to be looked at again.
func (e *Epoll) requeue(list []*epollItem) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range list {
		if !it.queued && !it.gone {
			it.queued = true
			e.ready = append(e.ready, it)
		}
	}
}

// Wait is Collect, but waits for the first event until the deadline.
func (e *Epoll) Wait(out []EpollEvent, deadline int64) int {
	if n := e.Collect(out); n > 0 {
		return n
	}
	w := new(waiter)
	cancel := e.Notify(w.wake)
	defer cancel()
	for {
		if n := e.Collect(out); n > 0 {
			return n
		}
		if !w.sleep(deadline) {
			return e.Collect(out)
		}
	}
}
