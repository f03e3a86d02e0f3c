package spawn

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/spawn/spawnwire"
)

// An output writes what a child has written to one of the program's files, and keeps that open until the child has
// closed it or ended.
type output struct {
	ch     *child
	stream int
	file   *fdtable.File // nil: closed in the child

	mu      sync.Mutex
	changed sync.Cond
	pending [][]byte
	size    int  // bytes in pending
	ended   bool // no more will come
}

func newOutput(ch *child, stream int, file *fdtable.File) *output {
	o := &output{ch: ch, stream: stream, file: file}
	o.changed.L = &o.mu
	return o
}

// take queues what the child has written; nothing is the end. It returns false for more than may be on its way.
func (o *output) take(p []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changed.Signal()
	if len(p) == 0 {
		o.ended = true
		return true
	}
	o.size += len(p)
	o.pending = append(o.pending, p)
	return o.size <= spawnwire.Window && !o.ended
}

// next waits for what the child has written, nil at the end.
func (o *output) next() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pending) == 0 {
		if o.ended {
			return nil
		}
		o.changed.Wait()
	}
	p := o.pending[0]
	o.pending = o.pending[1:]
	o.size -= len(p)
	return p
}

// run writes until the end. A file that takes no more is told to the child.
func (o *output) run() {
	id := uint32(o.ch.pid)
	broken := o.file == nil || !o.file.Writable()
	for p := o.next(); p != nil; p = o.next() {
		if !broken && writeAll(o.file, p, o.ch.killed) != 0 {
			broken = true
			o.ch.c.send(spawnwire.NewShut(id, o.stream))
		}
		o.ch.c.send(spawnwire.NewRoom(id, o.stream, len(p)))
	}
	if o.file != nil {
		o.file.Put() // nobody hears of errors, as of a process that ends
	}
}

// writeAll writes p, whether or not the file is one that waits, unless stop is closed while it has to.
func writeAll(f *fdtable.File, p []byte, stop <-chan struct{}) calls.Errno {
	for len(p) > 0 {
		n, err := f.Desc.Write(p)
		switch {
		case err == calls.EAGAIN:
			if !await(f.Desc, fdtable.Out, stop) {
				return calls.EINTR
			}
		case err != 0:
			return err
		}
		p = p[n:]
	}
	return 0
}

// await waits for one of the events of mask, or an error. It returns false if stop was closed.
func await(d fdtable.Description, mask fdtable.Events, stop <-chan struct{}) bool {
	edge := make(chan struct{}, 1)
	wake := func(fdtable.Events) {
		select {
		case edge <- struct{}{}:
		default:
		}
	}
	var cancel func()
	if m, ok := d.(fdtable.MaskNotifier); ok {
		cancel = m.NotifyMask(mask, wake)
	} else {
		cancel = d.Notify(wake)
	}
	if cancel == nil {
		return true
	}
	defer cancel()
	for d.Readiness()&(mask|fdtable.Err|fdtable.Hup) == 0 {
		select {
		case <-edge:
		case <-stop:
			return false
		}
	}
	return true
}

// An input reads one of the program's files for a child: ahead of it, up to a window.
type input struct {
	ch   *child
	file *fdtable.File // nil: closed in the child

	mu     sync.Mutex
	room   int
	opened chan struct{} // has one: room may have grown
	stopIt sync.Once
	done   chan struct{} // closed when the child reads no more
}

func newInput(ch *child, file *fdtable.File) *input {
	return &input{ch: ch, file: file, room: spawnwire.Window, opened: make(chan struct{}, 1), done: make(chan struct{})}
}

// open lets n more bytes be sent. It returns false if there were not so many.
func (in *input) open(n int) bool {
	in.mu.Lock()
	in.room += n
	ok := in.room <= spawnwire.Window
	in.mu.Unlock()
	select {
	case in.opened <- struct{}{}:
	default:
	}
	return ok
}

// stop ends the reading.
func (in *input) stop() { in.stopIt.Do(func() { close(in.done) }) }

// run sends what there is until the end, of the file or of the child.
func (in *input) run() {
	id := uint32(in.ch.pid)
	if in.file != nil {
		for p := in.read(); len(p) > 0; p = in.read() {
			in.ch.c.send(spawnwire.NewData(id, spawnwire.Stdin, p))
		}
		in.file.Put()
	}
	in.ch.c.send(spawnwire.NewData(id, spawnwire.Stdin, nil))
}

// read returns the next bytes that may be sent; none at the end.
func (in *input) read() []byte {
	p := make([]byte, in.wait())
	for len(p) > 0 && in.file.Readable() {
		n, err := in.file.Desc.Read(p)
		if err == calls.EAGAIN && await(in.file.Desc, fdtable.In, in.done) {
			continue
		}
		if err != 0 {
			return nil // that it cannot be read is the end, as far as the child is told
		}
		in.mu.Lock()
		in.room -= n
		in.mu.Unlock()
		return p[:n]
	}
	return nil
}

// wait waits until something may be sent and returns how much, or 0 if nothing will be.
func (in *input) wait() int {
	for {
		in.mu.Lock()
		n := min(in.room, spawnwire.MaxPiece)
		in.mu.Unlock()
		if n > 0 {
			return n
		}
		select {
		case <-in.opened:
		case <-in.done:
			return 0
		}
	}
}
