package ext4

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// The extent tree of a file: nodes have a header and sorted entries, the root is in the inode.
// Source: Linux 6.16 fs/ext4/ext4_extents.h.
const (
	extentMagic = 0xf30a

	ehMagic   = 0
	ehEntries = 2
	ehMax     = 4
	ehDepth   = 6
	ehSize    = 12

	entrySize    = 12
	maxDepth     = 5
	maxWritten   = 1 << 15
	maxUnwritten = 1<<15 - 1
)

// An extent is some blocks of a file in a row, or with start 0 a hole.
type extent struct {
	block     uint32 // the first in the file
	count     uint32
	start     uint64 // the first on the disk
	unwritten bool   // they read as zeros
}

func (e extent) end() uint64 { return uint64(e.block) + uint64(e.count) }

// A treeNode is a node, in a block unless it is the root.
type treeNode struct {
	b   []byte
	buf *buffer
}

func (t *treeNode) entries() int       { return int(le.U16(t.b, ehEntries)) }
func (t *treeNode) max() int           { return int(le.U16(t.b, ehMax)) }
func (t *treeNode) depth() int         { return int(le.U16(t.b, ehDepth)) }
func (t *treeNode) entry(i int) []byte { return t.b[ehSize+i*entrySize : ehSize+(i+1)*entrySize] }
func (t *treeNode) key(i int) uint32   { return le.U32(t.entry(i), 0) }

func (t *treeNode) extent(i int) extent {
	b := t.entry(i)
	e := extent{block: le.U32(b, 0), count: uint32(le.U16(b, 4)), start: uint64(le.U32(b, 8)) | uint64(le.U16(b, 6))<<32}
	if e.count > maxWritten {
		e.count -= maxWritten
		e.unwritten = true
	}
	return e
}

func putExtent(b []byte, e extent) {
	le.Put32(b, 0, e.block)
	n := e.count
	if e.unwritten {
		n += maxWritten
	}
	le.Put16(b, 4, uint16(n))
	le.Put16(b, 6, uint16(e.start>>32))
	le.Put32(b, 8, uint32(e.start))
}

// child is where entry i of an index leads.
func (t *treeNode) child(i int) uint64 {
	b := t.entry(i)
	return uint64(le.U32(b, 4)) | uint64(le.U16(b, 8))<<32
}

func putIndex(b []byte, key uint32, nr uint64) {
	le.Put32(b, 0, key)
	le.Put32(b, 4, uint32(nr))
	le.Put16(b, 8, uint16(nr>>32))
	le.Put16(b, 10, 0)
}

// valid checks a node that should have this depth.
func (t *treeNode) valid(depth int) bool {
	n := t.entries()
	if le.U16(t.b, ehMagic) != extentMagic || t.depth() != depth || n > t.max() || ehSize+t.max()*entrySize > len(t.b) || depth > 0 && n == 0 {
		return false
	}
	end := uint64(0)
	for i := range n {
		if uint64(t.key(i)) < end {
			return false
		}
		end = uint64(t.key(i)) + 1
		if depth == 0 {
			e := t.extent(i)
			if e.count == 0 {
				return false
			}
			end = e.end()
		}
	}
	return true
}

// A step is a node on the way to a block, and the entry that the way goes through: -1 in a leaf if all are behind it.
type step struct {
	treeNode
	i int
}

func (n *inode) root() treeNode { return treeNode{b: n.raw[inBlock : inBlock+60]} }

// path returns the way to a block of the file, in buf if there is room, and the first block of the file that is known to be in
// another leaf.
func (n *inode) path(buf []step, block uint32) (way []step, next uint64, err calls.Errno) {
	way = buf
	t := n.root()
	depth := t.depth()
	next = 1 << 32
	if depth > maxDepth || !t.valid(depth) {
		return nil, 0, n.corrupt("its extents make no sense")
	}
	for {
		i := t.entries() - 1
		for i >= 0 && t.key(i) > block {
			i--
		}
		if depth == 0 {
			if i+1 < t.entries() {
				next = uint64(t.key(i + 1))
			}
			return append(way, step{t, i}), next, 0
		}
		i = max(i, 0)
		if i+1 < t.entries() {
			next = uint64(t.key(i + 1))
		}
		way = append(way, step{t, i})
		depth--
		if t, err = n.treeBlock(t.child(i), depth); err != 0 {
			return nil, 0, err
		}
	}
}

