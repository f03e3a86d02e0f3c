package netfront

import (
	"internal/xengo/drivers/netfront/netif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/ring"
)

// buffer is a page that the backend may access for as long as it exists: the
// data is copied, so a page goes through the ring again and again with the
// grant it has. Nothing else is ever kept in it (XSA-403).
type buffer struct {
	page []byte
	ref  hv.GrantRef
}

// newBuffer makes a zeroed page that the backend can access.
func newBuffer(p hv.Platform, dom hv.DomID, readOnly bool) (buffer, error) {
	page, err := p.AllocPages(1)
	if err != nil {
		return buffer{}, err
	}
	ref, err := p.Grant(dom, page, readOnly)
	if err != nil {
		p.FreePages(page)
		return buffer{}, err
	}
	return buffer{page, ref}, nil
}

// Numbers of receive buffers: at first, and the fraction of them that has to
// be filled at once for there to be twice as many from then on.
const (
	rxFirstBuffers = 32
	rxBusyShare    = 2 // half of them
)

// receiver is the receiving half of a queue. Only its goroutine uses it.
type receiver struct {
	p    hv.Platform
	dom  hv.DomID
	ring *ring.Front[abi.NetifRxRequest, abi.NetifRxResponse]
	mem  buffer // the ring's page

	posted []buffer // by slot; the request with index i is in slot i modulo size
	free   []buffer // to be posted
	total  int      // buffers in posted and free

	parser netif.RxParser
	frame  []byte // what there is of the packet under way
}

// newReceiver makes a ring, whose indices begin at index, with requests in it.
func newReceiver(p hv.Platform, dom hv.DomID, index uint32) (*receiver, error) {
	mem, err := newBuffer(p, dom, false)
	if err != nil {
		return nil, err
	}
	r := &receiver{p: p, dom: dom, mem: mem, ring: ring.NewFrontAt[abi.NetifRxRequest, abi.NetifRxResponse](mem.page, index)}
	r.posted = make([]buffer, r.ring.Size())
	if err := r.grow(rxFirstBuffers); err != nil {
		r.release()
		return nil, err
	}
	r.post()
	return r, nil
}

// grow adds n buffers, or as many as the ring has room for.
func (r *receiver) grow(n int) error {
	for range min(n, r.ring.Size()-r.total) {
		b, err := newBuffer(r.p, r.dom, false)
		if err != nil {
			return err
		}
		r.free = append(r.free, b)
		r.total++
	}
	return nil
}

// post puts all free buffers into the ring and reports whether the backend
// wants to know.
func (r *receiver) post() (notify bool) {
	for _, b := range r.free {
		slot := r.ring.Next() % uint32(len(r.posted))
		r.posted[slot] = b
		r.ring.Put(abi.NetifRxRequest{ID: uint16(slot), Gref: uint32(b.ref)})
	}
	r.free = r.free[:0]
	return r.ring.Push()
}

// take handles the responses that there are and delivers the packets in them.
// It returns how many responses it was. After an error the backend is not to
// be trusted any more.
func (r *receiver) take(deliver func(frame []byte), st *counters) (int, error) {
	n, err := r.ring.Pending()
	if err != nil {
		return 0, err
	}
	for range n {
		slot := r.ring.NextResponse() % uint32(len(r.posted))
		b := r.posted[slot]
		r.posted[slot] = buffer{}
		piece, err := r.parser.Next(uint16(slot), r.ring.Get())
		r.free = append(r.free, b)
		if err != nil {
			return 0, err
		}
		if piece.First {
			r.frame = r.frame[:0]
		}
		// The copy is what is looked at from here on: the backend can still
		// write to the page (XSA-155).
		r.frame = append(r.frame, b.page[piece.Offset:piece.Offset+piece.Len]...)
		if !piece.Last {
			continue
		}
		if piece.Dropped {
			st.rxErrors.Add(1)
			continue
		}
		if piece.CsumBlank {
			netif.FillChecksum(r.frame)
		}
		st.rxFrames.Add(1)
		deliver(r.frame)
	}
	if n*rxBusyShare >= r.total {
		// More buffers would help; that there is no memory for them does not
		// hurt: those that exist go round.
		if r.grow(r.total) != nil {
			st.rxNoMemory.Add(1)
		}
	}
	return n, nil
}

// release gives everything back, when the backend has been told to let go.
func (r *receiver) release() {
	for _, b := range r.posted {
		if b.page != nil {
			r.p.Release(b.ref, b.page)
		}
	}
	for _, b := range r.free {
		r.p.Release(b.ref, b.page)
	}
	r.posted, r.free, r.total = nil, nil, 0
	r.p.Release(r.mem.ref, r.mem.page)
}
