package spawn

import (
	"context"
	"io"
	"sync"
	"syscall"

	"internal/xengo/runtime/spawn/spawnwire"
)

// program is a program as the connection sees it: what goes to it and what comes from it.
type program struct {
	c       *conn
	id      uint32
	in      *receiver   // what a program that was started reads
	out     [2]*sender  // what it writes
	input   *sender     // for the guest itself: what it reads
	output  *receiver   // and what it writes
	signals chan uint32 // for a program that was started
}

// maxSignals is how many signals may wait for a program that starts.
const maxSignals = 64

func newProgram(c *conn, id uint32) *program {
	p := &program{c: c, id: id, signals: make(chan uint32, maxSignals)}
	if id == 0 {
		p.input, p.output = newSender(p, spawnwire.Stdin), newReceiver(p, spawnwire.Stdout)
		return p
	}
	p.in = newReceiver(p, spawnwire.Stdin)
	p.out = [2]*sender{newSender(p, spawnwire.Stdout), newSender(p, spawnwire.Stderr)}
	return p
}

// take handles a frame about the program. It returns false for one that makes no sense.
func (p *program) take(f *spawnwire.Frame) bool {
	if f.Kind == spawnwire.Signal && p.id != 0 {
		sig, ok := f.Number()
		if ok && syscall.Signal(sig) == syscall.SIGKILL {
			for _, o := range p.out {
				o.shut() // whatever it has written may be lost
			}
		}
		if ok {
			select {
			case p.signals <- sig:
			default: // as signals are lost that are pending already
			}
		}
		return ok
	}
	stream, b, room, ok := f.Stream()
	if !ok {
		return false
	}
	if f.Kind == spawnwire.Data {
		r := p.receiver(stream)
		return r != nil && r.take(b)
	}
	s := p.sender(stream)
	switch {
	case s == nil:
		return f.Kind == spawnwire.Shut // of an output that leads nowhere
	case f.Kind == spawnwire.Shut:
		s.shut()
		return true
	}
	return s.open(room)
}

func (p *program) receiver(stream int) *receiver {
	switch {
	case stream == spawnwire.Stdin:
		return p.in
	case stream == spawnwire.Stdout:
		return p.output
	}
	return nil
}

func (p *program) sender(stream int) *sender {
	if stream == spawnwire.Stdin {
		return p.input
	}
	return p.out[stream-1]
}

// deliver sends the signals on until ctx is done.
func (p *program) deliver(ctx context.Context, process Process) {
	for {
		select {
		case sig := <-p.signals:
			if err := process.Signal(syscall.Signal(sig)); err != nil {
				p.c.Logf("signal %d: %v", sig, err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// end ends all streams.
func (p *program) end() {
	for _, r := range []*receiver{p.in, p.output} {
		if r != nil {
			r.end()
		}
	}
	for _, s := range []*sender{p.out[0], p.out[1], p.input} {
		if s != nil {
			s.shut()
		}
	}
}

// sendInput copies the guest's own input to it.
func (p *program) sendInput(r io.Reader) {
	if _, err := io.Copy(p.input, r); err == nil {
		p.input.Close() // never fails
	}
}

// passOn copies the guest's own output, up to its end, which may be long before the guest's. When nobody wants it the guest
// hears of it.
func (p *program) passOn(w io.WriteCloser) {
	if _, err := io.Copy(w, p.output); err != nil {
		p.c.out.send(spawnwire.NewShut(0, spawnwire.Stdout))
		io.Copy(io.Discard, p.output) // to its end
	}
	w.Close() // what goes wrong now is nobody's business
}

// receiver is a stream from the guest.
type receiver struct {
	p      *program
	stream int

	mu      sync.Mutex
	changed sync.Cond
	pending []byte
	ended   bool
}

func newReceiver(p *program, stream int) *receiver {
	r := &receiver{p: p, stream: stream}
	r.changed.L = &r.mu
	return r
}

// take queues bytes; nothing is the end. It returns false for more than may be on their way.
func (r *receiver) take(b []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, b...)
	r.ended = r.ended || len(b) == 0
	r.changed.Broadcast()
	return len(r.pending) <= spawnwire.Window
}

func (r *receiver) end() { r.take(nil) }

func (r *receiver) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.pending) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		r.changed.Wait()
	}
	n := copy(b, r.pending)
	r.pending = r.pending[n:]
	r.p.c.out.send(spawnwire.NewRoom(r.p.id, r.stream, n))
	return n, nil
}

// sender is a stream to the guest.
type sender struct {
	p      *program
	stream int

	sending sync.Mutex // pieces in order
	mu      sync.Mutex
	changed sync.Cond
	room    int
	broken  bool
}

func newSender(p *program, stream int) *sender {
	s := &sender{p: p, stream: stream, room: spawnwire.Window}
	s.changed.L = &s.mu
	return s
}

// open lets n more bytes be sent. It returns false if there were not so many.
func (s *sender) open(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room += n
	s.changed.Broadcast()
	return s.room <= spawnwire.Window
}

// shut makes writes fail.
func (s *sender) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = true
	s.changed.Broadcast()
}

// Close tells the guest that it is the end. Nothing can be written then.
func (s *sender) Close() error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.shut()
	s.p.c.out.send(spawnwire.NewData(s.p.id, s.stream, nil))
	return nil
}

func (s *sender) Write(b []byte) (int, error) {
	s.sending.Lock()
	defer s.sending.Unlock()
	for done := 0; ; {
		n, broken := s.reserve(len(b) - done)
		switch {
		case broken:
			return done, syscall.EPIPE
		case n > 0:
			s.p.c.out.send(spawnwire.NewData(s.p.id, s.stream, b[done:done+n]))
			done += n
		}
		if done == len(b) {
			return done, nil
		}
	}
}

// reserve waits until some of n bytes may be sent and takes their room.
func (s *sender) reserve(n int) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n > 0 && s.room == 0 && !s.broken {
		s.changed.Wait()
	}
	n = min(n, s.room, spawnwire.MaxPiece)
	s.room -= n
	return n, s.broken
}
