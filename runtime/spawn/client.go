// Package spawn starts other programs on the host's side of the test bed: under
// "xengo exec --spawn" a program that is started is a guest of its own, or a program of
// the host, and this package has its streams, its end and its signals, and keeps a
// folder of files the same here and there. See package spawnwire for what it says to
// the host, and toolchain/spawn for who answers.
//
// Package os imports it if the program is built with the tag xengo_spawn. Without the
// option spawn= on the kernel's command line it does nothing.
package spawn

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/spawn/spawnwire"
)

// A channel carries bytes to the host and back.
type channel interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
}

// A client is this end of the connection to the host.
type client struct {
	ch   channel
	wmu  sync.Mutex // one frame at a time
	hold func(int)  // adds to what the program waits for from outside
	tree *tree
	own  own

	mu       sync.Mutex
	changed  sync.Cond // a child has ended
	children map[int]*child
	next     int // number of the next child
	gone     bool
}

// firstPID is the number of the first child: the program itself is 1.
const firstPID = 2

func newClient(ch channel, folder string, hold func(int), say func(string)) *client {
	c := &client{ch: ch, hold: hold, tree: newTree(folder, say), children: make(map[int]*child), next: firstPID}
	c.changed.L = &c.mu
	c.own.init(c)
	return c
}

// send sends a frame. That the host is gone is for run to find out.
func (c *client) send(f *spawnwire.Frame) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.ch.Write(f.Append(nil))
}

func (c *client) sendAll(frames []*spawnwire.Frame) {
	for _, f := range frames {
		c.send(f)
	}
}

// run takes the host's frames for as long as there are any. What it says that makes no sense ends the connection.
func (c *client) run() {
	var d spawnwire.Decoder
	ok := true
	for b := make([]byte, 32<<10); ok; {
		n, err := c.ch.Read(b)
		if err != nil {
			break
		}
		good := d.Feed(b[:n], func(f *spawnwire.Frame) { ok = ok && c.take(f) })
		ok = ok && good
	}
	c.end()
}

// take handles a frame. It returns false for one that makes no sense.
func (c *client) take(f *spawnwire.Frame) bool {
	switch f.Kind {
	case spawnwire.Files:
		return c.tree.receive(f.Payload)
	case spawnwire.Gone:
		c.tree.remove(string(f.Payload))
		return true
	}
	if f.ID == 0 {
		return c.own.take(f)
	}
	c.mu.Lock()
	ch := c.children[int(f.ID)]
	c.mu.Unlock()
	// One that was waited for is not known any more, which the host may not know yet.
	return ch == nil || ch.take(f)
}

// end makes all children end that have not: nobody can say more of them.
func (c *client) end() {
	c.mu.Lock()
	c.gone = true
	var rest []*child
	for _, ch := range c.children {
		rest = append(rest, ch)
	}
	c.mu.Unlock()
	for _, ch := range rest {
		ch.start(calls.EIO)
		ch.exit(sigKILL)
	}
	c.own.end()
}

const sigKILL = 9

// start is calls.StartProgram.
func (c *client) start(p *calls.Program) (int, calls.Errno) {
	files, err := open(p.Files)
	if err != 0 {
		return 0, err
	}
	ch := newChild(c, files)
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		ch.letGo()
		return 0, calls.EIO
	}
	ch.pid = c.next
	c.next++
	c.children[ch.pid] = ch
	c.mu.Unlock()
	c.hold(+1)
	req := spawnwire.Request{Path: p.Path, Dir: p.Dir, Argv: p.Argv, Env: p.Env, Merged: files[1] != nil && files[2] != nil && files[1].Desc == files[2].Desc}
	if err = c.request(ch, &req); err == 0 {
		err = <-ch.started
	}
	if err != 0 {
		c.forget(ch)
		ch.letGo()
		c.hold(-1)
		return 0, err
	}
	ch.run()
	return ch.pid, 0
}

// request brings the host's files up to date and asks for a child.
func (c *client) request(ch *child, req *spawnwire.Request) calls.Errno {
	payload := req.Append(nil)
	if len(payload) > spawnwire.MaxPayload {
		return calls.E2BIG
	}
	c.tree.send(func(frames []*spawnwire.Frame) {
		c.sendAll(frames)
		c.send(&spawnwire.Frame{Kind: spawnwire.Start, ID: uint32(ch.pid), Payload: payload})
	})
	return 0
}

// bring brings the host's files up to date for who has started this program, because it may end now.
func (c *client) bring() { c.tree.send(c.sendAll) }

func (c *client) forget(ch *child) {
	c.mu.Lock()
	delete(c.children, ch.pid)
	c.mu.Unlock()
}

// ended notes that a child has ended and all it wrote is where it belongs.
func (c *client) ended(ch *child) {
	kernel.RaiseSignal(sigCHLD)
	c.hold(-1)
	c.mu.Lock()
	ch.over = true
	c.changed.Broadcast()
	c.mu.Unlock()
}

const sigCHLD = 17
