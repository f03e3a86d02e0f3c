package netfront

import (
	"sync"

	"internal/xengo/drivers/netfront/netif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/ring"
)

// sender is the transmitting half of a queue. Frames are copied into buffers
// that the backend can read at any time, so completions are not urgent: they
// are picked up when there are frames to send, and raise an event only if
// somebody waits for room.
type sender struct {
	p   hv.Platform
	dom hv.DomID

	mu      sync.Mutex
	ring    *ring.Front[abi.NetifTxRequest, abi.NetifTxResponse]
	mem     buffer   // the ring's page
	buffers []buffer // by id; made when first used
	busy    []bool   // by id: the backend has it
	idle    []uint16 // ids of buffers that exist and are not busy
	err     error    // why nothing can be sent any more
	waiting bool     // a caller was told ErrFull
}

func newSender(p hv.Platform, dom hv.DomID, index uint32) (*sender, error) {
	mem, err := newBuffer(p, dom, false)
	if err != nil {
		return nil, err
	}
	s := &sender{p: p, dom: dom, mem: mem, ring: ring.NewFrontAt[abi.NetifTxRequest, abi.NetifTxResponse](mem.page, index)}
	s.busy = make([]bool, s.ring.Size())
	return s, nil
}

// put queues a frame without telling the backend. limit is the largest frame
// in bytes.
func (s *sender) put(frame [][]byte, limit int, st *counters) error {
	size := 0
	for _, part := range frame {
		size += len(part)
	}
	if size < netif.HeaderLen || size > limit {
		return ErrSize
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	slots := netif.Slots(size)
	if s.ring.Free() < slots {
		if err := s.reap(st); err != nil {
			return err
		}
		if s.ring.Free() < slots {
			if err := s.wait(slots, st); err != nil {
				return err
			}
		}
	}
	if err := s.provide(slots); err != nil {
		return err
	}
	s.fill(frame, size)
	st.txFrames.Add(1)
	return nil
}

// wait asks for an event when there is room for slots slots and returns
// ErrFull, unless there is room by then. s.mu is held.
func (s *sender) wait(slots int, st *counters) error {
	n := max(slots, s.ring.Size()/4) // so that it is worth waking up for
	if _, err := s.ring.Arm(n); err != nil {
		return s.fail(err)
	}
	if err := s.reap(st); err != nil {
		return err
	}
	if s.ring.Free() >= slots {
		return nil
	}
	s.waiting = true
	return ErrFull
}

// provide makes sure that there are n idle buffers. s.mu is held.
func (s *sender) provide(n int) error {
	for len(s.idle) < n {
		b, err := newBuffer(s.p, s.dom, true)
		if err != nil {
			return err
		}
		s.idle = append(s.idle, uint16(len(s.buffers)))
		s.buffers = append(s.buffers, b)
	}
	return nil
}

// fill copies the frame into as many buffers as it takes and puts them into
// the ring. There is room for all. s.mu is held.
func (s *sender) fill(frame [][]byte, size int) {
	first, left := true, size
	for left > 0 {
		id := s.idle[len(s.idle)-1]
		s.idle = s.idle[:len(s.idle)-1]
		page := s.buffers[id].page
		n := 0
		for n < len(page) && len(frame) > 0 {
			c := copy(page[n:], frame[0])
			n += c
			if frame[0] = frame[0][c:]; len(frame[0]) == 0 {
				frame = frame[1:]
			}
		}
		left -= n
		req := abi.NetifTxRequest{Gref: uint32(s.buffers[id].ref), ID: id, Size: uint16(n)}
		if first {
			req.Size = uint16(size) // of the whole packet
		}
		if left > 0 {
			req.Flags = abi.NetTxFMoreData
		}
		s.busy[id] = true
		s.ring.Put(req)
		first = false
	}
}

// push tells the backend of what was put, and reports whether it wants to be
// notified.
func (s *sender) push() (notify bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err == nil && s.ring.Push()
}

// reap takes the responses that there are. s.mu is held.
func (s *sender) reap(st *counters) error {
	n, err := s.ring.Pending()
	if err != nil {
		return s.fail(err)
	}
	for range n {
		r := s.ring.Get()
		if int(r.ID) >= len(s.busy) || !s.busy[r.ID] {
			return s.fail(netif.ErrID)
		}
		s.busy[r.ID] = false
		s.idle = append(s.idle, r.ID)
		if r.Status == abi.NetifRspError || r.Status == abi.NetifRspDropped {
			st.txErrors.Add(1)
		}
	}
	return nil
}

// fail makes err the answer to everything from now on.
func (s *sender) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return s.err
}

// event handles an event of the backend's. It reports whether somebody who was
// told ErrFull should try again.
func (s *sender) event(st *counters) (room bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return false, s.err
	}
	if err := s.reap(st); err != nil {
		return false, err
	}
	if !s.waiting {
		return false, nil
	}
	need := s.ring.Size() / 4
	if s.ring.Free() < need {
		if _, err := s.ring.Arm(need - s.ring.Free()); err != nil {
			return false, s.fail(err)
		}
		if err := s.reap(st); err != nil {
			return false, err
		}
		if s.ring.Free() < need {
			return false, nil
		}
	}
	s.waiting = false
	return true, nil
}

// end makes everything that is sent from now on fail.
func (s *sender) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(ErrClosed)
}

// release gives everything back, when the backend has been told to let go.
func (s *sender) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.buffers {
		s.p.Release(b.ref, b.page)
	}
	s.buffers, s.idle, s.busy = nil, nil, nil
	s.p.Release(s.mem.ref, s.mem.page)
}
