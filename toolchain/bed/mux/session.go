package mux

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// ErrClosed is the error of streams whose session or other end is gone.
var ErrClosed = errors.New("mux: stream closed")

// conn is a connection, which a server's sessions share one after the other.
type conn struct {
	r   *bufio.Reader
	w   io.Writer
	wmu sync.Mutex // one frame at a time
}

func newConn(rw io.ReadWriter) *conn { return &conn{r: bufio.NewReaderSize(rw, 64<<10), w: rw} }

func (c *conn) Read(p []byte) (int, error) { return c.r.Read(p) }

func (c *conn) Write(p []byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.w.Write(p)
}

// Session is one end of a connection.
type Session struct {
	conn *conn

	mu      sync.Mutex
	streams map[uint32]*Stream
	next    uint32
	err     error // why the session ended

	accept chan *Stream
	done   chan struct{}
}

// Dial starts a session as the end that opens streams.
func Dial(rw io.ReadWriter) (*Session, error) {
	c := newConn(rw)
	if err := greet(c); err != nil {
		return nil, fmt.Errorf("mux: greet: %w", err)
	}
	return start(c), nil
}

// Server is the end that accepts streams, in one session after the other.
type Server struct{ conn *conn }

// NewServer returns a server on rw.
func NewServer(rw io.ReadWriter) *Server { return &Server{newConn(rw)} }

// Serve waits for a greeting and starts a session. The one before must be done.
func (v *Server) Serve() (*Session, error) {
	if err := answer(v.conn); err != nil {
		return nil, fmt.Errorf("mux: wait for a greeting: %w", err)
	}
	return start(v.conn), nil
}

func start(c *conn) *Session {
	s := &Session{
		conn: c, streams: make(map[uint32]*Stream),
		accept: make(chan *Stream, 64), done: make(chan struct{}),
	}
	go s.receive()
	return s
}

// Open starts a stream.
func (s *Session) Open() (*Stream, error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return nil, s.err
	}
	s.next++
	st := newStream(s, s.next)
	s.streams[st.id] = st
	s.mu.Unlock()
	if err := s.send(frame{kind: kindOpen, stream: st.id}); err != nil {
		s.forget(st.id)
		return nil, err
	}
	return st, nil
}

// Accept returns the next stream that the other end opened, or net.ErrClosed
// when the session is over.
func (s *Session) Accept() (*Stream, error) {
	select {
	case st := <-s.accept:
		return st, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Done is closed when the session is over.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session ended, nil while it lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// send writes one frame.
func (s *Session) send(f frame) error {
	b := appendFrame(make([]byte, 0, headerSize+len(f.payload)), f)
	s.conn.wmu.Lock()
	defer s.conn.wmu.Unlock()
	if err := s.Err(); err != nil {
		return err
	}
	_, err := s.conn.w.Write(b)
	return err
}

func (s *Session) forget(id uint32) {
	s.mu.Lock()
	delete(s.streams, id)
	s.mu.Unlock()
}

func (s *Session) stream(id uint32) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[id]
}

// receive hands frames to streams until the connection ends.
func (s *Session) receive() {
	for {
		f, err := readFrame(s.conn.r)
		if err == nil {
			err = s.dispatch(f)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// dispatch handles one frame. Frames of streams that are gone are late, not
// wrong.
func (s *Session) dispatch(f frame) error {
	if f.kind == kindOpen {
		return s.opened(f.stream)
	}
	st := s.stream(f.stream)
	if st == nil {
		return nil
	}
	switch f.kind {
	case kindData:
		return st.received(f.payload)
	case kindEnd:
		st.ended()
	case kindReset:
		s.forget(f.stream)
		st.fail(ErrClosed)
	case kindCredit:
		st.credited(binary.BigEndian.Uint32(f.payload))
	}
	return nil
}

func (s *Session) opened(id uint32) error {
	st := newStream(s, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[id] != nil {
		return fmt.Errorf("mux: stream %d opened twice", id)
	}
	select {
	case s.accept <- st:
		s.streams[id] = st
		return nil
	default:
		return errors.New("mux: too many streams wait to be accepted")
	}
}

// end closes every stream with the reason.
func (s *Session) end(err error) {
	s.mu.Lock()
	s.err = fmt.Errorf("mux: session ended: %w", err)
	streams := s.streams
	s.streams = nil
	s.mu.Unlock()
	for _, st := range streams {
		st.fail(s.err)
	}
	close(s.done)
}
