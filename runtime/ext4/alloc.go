package ext4

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// Blocks that must not be given away though the bitmap has them as free are busy: data is being written to them that
// belongs to no file yet, or they belonged to a file until a transaction that is not yet committed.

// busyBits returns those of a group, nil if there are none.
func (fs *FS) busyBits(group uint32) []byte { return fs.busy[group] }

func (fs *FS) setBusy(s span) {
	for nr := s.start; nr < s.start+s.count; nr++ {
		group, at := fs.place(nr)
		b := fs.busy[group]
		if b == nil {
			b = make([]byte, fs.blockSize)
			fs.busy[group] = b
		}
		setBit(b, at)
	}
	fs.busyCount += s.count
}

func (fs *FS) unbusy(s span) {
	for nr := s.start; nr < s.start+s.count; nr++ {
		group, at := fs.place(nr)
		clearBit(fs.busy[group], at)
	}
	if fs.busyCount -= s.count; fs.busyCount == 0 {
		clear(fs.busy)
	}
}

// place returns a block's group and its number in it.
func (fs *FS) place(nr uint64) (group uint32, at int) {
	n := nr - fs.firstBlock
	return uint32(n / fs.blocksPerGroup), int(n % fs.blocksPerGroup)
}

// spare is how many blocks data leaves to metadata, which an operation may need to end.
const spare = 16

// available is how many blocks there are for data.
func (fs *FS) available() uint64 {
	free := fs.freeBlocks()
	return free - min(free, fs.busyCount+spare)
}

// reserve returns some blocks that are free, near goal and as many in a row of those wanted as may be, and makes them busy.
// There may be others after a commit. The caller holds fs.mu for writing, also of all that follows.
func (fs *FS) reserve(goal uint64, want uint64) (span, calls.Errno) {
	if goal < fs.firstBlock || goal >= fs.blocks {
		goal = fs.firstBlock
	}
	first, from := fs.place(goal)
	best := span{}
	for i := range fs.groups {
		nr := (first + i) % fs.groups
		g, err := fs.group(nr)
		if err != 0 {
			return span{}, err
		}
		if g.number(gdFreeBlocks, gdFreeBlocksHigh) == 0 {
			continue
		}
		b, err := g.blockBitmap()
		if err != 0 {
			return span{}, err
		}
		if i > 0 {
			from = 0
		}
		s := findRun(b.data, fs.busyBits(nr), fs.groupBlocks(nr), from, int(min(want, fs.blocksPerGroup)))
		if s.count > best.count {
			best = span{fs.groupStart(nr) + s.start, s.count}
		}
		if best.count > 0 && (best.count >= want/4 || best.start == goal) {
			break
		}
	}
	if best.count == 0 {
		return span{}, calls.ENOSPC
	}
	fs.setBusy(best)
	return best, 0
}

// findRun returns the longest run of bits that are clear in both bitmaps, of at most want, the one at from if it is clear,
// those after it before those ahead of it.
func findRun(used, busy []byte, bits, from, want int) (best span) {
	taken := func(i int) bool { return bit(used, i) || busy != nil && bit(busy, i) }
	look := func(i, end int) bool {
		for i < end {
			if i&7 == 0 && used[i>>3] == 0xff {
				i += 8
				continue
			}
			if taken(i) {
				i++
				continue
			}
			n := 1
			for n < want && i+n < bits && !taken(i+n) {
				n++
			}
			if uint64(n) > best.count {
				best = span{uint64(i), uint64(n)}
			}
			if n == want || i == from {
				return true
			}
			i += n
		}
		return false
	}
	if !look(from, bits) {
		look(0, from)
	}
	return best
}

// take makes blocks that were reserved used.
func (fs *FS) take(s span) calls.Errno {
	err := fs.setUsed(s, true)
	fs.unbusy(s)
	return err
}

// release makes blocks that were used free, once the transaction is committed.
func (fs *FS) release(s span) calls.Errno {
	if s.count == 0 {
		return 0
	}
	if s.start < fs.firstBlock || s.start+s.count > fs.blocks {
		return fs.corrupt("blocks that do not exist are in use: " + ascii.Utoa(s.start))
	}
	if err := fs.setUsed(s, false); err != 0 {
		return err
	}
	fs.setBusy(s)
	fs.tx.freed = append(fs.tx.freed, s)
	return 0
}

// releaseMeta is release for a block of metadata: what the log has of it must not be written in place any more.
func (fs *FS) releaseMeta(nr uint64) calls.Errno {
	if b := fs.cache.get(nr); b != nil && b.dirty {
		for i, other := range fs.tx.dirty {
			if other == b {
				fs.tx.dirty = append(fs.tx.dirty[:i], fs.tx.dirty[i+1:]...)
				break
			}
		}
		b.dirty = false
	}
	fs.cache.drop(nr)
	fs.tx.revoked[nr] = struct{}{}
	return fs.release(span{nr, 1})
}

