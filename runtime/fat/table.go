package fat

import "internal/xengo/runtime/calls"

// Entries of the table, as those of 32 bits have them.
const (
	free   = 0
	bad    = 0x0ffffff7
	end    = 0x0fffffff
	minEnd = 0x0ffffff8
)

const (
	chunkSize = 4096
	maxChunks = 512 // that are kept
)

// A chunk is a part of the table in memory.
type chunk struct {
	data  []byte
	dirty bool
}

// chunk returns the one that the table has from n*chunkSize on. The caller holds fs.mu.
func (fs *FS) chunk(n int64) (*chunk, calls.Errno) {
	if c := fs.chunks[n]; c != nil {
		return c, 0
	}
	if len(fs.chunks) >= maxChunks {
		for i, c := range fs.chunks {
			if !c.dirty {
				delete(fs.chunks, i)
			}
		}
	}
	c := &chunk{data: make([]byte, min(chunkSize, fs.tableSize-n*chunkSize))}
	if err := fs.disk.ReadAt(c.data, fs.tables[0]+n*chunkSize); err != 0 {
		return nil, err
	}
	fs.chunks[n] = c
	return c, 0
}

// raw reads or, with set, changes n bytes of the table, of which some may be in the next chunk.
func (fs *FS) raw(at int64, n int, set bool, v uint32) (uint32, calls.Errno) {
	var got uint32
	for i := range n {
		c, err := fs.chunk((at + int64(i)) / chunkSize)
		if err != 0 {
			return 0, err
		}
		b := &c.data[(at+int64(i))%chunkSize]
		if set {
			*b = byte(v >> (8 * i))
			c.dirty = true
			fs.tableDirty = true
		}
		got |= uint32(*b) << (8 * i)
	}
	return got, 0
}

// entry returns what follows a cluster, in 32 bits. The caller holds fs.mu.
func (fs *FS) entry(c uint32) (uint32, calls.Errno) {
	var v, last uint32
	var err calls.Errno
	switch fs.bits {
	case 12:
		v, err = fs.raw(int64(c)+int64(c/2), 2, false, 0)
		v, last = v>>(4*(c&1))&0xfff, 0xff7
	case 16:
		v, err = fs.raw(int64(c)*2, 2, false, 0)
		last = 0xfff7
	default:
		v, err = fs.raw(int64(c)*4, 4, false, 0)
		return v & 0x0fffffff, err
	}
	if v >= last {
		v |= 0x0fffffff &^ (1<<fs.bits - 1)
	}
	return v, err
}

// setEntry changes it. What of it is reserved stays.
func (fs *FS) setEntry(c, v uint32) calls.Errno {
	at, n, keep, shift := int64(c)*4, 4, uint32(0xf0000000), uint32(0)
	switch fs.bits {
	case 12:
		at, n, shift = int64(c)+int64(c/2), 2, 4*(c&1)
		keep = 0xffff &^ (0xfff << shift)
		v &= 0xfff
	case 16:
		at, n, keep = int64(c)*2, 2, 0
		v &= 0xffff
	}
	old, err := fs.raw(at, n, false, 0)
	if err == 0 {
		_, err = fs.raw(at, n, true, old&keep|v<<shift)
	}
	return err
}

// writeTable writes what was changed to all copies.
func (fs *FS) writeTable() calls.Errno {
	for n, c := range fs.chunks {
		if !c.dirty {
			continue
		}
		for _, t := range fs.tables {
			if err := fs.disk.WriteAt(c.data, t+n*chunkSize); err != 0 {
				return err
			}
		}
		c.dirty = false
	}
	fs.tableDirty = false
	return 0
}

// find finds a free cluster, near if that or one behind it is free. ENOSPC if none is.
func (fs *FS) find(near uint32) (uint32, calls.Errno) {
	if fs.freeCount == 0 {
		return 0, calls.ENOSPC
	}
	c := near
	for range fs.clusters {
		if !fs.valid(c) {
			c = firstCluster
		}
		v, err := fs.entry(c)
		if err != 0 {
			return 0, err
		}
		if v == free {
			return c, 0
		}
		c++
	}
	return 0, calls.ENOSPC
}

// vacant is find, which gets what the next commit frees if there is nothing else.
func (fs *FS) vacant(near uint32) (uint32, calls.Errno) {
	c, err := fs.find(near)
	if err == calls.ENOSPC && len(fs.frees) > 0 {
		if err := fs.commit(); err != 0 {
			return 0, err
		}
		c, err = fs.find(near)
	}
	return c, err
}

// take makes a free cluster the last of a chain, whose last it was before is tail, 0 if there is none.
func (fs *FS) take(tail uint32) (uint32, calls.Errno) {
	near := fs.next
	if tail != 0 {
		near = tail + 1
	}
	c, err := fs.vacant(near)
	if err == 0 {
		err = fs.setEntry(c, end)
	}
	if err == 0 && tail != 0 {
		err = fs.setEntry(tail, c)
	}
	if err != 0 {
		return 0, err
	}
	fs.freeCount--
	fs.next = c + 1
	return c, 0
}

// count counts free clusters.
func (fs *FS) count() calls.Errno {
	fs.freeCount = 0
	for c := uint32(firstCluster); fs.valid(c); c++ {
		v, err := fs.entry(c)
		if err != 0 {
			return err
		}
		if v == free {
			fs.freeCount++
		}
	}
	return 0
}
