package spawn

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/spawn/spawnwire"
	"internal/xengo/runtime/vfs"
)

// own are the program's own streams, if another one has started it: they lead to the host. Standard error stays the
// console, where package runtime writes, too.
type own struct {
	in  ownInput
	out ownOutput
}

func (o *own) init(c *client) {
	o.in.c, o.out.c = c, c
	o.out.room = spawnwire.Window
}

// install makes the streams standard input and, unless that is the console, too, output.
func (o *own) install(output bool) calls.Errno {
	err := replace(0, &o.in, fdtable.O_RDONLY)
	if err == 0 && output {
		err = replace(1, &o.out, fdtable.O_WRONLY)
	}
	return err
}

// replace puts a description in the place of a descriptor's.
func replace(fd int, d fdtable.Description, flags uint32) calls.Errno {
	n, err := fdtable.Install(d, flags)
	if err != 0 {
		return err
	}
	if err = fdtable.DupTo(n, fd, false); err == 0 {
		err = fdtable.Close(n)
	}
	return err
}

// take handles a frame about the program itself. It returns false for one that makes no sense.
func (o *own) take(f *spawnwire.Frame) bool {
	if f.Kind == spawnwire.Signal {
		n, ok := f.Number()
		if ok {
			go func() {
				o.in.c.bring()
				kernel.RaiseSignal(n) // which may be the end
			}()
		}
		return ok
	}
	stream, p, room, ok := f.Stream()
	switch {
	case !ok:
	case f.Kind == spawnwire.Data && stream == spawnwire.Stdin:
		ok = o.in.take(p)
	case f.Kind == spawnwire.Room && stream == spawnwire.Stdout:
		ok = o.out.open(room)
	case f.Kind == spawnwire.Shut && stream == spawnwire.Stdout:
		o.out.shut()
	default:
		ok = false
	}
	return ok
}

// end ends the streams: the host is gone.
func (o *own) end() {
	o.in.take(nil)
	o.out.shut()
}

// pipeLike is what both have of a pipe.
func pipeLike(st *fdtable.Stat) calls.Errno {
	*st = fdtable.Stat{Mode: vfs.S_IFIFO | 0o600, Nlink: 1, Blksize: 4096}
	return 0
}

// ownInput is the description of standard input.
type ownInput struct {
	fdtable.Notifier
	c *client

	mu      sync.Mutex
	pending []byte
	ended   bool
}

// take queues input; nothing is its end. It returns false for more than may be on its way.
func (in *ownInput) take(p []byte) bool {
	in.mu.Lock()
	in.pending = append(in.pending, p...)
	ok := len(in.pending) <= spawnwire.Window
	in.ended = in.ended || len(p) == 0
	in.mu.Unlock()
	in.Signal(fdtable.In)
	return ok
}

func (in *ownInput) Read(p []byte) (int, calls.Errno) {
	in.mu.Lock()
	n := copy(p, in.pending)
	in.pending = in.pending[n:]
	ended := in.ended
	in.mu.Unlock()
	if n > 0 {
		in.c.send(spawnwire.NewRoom(0, spawnwire.Stdin, n))
	} else if !ended && len(p) > 0 {
		return 0, calls.EAGAIN
	}
	return n, 0
}

func (in *ownInput) Write([]byte) (int, calls.Errno) { return 0, calls.EBADF }

func (in *ownInput) Readiness() fdtable.Events {
	in.mu.Lock()
	defer in.mu.Unlock()
	var ev fdtable.Events
	if len(in.pending) > 0 {
		ev = fdtable.In
	}
	if in.ended {
		ev |= fdtable.Hup
	}
	return ev
}

// Release tells who writes that nobody will read.
func (in *ownInput) Release() calls.Errno {
	in.c.send(spawnwire.NewShut(0, spawnwire.Stdin))
	return 0
}

func (in *ownInput) Name() string                      { return "pipe:[1]" }
func (in *ownInput) Stat(st *fdtable.Stat) calls.Errno { return pipeLike(st) }

// ownOutput is the description of standard output.
type ownOutput struct {
	fdtable.Notifier
	c *client

	sending sync.Mutex // pieces of a stream in order
	mu      sync.Mutex
	room    int
	broken  bool
}

// open lets n more bytes be written. It returns false if there were not so many.
func (out *ownOutput) open(n int) bool {
	out.mu.Lock()
	out.room += n
	ok := out.room <= spawnwire.Window
	out.mu.Unlock()
	out.Signal(fdtable.Out)
	return ok
}

// shut makes writes fail from now on.
func (out *ownOutput) shut() {
	out.mu.Lock()
	out.broken = true
	out.mu.Unlock()
	out.Signal(fdtable.Out | fdtable.Err)
}

func (out *ownOutput) Read([]byte) (int, calls.Errno) { return 0, calls.EBADF }

func (out *ownOutput) Write(p []byte) (int, calls.Errno) {
	out.sending.Lock()
	defer out.sending.Unlock()
	out.mu.Lock()
	n, broken := min(len(p), out.room, spawnwire.MaxPiece), out.broken
	out.room -= n
	out.mu.Unlock()
	switch {
	case broken:
		return 0, calls.EPIPE
	case n > 0:
		out.c.send(spawnwire.NewData(0, spawnwire.Stdout, p[:n]))
	case len(p) > 0:
		return 0, calls.EAGAIN
	}
	return n, 0
}

func (out *ownOutput) Readiness() fdtable.Events {
	out.mu.Lock()
	defer out.mu.Unlock()
	switch {
	case out.broken:
		return fdtable.Out | fdtable.Err
	case out.room > 0:
		return fdtable.Out
	}
	return 0
}

// Release tells who reads that it is the end.
func (out *ownOutput) Release() calls.Errno {
	out.c.send(spawnwire.NewData(0, spawnwire.Stdout, nil))
	return 0
}

func (out *ownOutput) Name() string                      { return "pipe:[2]" }
func (out *ownOutput) Stat(st *fdtable.Stat) calls.Errno { return pipeLike(st) }
