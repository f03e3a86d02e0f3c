package blkfront

import (
	"errors"
	"sync"

	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/ring"
)

// What a backend can do wrong in a ring. Any of it ends the device.
var (
	errID        = errors.New("blkfront: a response has an id that was not asked for")
	errOperation = errors.New("blkfront: a response is of another operation than its request")
)

// buffer is a page that the backend may access for as long as it exists: the
// data is copied, so a page goes through the ring again and again with the
// grant it has. Nothing else is ever kept in it (XSA-403).
type buffer struct {
	page []byte
	ref  hv.GrantRef
}

// queue is a ring and its event channel.
type queue struct {
	p        hv.Platform
	dom      hv.DomID
	handle   uint16
	segments int // of a request, at most
	port     hv.Port
	mem      []byte // the ring's pages
	refs     []hv.GrantRef
	worker   chan struct{} // closed when nothing handles events any more; nil if nothing ever did

	mu       sync.Mutex
	changed  sync.Cond // a slot or a buffer is free, or err is set
	ring     *ring.Front[abi.BlkifRequest, abi.BlkifResponse]
	requests []request // by slot, the low bits of their ids
	free     []uint16  // slots
	making   int       // slots that were taken and not sent yet
	lastID   uint64    // without the slot
	idle     []buffer  // last in, first out, as blkif.h advises
	total    int       // buffers that exist
	limit    int       // of total
	err      error     // why nothing can be sent any more
	stopped  bool

	answers []answer // receive's
}

// idShift is where the slot ends in an id: ids are used once, so that an answer
// to a request that has had one is always found out.
const idShift = 16

// newQueue makes a ring whose indices begin at index, with a first buffer, and
// its event channel.
func newQueue(p hv.Platform, dom hv.DomID, pages, buffers int, index uint32) (*queue, error) {
	q := &queue{p: p, dom: dom, limit: buffers}
	q.changed.L = &q.mu
	if err := q.make(pages, index); err != nil {
		q.stop()
		q.release()
		return nil, err
	}
	return q, nil
}

func (q *queue) make(pages int, index uint32) (err error) {
	if q.mem, err = q.p.AllocPages(pages); err != nil {
		return err
	}
	for i := range pages {
		ref, err := q.p.Grant(q.dom, q.mem[i*hv.PageSize:], false)
		if err != nil {
			return err
		}
		q.refs = append(q.refs, ref)
	}
	q.ring = ring.NewFrontAt[abi.BlkifRequest, abi.BlkifResponse](q.mem, index)
	q.requests = make([]request, q.ring.Size())
	for slot := range q.requests {
		q.free = append(q.free, uint16(slot))
	}
	if q.grow(1); q.total == 0 {
		return hv.ENOMEM // with one buffer everything goes, if slowly
	}
	q.port, err = q.p.AllocUnbound(q.dom)
	return err
}

// run starts handling events; broken is called when the backend is found out.
func (q *queue) run(broken func(error)) {
	q.worker = make(chan struct{})
	go func() {
		defer close(q.worker)
		for q.p.Wait(q.port) {
			if err := q.receive(); err != nil {
				q.end(ErrClosed)
				broken(err)
				return
			}
		}
	}()
}

// grow makes buffers until n are idle, or as many as there may and can be: those
// that exist go round. q.mu is held, or nobody else knows q.
func (q *queue) grow(n int) {
	for len(q.idle) < n && q.total < q.limit {
		page, err := q.p.AllocPages(1)
		if err != nil {
			return
		}
		// Writable, whatever it is for first (blkif.h, note 8).
		ref, err := q.p.Grant(q.dom, page, false)
		if err != nil {
			q.p.FreePages(page)
			return
		}
		q.idle = append(q.idle, buffer{page, ref})
		q.total++
	}
}

// take waits for a free slot and for at least one of the pages buffers that are
// wanted, and returns them: at most as many as fit into a request.
func (q *queue) take(pages int) (slot uint16, r *request, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	pages = min(pages, q.segments)
	for {
		if q.err != nil {
			return 0, nil, q.err
		}
		want := pages
		if pages > blkif.MaxDirect {
			want++ // for the segments
		}
		q.grow(want)
		if len(q.free) > 0 && len(q.idle) >= min(want, 1) {
			break
		}
		q.changed.Wait()
	}
	slot = q.free[len(q.free)-1]
	q.free = q.free[:len(q.free)-1]
	q.making++
	r = &q.requests[slot]
	if pages > blkif.MaxDirect && len(q.idle) > blkif.MaxDirect+1 {
		r.indirect = q.move(r.indirect, 1)
	} else {
		pages = min(pages, blkif.MaxDirect)
	}
	r.buffers = q.move(r.buffers, min(pages, len(q.idle)))
	return slot, r, nil
}

