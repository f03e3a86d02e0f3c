package netstack

import (
	"sync"
	"time"
)

// A settled is the state of the first configuration: open as long as a device that has been there from the start may yet
// get its addresses.
type settled struct {
	done chan struct{}
	once sync.Once

	mu      sync.Mutex
	pending int
}

func (s *settled) init() { s.done = make(chan struct{}) }

func (s *settled) add(n int) {
	s.mu.Lock()
	s.pending += n
	end := s.pending == 0
	s.mu.Unlock()
	if end {
		s.once.Do(func() { close(s.done) })
	}
}

// Hold keeps the configuration from counting as settled until release is called, for the first time.
func (s *Stack) Hold() (release func()) {
	s.settled.add(1)
	var once sync.Once
	return func() { once.Do(func() { s.settled.add(-1) }) }
}

// maxSettling is how long anybody waits for the first configuration.
const maxSettling = 5 * time.Second

// Settled reports whether the first configuration is over, successfully or not. A stack that nobody holds is, once
// somebody has.
func (s *Stack) Settled() bool {
	select {
	case <-s.settled.done:
		return true
	default:
		return false
	}
}

// WaitSettled waits until the first configuration is over, but not for longer than programs can be kept waiting.
func (s *Stack) WaitSettled() {
	if s.Settled() {
		return
	}
	t := time.NewTimer(maxSettling)
	defer t.Stop()
	select {
	case <-s.settled.done:
	case <-t.C:
	}
}

// WhenSettled calls f on a goroutine of its own after WaitSettled.
func (s *Stack) WhenSettled(f func()) {
	go func() {
		s.WaitSettled()
		f()
	}()
}
