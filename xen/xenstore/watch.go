package xenstore

import (
	"internal/xengo/xen/abi"
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
)

// A Watch reports changes at a path and below it.
type Watch struct {
	// C has an element whenever there are Events that were not taken. It is
	// closed by Close.
	C <-chan struct{}

	c           *Client
	path, token string
	ready       chan struct{}

	// Protected by c.mu.
	paths  []string
	closed bool
}

// maxPaths is how many distinct paths a watch remembers. When there are more,
// it says that something at its root changed, which is what it stands for.
const maxPaths = 64

// Watch starts a watch. Its first event, of path itself, comes at once.
func (c *Client) Watch(path string) (*Watch, error) {
	if !validPath(path) {
		return nil, &Error{"watch", path, hv.EINVAL}
	}
	ready := make(chan struct{}, 1)
	w := &Watch{C: ready, c: c, path: path, ready: ready}
	c.mu.Lock()
	c.lastTok++
	w.token = "w" + ascii.Utoa(c.lastTok)
	c.watches[w.token] = w // before the event that may overtake the reply
	c.mu.Unlock()
	if _, err := c.call(0, abi.XSWatch, path, "\x00", w.token, "\x00"); err != nil {
		w.stop()
		return nil, &Error{"watch", path, err}
	}
	return w, nil
}

// add notes an event. c.mu is held.
func (w *Watch) add(path string) {
	for _, p := range w.paths {
		if p == path {
			return
		}
	}
	if len(w.paths) >= maxPaths {
		w.paths = append(w.paths[:0], w.path)
	} else {
		w.paths = append(w.paths, path)
	}
	select {
	case w.ready <- struct{}{}:
	default: // it is known already
	}
}

// Events takes the paths that have changed since the last call. A path stands
// once however often it changed. They are relative if the watch's is.
func (w *Watch) Events() []string {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	paths := w.paths
	w.paths = nil
	return paths
}

// Serve calls f, on a goroutine of its own, whenever something has changed. stop
// closes the watch and waits for that to have ended.
func (w *Watch) Serve(f func()) (stop func() error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range w.C {
			w.Events()
			f()
		}
	}()
	return func() error {
		err := w.Close()
		<-ended
		return err
	}
}

// stop ends local delivery, and reports whether it had not ended before.
func (w *Watch) stop() bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.closed {
		return false
	}
	w.closed = true
	delete(w.c.watches, w.token)
	close(w.ready)
	return true
}

// Close ends the watch.
func (w *Watch) Close() error {
	if !w.stop() {
		return nil
	}
	if _, err := w.c.call(0, abi.XSUnwatch, w.path, "\x00", w.token, "\x00"); err != nil {
		return &Error{"unwatch", w.path, err}
	}
	return nil
}
