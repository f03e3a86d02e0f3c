package ext4

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// A group descriptor. The high halves are there if descriptors have 64 bytes.
const (
	gdBlockBitmap      = 0x00
	gdInodeBitmap      = 0x04
	gdInodeTable       = 0x08
	gdFreeBlocks       = 0x0c
	gdFreeInodes       = 0x0e
	gdDirs             = 0x10
	gdFlags            = 0x12
	gdBlockBitmapCsum  = 0x18
	gdInodeBitmapCsum  = 0x1a
	gdUnusedInodes     = 0x1c
	gdChecksum         = 0x1e
	gdBlockBitmapHigh  = 0x20
	gdInodeBitmapHigh  = 0x24
	gdInodeTableHigh   = 0x28
	gdFreeBlocksHigh   = 0x2c
	gdFreeInodesHigh   = 0x2e
	gdDirsHigh         = 0x30
	gdUnusedInodesHigh = 0x32
	gdBlockBitmapCsumH = 0x38
	gdInodeBitmapCsumH = 0x3a

	gdInodeUninit = 1
	gdBlockUninit = 2
)

// A group is a group descriptor in its block.
type group struct {
	fs  *FS
	nr  uint32
	buf *buffer
	d   []byte
}

// group returns the descriptor of a group.
func (fs *FS) group(nr uint32) (*group, calls.Errno) {
	perBlock := uint32(fs.blockSize / fs.descSize)
	b, err := fs.block(fs.firstBlock + 1 + uint64(nr/perBlock))
	if err != 0 {
		return nil, err
	}
	at := int(nr%perBlock) * fs.descSize
	g := &group{fs, nr, b, b.data[at : at+fs.descSize]}
	if fs.checksums && !b.dirty && le.U16(g.d, gdChecksum) != g.checksum() {
		return nil, fs.corrupt("the checksum of the descriptor of group " + ascii.Utoa(uint64(nr)) + " is wrong")
	}
	return g, 0
}

func (g *group) checksum() uint16 {
	c := crc32cLE32(g.fs.seed, g.nr)
	c = crc32c(c, g.d[:gdChecksum])
	c = crc32c(c, zeros[:2])
	return uint16(crc32c(c, g.d[gdChecksum+2:]))
}

// changed is to be called after the descriptor was.
func (g *group) changed() {
	if g.fs.checksums {
		le.Put16(g.d, gdChecksum, g.checksum())
	}
	g.fs.dirty(g.buf)
}

func (g *group) wide() bool { return len(g.d) >= 64 }

// number and setNumber are for fields of 16 bits and their high halves, where for those of 32 bits.
func (g *group) number(low, high int) int {
	n := int(le.U16(g.d, low))
	if g.wide() {
		n |= int(le.U16(g.d, high)) << 16
	}
	return n
}

func (g *group) setNumber(low, high, n int) {
	le.Put16(g.d, low, uint16(n))
	if g.wide() {
		le.Put16(g.d, high, uint16(n>>16))
	}
}

func (g *group) where(low, high int) uint64 {
	nr := uint64(le.U32(g.d, low))
	if g.wide() {
		nr |= uint64(le.U32(g.d, high)) << 32
	}
	return nr
}

// A bitmap is that of a group's blocks or inodes.
type bitmap struct {
	*buffer
	of          *group
	bits        int // bytes that the checksum is of, times 8
	low, high   int // the checksum's place in the descriptor
	uninit      uint16
	initialized bool
}

// blockBitmap and inodeBitmap return a group's. Those that were never written are made when they are first changed.
func (g *group) blockBitmap() (*bitmap, calls.Errno) {
	b, err := g.bitmap(g.where(gdBlockBitmap, gdBlockBitmapHigh), int(g.fs.blocksPerGroup), gdBlockBitmapCsum, gdBlockBitmapCsumH, gdBlockUninit)
	if err == 0 && !b.initialized {
		g.markOwn(b.data)
	}
	return b, err
}

func (g *group) inodeBitmap() (*bitmap, calls.Errno) {
	b, err := g.bitmap(g.where(gdInodeBitmap, gdInodeBitmapHigh), int(g.fs.inodesPerGroup), gdInodeBitmapCsum, gdInodeBitmapCsumH, gdInodeUninit)
	if err == 0 && !b.initialized {
		for i := int(g.fs.inodesPerGroup); i < 8*g.fs.blockSize; i++ {
			setBit(b.data, i)
		}
	}
	return b, err
}

func (g *group) bitmap(nr uint64, bits, low, high int, uninit uint16) (*bitmap, calls.Errno) {
	b := &bitmap{of: g, bits: bits, low: low, high: high, uninit: uninit, initialized: true}
	if g.fs.checksums && le.U16(g.d, gdFlags)&uninit != 0 {
		// What is on the disk means nothing.
		if nr < g.fs.firstBlock || nr >= g.fs.blocks {
			return nil, g.fs.corrupt("group " + ascii.Utoa(uint64(g.nr)) + " has a bitmap that does not exist")
		}
		b.buffer = &buffer{nr: nr, data: make([]byte, g.fs.blockSize)}
		b.initialized = false
		return b, 0
	}
	var err calls.Errno
	if b.buffer, err = g.fs.block(nr); err != 0 {
		return nil, err
	}
	if g.fs.checksums && !b.checked.Load() {
		c := b.checksum()
		if le.U16(g.d, low) != uint16(c) || g.wide() && le.U16(g.d, high) != uint16(c>>16) {
			return nil, g.fs.corrupt("the checksum of a bitmap of group " + ascii.Utoa(uint64(g.nr)) + " is wrong")
		}
	}
	b.checked.Store(true)
	return b, 0
}

func (b *bitmap) checksum() uint32 { return crc32c(b.of.fs.seed, b.data[:b.bits/8]) }

// changed is to be called after the bitmap was, and before the descriptor's changed.
func (b *bitmap) changed() {
	fs, g := b.of.fs, b.of
	if !b.initialized {
		made := fs.fresh(b.nr)
		copy(made.data, b.data)
		b.buffer, b.initialized = made, true
		le.Put16(g.d, gdFlags, le.U16(g.d, gdFlags)&^b.uninit)
	}
	if fs.checksums {
		c := b.checksum()
		le.Put16(g.d, b.low, uint16(c))
		if g.wide() {
			le.Put16(g.d, b.high, uint16(c>>16))
		}
	}
	fs.dirty(b.buffer)
}

// markOwn sets the bits of a new block bitmap: of the metadata that lies in the group, and of what is beyond its end.
func (g *group) markOwn(bits []byte) {
	fs := g.fs
	start, count := fs.groupStart(g.nr), uint64(fs.groupBlocks(g.nr))
	if fs.sparse(g.nr) {
		n := 1 + fs.descBlocks() + uint64(fs.reservedDescs)
		for i := range min(n, count) {
			setBit(bits, int(i))
		}
	}
	mark := func(nr, n uint64) {
		for ; n > 0; nr, n = nr+1, n-1 {
			if nr >= start && nr < start+count {
				setBit(bits, int(nr-start))
			}
		}
	}
	mark(g.where(gdBlockBitmap, gdBlockBitmapHigh), 1)
	mark(g.where(gdInodeBitmap, gdInodeBitmapHigh), 1)
	mark(g.where(gdInodeTable, gdInodeTableHigh), fs.tableBlocks())
	for i := int(count); i < 8*fs.blockSize; i++ {
		setBit(bits, i)
	}
}
