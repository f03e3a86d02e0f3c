// Package spawn serves guests that start other programs (package runtime/spawn): what a
// guest asks for is started here, as a program of this machine or as whatever Start
// makes of it, with its streams, signals and end passed on, and a folder of files kept
// the same on both sides. What they say to each other is package spawnwire's.
//
// A guest that is served can do all that who serves it may do.
package spawn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"internal/xengo/runtime/spawn/spawnwire"
)

// Streams are what a program reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.WriteCloser // writing waits until the guest has room; an error says that nobody reads
}

// A Process is a program that was started.
type Process interface {
	// Wait waits until it has ended and all it has written was taken, and returns a status as wait4(2) does.
	Wait() syscall.WaitStatus
	// Signal sends it a signal. That it has ended is no error.
	Signal(sig syscall.Signal) error
}

// A Server serves guests that are tests of one run.
type Server struct {
	Folder string // the folder to keep the same, under the same name here and there; empty: none

	// Start starts a program. It lives until ctx is done. A syscall.Errno in the error is what the guest gets, else EIO.
	Start func(ctx context.Context, r *spawnwire.Request, s Streams) (Process, error)

	Logf func(format string, args ...any)

	files sync.Mutex // of the folder: guests change it and see it changed one at a time
}

// conn is a guest that is served.
type conn struct {
	*Server
	ctx  context.Context
	out  outbox
	tree *tree
	own  *program // the guest's own streams

	mu       sync.Mutex
	programs map[uint32]*program
	running  sync.WaitGroup
}

// A Conn is the connection to a guest.
type Conn struct {
	c *conn
}

// NewConn returns a connection, whose frames are written to w, to a guest that was given this copy of the folder.
func (s *Server) NewConn(w io.Writer, copy Copy) *Conn {
	c := &conn{Server: s, tree: newTree(s, copy), programs: make(map[uint32]*program)}
	c.out.init(w)
	c.own = newProgram(c, 0)
	return &Conn{c}
}

// Signal sends a signal to the guest's program.
func (n *Conn) Signal(sig syscall.Signal) {
	n.c.out.send(spawnwire.NewFrame(spawnwire.Signal, 0, uint32(sig)))
}

// Serve serves the guest, whose frames come from r, until they end or ctx is done, and then ends what it has started. own
// are the guest's own streams, if it is to have any from here: its input, and what it writes to its output if Out is not nil.
func (n *Conn) Serve(ctx context.Context, r io.Reader, own *Streams) error {
	c := n.c
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.ctx = ctx
	var output sync.WaitGroup
	if own != nil {
		go c.own.sendInput(own.In)
		if own.Out != nil {
			output.Go(func() { c.own.passOn(own.Out) })
		}
	}
	err := c.receive(r)
	cancel()
	c.own.end()
	output.Wait()
	c.mu.Lock()
	for _, p := range c.programs {
		p.end()
	}
	c.mu.Unlock()
	c.running.Wait()
	c.out.close()
	return err
}

var errNonsense = errors.New("spawn: the guest does not keep to the protocol")

func (c *conn) receive(r io.Reader) error {
	var d spawnwire.Decoder
	var bad error
	for b := make([]byte, 64<<10); ; {
		n, err := r.Read(b)
		good := d.Feed(b[:n], func(f *spawnwire.Frame) {
			if bad == nil {
				bad = c.take(f)
			}
		})
		switch {
		case bad != nil:
			return bad
		case !good:
			return errNonsense
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// take handles a frame.
func (c *conn) take(f *spawnwire.Frame) error {
	switch f.Kind {
	case spawnwire.Files:
		return c.tolerate(c.tree.receive(f.Payload))
	case spawnwire.Gone:
		return c.tolerate(c.tree.remove(string(f.Payload)))
	case spawnwire.Start:
		return c.start(f)
	}
	c.mu.Lock()
	p := c.programs[f.ID]
	c.mu.Unlock()
	switch {
	case f.ID == 0:
		p = c.own
	case p == nil:
		return nil // one that has ended, which the guest may not know yet
	}
	if !p.take(f) {
		return fmt.Errorf("%w: kind %d for program %d", errNonsense, f.Kind, f.ID)
	}
	return nil
}

// tolerate says that files could not be brought up to date: programs that need them will say so, too.
func (c *conn) tolerate(err error) error {
	if err != nil && !errors.Is(err, errNonsense) {
		c.Logf("files of the guest: %v", err)
		return nil
	}
	return err
}

// start starts a program, in a goroutine of its own.
func (c *conn) start(f *spawnwire.Frame) error {
	r, ok := spawnwire.ParseRequest(f.Payload)
	if !ok || f.ID == 0 || len(r.Argv) == 0 {
		c.out.send(spawnwire.NewFrame(spawnwire.Started, f.ID, uint32(syscall.EINVAL)))
		return nil
	}
	p := newProgram(c, f.ID)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.programs[f.ID] != nil {
		return fmt.Errorf("%w: a second program %d", errNonsense, f.ID)
	}
	c.programs[f.ID] = p
	c.running.Go(func() {
		c.run(p, &r)
		c.mu.Lock()
		delete(c.programs, p.id)
		c.mu.Unlock()
	})
	return nil
}

// run runs a program to its end.
func (c *conn) run(p *program, r *spawnwire.Request) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	process, err := c.Start(ctx, r, Streams{p.in, p.out[0], p.out[1]})
	if err != nil {
		errno := syscall.EIO
		if !errors.As(err, &errno) {
			c.Logf("%s: %v", r.Path, err)
		}
		c.out.send(spawnwire.NewFrame(spawnwire.Started, p.id, uint32(errno)))
		return
	}
	c.out.send(spawnwire.NewFrame(spawnwire.Started, p.id, 0))
	go p.deliver(ctx, process)
	status := process.Wait()
	p.end()
	if err := c.tree.send(c.out.send); err != nil {
		c.Logf("%s: %v", r.Path, err)
	}
	c.out.send(spawnwire.NewFrame(spawnwire.Exit, p.id, uint32(status)))
}

// outbox writes frames without keeping anybody waiting. Windows bound what gathers in it.
type outbox struct {
	mu     sync.Mutex
	more   sync.Cond
	frames []*spawnwire.Frame
	closed bool
}

func (o *outbox) init(w io.Writer) {
	o.more.L = &o.mu
	go o.run(w)
}

func (o *outbox) send(f *spawnwire.Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frames = append(o.frames, f)
	o.more.Signal()
}

// close stops the writing, at the latest after what is being written.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.more.Signal()
}

func (o *outbox) run(w io.Writer) {
	for {
		o.mu.Lock()
		for len(o.frames) == 0 && !o.closed {
			o.more.Wait()
		}
		f := o.frames
		o.frames = nil
		over := o.closed
		o.mu.Unlock()
		if over {
			return
		}
		for _, f := range f {
			if _, err := w.Write(f.Append(nil)); err != nil {
				return // the guest is gone, which reading says, too
			}
		}
	}
}
