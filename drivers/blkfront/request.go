package blkfront

import (
	"sync"

	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/abi"
)

// A call is what a caller waits for: one request or several.
type call struct {
	mu   sync.Mutex
	left int // requests without an answer, and 1 while some are still to be made
	err  error
	done chan struct{}
}

func newCall() *call { return &call{left: 1, done: make(chan struct{})} }

// add counts a request.
func (c *call) add() {
	c.mu.Lock()
	c.left++
	c.mu.Unlock()
}

// answer counts an answer. The first error is the call's.
func (c *call) answer(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	if c.left--; c.left == 0 {
		close(c.done)
	}
}

// wait waits for the answers; err is what became of making the requests.
func (c *call) wait(err error) error {
	c.answer(err)
	<-c.done
	return c.err
}

// A request is a slot's use of the ring. The fields other than id and answered
// belong to whoever took the slot, and from send on to whoever handles the
// answer.
type request struct {
	id       uint64 // 0: the slot is free, or the request is still being made
	answered bool

	op       uint8
	call     *call
	buffers  []buffer // of the data
	indirect []buffer // of the segments: one, or none
	segments []blkif.Segment

	// Of a read: where the data goes, after skip bytes of the first sector.
	data []byte
	skip int
}

// copyOut moves what was read to where it goes. The copy is what is looked at
// from here on: the backend can still write to the pages (XSA-155).
func (r *request) copyOut() {
	data, skip := r.data, r.skip
	for _, b := range r.buffers {
		data = data[copy(data, b.page[skip:]):]
		skip = 0
	}
}

// copyIn fills the pages of a write.
func (r *request) copyIn(p []byte) {
	for _, b := range r.buffers {
		p = p[copy(b.page, p):]
	}
}

// transfer makes the requests of a read or write and returns when the last was
// sent. Of a read the backend gets whole sectors.
func (q *queue) transfer(c *call, op uint8, p []byte, off, sector int64) error {
	for len(p) > 0 {
		skip := off & (sector - 1)
		sectors := (skip + int64(len(p)) + sector - 1) &^ (sector - 1) // bytes
		slot, r, err := q.take(int((sectors + abi.PageSize - 1) / abi.PageSize))
		if err != nil {
			return err
		}
		sectors = min(sectors, int64(len(r.buffers))*abi.PageSize)
		n := min(int(sectors-skip), len(p))
		r.op, r.call = op, c
		if op == abi.BlkifOpRead {
			r.data, r.skip = p[:n], int(skip)
		} else {
			r.copyIn(p[:n])
		}
		if err := q.send(slot, q.describe(r, (off-skip)/blkif.SectorSize, sectors/blkif.SectorSize)); err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// describe returns the request for sectors, all of 512 bytes, with the segments in its
// indirect page if it has one.
func (q *queue) describe(r *request, first, sectors int64) blkif.Request {
	req := blkif.Request{Op: r.op, Sector: uint64(first)}
	for _, b := range r.buffers {
		n := min(sectors, blkif.PageSectors)
		r.segments = append(r.segments, blkif.SegmentOf(uint32(b.ref), int(n)))
		sectors -= n
	}
	if len(r.indirect) == 0 {
		req.Segments = r.segments
		return req
	}
	blkif.PutSegments(r.indirect[0].page, r.segments)
	req.NrSegments = len(r.segments)
	req.Indirect = []uint32{uint32(r.indirect[0].ref)}
	return req
}

// plain makes a request without data.
func (q *queue) plain(c *call, req blkif.Request) error {
	slot, r, err := q.take(0)
	if err != nil {
		return err
	}
	r.op, r.call = req.Op, c
	return q.send(slot, req)
}
