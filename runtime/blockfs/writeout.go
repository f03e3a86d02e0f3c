package blockfs

import (
	"cmp"
	"slices"
	"sync"

	"internal/xengo/runtime/calls"
)

// atOnce is how many writes a disk is given at once, of up to most pages each.
const atOnce = 8

// buffers are as long as what is read or written with one request.
var buffers = sync.Pool{New: func() any { return new([most * pageSize]byte) }}

func buffer(pages int) *[]byte {
	if pages == 1 { // nearly always
		b := make([]byte, pageSize)
		return &b
	}
	b := buffers.Get().(*[most * pageSize]byte)[:]
	return &b
}

func release(b *[]byte) {
	if len(*b) == most*pageSize {
		buffers.Put((*[most * pageSize]byte)(*b))
	}
}

// Flush makes durable what was written.
func (c *Cache) Flush() calls.Errno {
	if err := c.writeOut(); err != 0 {
		return err
	}
	return c.disk.Flush()
}

// writeOut gives the disk all pages that are dirty.
func (c *Cache) writeOut() calls.Errno {
	c.writing.Lock()
	defer c.writing.Unlock()
	runs, err := c.waiting()
	if err != 0 {
		return err
	}
	if len(runs) < 2 {
		for _, run := range runs {
			c.write(run)
		}
	} else {
		work := make(chan []*page)
		var workers sync.WaitGroup
		for range min(atOnce, len(runs)) {
			workers.Go(func() {
				for run := range work {
					c.write(run)
				}
			})
		}
		for _, run := range runs {
			work <- run
		}
		close(work)
		workers.Wait()
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.failed
}

// waiting returns the pages that are dirty, pinned, in pieces that are next to each other.
func (c *Cache) waiting() (runs [][]*page, err calls.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != 0 {
		return nil, c.failed
	}
	list := c.dirty
	c.dirty = nil
	for _, pg := range list {
		pg.pins++
	}
	slices.SortFunc(list, func(a, b *page) int { return cmp.Compare(a.nr, b.nr) })
	for first, i := 0, 1; i <= len(list); i++ {
		if i == len(list) || list[i].nr != list[i-1].nr+1 || i-first == most {
			runs = append(runs, list[first:i])
			first = i
		}
	}
	return runs, 0
}

// write writes what is dirty of a run.
func (c *Cache) write(run []*page) {
	buf := buffer(len(run))
	defer release(buf)
	var masks [most]uint8
	c.mu.Lock()
	for i, pg := range run {
		copy((*buf)[i*pageSize:], pg.data[:])
		masks[i], pg.dirty = pg.dirty, 0 // what is written from now on is for the next time
	}
	c.mu.Unlock()

	err := eachPiece(masks[:len(run)], func(from, to int) calls.Errno {
		return c.disk.WriteAt((*buf)[from:to], run[0].nr*pageSize+int64(from))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, pg := range run {
		pg.pins--
	}
	if err != 0 && c.failed == 0 {
		c.failed = err
	}
}

// eachPiece calls f with the bytes of pages that masks have, those next to each other at once.
func eachPiece(masks []uint8, f func(from, to int) calls.Errno) calls.Errno {
	const perPage = pageSize / unit
	has := func(u int) bool { return u < len(masks)*perPage && masks[u/perPage]&(1<<(u%perPage)) != 0 }
	for u := 0; u < len(masks)*perPage; u++ {
		if !has(u) {
			continue
		}
		first := u
		for has(u) {
			u++
		}
		if err := f(first*unit, u*unit); err != 0 {
			return err
		}
	}
	return 0
}
