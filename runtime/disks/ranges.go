package disks

import "sync"

// ranges are parts of a disk that somebody writes to. Who changes a part of a sector has nobody else write to it
// between reading and writing it back.
type ranges struct {
	mu   sync.Mutex
	free sync.Cond // something was unlocked
	held []held
}

type held struct{ first, end int64 }

// lock waits until nobody writes to a byte from first to before end, and keeps others from it until unlock.
func (r *ranges) lock(first, end int64) (unlock func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free.L = &r.mu
	for r.overlaps(first, end) {
		r.free.Wait()
	}
	r.held = append(r.held, held{first, end})
	return func() { r.unlock(first, end) }
}

// overlaps reports whether somebody holds a part of a range. r.mu is held.
func (r *ranges) overlaps(first, end int64) bool {
	for _, h := range r.held {
		if h.first < end && first < h.end {
			return true
		}
	}
	return false
}

// unlock lets go of a range. Of those that are held at a time none is like another.
func (r *ranges) unlock(first, end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.held) - 1
	for i, h := range r.held {
		if h == (held{first, end}) {
			r.held[i] = r.held[last]
			break
		}
	}
	r.held = r.held[:last]
	r.free.Broadcast()
}
