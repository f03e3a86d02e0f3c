package sockets

import "sync"

// settings are options that a socket keeps for its owner and that the stack has no use for, and some that this
// package itself looks at.
type settings struct {
	mu     sync.Mutex
	values map[option]int
}

// An option is a level and a name.
type option struct{ level, name int }

func (t *settings) get(o option) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.values[o]
}

func (t *settings) set(o option, v int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.values == nil {
		t.values = map[option]int{}
	}
	t.values[o] = v
}
