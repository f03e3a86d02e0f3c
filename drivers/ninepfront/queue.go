package ninepfront

import (
	"sync"

	"internal/xengo/drivers/ninepfront/flexring"
	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/xen/hv"
)

// maxCalls is how many requests are under way at most.
const maxCalls = 32

// watchTime is how often, in nanoseconds, it is seen to whether the server is
// there while it owes a reply: its end is no event.
const watchTime = 1e9

// buffer is a page that the backend may access. Nothing else is ever kept in it
// (XSA-403).
type buffer struct {
	page []byte
	ref  hv.GrantRef
}

// call is a request under way.
type call struct {
	room []byte
	done func(reply []byte, err error)
	sent bool // all of the request is in the ring; guarded by queue.mu
}

// queue is a ring with its event channel, and the requests that went through it.
type queue struct {
	p     hv.Platform
	intf  buffer
	data  []buffer
	port  hv.Port
	limit int // length of a message in bytes

	sending sync.Mutex // held for as long as a request is on its way into the ring
	out     *flexring.Writer
	room    chan struct{} // has one: there may be room in out

	in      *flexring.Reader // of the worker
	current *call            // whose reply is being read
	tag     uint16           // of it
	reply   []byte           // as far as it has been read
	size    int              // of all of it

	mu       sync.Mutex
	calls    [maxCalls]*call // by tag
	busy     int             // how many there are
	watching bool            // a goroutine looks after the server
	err      error           // why there will be no more

	tags   chan uint16   // those that are free
	failed chan struct{} // closed when err is set
	report func(error)   // told once why the device has to be closed
	worker sync.WaitGroup
}

// newQueue makes a ring of 1<<order pages, whose indices begin at index, and starts
// handling events. report is told once why the device has to be closed.
func newQueue(p hv.Platform, dom hv.DomID, order, index uint32, report func(error)) (*queue, error) {
	q := &queue{
		p: p, tags: make(chan uint16, maxCalls), room: make(chan struct{}, 1),
		failed: make(chan struct{}), report: report,
	}
	for tag := range uint16(maxCalls) {
		q.tags <- tag
	}
	if err := q.make(dom, order, index); err != nil {
		q.release()
		return nil, err
	}
	hv.Go(&q.worker, q.work)
	return q, nil
}

func (q *queue) make(dom hv.DomID, order, index uint32) (err error) {
	if q.intf, err = q.newBuffer(dom); err != nil {
		return err
	}
	n := 1 << order
	pages := make([][]byte, n)
	refs := flexring.Refs(q.intf.page, n)
	for i := range n {
		b, err := q.newBuffer(dom)
		if err != nil {
			return err
		}
		q.data = append(q.data, b)
		pages[i], refs[i] = b.page, uint32(b.ref)
	}
	intf := flexring.Interface(q.intf.page)
	intf.RingOrder = order
	intf.InCons, intf.InProd, intf.OutCons, intf.OutProd = index, index, index, index
	q.in = flexring.NewReader(&intf.InProd, &intf.InCons, pages[:n/2], index)
	q.out = flexring.NewWriter(&intf.OutProd, &intf.OutCons, pages[n/2:], index)
	q.limit = q.in.Size() / 2
	q.port, err = q.p.AllocUnbound(dom)
	return err
}

// newBuffer makes a zeroed page that the backend can access.
func (q *queue) newBuffer(dom hv.DomID) (buffer, error) {
	page, err := q.p.AllocPages(1)
	if err != nil {
		return buffer{}, err
	}
	ref, err := q.p.Grant(dom, page, false)
	if err != nil {
		q.p.FreePages(page)
		return buffer{}, err
	}
	return buffer{page, ref}, nil
}

// start is Device.Start.
func (q *queue) start(req, room []byte, done func([]byte, error)) {
	if len(req) < p9.HeaderSize || len(req) > q.limit {
		done(nil, ErrSize)
		return
	}
	q.p.Hold(+1)
	var tag uint16
	select {
	case tag = <-q.tags:
	case <-q.failed:
		q.p.Hold(-1)
		done(nil, q.err)
		return
	}
	p9.SetTag(req, tag)
	q.sending.Lock()
	// Among the calls from here on, whose replies come, or who end with the queue.
	c := &call{room: room, done: done}
	if !q.enter(tag, c) {
		q.sending.Unlock()
		q.p.Hold(-1)
		done(nil, q.err)
		return
	}
	q.send(req, c)
	q.sending.Unlock()
}

