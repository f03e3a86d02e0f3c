// Package wiretest has simulated network devices for tests: ends of a wire between two of them.
package wiretest

import (
	"sync"

	"internal/xengo/drivers/netfront"
)

// An End is one end of a wire. It is a netstack.Device.
type End struct {
	mac  [6]byte
	mtu  int
	peer *End

	mu      sync.Mutex
	changed sync.Cond
	queue   [][]byte // frames on their way to this end
	receive func([]byte)
	room    func()
	full    bool // somebody at the other end was told so
	put     int
	done    chan struct{}
	closed  bool

	// Lose says which frames do not arrive, by their number; nil for none. It is called by one goroutine at a time.
	Lose func(n int, frame []byte) bool
	// Ring is how many frames may be on their way to the other end; 0 for as many as there are.
	Ring int
}

// New returns the ends of a wire.
func New(mtu int) (a, b *End) {
	a, b = newEnd(1, mtu), newEnd(2, mtu)
	a.peer, b.peer = b, a
	return a, b
}

func newEnd(number byte, mtu int) *End {
	e := &End{mac: [6]byte{0, 0x16, 0x3e, 0, 0, number}, mtu: mtu, done: make(chan struct{})}
	e.changed.L = &e.mu
	return e
}

func (e *End) MAC() [6]byte          { return e.mac }
func (e *End) MTU() int              { return e.mtu }
func (e *End) Kick()                 {}
func (e *End) Done() <-chan struct{} { return e.done }

// Put sends a frame to the other end.
func (e *End) Put(frame [][]byte) error {
	var all []byte
	for _, part := range frame {
		all = append(all, part...)
	}
	p := e.peer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return netfront.ErrClosed
	}
	if len(all) > e.mtu+18 {
		return netfront.ErrSize
	}
	if e.Ring > 0 && len(p.queue) >= e.Ring {
		p.full = true
		return netfront.ErrFull
	}
	e.put++
	if e.Lose == nil || !e.Lose(e.put, all) {
		p.queue = append(p.queue, all)
		p.changed.Signal()
	}
	return nil
}

func (e *End) SetRoom(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.room = f
}

// SetReceiver starts the delivery of frames.
func (e *End) SetReceiver(f func(frame []byte)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := e.receive == nil
	e.receive = f
	if first {
		go e.deliver()
	}
}

func (e *End) deliver() {
	for {
		e.mu.Lock()
		for len(e.queue) == 0 && !e.closed {
			e.changed.Wait()
		}
		if e.closed {
			e.mu.Unlock()
			return
		}
		frame, f := e.queue[0], e.receive
		e.queue = e.queue[1:]
		full := e.full
		e.full = false
		e.mu.Unlock()
		f(frame)
		if full {
			e.peer.mu.Lock()
			room := e.peer.room
			e.peer.mu.Unlock()
			room()
		}
	}
}

// Close takes the device away.
func (e *End) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		close(e.done)
		e.changed.Signal()
	}
}
