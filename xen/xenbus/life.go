package xenbus

import "sync"

// Life is how a connected device ends: once, because it is closed, because Fail
// says why, or because of the other end. A driver's monitor waits for these and
// calls End.
type Life struct {
	closed  error // what End is told if nothing was wrong
	broken  chan error
	closing chan struct{}
	close   sync.Once
	done    chan struct{}
	err     error // valid when done is closed
}

// NewLife begins a life. closed is the driver's error that says that the device was
// closed, by either end.
func NewLife(closed error) *Life {
	return &Life{closed: closed, broken: make(chan error, 1), closing: make(chan struct{}), done: make(chan struct{})}
}

// Fail says that the device cannot go on. One reason is enough: it does not wait.
func (l *Life) Fail(err error) {
	select {
	case l.broken <- err:
	default:
	}
}

// Broken has what Fail was told.
func (l *Life) Broken() <-chan error { return l.broken }

// Closing is closed when Close is called.
func (l *Life) Closing() <-chan struct{} { return l.closing }

// End notes why the device ended, or what then went wrong if nothing was before.
func (l *Life) End(why, then error) {
	if why == l.closed && then != nil {
		why = then
	}
	l.err = why
	close(l.done)
}

// Close asks for the end and waits for it. It returns why the device ended, nil if
// nothing was wrong.
func (l *Life) Close() error {
	l.close.Do(func() { close(l.closing) })
	<-l.done
	if l.err == l.closed {
		return nil
	}
	return l.err
}

// Done is closed when the device has ended.
func (l *Life) Done() <-chan struct{} { return l.done }

// Err returns why. It is to be called after Done.
func (l *Life) Err() error { return l.err }