// setUsed changes bitmaps and counts.
func (fs *FS) setUsed(s span, used bool) calls.Errno {
	for rest := s; rest.count > 0; {
		nr, at := fs.place(rest.start)
		n := min(rest.count, fs.blocksPerGroup-uint64(at))
		g, err := fs.group(nr)
		if err != 0 {
			return err
		}
		b, err := g.blockBitmap()
		if err != 0 {
			return err
		}
		for i := at; i < at+int(n); i++ {
			if bit(b.data, i) == used {
				return fs.corrupt("block " + ascii.Utoa(fs.groupStart(nr)+uint64(i)) + " is used twice or freed twice")
			}
			if used {
				setBit(b.data, i)
			} else {
				clearBit(b.data, i)
			}
		}
		b.changed()
		free := g.number(gdFreeBlocks, gdFreeBlocksHigh)
		if used {
			free -= int(n)
		} else {
			free += int(n)
		}
		g.setNumber(gdFreeBlocks, gdFreeBlocksHigh, free)
		g.changed()
		rest.start, rest.count = rest.start+n, rest.count-n
	}
	free := fs.freeBlocks()
	if used {
		free -= s.count
	} else {
		free += s.count
	}
	fs.setFreeBlocks(free)
	return 0
}

// newMeta takes a block for metadata, zeroed.
func (fs *FS) newMeta(goal uint64) (*buffer, calls.Errno) {
	s, err := fs.reserve(goal, 1)
	if err != 0 {
		return nil, err
	}
	if err := fs.take(s); err != 0 {
		return nil, err
	}
	return fs.fresh(s.start), 0
}

func (fs *FS) freeBlocks() uint64 {
	return uint64(le.U32(fs.sb, sbFreeBlocks)) | uint64(le.U32(fs.sb, sbFreeBlocksHigh))<<32
}

func (fs *FS) setFreeBlocks(n uint64) {
	le.Put32(fs.sb, sbFreeBlocks, uint32(n))
	if fs.incompat&incompat64bit != 0 {
		le.Put32(fs.sb, sbFreeBlocksHigh, uint32(n>>32))
	}
	fs.superChanged()
}

func (fs *FS) superChanged() {
	if fs.checksums {
		le.Put32(fs.sb, sbChecksum, crc32c(^uint32(0), fs.sb[:sbChecksum]))
	}
	fs.dirty(fs.superBuffer)
}

// newInode takes an inode, near the one of its directory. Directories are spread.
func (fs *FS) newInode(near uint32, dir bool) (uint32, calls.Errno) {
	if le.U32(fs.sb, sbFreeInodes) == 0 {
		return 0, calls.ENOSPC
	}
	first := (near - 1) / fs.inodesPerGroup
	if dir && near == rootInode {
		first = fs.emptiest()
	}
	for i := range fs.groups {
		g, err := fs.group((first + i) % fs.groups)
		if err != 0 {
			return 0, err
		}
		if g.number(gdFreeInodes, gdFreeInodesHigh) == 0 {
			continue
		}
		b, err := g.inodeBitmap()
		if err != 0 {
			return 0, err
		}
		from := 0
		if g.nr == 0 {
			from = int(fs.firstInode - 1)
		}
		s := findRun(b.data, nil, int(fs.inodesPerGroup), from, 1)
		if s.count == 0 || int(s.start) < from {
			continue
		}
		return fs.takeInode(g, b, int(s.start), dir)
	}
	return 0, calls.ENOSPC
}

// emptiest is the group with the most free inodes.
func (fs *FS) emptiest() uint32 {
	best, most := uint32(0), -1
	for nr := range fs.groups {
		if g, err := fs.group(nr); err == 0 && g.number(gdFreeBlocks, gdFreeBlocksHigh) > 0 {
			if n := g.number(gdFreeInodes, gdFreeInodesHigh); n > most {
				best, most = nr, n
			}
		}
	}
	return best
}

func (fs *FS) takeInode(g *group, b *bitmap, at int, dir bool) (uint32, calls.Errno) {
	setBit(b.data, at)
	b.changed()
	g.setNumber(gdFreeInodes, gdFreeInodesHigh, g.number(gdFreeInodes, gdFreeInodesHigh)-1)
	if dir {
		g.setNumber(gdDirs, gdDirsHigh, g.number(gdDirs, gdDirsHigh)+1)
	}
	if fs.checksums {
		if unused := int(fs.inodesPerGroup) - at - 1; g.number(gdUnusedInodes, gdUnusedInodesHigh) > unused {
			g.setNumber(gdUnusedInodes, gdUnusedInodesHigh, unused)
		}
	}
	g.changed()
	le.Put32(fs.sb, sbFreeInodes, le.U32(fs.sb, sbFreeInodes)-1)
	fs.superChanged()
	return g.nr*fs.inodesPerGroup + uint32(at) + 1, 0
}

// freeInode gives an inode back.
func (fs *FS) freeInode(ino uint32, dir bool) calls.Errno {
	g, err := fs.group((ino - 1) / fs.inodesPerGroup)
	if err != 0 {
		return err
	}
	b, err := g.inodeBitmap()
	if err != 0 {
		return err
	}
	at := int((ino - 1) % fs.inodesPerGroup)
	if !bit(b.data, at) {
		return fs.corrupt("inode " + ascii.Utoa(uint64(ino)) + " is freed twice")
	}
	clearBit(b.data, at)
	b.changed()
	g.setNumber(gdFreeInodes, gdFreeInodesHigh, g.number(gdFreeInodes, gdFreeInodesHigh)+1)
	if dir {
		g.setNumber(gdDirs, gdDirsHigh, g.number(gdDirs, gdDirsHigh)-1)
	}
	g.changed()
	le.Put32(fs.sb, sbFreeInodes, le.U32(fs.sb, sbFreeInodes)+1)
	fs.superChanged()
	return 0
}
