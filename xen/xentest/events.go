package xentest

import (
	"sync"

	"internal/xengo/xen/hv"
)

// port is one end of an event channel.
type port struct {
	remote  hv.DomID
	peer    *port // nil while unbound
	fired   chan struct{}
	closed  chan struct{}
	shut    sync.Once
	waiting bool
}

func (d *Domain) newPort(remote hv.DomID) (hv.Port, *port) {
	p := &port{remote: remote, fired: make(chan struct{}, 1), closed: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lastPort++
	d.ports[d.lastPort] = p
	return d.lastPort, p
}

func (d *Domain) port(n hv.Port) *port {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ports[n]
}

// AllocUnbound implements hv.Events.
func (d *Domain) AllocUnbound(remote hv.DomID) (hv.Port, error) {
	n, _ := d.newPort(remote)
	return n, nil
}

// Bind binds a new port to one that domain remote allocated for d. As in Xen,
// both ends are pending at once.
func (d *Domain) Bind(remote hv.DomID, n hv.Port) (hv.Port, error) {
	other := d.xen.domain(remote)
	if other == nil {
		return 0, hv.Errno(3) // ESRCH
	}
	peer := other.port(n)
	if peer == nil || peer.remote != d.ID {
		return 0, hv.EINVAL
	}
	local, p := d.newPort(remote)
	d.xen.mu.Lock()
	defer d.xen.mu.Unlock()
	if peer.peer != nil {
		return 0, hv.EINVAL
	}
	peer.peer, p.peer = p, peer
	p.fire()
	return local, nil
}

func (p *port) fire() {
	select {
	case p.fired <- struct{}{}:
	default: // already pending
	}
}

// Notify implements hv.Events.
func (d *Domain) Notify(n hv.Port) error {
	p := d.port(n)
	if p == nil {
		return hv.EINVAL
	}
	d.xen.mu.Lock()
	peer := p.peer
	d.xen.mu.Unlock()
	if peer != nil { // an unbound port swallows events, as Xen's do
		peer.fire()
	}
	return nil
}

// Bound implements hv.Events.
func (d *Domain) Bound(n hv.Port) bool {
	p := d.port(n)
	d.xen.mu.Lock()
	defer d.xen.mu.Unlock()
	return p != nil && p.peer != nil
}

// Wait implements hv.Events.
func (d *Domain) Wait(n hv.Port) bool {
	p := d.port(n)
	if p == nil {
		return false // closed before the waiter came
	}
	d.mu.Lock()
	if p.waiting {
		d.xen.tb.Errorf("xentest: port %d of domain %d has two waiters", n, d.ID)
	}
	p.waiting = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		p.waiting = false
		d.mu.Unlock()
	}()
	select {
	case <-p.closed:
		return false
	default:
	}
	select {
	case <-p.fired:
		return true
	case <-p.closed:
		return false
	}
}

// Shut implements hv.Events.
func (d *Domain) Shut(n hv.Port) {
	if p := d.port(n); p != nil {
		p.shut.Do(func() { close(p.closed) })
	}
}

// ClosePort implements hv.Events. The other end becomes unbound.
func (d *Domain) ClosePort(n hv.Port) error {
	d.mu.Lock()
	p := d.ports[n]
	delete(d.ports, n)
	d.mu.Unlock()
	if p == nil {
		return hv.EINVAL
	}
	p.shut.Do(func() { close(p.closed) })
	d.xen.mu.Lock()
	defer d.xen.mu.Unlock()
	if p.peer != nil {
		p.peer.peer = nil
		p.peer = nil
	}
	return nil
}

// OpenPorts returns how many event channels are open.
func (d *Domain) OpenPorts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ports)
}