// treeBlock returns a node that is not the root.
func (n *inode) treeBlock(nr uint64, depth int) (treeNode, calls.Errno) {
	b, err := n.fs.block(nr)
	if err != 0 {
		return treeNode{}, err
	}
	t := treeNode{b.data, b}
	if !b.checked.Load() {
		if !t.valid(depth) || ehSize+t.max()*entrySize+4 > len(b.data) {
			return t, n.corrupt("its extents in block " + ascii.Utoa(nr) + " make no sense")
		}
		if n.fs.checksums && le.U32(b.data, t.tail()) != crc32c(n.seed(), b.data[:t.tail()]) {
			return t, n.corrupt("the checksum of its extents in block " + ascii.Utoa(nr) + " is wrong")
		}
		b.checked.Store(true)
	} else if !t.valid(depth) {
		return t, n.corrupt("its extents in block " + ascii.Utoa(nr) + " are those of another place")
	}
	return t, 0
}

func (t *treeNode) tail() int { return ehSize + t.max()*entrySize }

// changedNode is to be called after a node was.
func (n *inode) changedNode(t *treeNode) {
	if t.buf == nil {
		n.changed()
		return
	}
	if n.fs.checksums {
		le.Put32(t.b, t.tail(), crc32c(n.seed(), t.b[:t.tail()]))
	}
	n.fs.dirty(t.buf)
}

// find returns the extent that a block of the file is in, or the hole up to the next extent.
func (n *inode) find(block uint32) (extent, calls.Errno) {
	var buf [maxDepth + 1]step
	way, next, err := n.path(buf[:0], block)
	if err != 0 {
		return extent{}, err
	}
	leaf := way[len(way)-1]
	if leaf.i >= 0 {
		if e := leaf.extent(leaf.i); uint64(block) < e.end() {
			if e.start < n.fs.firstBlock || e.start+uint64(e.count) > n.fs.blocks {
				return e, n.corrupt("it has blocks that do not exist")
			}
			return e, 0
		}
	}
	return extent{block: block, count: uint32(min(next-uint64(block), 1<<32-1))}, 0
}

// allExtents returns all.
func (n *inode) allExtents() (all []extent, err calls.Errno) {
	for at := uint64(0); at < 1<<32-1; {
		e, err := n.find(uint32(at))
		if err != 0 {
			return nil, err
		}
		if e.start != 0 {
			all = append(all, e)
		}
		at = e.end()
	}
	return all, 0
}

// set makes blocks of the file those of e, whatever they were. Blocks that were theirs are not freed.
func (n *inode) set(e extent) calls.Errno {
	if err := n.punch(e.block, e.end(), nil); err != 0 {
		return err
	}
	return n.insert(e)
}

// insert adds an extent where there is a hole.
func (n *inode) insert(e extent) calls.Errno {
	for {
		way, _, err := n.path(nil, e.block)
		if err != 0 {
			return err
		}
		leaf := &way[len(way)-1]
		if leaf.i >= 0 {
			before := leaf.extent(leaf.i)
			limit := uint32(maxWritten)
			if e.unwritten {
				limit = maxUnwritten
			}
			if before.end() == uint64(e.block) && before.start+uint64(before.count) == e.start && before.unwritten == e.unwritten && before.count+e.count <= limit {
				before.count += e.count
				putExtent(leaf.entry(leaf.i), before)
				n.changedNode(&leaf.treeNode)
				return 0
			}
		}
		if leaf.entries() < leaf.max() {
			var b [entrySize]byte
			putExtent(b[:], e)
			n.add(way, len(way)-1, leaf.i+1, b)
			return 0
		}
		if err := n.makeRoom(way, len(way)-1); err != 0 {
			return err
		}
	}
}

// add puts an entry into a node that has room for it.
func (n *inode) add(way []step, level, at int, entry [entrySize]byte) {
	t := &way[level].treeNode
	count := t.entries()
	copy(t.b[ehSize+(at+1)*entrySize:ehSize+(count+1)*entrySize], t.b[ehSize+at*entrySize:ehSize+count*entrySize])
	copy(t.entry(at), entry[:])
	le.Put16(t.b, ehEntries, uint16(count+1))
	n.changedNode(t)
	if at == 0 {
		n.fixKeys(way[:level+1])
	}
}

// fixKeys makes the keys above the last node of way that of its first entry.
func (n *inode) fixKeys(way []step) {
	for level := len(way) - 1; level > 0; level-- {
		key, up := way[level].key(0), &way[level-1]
		if up.key(up.i) == key {
			return
		}
		le.Put32(up.entry(up.i), 0, key)
		n.changedNode(&up.treeNode)
		if up.i > 0 {
			return
		}
	}
}

