package blockfs

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

const (
	pageSize   = 4096
	unit       = 512 // what a page's masks count; no disk has smaller sectors
	allUnits   = 1<<(pageSize/unit) - 1
	most       = 256 // pages that are read with one request
	ahead      = 32  // pages that a sequential reader gets at least
	minPages   = 2 * most
	maxDirty   = 32 << 20 / pageSize // what a flush, of whichever file, has to wait for at most
	writeAfter = 5e9                 // ns that a write waits for its disk, as Linux has it (dirty_writeback_interval)
)

// A Cache is a Disk whose contents are kept in memory, some of them: reads need not reach the disk, and writes do when
// Flush asks for it, when many wait, or after five seconds, in order of place and many at once. It does not change what a
// Disk promises: what was written and not flushed is on the disk or not, sector by sector.
//
// When a write fails that has long returned, Flush says so, and everything that is written later fails too.
type Cache struct {
	disk  Disk
	limit int // pages

	// writing is held while pages are written: two at once could write a sector in the wrong order. It is taken before mu.
	writing sync.Mutex

	mu     sync.RWMutex
	pages  map[int64]*page // by place
	all    []*page
	hand   int   // where in all the search for a page to be given up goes on
	next   int64 // where the last read from the disk ended, in pages
	dirty  []*page
	timer  bool // a write-out is due
	failed calls.Errno
}

// A page is a part of the disk at a multiple of pageSize. Its contents and masks are guarded by Cache.mu.
type page struct {
	nr    int64
	data  *[pageSize]byte
	valid uint8 // units that are here
	dirty uint8 // and are not on the disk
	pins  int   // who needs it to stay while they do not hold mu
	used  atomic.Bool
}

// NewCache returns a cache that has an eighth of the domain's memory at most.
func NewCache(d Disk) *Cache { return newCache(d, int(kernel.MemTotal()/8/pageSize)) }

func newCache(d Disk, limit int) *Cache {
	return &Cache{disk: d, limit: max(limit, minPages), pages: map[int64]*page{}}
}

// Size, SectorSize and ReadOnly are the disk's.
func (c *Cache) Size() int64     { return c.disk.Size() }
func (c *Cache) SectorSize() int { return c.disk.SectorSize() }
func (c *Cache) ReadOnly() bool  { return c.disk.ReadOnly() }

// units is the mask of those that [from, to) of a page touches.
func units(from, to int) uint8 {
	return uint8(1<<((to+unit-1)/unit) - 1<<(from/unit))
}

// part returns the page at off, and which bytes of it the n bytes at off have.
func part(off int64, n int) (nr int64, from, to int) {
	nr, from = off/pageSize, int(off%pageSize)
	return nr, from, min(from+n, pageSize)
}

// ReadAt reads all of p.
func (c *Cache) ReadAt(p []byte, off int64) calls.Errno {
	if off < 0 || int64(len(p)) > c.disk.Size()-off {
		return calls.EIO
	}
	for {
		n := c.hit(p, off)
		if p, off = p[n:], off+int64(n); len(p) == 0 {
			return 0
		}
		nr, _, _ := part(off, 1)
		end, _, _ := part(off+int64(len(p))-1, 1)
		if err := c.fill(nr, int(min(end+1-nr, most))); err != 0 {
			return err
		}
	}
}

// hit reads what is here, and returns how many bytes.
func (c *Cache) hit(p []byte, off int64) (n int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for n < len(p) {
		nr, from, to := part(off+int64(n), len(p)-n)
		pg := c.pages[nr]
		if need := units(from, to); pg == nil || pg.valid&need != need {
			break
		}
		if !pg.used.Load() {
			pg.used.Store(true)
		}
		n += copy(p[n:], pg.data[from:to])
	}
	return n
}

