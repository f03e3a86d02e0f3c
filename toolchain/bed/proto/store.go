package proto

import (
	"io"
	"sync"
)

// Store keeps parts of files that were received: the latest, as many as fit. Its
// methods may be called concurrently.
type Store struct {
	mu     sync.Mutex
	memory []byte // parts in the order they came, from the beginning again after the end
	next   int    // where the next one goes
	parts  map[Sum]stored
	order  []stored // what is there, the oldest first
}

// stored is a part in the store's memory.
type stored struct {
	sum   Sum
	at, n int
}

// NewStore returns a store that keeps its parts in memory.
func NewStore(memory []byte) *Store {
	return &Store{memory: memory, parts: make(map[Sum]stored)}
}

// copyTo writes a part to its place in f, if it is there.
func (s *Store) copyTo(f io.WriterAt, part *missing) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, there := s.parts[part.sum]
	if !there || p.n != part.n {
		return false, nil
	}
	_, err := f.WriteAt(s.memory[p.at:][:p.n], part.at)
	return true, err
}

// keep adds a part, in the place of the oldest ones.
func (s *Store) keep(sum Sum, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.parts[sum]; there || len(p) > len(s.memory) {
		return
	}
	if s.next+len(p) > len(s.memory) {
		s.forget(s.next, len(s.memory))
		s.next = 0
	}
	end := s.next + len(p)
	s.forget(s.next, end)
	part := stored{sum, s.next, copy(s.memory[s.next:end], p)}
	s.parts[sum], s.order, s.next = part, append(s.order, part), end
}

// forget drops the parts, which are the oldest, that begin in some of the memory.
func (s *Store) forget(from, to int) {
	for len(s.order) > 0 && from <= s.order[0].at && s.order[0].at < to {
		delete(s.parts, s.order[0].sum)
		s.order = s.order[1:]
	}
}