// makeRoom splits a node that is full, or a full one above it. The way is another afterwards.
func (n *inode) makeRoom(way []step, level int) calls.Errno {
	if level > 0 && way[level-1].entries() == way[level-1].max() {
		return n.makeRoom(way, level-1)
	}
	t := &way[level].treeNode
	if level == 0 && t.depth() == maxDepth {
		return calls.EFBIG
	}
	b, err := n.fs.newMeta(n.goal())
	if err != 0 {
		return err
	}
	n.addBlocks(1)
	made := treeNode{b.data, b}
	le.Put16(made.b, ehMagic, extentMagic)
	le.Put16(made.b, ehDepth, uint16(t.depth()))
	le.Put16(made.b, ehMax, uint16((n.fs.blockSize-ehSize-4)/entrySize))
	// The root's entries all go down; else half of them, or of a node that grows at its end the last.
	from, count := 0, t.entries()
	if level > 0 {
		if from = count / 2; way[level].i == count-1 {
			from = count - 1
		}
	}
	copy(made.b[ehSize:], t.b[ehSize+from*entrySize:ehSize+count*entrySize])
	le.Put16(made.b, ehEntries, uint16(count-from))
	n.changedNode(&made)
	var index [entrySize]byte
	putIndex(index[:], made.key(0), b.nr)
	if level == 0 {
		le.Put16(t.b, ehDepth, uint16(t.depth()+1))
		le.Put16(t.b, ehEntries, 1)
		copy(t.entry(0), index[:])
		n.changedNode(t)
		return 0
	}
	le.Put16(t.b, ehEntries, uint16(from))
	n.changedNode(t)
	n.add(way, level-1, way[level-1].i+1, index)
	return 0
}

// punch makes a hole of the blocks [from, end) of the file.
func (n *inode) punch(from uint32, end uint64, free func(span) calls.Errno) calls.Errno {
	_, err := n.punchSome(uint64(from), end, 1<<31, free)
	return err
}

// punchSome is punch until a transaction has that many blocks. free is called for what the blocks were on the disk. It returns
// from where on there is more to do, or end.
func (n *inode) punchSome(from, end uint64, limit int, free func(span) calls.Errno) (uint64, calls.Errno) {
	at := from
	for at < end && len(n.fs.tx.dirty) < limit {
		way, next, err := n.path(nil, uint32(at))
		if err != 0 {
			return at, err
		}
		leaf := &way[len(way)-1]
		if leaf.i < 0 || leaf.extent(leaf.i).end() <= at {
			at = next // a hole
			continue
		}
		e := leaf.extent(leaf.i)
		first, last := at, min(end, e.end())
		if free != nil {
			if err := free(span{e.start + first - uint64(e.block), last - first}); err != 0 {
				return at, err
			}
		}
		head, tail := e, e
		head.count = uint32(first - uint64(e.block))
		tail.block, tail.count, tail.start = uint32(last), uint32(e.end()-last), e.start+last-uint64(e.block)
		switch {
		case head.count == 0 && tail.count == 0:
			if err := n.removeEntry(way); err != 0 {
				return at, err
			}
		case head.count == 0:
			putExtent(leaf.entry(leaf.i), tail)
			n.changedNode(&leaf.treeNode)
			if leaf.i == 0 {
				n.fixKeys(way)
			}
		default:
			putExtent(leaf.entry(leaf.i), head)
			n.changedNode(&leaf.treeNode)
			if tail.count > 0 {
				if err := n.insert(tail); err != 0 {
					return at, err
				}
			}
		}
		at = last
	}
	return at, 0
}

// removeEntry removes the entry that way leads to, and nodes that have none left.
func (n *inode) removeEntry(way []step) calls.Errno {
	for level := len(way) - 1; ; level-- {
		s := &way[level]
		count := s.entries() - 1
		copy(s.b[ehSize+s.i*entrySize:], s.b[ehSize+(s.i+1)*entrySize:ehSize+(count+1)*entrySize])
		le.Put16(s.b, ehEntries, uint16(count))
		switch {
		case count > 0:
			n.changedNode(&s.treeNode)
			if s.i == 0 {
				n.fixKeys(way[:level+1])
			}
			return 0
		case level == 0:
			le.Put16(s.b, ehDepth, 0)
			n.changedNode(&s.treeNode)
			return 0
		}
		if err := n.fs.releaseMeta(s.buf.nr); err != 0 {
			return err
		}
		n.addBlocks(-1)
	}
}
