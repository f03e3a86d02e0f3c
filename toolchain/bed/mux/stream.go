package mux

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Stream is one byte stream in both directions. It is a net.Conn.
type Stream struct {
	session *Session
	id      uint32

	mu       sync.Mutex
	cond     sync.Cond
	in       []byte // received, not read
	eof      bool   // the other end wrote its last
	taken    uint32 // bytes read since the last credit
	credit   uint32 // bytes that may be sent
	sentEnd  bool
	closed   bool
	err      error
	readBy   deadline
	writeBy  deadline
	writeOne sync.Mutex // one Write at a time
}

var _ net.Conn = (*Stream)(nil)

func newStream(s *Session, id uint32) *Stream {
	st := &Stream{session: s, id: id, credit: window}
	st.cond.L = &st.mu
	return st
}

// Read reads what has arrived; it waits when that is nothing.
func (st *Stream) Read(p []byte) (int, error) {
	st.mu.Lock()
	for len(st.in) == 0 && len(p) > 0 {
		if err := st.readEnd(); err != nil {
			st.mu.Unlock()
			return 0, err
		}
		st.cond.Wait()
	}
	n := copy(p, st.in)
	st.in = st.in[n:]
	give := st.takenNow(uint32(n))
	st.mu.Unlock()
	if give > 0 {
		credit := binary.BigEndian.AppendUint32(nil, give)
		if err := st.session.send(frame{kindCredit, st.id, credit}); err != nil {
			return n, nil // the next Read tells
		}
	}
	return n, nil
}

// readEnd is why nothing more will be read, nil if something may be.
func (st *Stream) readEnd() error {
	switch {
	case st.eof:
		return io.EOF
	case st.closed:
		return net.ErrClosed
	case st.err != nil:
		return st.err
	case st.readBy.passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// takenNow counts n bytes read and returns the credit to give, if it is time.
func (st *Stream) takenNow(n uint32) uint32 {
	st.taken += n
	if st.taken < window/2 || st.eof {
		return 0
	}
	give := st.taken
	st.taken = 0
	return give
}

// Write sends all of p, waiting while the other end does not read.
func (st *Stream) Write(p []byte) (int, error) {
	st.writeOne.Lock()
	defer st.writeOne.Unlock()
	done := 0
	for done < len(p) {
		n, err := st.reserve(len(p) - done)
		if err != nil {
			return done, err
		}
		if err := st.session.send(frame{kindData, st.id, p[done : done+n]}); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// reserve waits for credit and takes up to n bytes of it.
func (st *Stream) reserve(n int) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for {
		switch {
		case st.closed || st.sentEnd:
			return 0, net.ErrClosed
		case st.err != nil:
			return 0, st.err
		case st.writeBy.passed:
			return 0, os.ErrDeadlineExceeded
		case st.credit > 0:
			n = min(n, int(st.credit), maxPayload)
			st.credit -= uint32(n)
			return n, nil
		}
		st.cond.Wait()
	}
}

// CloseWrite tells the other end that nothing more comes.
func (st *Stream) CloseWrite() error {
	st.mu.Lock()
	first := !st.sentEnd && !st.closed && st.err == nil
	st.sentEnd = true
	st.cond.Broadcast()
	st.mu.Unlock()
	if !first {
		return nil
	}
	return st.session.send(frame{kind: kindEnd, stream: st.id})
}

// Close ends both directions. What was written and not yet read may be lost
// unless CloseWrite came first and the other end answered with its end.
func (st *Stream) Close() error {
	st.mu.Lock()
	told := st.closed || st.err != nil || st.sentEnd && st.eof
	st.closed = true
	st.readBy.stop()
	st.writeBy.stop()
	st.cond.Broadcast()
	st.mu.Unlock()
	st.session.forget(st.id)
	if told {
		return nil
	}
	return st.session.send(frame{kind: kindReset, stream: st.id})
}

func (st *Stream) received(p []byte) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.in)+len(p) > window {
		return fmt.Errorf("mux: stream %d sent more than it may", st.id)
	}
	st.in = append(st.in, p...)
	st.cond.Broadcast()
	return nil
}

func (st *Stream) ended() {
	st.mu.Lock()
	st.eof = true
	st.cond.Broadcast()
	st.mu.Unlock()
}

func (st *Stream) fail(err error) {
	st.mu.Lock()
	if st.err == nil {
		st.err = err
	}
	st.cond.Broadcast()
	st.mu.Unlock()
}

func (st *Stream) credited(n uint32) {
	st.mu.Lock()
	st.credit = min(st.credit+n, window)
	st.cond.Broadcast()
	st.mu.Unlock()
}

// deadline is a time after which waiting is over; the stream's mu guards it.
type deadline struct {
	timer  *time.Timer
	passed bool
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (st *Stream) setDeadline(d *deadline, t time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	d.stop()
	d.passed, d.timer = false, nil
	if t.IsZero() || st.closed {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(t), func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		if d.timer == timer {
			d.passed = true
			st.cond.Broadcast()
		}
	})
	d.timer = timer
}

// SetDeadline bounds the time of Read and Write.
func (st *Stream) SetDeadline(t time.Time) error {
	st.setDeadline(&st.readBy, t)
	st.setDeadline(&st.writeBy, t)
	return nil
}

// SetReadDeadline bounds the time of Read.
func (st *Stream) SetReadDeadline(t time.Time) error {
	st.setDeadline(&st.readBy, t)
	return nil
}

// SetWriteDeadline bounds the time of Write.
func (st *Stream) SetWriteDeadline(t time.Time) error {
	st.setDeadline(&st.writeBy, t)
	return nil
}

type addr struct{}

func (addr) Network() string { return "mux" }
func (addr) String() string  { return "dom0" }

// LocalAddr returns a name for the connection.
func (st *Stream) LocalAddr() net.Addr { return addr{} }

// RemoteAddr returns a name for the connection.
func (st *Stream) RemoteAddr() net.Addr { return addr{} }
