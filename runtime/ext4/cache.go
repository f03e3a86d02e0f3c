package ext4

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// A buffer is a block of metadata in memory. Its contents are guarded by FS.mu.
type buffer struct {
	nr      uint64
	data    []byte
	checked atomic.Bool // its checksum was right, or it was made here
	dirty   bool        // the running transaction changes it

	newer, older *buffer // in the order of use; guarded by cache.mu
}

// cacheBytes bounds the buffers that are not dirty.
const cacheBytes = 2 << 20

// A cache has buffers by block.
type cache struct {
	mu      sync.Mutex
	buffers map[uint64]*buffer
	ends    buffer // newer is the oldest of all, older the newest
	limit   int
}

func newCache(blockSize int) *cache {
	c := &cache{buffers: map[uint64]*buffer{}, limit: max(64, cacheBytes/blockSize)}
	c.ends.newer, c.ends.older = &c.ends, &c.ends
	return c
}

// get returns the buffer of a block if there is one.
func (c *cache) get(nr uint64) *buffer {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.buffers[nr]
	if b != nil {
		b.unlink()
		c.link(b)
	}
	return b
}

// add adds a buffer, unless another was faster.
func (c *cache) add(b *buffer) *buffer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.buffers[b.nr]; other != nil {
		return other
	}
	c.buffers[b.nr] = b
	c.link(b)
	return b
}

// trim drops the buffers that were used least lately, if there are too many. It is called when an operation begins: one that
// changes something relies on it that a block has the same buffer until it ends.
func (c *cache) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := c.ends.newer; len(c.buffers) > c.limit && old != &c.ends; {
		next := old.newer
		if !old.dirty {
			old.unlink()
			delete(c.buffers, old.nr)
		}
		old = next
	}
}

// drop forgets a block that holds no metadata any more.
func (c *cache) drop(nr uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.buffers[nr]; b != nil {
		b.unlink()
		delete(c.buffers, nr)
	}
}

func (b *buffer) unlink() { b.newer.older, b.older.newer = b.older, b.newer }

// link makes b the newest.
func (c *cache) link(b *buffer) {
	b.newer, b.older = &c.ends, c.ends.older
	c.ends.older.newer, c.ends.older = b, b
}

// block returns a block of metadata. The caller holds fs.mu, be it for reading.
func (fs *FS) block(nr uint64) (*buffer, calls.Errno) {
	if nr < fs.firstBlock || nr >= fs.blocks {
		return nil, fs.corrupt("a block that does not exist is in use: " + ascii.Utoa(nr))
	}
	if b := fs.cache.get(nr); b != nil {
		return b, 0
	}
	b := &buffer{nr: nr, data: make([]byte, fs.blockSize)}
	if err := fs.disk.ReadAt(b.data, int64(nr)*int64(fs.blockSize)); err != 0 {
		fs.unread.Store(true)
		return nil, err
	}
	return fs.cache.add(b), 0
}

// fresh returns a block that gets new contents, zeros to begin with, in the running transaction.
func (fs *FS) fresh(nr uint64) *buffer {
	b := fs.cache.add(&buffer{nr: nr, data: make([]byte, fs.blockSize)})
	clear(b.data)
	b.checked.Store(true)
	delete(fs.tx.revoked, nr)
	fs.dirty(b)
	return b
}

// dirty notes that the running transaction changes b. The caller holds fs.mu for writing.
func (fs *FS) dirty(b *buffer) {
	fs.changes++
	if !b.dirty {
		b.dirty = true
		fs.tx.dirty = append(fs.tx.dirty, b)
	}
}