// fill reads n pages from the disk, or more, but for what is here already.
func (c *Cache) fill(nr int64, n int) calls.Errno {
	c.mu.Lock()
	if nr == c.next {
		n = max(n, ahead)
	}
	start, size := nr*pageSize, c.disk.Size()
	if start >= size { // the disk has shrunk
		c.mu.Unlock()
		return calls.EIO
	}
	n = int(min(int64(n), (size-start+pageSize-1)/pageSize))
	c.next = nr + int64(n)
	run := make([]*page, 0, most) // pinned before they are read: what is written meanwhile is newer
	for i := range n {
		pg := c.get(nr + int64(i))
		if i > 0 && pg.valid == allUnits {
			c.next = pg.nr
			break
		}
		pg.pins++
		run = append(run, pg)
	}
	c.mu.Unlock()
	buf := buffer(len(run))
	defer release(buf)
	read := (*buf)[:min(int64(len(run))*pageSize, size-start)]
	err := c.disk.ReadAt(read, start)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, pg := range run {
		pg.pins--
		if err == 0 {
			pg.fill(read[i*pageSize:])
		}
	}
	return err
}

// fill takes the units that are not here from what was read.
func (pg *page) fill(from []byte) {
	for u := range pageSize / unit {
		if at := u * unit; pg.valid&(1<<u) == 0 && at+unit <= len(from) {
			copy(pg.data[at:at+unit], from[at:])
			pg.valid |= 1 << u
		}
	}
}

// WriteAt writes all of p.
func (c *Cache) WriteAt(p []byte, off int64) calls.Errno {
	if c.disk.ReadOnly() {
		return calls.EROFS
	}
	if off < 0 || int64(len(p)) > c.disk.Size()-off {
		return calls.EIO
	}
	for len(p) > 0 {
		c.throttle()
		n, err := c.put(p, off)
		if err == 0 && n == 0 { // a part of a unit that is not here
			nr, _, _ := part(off, 1)
			err = c.fill(nr, 1)
		}
		if err != 0 {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return 0
}

// put writes to pages, as far as it need not read them before, and not more than may wait, and returns how many bytes.
func (c *Cache) put(p []byte, off int64) (n int, err calls.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != 0 {
		return 0, c.failed
	}
	for n < len(p) && len(c.dirty) <= c.dirtyLimit() {
		nr, from, to := part(off+int64(n), len(p)-n)
		pg := c.get(nr)
		var need uint8 // units that are not written whole
		if from%unit != 0 {
			need = units(from, from+1)
		}
		if to%unit != 0 {
			need |= units(to-1, to)
		}
		if pg.valid&need != need {
			break
		}
		n += copy(pg.data[from:to], p[n:])
		if pg.dirty == 0 {
			c.dirty = append(c.dirty, pg)
		}
		mask := units(from, to)
		pg.valid |= mask
		pg.dirty |= mask
		pg.used.Store(true)
	}
	if len(c.dirty) > 0 && !c.timer {
		c.timer = true
		kernel.After(writeAfter, func() {
			c.mu.Lock()
			c.timer = false
			c.mu.Unlock()
			c.writeOut() // Flush will say what goes wrong
		})
	}
	return n, 0
}

func (c *Cache) dirtyLimit() int { return min(c.limit/2, maxDirty) }

// throttle writes if too much waits.
func (c *Cache) throttle() {
	c.mu.RLock()
	much := len(c.dirty) > c.dirtyLimit()
	c.mu.RUnlock()
	if much {
		c.writeOut() // the next write says what goes wrong
	}
}

// get returns the page, which is new if there was none. The caller has mu.
func (c *Cache) get(nr int64) *page {
	pg := c.pages[nr]
	if pg != nil {
		return pg
	}
	if pg = c.giveUp(); pg == nil {
		pg = &page{data: new([pageSize]byte)}
		c.all = append(c.all, pg)
	}
	pg.nr, pg.valid = nr, 0
	pg.used.Store(true)
	c.pages[nr] = pg
	return pg
}

// giveUp returns a page that was not used for long, if there are enough. More than there may be are made only while those
// are all dirty or waited for.
func (c *Cache) giveUp() *page {
	if len(c.all) < c.limit {
		return nil
	}
	for range 2 * len(c.all) {
		pg := c.all[c.hand%len(c.all)]
		c.hand = (c.hand + 1) % len(c.all)
		if pg.pins == 0 && pg.dirty == 0 && !pg.used.Swap(false) {
			delete(c.pages, pg.nr)
			return pg
		}
	}
	return nil
}
