package ext4

import (
	"slices"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// The journal. Source: Linux 6.16 include/linux/jbd2.h, and Documentation/filesystems/ext4/journal.rst.
const (
	journalMagic = 0xc03b3998

	kindDescriptor = 1
	kindCommit     = 2
	kindSuper      = 4 // of version 2
	kindRevoke     = 5

	headerSize = 12

	jsBlockSize = 0x0c
	jsLength    = 0x10
	jsFirst     = 0x14
	jsSequence  = 0x18
	jsStart     = 0x1c
	jsError     = 0x20
	jsIncompat  = 0x28
	jsUUID      = 0x30
	jsChecksumT = 0x50
	jsChecksum  = 0xfc
	jsSize      = 1024

	journalCRC32C = 4 // kind of checksum

	journalRevoke     = 0x1
	journal64bit      = 0x2
	journalAsync      = 0x4
	journalCsumV2     = 0x8
	journalCsumV3     = 0x10
	journalFastCommit = 0x20
	journalKnown      = journalRevoke | journal64bit | journalAsync | journalCsumV2 | journalCsumV3

	tagEscape   = 1
	tagSameUUID = 2
	tagLast     = 8
)

// A journal is where transactions are written before their blocks are written in place.
type journal struct {
	fs       *FS
	where    []extent // its blocks on the disk
	super    []byte
	first    uint32 // block of the journal's file where the log begins
	length   uint32 // where it ends
	features uint32
	seed     uint32

	head     uint32 // where the next transaction begins
	sequence uint32 // its number
	used     uint32 // blocks that a crash would need
}

// A transaction is what is changed together. fs.mu guards it.
type transaction struct {
	dirty   []*buffer
	revoked map[uint64]struct{} // blocks that hold no metadata any more
	freed   []span              // blocks that nobody may have before it is committed
	timer   bool                // it will be committed soon
}

func (t *transaction) empty() bool { return len(t.dirty) == 0 && len(t.revoked) == 0 }

// span is some blocks of the disk.
type span struct{ start, count uint64 }

// openJournal reads the journal's superblock.
func (fs *FS) openJournal() (*journal, error) {
	n, err := fs.inode(fs.journalInode)
	if err != 0 {
		return nil, problem("its journal cannot be read: " + err.Error())
	}
	where, err := n.allExtents()
	if err != 0 {
		return nil, problem("its journal cannot be found: " + err.Error())
	}
	j := &journal{fs: fs, where: where, super: make([]byte, max(fs.blockSize, jsSize))}
	at := uint64(0)
	for _, e := range where {
		if uint64(e.block) != at || e.unwritten {
			return nil, problem("its journal has holes; run e2fsck")
		}
		at += uint64(e.count)
	}
	if err := j.read(0, j.super); err != 0 {
		return nil, problem("its journal cannot be read: " + err.Error())
	}
	s := j.super
	if be32(s, 0) != journalMagic || be32(s, 4) != kindSuper {
		return nil, problem("its journal has no superblock of version 2; run e2fsck")
	}
	j.first, j.length, j.features = be32(s, jsFirst), be32(s, jsLength), be32(s, jsIncompat)
	switch {
	case int(be32(s, jsBlockSize)) != fs.blockSize, uint64(j.length) > at, j.first == 0, j.first >= j.length, j.length-j.first < 64:
		return nil, problem("the superblock of its journal makes no sense; run e2fsck")
	case j.features&^journalKnown != 0:
		return nil, problem("its journal has features that are not known (" + hex(uint64(j.features&^journalKnown)) + "); run e2fsck")
	case be32(s, jsError) != 0:
		return nil, problem("its journal was aborted; run e2fsck")
	}
	if start := be32(s, jsStart); start != 0 && (start < j.first || start >= j.length) {
		return nil, problem("the superblock of its journal makes no sense; run e2fsck")
	}
	if j.checksums() && be32(s, jsChecksum) != superChecksum(s) {
		return nil, problem("the checksum of its journal's superblock is wrong; run e2fsck")
	}
	j.seed = crc32c(^uint32(0), s[jsUUID:jsUUID+16])
	j.sequence = be32(s, jsSequence)
	return j, nil
}

func superChecksum(s []byte) uint32 {
	c := crc32c(^uint32(0), s[:jsChecksum])
	c = crc32c(c, zeros[:])
	return crc32c(c, s[jsChecksum+4:jsSize])
}

func (j *journal) checksums() bool { return j.features&(journalCsumV2|journalCsumV3) != 0 }

// tagSize is that of a descriptor's entry, without UUID.
func (j *journal) tagSize() int {
	if j.features&journalCsumV3 != 0 {
		return 16
	}
	n := 12
	if j.features&journalCsumV2 != 0 {
		n += 2
	}
	if j.features&journal64bit == 0 {
		n -= 4
	}
	return n
}

// tail is how many bytes at the end of a descriptor or revocation block are its checksum.
func (j *journal) tail() int {
	if j.checksums() {
		return 4
	}
	return 0
}

// phys returns where block i of the journal is, and how many follow it there.
func (j *journal) phys(i uint32) (nr uint64, count uint32) {
	for _, e := range j.where {
		if i < e.block+e.count {
			return e.start + uint64(i-e.block), e.block + e.count - i
		}
	}
	return 0, 0 // not come to: i is less than length
}

// read and write work on blocks from i on, which do not wrap.
func (j *journal) read(i uint32, p []byte) calls.Errno {
	return j.each(i, p, j.fs.disk.ReadAt)
}

func (j *journal) write(i uint32, p []byte) calls.Errno {
	return j.each(i, p, j.fs.disk.WriteAt)
}

func (j *journal) each(i uint32, p []byte, do func([]byte, int64) calls.Errno) calls.Errno {
	bs := j.fs.blockSize
	for len(p) > 0 {
		nr, count := j.phys(i)
		n := min(len(p), int(count)*bs)
		if err := do(p[:n], int64(nr)*int64(bs)); err != 0 {
			return err
		}
		p, i = p[n:], i+uint32(n/bs)
	}
	return 0
}

// next is the block of the log after i.
func (j *journal) next(i uint32) uint32 {
	if i+1 == j.length {
		return j.first
	}
	return i + 1
}

// writeSuper says where the log begins, 0 if it is empty, and makes that durable.
func (j *journal) writeSuper(start uint32) calls.Errno {
	s := j.super
	putBE32(s, jsStart, start)
	putBE32(s, jsSequence, j.sequence)
	putBE32(s, jsIncompat, j.features)
	if j.checksums() {
		s[jsChecksumT] = journalCRC32C
		putBE32(s, jsChecksum, superChecksum(s))
	}
	if err := j.write(0, s[:j.fs.blockSize]); err != 0 {
		return err
	}
	return j.fs.flush()
}

// begin makes the log ready to be written to. It is empty.
func (j *journal) begin() calls.Errno {
	j.features |= journalRevoke
	if j.fs.incompat&incompat64bit != 0 {
		j.features |= journal64bit
	}
	if j.fs.checksums {
		j.features = j.features&^journalCsumV2 | journalCsumV3
	}
	j.head, j.used = j.first, 0
	return j.writeSuper(j.head)
}

// checkpoint empties the log: all its blocks were written in place, and are durable when it returns.
func (j *journal) checkpoint() calls.Errno {
	if j.used == 0 {
		return 0
	}
	if err := j.fs.flush(); err != 0 {
		return err
	}
	j.used = 0
	return j.writeSuper(j.head)
}

// room is how many blocks a transaction may have.
func (j *journal) room() int { return int(j.length-j.first) / 4 }

// commitAfter is how long, in ns, a change may wait for its transaction to be committed, as Linux has it.
const commitAfter = 5e9

// begin starts an operation that changes metadata. The caller has fs.mu until end.
func (fs *FS) begin() calls.Errno {
	fs.mu.Lock()
	if fs.damaged.Load() {
		fs.failed, fs.readOnly = true, true
	}
	if fs.readOnly {
		fs.mu.Unlock()
		return calls.EROFS
	}
	if len(fs.tx.dirty) > fs.journal.room()/2 {
		if err := fs.commit(); err != 0 {
			fs.mu.Unlock()
			return err
		}
	}
	fs.cache.trim()
	fs.changes = 0
	fs.unread.Store(false)
	return 0
}

// end ends an operation. One that could not be carried out to its end leaves a transaction that must not be written.
func (fs *FS) end() {
	if fs.changes > 0 && fs.unread.Load() && !fs.readOnly {
		fs.abort("a block cannot be read")
	}
	if !fs.tx.empty() && !fs.tx.timer {
		fs.tx.timer = true
		kernel.After(commitAfter, func() {
			fs.mu.Lock()
			defer fs.mu.Unlock()
			fs.tx.timer = false
			if !fs.readOnly && !fs.tx.empty() {
				fs.commit() // it says itself what goes wrong
			}
		})
	}
	fs.mu.Unlock()
}

// commit makes the running transaction, and the data that was written before, durable. The caller holds fs.mu for writing.
// After an error the file system is read-only.
func (fs *FS) commit() calls.Errno {
	if fs.damaged.Load() {
		fs.failed, fs.readOnly = true, true
		return calls.EIO
	}
	if fs.tx.empty() {
		return fs.flush()
	}
	if err := fs.journal.commit(&fs.tx); err != 0 {
		return fs.abort("a transaction cannot be written: " + err.Error())
	}
	fs.committed++
	return 0
}

// commit writes the log first. Only when that is durable, its commit block is written, and only when that is, the blocks in
// place: those need not be durable before the log has to be emptied.
func (j *journal) commit(tx *transaction) calls.Errno {
	fs := j.fs
	blocks := j.compose(tx)
	if uint32(len(blocks)/fs.blockSize)+1 > j.length-j.first-j.used {
		if err := j.checkpoint(); err != 0 {
			return err
		}
	}
	at := j.head
	for rest := blocks; len(rest) > 0; {
		n := min(len(rest), int(j.length-at)*fs.blockSize)
		if err := j.write(at, rest[:n]); err != 0 {
			return err
		}
		rest = rest[n:]
		if at += uint32(n / fs.blockSize); at == j.length {
			at = j.first
		}
	}
	if err := fs.flush(); err != 0 {
		return err
	}
	if err := j.write(at, j.commitBlock()); err != 0 {
		return err
	}
	if err := fs.flush(); err != 0 {
		return err
	}
	j.used += uint32(len(blocks)/fs.blockSize) + 1
	j.head = j.next(at)
	j.sequence++
	if err := fs.writeInPlace(tx.dirty); err != 0 {
		return err
	}
	for _, b := range tx.dirty {
		b.dirty = false
	}
	for _, s := range tx.freed {
		fs.unbusy(s)
	}
	tx.dirty, tx.freed = tx.dirty[:0], tx.freed[:0]
	clear(tx.revoked)
	return 0
}

// writeInPlace writes blocks where they belong, neighbours together.
func (fs *FS) writeInPlace(dirty []*buffer) calls.Errno {
	slices.SortFunc(dirty, func(a, b *buffer) int { return int(int64(a.nr - b.nr)) })
	var run []byte
	for i, b := range dirty {
		run = append(run, b.data...)
		if i+1 < len(dirty) && dirty[i+1].nr == b.nr+1 && len(run) < 1<<20 {
			continue
		}
		end := int64(b.nr+1) * int64(fs.blockSize)
		if err := fs.disk.WriteAt(run, end-int64(len(run))); err != 0 {
			return err
		}
		run = run[:0]
	}
	return 0
}

// header begins a block of the log.
func (j *journal) header(b []byte, kind uint32) {
	putBE32(b, 0, journalMagic)
	putBE32(b, 4, kind)
	putBE32(b, 8, j.sequence)
}

// seal writes the checksum at the end of a descriptor or revocation block.
func (j *journal) seal(b []byte) {
	if j.checksums() {
		at := len(b) - 4
		putBE32(b, at, 0)
		putBE32(b, at, crc32c(j.seed, b))
	}
}

// compose returns the blocks of the log for a transaction, but for the commit block.
func (j *journal) compose(tx *transaction) []byte {
	bs := j.fs.blockSize
	var out []byte
	grow := func() []byte {
		out = append(out, make([]byte, bs)...)
		return out[len(out)-bs:]
	}
	width := 4
	if j.features&journal64bit != 0 {
		width = 8
	}
	var block []byte
	at := 0
	closeRevoke := func() {
		putBE32(block, headerSize, uint32(at))
		j.seal(block)
	}
	for nr := range tx.revoked {
		if block == nil || at+width > bs-j.tail() {
			if block != nil {
				closeRevoke()
			}
			block, at = grow(), headerSize+4
			j.header(block, kindRevoke)
		}
		if width == 8 {
			putBE64(block, at, nr)
		} else {
			putBE32(block, at, uint32(nr))
		}
		at += width
	}
	if block != nil {
		closeRevoke()
	}
	size := j.tagSize()
	perBlock := (bs - headerSize - 16 - j.tail()) / size
	for dirty := range slices.Chunk(tx.dirty, perBlock) {
		start := len(out)
		j.header(grow(), kindDescriptor)
		at := headerSize
		for i, b := range dirty {
			flags := uint32(0)
			copied := grow()
			copy(copied, b.data)
			if be32(copied, 0) == journalMagic {
				flags = tagEscape
				putBE32(copied, 0, 0)
			}
			if i > 0 {
				flags |= tagSameUUID
			}
			if i == len(dirty)-1 {
				flags |= tagLast
			}
			tag := out[start+at:]
			j.putTag(tag, b.nr, copied, flags)
			at += size
			if i == 0 {
				copy(out[start+at:], j.super[jsUUID:jsUUID+16])
				at += 16
			}
		}
		j.seal(out[start : start+bs])
	}
	return out
}

// putTag writes the entry of a descriptor for a block.
func (j *journal) putTag(tag []byte, nr uint64, copied []byte, flags uint32) {
	putBE32(tag, 0, uint32(nr))
	switch {
	case j.features&journalCsumV3 != 0:
		putBE32(tag, 4, flags)
		putBE32(tag, 8, uint32(nr>>32))
		putBE32(tag, 12, j.blockChecksum(j.sequence, copied))
		return
	case j.features&journalCsumV2 != 0:
		c := j.blockChecksum(j.sequence, copied)
		tag[4], tag[5] = byte(c>>8), byte(c)
	}
	tag[6], tag[7] = byte(flags>>8), byte(flags)
	if j.features&journal64bit != 0 {
		putBE32(tag, 8, uint32(nr>>32))
	}
}

// blockChecksum is that of a block of metadata, as it is in the log.
func (j *journal) blockChecksum(sequence uint32, data []byte) uint32 {
	var s [4]byte
	putBE32(s[:], 0, sequence)
	return crc32c(crc32c(j.seed, s[:]), data)
}

const commitChecksum = 0x10 // offset in a commit block

func (j *journal) commitBlock() []byte {
	b := make([]byte, j.fs.blockSize)
	j.header(b, kindCommit)
	now := kernel.Walltime()
	putBE64(b, 0x30, uint64(now/1e9))
	putBE32(b, 0x38, uint32(now%1e9))
	if j.checksums() {
		putBE32(b, commitChecksum, crc32c(j.seed, b))
	}
	return b
}
