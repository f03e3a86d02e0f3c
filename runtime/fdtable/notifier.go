package fdtable

import "sync"

// A Notifier keeps the functions that want to hear about a description's edges; descriptions embed it or forward
// their Notify to it. The zero value is ready.
type Notifier struct {
	mu        sync.Mutex
	observers []*observer // never changed in place: Signal walks it without the lock
}

type observer struct {
	fn func(Events)
}

// Notify is the method of Description.
func (n *Notifier) Notify(fn func(Events)) (cancel func()) {
	o := &observer{fn}
	n.mu.Lock()
	n.observers = append(n.observers[:len(n.observers):len(n.observers)], o)
	n.mu.Unlock()
	return func() { n.remove(o) }
}

func (n *Notifier) remove(o *observer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var rest []*observer
	for _, other := range n.observers {
		if other != o {
			rest = append(rest, other)
		}
	}
	n.observers = rest
}

// Signal tells everyone that the events ev may have begun to hold. It may be called with the
// description's locks held only if its Readiness and Notify do not take them.
func (n *Notifier) Signal(ev Events) {
	n.mu.Lock()
	list := n.observers
	n.mu.Unlock()
	for _, o := range list {
		o.fn(ev)
	}
}
