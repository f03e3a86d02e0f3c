package spawn

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/spawn/spawnwire"
)

// A child is a program that this one has started.
type child struct {
	c       *client
	pid     int
	started chan calls.Errno // has the host's answer
	begun   sync.Once
	in      *input
	out     [2]*output // standard output and error
	pumps   sync.WaitGroup

	once   sync.Once
	gone   chan struct{} // closed when it has ended
	killed chan struct{} // closed when it was killed: what it has written may be lost
	status uint32        // as wait4(2) has it, once gone is closed

	over bool // it can be waited for; guarded by client.mu
}

// open takes references of descriptors.
func open(fds [3]int) (files [3]*fdtable.File, err calls.Errno) {
	for i, fd := range fds {
		if fd < 0 {
			continue
		}
		if files[i], err = fdtable.Get(fd); err != 0 {
			for _, f := range files[:i] {
				if f != nil {
					f.Put()
				}
			}
			return files, err
		}
	}
	return files, 0
}

// newChild returns a child with these files, whose references are its own.
func newChild(c *client, files [3]*fdtable.File) *child {
	ch := &child{c: c, started: make(chan calls.Errno, 1), gone: make(chan struct{}), killed: make(chan struct{})}
	ch.in = newInput(ch, files[0])
	for i := range ch.out {
		ch.out[i] = newOutput(ch, 1+i, files[1+i])
	}
	return ch
}

// letGo gives the files back of a child that was never started.
func (ch *child) letGo() {
	for _, f := range []*fdtable.File{ch.in.file, ch.out[0].file, ch.out[1].file} {
		if f != nil {
			f.Put() // as in close(2) by a child, nobody hears of errors
		}
	}
}

// run starts the copying of its streams.
func (ch *child) run() {
	go ch.in.run() // may be longer in a read than the child lives
	for _, o := range ch.out {
		ch.pumps.Go(o.run)
	}
	go func() {
		<-ch.gone
		ch.pumps.Wait()
		ch.c.ended(ch)
	}()
}

// take handles a frame about the child. It returns false for one that makes no sense.
func (ch *child) take(f *spawnwire.Frame) bool {
	switch f.Kind {
	case spawnwire.Started, spawnwire.Exit:
		n, ok := f.Number()
		if ok && f.Kind == spawnwire.Started {
			ch.start(calls.Errno(n))
		} else if ok {
			ch.exit(n)
		}
		return ok
	}
	stream, p, room, ok := f.Stream()
	switch {
	case !ok:
	case f.Kind == spawnwire.Data && stream != spawnwire.Stdin:
		ok = ch.out[stream-1].take(p)
	case f.Kind == spawnwire.Room && stream == spawnwire.Stdin:
		ok = ch.in.open(room)
	case f.Kind == spawnwire.Shut && stream == spawnwire.Stdin:
		ch.in.stop()
	default:
		ok = false
	}
	return ok
}

// start notes the host's answer.
func (ch *child) start(err calls.Errno) { ch.begun.Do(func() { ch.started <- err }) }

// exit notes the child's end.
func (ch *child) exit(status uint32) {
	ch.once.Do(func() {
		ch.status = status
		if status&0x7f == sigKILL {
			close(ch.killed)
		}
		close(ch.gone)
		ch.in.stop()
		for _, o := range ch.out {
			o.take(nil)
		}
	})
}
