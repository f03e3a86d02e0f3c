package fdtable

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
)

// Flags that F_SETFL can change, and those that F_GETFL does not show because they act on open only.
// Source: Linux 6.16 fs/fcntl.c (SETFL_MASK).
const (
	settable = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME
	openOnly = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC
)

// A File is an open file description as the table sees it: a Description with its status flags, alive
// as long as a descriptor or a call in progress refers to it.
type File struct {
	Desc  Description
	flags atomic.Uint32
	refs  atomic.Int64

	mu      sync.Mutex
	onClose []*func() // run before Release
}

// newFile returns a file with one reference.
func newFile(d Description, flags uint32) *File {
	f := &File{Desc: d}
	f.refs.Store(1)
	f.setFlags(flags &^ openOnly)
	return f
}

// Put gives back a reference that Get returned. With the last one the description is released, and the
// result is the error of that.
func (f *File) Put() calls.Errno {
	if f.refs.Add(-1) > 0 {
		return 0
	}
	f.mu.Lock()
	list := f.onClose
	f.onClose = nil
	f.mu.Unlock()
	for _, fn := range list {
		(*fn)()
	}
	return f.Desc.Release()
}

// hold takes a reference, unless the last one is gone.
func (f *File) hold() bool {
	for {
		n := f.refs.Load()
		if n == 0 {
			return false
		}
		if f.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// OnClose makes fn be called when the last reference is given back, before the description is released, unless
// cancel is called before.
func (f *File) OnClose(fn func()) (cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onClose = append(f.onClose, &fn)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i, other := range f.onClose {
			if other == &fn {
				f.onClose = append(f.onClose[:i:i], f.onClose[i+1:]...)
				return
			}
		}
	}
}

// Flags returns the file status flags and the access mode, as F_GETFL does.
func (f *File) Flags() uint32 { return f.flags.Load() }

// SetFlags sets those flags that F_SETFL may change.
func (f *File) SetFlags(flags uint32) {
	for {
		old := f.flags.Load()
		if f.flags.CompareAndSwap(old, old&^settable|flags&settable) {
			break
		}
	}
	if s, ok := f.Desc.(FlagSetter); ok {
		s.SetFlags(f.flags.Load())
	}
}

func (f *File) setFlags(flags uint32) {
	f.flags.Store(flags)
	if s, ok := f.Desc.(FlagSetter); ok {
		s.SetFlags(flags)
	}
}

// Nonblocking reports whether calls on f must not wait.
func (f *File) Nonblocking() bool { return f.flags.Load()&O_NONBLOCK != 0 }

// Readable and Writable report whether f was opened for that. O_PATH files are for neither, nor is the fourth access mode.
func (f *File) Readable() bool {
	mode := f.flags.Load() & (O_ACCMODE | O_PATH)
	return mode == O_RDONLY || mode == O_RDWR
}
func (f *File) Writable() bool {
	mode := f.flags.Load() & (O_ACCMODE | O_PATH)
	return mode == O_WRONLY || mode == O_RDWR
}

// Read reads from f, waiting if it has to and may.
func (f *File) Read(p []byte) (int, calls.Errno) {
	if !f.Readable() {
		return 0, calls.EBADF
	}
	return f.Blocking(In, func() (int, calls.Errno) { return f.Desc.Read(p) })
}

// Write writes to f. Unless f is non-blocking it waits until all of p is written. The error is
// 0 if anything was written.
func (f *File) Write(p []byte) (int, calls.Errno) {
	if !f.Writable() {
		return 0, calls.EBADF
	}
	if d, ok := f.Desc.(WriteLocker); ok && !f.Nonblocking() {
		d.WriteLock().Lock()
		defer d.WriteLock().Unlock()
	}
	done := 0
	for {
		n, err := f.Blocking(Out, func() (int, calls.Errno) { return f.Desc.Write(p[done:]) })
		done += n
		if err != 0 && done > 0 {
			return done, 0
		}
		if err != 0 || done >= len(p) || n == 0 || f.Nonblocking() {
			return done, err
		}
	}
}

// Blocking calls op until it does not return EAGAIN, waiting for one of the events of mask before it tries again.
// On a non-blocking file it calls op once.
func (f *File) Blocking(mask Events, op func() (int, calls.Errno)) (int, calls.Errno) {
	deadline := Never
	if t, ok := f.Desc.(Timeouter); ok {
		deadline = Deadline(t.Timeout(mask))
	}
	return f.BlockingUntil(mask, deadline, op)
}

// BlockingUntil is Blocking with a deadline in nanoseconds of kernel.Nanotime, after which EAGAIN is returned.
func (f *File) BlockingUntil(mask Events, deadline int64, op func() (int, calls.Errno)) (int, calls.Errno) {
	for {
		n, err := op()
		if err != calls.EAGAIN || f.Nonblocking() {
			return n, err
		}
		if !f.Wait(mask, deadline) {
			return 0, calls.EAGAIN
		}
	}
}

// WriteV writes bufs to f, whose description is v, waiting until all is written unless f is non-blocking.
func (f *File) WriteV(v Vectored, bufs [][]byte) (int, calls.Errno) {
	done := 0
	for {
		n, err := f.Blocking(Out, func() (int, calls.Errno) { return v.WriteV(bufs) })
		done += n
		if err != 0 && done > 0 {
			return done, 0
		}
		bufs = calls.Skip(bufs, n)
		if err != 0 || n == 0 || len(bufs) == 0 || f.Nonblocking() {
			return done, err
		}
	}
}

// Ref takes another reference, which is given back with Put.
func (f *File) Ref() { f.refs.Add(1) }
