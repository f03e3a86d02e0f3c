// Package xenstore is a client of xenstored, the small tree of strings through
// which Xen's domains and tools tell each other things
// (docs/misc/xenstore.txt), over the ring that every domain shares with it.
//
// Many requests may be under way at once; replies find them by number, and
// events of watches come in between. Paths that do not begin with a slash are
// relative to the domain's own directory.
package xenstore

import (
	"errors"
	"sync"
	"sync/atomic"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore/xswire"
)

var (
	// ErrDisconnected means that the connection ended before the answer came:
	// the domain was suspended, or its end of the ring closed.
	ErrDisconnected = errors.New("xenstore: disconnected")

	// ErrProtocol means that xenstored sent what it must not send. The
	// connection is given up.
	ErrProtocol = errors.New("xenstore: xenstored broke the protocol")
)

// An Error says which operation on which path failed, and why: Err is an
// hv.Errno that xenstored answered with, or one of this package's errors.
type Error struct {
	Op, Path string
	Err      error
}

func (e *Error) Error() string { return "xenstore: " + e.Op + " " + e.Path + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Events is what the client needs of the machine.
type Events interface {
	Notify(port hv.Port) error
	Wait(port hv.Port) bool
	Hold(delta int)
	Sleep(ns int64)
	Print(line string)
}

// A Client is a connection to xenstored. It is safe for concurrent use.
type Client struct {
	ev Events

	sending sync.Mutex // held for the whole of a request that goes out

	mu      sync.Mutex
	room    sync.Cond // xenstored may have taken something
	page    *abi.XenstoreDomainInterface
	port    hv.Port
	gen     uint64 // number of the connection
	err     error  // why there is no connection
	lastID  uint32
	calls   map[uint32]call
	open    map[uint32]bool // transactions
	watches map[string]*Watch
	lastTok uint64
	ignored uint64 // replies and events that nobody had asked for
}

// call is a request that is under way.
type call struct {
	typ   uint32
	reply chan<- answer // has room for the answer
}

type answer struct {
	payload []byte
	err     error
}

var mem = xswire.Mem{Load: atomic.LoadUint32, Store: atomic.StoreUint32}

// Open connects to xenstored by the ring page and the event channel that the
// domain was started with. Without a page there is no connection, which every
// method reports as ErrDisconnected.
func Open(ev Events, page *abi.XenstoreDomainInterface, port hv.Port) *Client {
	c := &Client{
		ev:      ev,
		err:     ErrDisconnected,
		calls:   map[uint32]call{},
		open:    map[uint32]bool{},
		watches: map[string]*Watch{},
	}
	c.room.L = &c.mu
	if page != nil {
		c.start(page, port)
	}
	return c
}

// start begins to use a ring. There is no connection before it.
func (c *Client) start(page *abi.XenstoreDomainInterface, port hv.Port) {
	// xenstored sets the state to 0 when it has finished (re)connecting
	// (docs/misc/xenstore-ring.txt).
	for atomic.LoadUint32(&page.Connection) != abi.XenstoreConnected {
		c.ev.Sleep(connectPoll)
	}
	// What somebody before us asked for is none of our business.
	xswire.Responses(page).Discard(mem)
	c.mu.Lock()
	c.page, c.port, c.err = page, port, nil
	c.gen++
	r := receiver{c: c, page: page, port: port, gen: c.gen}
	c.mu.Unlock()
	go r.run()
}

// connectPoll is the time between looks at the connection state, which no
// event announces, in nanoseconds.
const connectPoll = 1e6

// Reconnect uses a new ring after the old one's event channel was closed, as
// after resuming from suspension, and sets all watches anew. Each of them
// reports an event, since anything may have changed.
func (c *Client) Reconnect(page *abi.XenstoreDomainInterface, port hv.Port) error {
	c.mu.Lock()
	gen := c.gen
	c.mu.Unlock()
	c.disconnect(gen, ErrDisconnected)
	c.start(page, port)
	c.mu.Lock()
	watches := make([]*Watch, 0, len(c.watches))
	for _, w := range c.watches {
		watches = append(watches, w)
	}
	c.mu.Unlock()
	for _, w := range watches {
		if _, err := c.call(0, abi.XSWatch, w.path, "\x00", w.token, "\x00"); err != nil {
			return &Error{"watch", w.path, err}
		}
	}
	return nil
}

// disconnect ends connection gen, if that is still the current one, and fails
// everything that is under way. It reports whether it did.
func (c *Client) disconnect(gen uint64, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.gen != gen {
		return false
	}
	c.err = err
	for id, call := range c.calls {
		call.reply <- answer{nil, err}
		delete(c.calls, id)
	}
	clear(c.open) // xenstored forgets them too
	atomic.StoreUint32(&xswire.Unsent, 0)
	c.room.Broadcast()
	return true
}

// call makes a request whose payload is the concatenation of parts, and
// returns the payload of the reply.
func (c *Client) call(tx, typ uint32, parts ...string) ([]byte, error) {
	reply := make(chan answer, 1)
	c.sending.Lock()
	id, err := c.register(call{typ, reply})
	if err == nil {
		msg := xswire.AppendMessage(nil, typ, id, tx, parts...)
		if len(msg)-xswire.HeaderSize > abi.XenstorePayloadMax {
			c.forget(id)
			err = hv.E2BIG
		} else {
			c.ev.Hold(+1)
			defer c.ev.Hold(-1)
			c.send(msg)
		}
	}
	c.sending.Unlock()
	if err != nil {
		return nil, err
	}
	a := <-reply
	return a.payload, a.err
}

// register gives a call a number that no other call has.
func (c *Client) register(call call) (uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	for {
		c.lastID++
		if _, used := c.calls[c.lastID]; !used {
			c.calls[c.lastID] = call
			return c.lastID, nil
		}
	}
}

func (c *Client) forget(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

// send writes a message into the ring: at once if it can fit, else piece by
// piece. c.sending is held. If the connection ends meanwhile the call has had
// its answer.
func (c *Client) send(msg []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	whole := len(msg) <= abi.XenstoreRingSize
	for len(msg) > 0 {
		if c.err != nil {
			return // the answer is in the call's channel
		}
		ring := xswire.Requests(c.page)
		used, ok := ring.Used(mem)
		n := 0
		if ok && !(whole && len(msg) > abi.XenstoreRingSize-used) {
			n, ok = ring.Write(mem, msg)
		}
		if !ok {
			go c.breakOff(c.gen, "impossible index in the request ring")
			return
		}
		if n == 0 {
			c.room.Wait()
			continue
		}
		msg = msg[n:]
		atomic.StoreUint32(&xswire.Unsent, uint32(len(msg)))
		if err := c.ev.Notify(c.port); err != nil {
			go c.disconnect(c.gen, ErrDisconnected) // the port was closed
			return
		}
	}
}

// breakOff gives connection gen up because of what the other end did, and says
// so.
func (c *Client) breakOff(gen uint64, why string) {
	if c.disconnect(gen, ErrProtocol) {
		c.ev.Print("xenstore: connection given up: " + why)
	}
}