// move adds n idle buffers to list. q.mu is held.
func (q *queue) move(list []buffer, n int) []buffer {
	rest := len(q.idle) - n
	list = append(list, q.idle[rest:]...)
	q.idle = q.idle[:rest]
	return list
}

// send puts the request of a slot into the ring, where there is room for one from
// each slot. The slot is given back if it cannot.
func (q *queue) send(slot uint16, req blkif.Request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.making--
	r := &q.requests[slot]
	if q.err != nil {
		q.putBack(slot)
		return q.err
	}
	q.lastID++
	r.id = q.lastID<<idShift | uint64(slot)
	r.call.add()
	req.ID, req.Handle = r.id, q.handle
	q.ring.Put(req.Encode())
	if q.ring.Push() {
		q.p.Notify(q.port) // under the lock: after end nobody uses the port
	}
	return nil
}

// putBack frees a slot and its buffers. q.mu is held.
func (q *queue) putBack(slot uint16) {
	r := &q.requests[slot]
	q.idle = append(append(q.idle, r.indirect...), r.buffers...)
	*r = request{buffers: r.buffers[:0], indirect: r.indirect[:0], segments: r.segments[:0]}
	q.free = append(q.free, slot)
	q.changed.Broadcast()
}

// An answer is a response that was found to be one.
type answer struct {
	slot   uint16
	status int16
}

// receive handles what has arrived until nothing more has and an event will tell
// of what does.
func (q *queue) receive() error {
	for {
		err := q.collect()
		// Those before one that is wrong are right.
		for _, a := range q.answers {
			q.finish(a)
		}
		if err != nil || len(q.answers) == 0 {
			return err
		}
	}
}

// collect takes the responses that there are to q.answers.
func (q *queue) collect() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.answers = q.answers[:0]
	n, err := q.ring.Pending()
	if n == 0 && err == nil {
		n, err = q.ring.FinalCheck()
	}
	if err != nil {
		return err
	}
	for range n {
		rsp := q.ring.Get()
		slot := rsp.ID & (1<<idShift - 1)
		if slot >= uint64(len(q.requests)) {
			return errID
		}
		r := &q.requests[slot]
		switch {
		case r.id == 0 || r.id != rsp.ID || r.answered:
			return errID
		case r.op != rsp.Operation:
			return errOperation
		}
		r.answered = true
		q.answers = append(q.answers, answer{uint16(slot), rsp.Status})
	}
	return nil
}

// finish tells the caller, and frees what the request had. Nobody else touches
// a request that was answered.
func (q *queue) finish(a answer) {
	r := &q.requests[a.slot]
	var err error
	switch {
	case a.status == abi.BlkifRspOkay:
		if r.op == abi.BlkifOpRead {
			r.copyOut()
		}
	case a.status == abi.BlkifRspEOpNotSupp && r.op != abi.BlkifOpRead && r.op != abi.BlkifOpWrite:
		err = ErrUnsupported
	default:
		err = ErrIO
	}
	c := r.call
	q.mu.Lock()
	q.putBack(a.slot)
	q.mu.Unlock()
	c.answer(err)
}

// end makes everything that is sent from now on fail.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.changed.Broadcast()
}

// drain waits until no slot is in use, or the queue was stopped.
func (q *queue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.free) < len(q.requests) && !q.stopped {
		q.changed.Wait()
	}
}

// stop ends the handling of events. When it returns nothing handles any, and
// what had no answer has failed.
func (q *queue) stop() {
	q.end(ErrClosed)
	if q.port != 0 {
		q.p.Shut(q.port)
		if q.worker != nil {
			<-q.worker
		}
		q.p.ClosePort(q.port) // fails only for a port that is not open
	}
	q.mu.Lock()
	var failed []*call
	for i := range q.requests {
		if r := &q.requests[i]; r.id != 0 {
			failed = append(failed, r.call)
			r.id = 0
		}
	}
	q.stopped = true
	q.changed.Broadcast()
	q.mu.Unlock()
	for _, c := range failed {
		c.answer(ErrIO)
	}
}

// release gives the memory back. Nothing handles events any more.
func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.making > 0 { // a caller may be about to find out that it cannot send
		q.changed.Wait()
	}
	for i := range q.requests {
		q.idle = append(append(q.idle, q.requests[i].buffers...), q.requests[i].indirect...)
	}
	for _, b := range q.idle {
		q.p.Release(b.ref, b.page)
	}
	q.requests, q.free, q.idle = nil, nil, nil
	if q.mem != nil {
		q.p.ReleaseAll(q.refs, q.mem)
	}
}