// enter notes a call, unless the queue has failed.
func (q *queue) enter(tag uint16, c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return false
	}
	q.calls[tag] = c
	q.busy++
	if !q.watching {
		q.watching = true
		go q.watch()
	}
	return true
}

// send puts a request into the ring when there is room for all of it: QEMU takes
// one for whole whose header it sees (hw/9pfs/xen-9p-backend.c, xen_9pfs_receive).
// There will be: none is longer than half the ring. q.sending is held.
func (q *queue) send(req []byte, c *call) {
	for {
		n, err := q.out.Room()
		if err != nil {
			q.fail(err)
			return
		}
		if n >= len(req) {
			break
		}
		select {
		case <-q.room:
		case <-q.failed:
			return
		}
	}
	q.out.Write(req)
	q.mu.Lock()
	c.sent = true // before the reply can come
	q.mu.Unlock()
	q.out.Publish()
	q.p.Notify(q.port) // that there is no other end is for watch to find out
}

// work handles events until the port is shut or the backend is found out.
func (q *queue) work() {
	for {
		if err := q.receive(); err != nil {
			q.fail(err)
			return
		}
		select {
		case q.room <- struct{}{}:
		default:
		}
		if !q.p.Wait(q.port) {
			return
		}
	}
}

// receive takes what there is in the ring.
func (q *queue) receive() error {
	for {
		n, err := q.in.Available()
		if err != nil {
			return err
		}
		crowded := n > q.in.Size()/2
		if q.current == nil {
			if n < p9.HeaderSize {
				return nil
			}
			if err := q.begin(); err != nil {
				return err
			}
			n -= p9.HeaderSize
		} else if n == 0 {
			return nil
		}
		at := len(q.reply)
		n = min(n, q.size-at)
		q.reply = q.reply[:at+n]
		q.in.Read(q.reply[at:])
		q.in.Release()
		if crowded {
			q.p.Notify(q.port) // the backend may wait for room
		}
		if len(q.reply) == q.size {
			q.finish()
		}
	}
}

// begin reads the header of a reply.
func (q *queue) begin() error {
	var head [p9.HeaderSize]byte
	q.in.Read(head[:])
	h := p9.ParseHeader(head[:])
	if h.Size < p9.HeaderSize || h.Size > uint32(q.limit) {
		return ErrSize
	}
	q.mu.Lock()
	if h.Tag < maxCalls && q.calls[h.Tag] != nil && q.calls[h.Tag].sent {
		q.current = q.calls[h.Tag]
	}
	q.mu.Unlock()
	if q.current == nil {
		return ErrTag
	}
	q.tag, q.size = h.Tag, int(h.Size)
	if q.reply = q.current.room[:0]; cap(q.reply) < q.size {
		q.reply = make([]byte, 0, q.size)
	}
	q.reply = append(q.reply, head[:]...)
	return nil
}

// finish hands over a reply that is complete.
func (q *queue) finish() {
	c, reply := q.current, q.reply
	q.current, q.reply = nil, nil
	q.mu.Lock()
	q.calls[q.tag] = nil
	q.busy--
	q.mu.Unlock()
	q.tags <- q.tag
	q.p.Hold(-1)
	c.done(reply, nil)
}

// watch looks, as long as there are calls, whether the server is still there.
func (q *queue) watch() {
	for {
		q.p.Sleep(watchTime)
		q.mu.Lock()
		q.watching = q.busy > 0 && q.err == nil
		more := q.watching
		q.mu.Unlock()
		if !more {
			return
		}
		if !q.p.Bound(q.port) {
			q.fail(ErrServerGone)
		}
	}
}

// fail makes err the answer to everything from now on.
func (q *queue) fail(err error) {
	q.mu.Lock()
	first := q.err == nil
	if first {
		q.err = err
		close(q.failed)
	}
	q.mu.Unlock()
	if first {
		q.report(err)
	}
}

// stop ends the handling of events and, with err if nothing failed before, all
// calls. It returns when nobody uses the ring any more.
func (q *queue) stop(err error) {
	q.fail(err)
	q.p.Shut(q.port)
	q.worker.Wait()
	q.p.ClosePort(q.port) // fails only for a port that is not open
	q.sending.Lock()
	defer q.sending.Unlock()
	for tag, c := range q.calls {
		if c != nil {
			q.calls[tag] = nil
			q.p.Hold(-1)
			c.done(nil, q.err)
		}
	}
}

// release gives the memory back. Nobody uses it any more.
func (q *queue) release() {
	for _, b := range append(q.data, q.intf) {
		if b.page != nil {
			q.p.Release(b.ref, b.page)
		}
	}
	q.data, q.intf = nil, buffer{}
}
