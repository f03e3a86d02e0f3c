package netfront

import (
	"sync"
	"sync/atomic"

	"internal/xengo/xen/hv"
)

// counters are what a device has counted.
type counters struct {
	rxFrames, rxErrors, rxNoMemory atomic.Uint64
	txFrames, txErrors             atomic.Uint64
}

// queue is a pair of rings and their event channels.
type queue struct {
	p    hv.Platform
	rx   *receiver
	tx   *sender
	st   *counters
	port struct{ tx, rx hv.Port } // the same if events are not split

	mu      sync.Mutex
	stopped bool
	workers sync.WaitGroup
}

// newQueue makes the rings, whose indices begin at index, and the event
// channels.
func newQueue(p hv.Platform, dom hv.DomID, split bool, index uint32, st *counters) (*queue, error) {
	q := &queue{p: p, st: st}
	err := q.make(dom, split, index)
	if err != nil {
		q.stop()
		q.release()
		return nil, err
	}
	return q, nil
}

func (q *queue) make(dom hv.DomID, split bool, index uint32) (err error) {
	if q.tx, err = newSender(q.p, dom, index); err != nil {
		return err
	}
	if q.rx, err = newReceiver(q.p, dom, index); err != nil {
		return err
	}
	if q.port.tx, err = q.p.AllocUnbound(dom); err != nil {
		return err
	}
	q.port.rx = q.port.tx
	if split {
		q.port.rx, err = q.p.AllocUnbound(dom)
	}
	return err
}

// run starts handling events. deliver gets every frame that arrives, room is
// called when frames can be sent again, broken when the backend is found out.
func (q *queue) run(deliver func([]byte), room func(), broken func(error)) {
	rx := func() error { return q.receive(deliver) }
	tx := func() error {
		again, err := q.tx.event(q.st)
		if again {
			room()
		}
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return
	}
	if q.port.tx == q.port.rx {
		q.work(q.port.rx, broken, rx, tx)
		return
	}
	q.work(q.port.rx, broken, rx)
	q.work(q.port.tx, broken, tx)
}

// work starts a goroutine that calls steps at the beginning and whenever port
// fires, until the port is closed or a step fails.
func (q *queue) work(port hv.Port, broken func(error), steps ...func() error) {
	hv.Go(&q.workers, func() {
		for {
			for _, step := range steps {
				if err := step(); err != nil {
					broken(err)
					return
				}
			}
			if !q.p.Wait(port) {
				return
			}
		}
	})
}

// receive handles what has arrived until nothing more has and an event will
// tell of what does.
func (q *queue) receive(deliver func([]byte)) error {
	for {
		n, err := q.rx.take(deliver, q.st)
		if err != nil {
			return err
		}
		if n > 0 {
			if q.rx.post() {
				q.notify(q.port.rx)
			}
			continue
		}
		if n, err = q.rx.ring.FinalCheck(); n == 0 || err != nil {
			return err
		}
	}
}

// notify sends an event. That the port is closed is known to whoever closed it.
func (q *queue) notify(port hv.Port) { q.p.Notify(port) }

// stop ends the handling of events, and returns when nothing handles any.
func (q *queue) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	ports := []hv.Port{q.port.tx, q.port.rx}
	if q.port.rx == q.port.tx {
		ports = ports[:1]
	}
	for _, port := range ports {
		if port != 0 {
			q.p.Shut(port)
		}
	}
	q.workers.Wait()
	for _, port := range ports {
		if port != 0 {
			q.p.ClosePort(port) // fails only for a port that is not open
		}
	}
}

// release gives the memory back. Nothing handles events any more.
func (q *queue) release() {
	if q.rx != nil {
		q.rx.release()
	}
	if q.tx != nil {
		q.tx.release()
	}
}
