package ext4

import (
	"sync"
	"weak"

	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

// An inode on the disk. The second half of a field is elsewhere for historical reasons.
const (
	inMode       = 0x00
	inUID        = 0x02
	inSize       = 0x04
	inAtime      = 0x08
	inCtime      = 0x0c
	inMtime      = 0x10
	inDtime      = 0x14 // of an orphan: the next one
	inGID        = 0x18
	inLinks      = 0x1a
	inBlocks     = 0x1c
	inFlags      = 0x20
	inBlock      = 0x28
	inGeneration = 0x64
	inXattr      = 0x68
	inSizeHigh   = 0x6c
	inBlocksHigh = 0x74
	inXattrHigh  = 0x76
	inUIDHigh    = 0x78
	inGIDHigh    = 0x7a
	inChecksum   = 0x7c
	inExtra      = 0x80 // how many bytes beyond 128 are in use
	inChecksumH  = 0x82
	inCtimeExtra = 0x84
	inMtimeExtra = 0x88
	inAtimeExtra = 0x8c
	inCrtime     = 0x90
	inCrtimeEx   = 0x94

	flagImmutable = 0x10
	flagAppend    = 0x20
	flagIndex     = 0x1000
	flagHuge      = 0x40000
	flagExtents   = 0x80000
	flagInline    = 0x10000000

	rootInode = 2
)

// An inode is a file that somebody has, or had a moment ago.
type inode struct {
	fs   *FS
	ino  uint32
	self vfs.Inode

	// data is held while contents are read, and for writing while they change. It comes before fs.mu.
	data sync.RWMutex

	// Guarded by fs.mu.
	raw      []byte // as on the disk
	nr       uint64 // its block in the table, and where it is in that
	at       int
	last     uint64 // the transaction that changed it last, as FS.committed counts
	lastData uint64 // the one that changed more than its times

	areas []*area // what is mapped; guarded by data
	bytes int64   // how long a file areas take it for

	lifeMu   sync.Mutex // guards what follows, and is held for a moment
	opens    int        // descriptions, and those who are about to work on it
	unlinked bool       // it has no name
	dead     bool       // it is being freed
}

type (
	file struct {
		inode
		nameless bool // it is not to get a name
	}
	dir struct {
		inode
		up   *dir // the root is in nothing; written with fs.mu for writing, or lifeMu
		name string

		// Guarded by fs.mu.
		gone  bool
		names map[string]slot // all entries, once it was read
		room  []int           // the largest gap of each block
	}
	link    struct{ inode }
	special struct{ inode }
)

// A member is a file of any type.
type member interface {
	vfs.Inode
	common() *inode
}

func (n *inode) common() *inode { return n }

// inode returns a file. As long as somebody has it, it is the same. The caller holds fs.mu.
func (fs *FS) inode(ino uint32) (*inode, calls.Errno) {
	fs.nodesMu.Lock()
	n := fs.nodes[ino].Value()
	fs.nodesMu.Unlock()
	if n != nil {
		return n, 0
	}
	raw, nr, at, err := fs.readInode(ino)
	if err != 0 {
		return nil, err
	}
	return fs.keep(ino, raw, nr, at)
}

// readInode reads one from its table, and returns where it is.
func (fs *FS) readInode(ino uint32) (raw []byte, nr uint64, at int, err calls.Errno) {
	if ino == 0 || ino > fs.inodes {
		return nil, 0, 0, fs.corrupt("inode " + ascii.Utoa(uint64(ino)) + " does not exist")
	}
	g, err := fs.group((ino - 1) / fs.inodesPerGroup)
	if err != 0 {
		return nil, 0, 0, err
	}
	offset := int64((ino-1)%fs.inodesPerGroup) * int64(fs.inodeSize)
	nr, at = g.where(gdInodeTable, gdInodeTableHigh)+uint64(offset/int64(fs.blockSize)), int(offset%int64(fs.blockSize))
	b, err := fs.block(nr)
	if err != 0 {
		return nil, 0, 0, err
	}
	return append([]byte(nil), b.data[at:at+fs.inodeSize]...), nr, at, 0
}

// keep makes an inode of what is on the disk.
func (fs *FS) keep(ino uint32, raw []byte, nr uint64, at int) (*inode, calls.Errno) {
	var self member
	switch le.U16(raw, inMode) & vfs.S_IFMT {
	case vfs.S_IFREG:
		self = new(file)
	case vfs.S_IFDIR:
		self = new(dir)
	case vfs.S_IFLNK:
		self = new(link)
	case vfs.S_IFIFO, vfs.S_IFSOCK, vfs.S_IFCHR, vfs.S_IFBLK:
		self = new(special)
	default:
		return nil, fs.corrupt("inode " + ascii.Utoa(uint64(ino)) + " is of no type")
	}
	n := self.common()
	n.fs, n.ino, n.self, n.raw, n.nr, n.at = fs, ino, self, raw, nr, at
	if err := n.check(); err != 0 {
		return nil, err
	}
	fs.nodesMu.Lock()
	defer fs.nodesMu.Unlock()
	if other := fs.nodes[ino].Value(); other != nil {
		return other, 0
	}
	fs.nodes[ino] = weak.Make(n)
	if len(fs.nodes) > fs.sweep {
		for ino, p := range fs.nodes {
			if p.Value() == nil {
				delete(fs.nodes, ino)
			}
		}
		fs.sweep = max(1024, 2*len(fs.nodes))
	}
	return n, 0
}

// check looks at what was read.
func (n *inode) check() calls.Errno {
	if n.fs.checksums {
		c := n.checksum()
		if le.U16(n.raw, inChecksum) != uint16(c) || n.hasHigh() && le.U16(n.raw, inChecksumH) != uint16(c>>16) {
			return n.corrupt("its checksum is wrong")
		}
	}
	switch {
	case n.flags()&flagInline != 0:
		return n.corrupt("its contents are in itself (inline_data), which is not known")
	case n.size() < 0 || n.size() > n.fs.maxSize():
		return n.corrupt("its size makes no sense")
	case n.isDir() && (n.size() == 0 || n.size()%int64(n.fs.blockSize) != 0 || n.size() > 1<<31):
		return n.corrupt("the size of the directory makes no sense")
	case len(n.raw) > 128 && (int(le.U16(n.raw, inExtra)) > len(n.raw)-128 || le.U16(n.raw, inExtra)%4 != 0):
		return n.corrupt("its extra fields make no sense")
	case n.flags()&flagExtents == 0 && (n.mode()&vfs.S_IFMT == vfs.S_IFREG || n.isDir()):
		return n.corrupt("it is mapped as in ext3 (no extents), which is not known")
	}
	return 0
}

// corrupt says what is wrong with a file.
func (n *inode) corrupt(what string) calls.Errno {
	return n.fs.corrupt("inode " + ascii.Utoa(uint64(n.ino)) + ": " + what)
}

// seed is what checksums of what belongs to the file begin with.
func (n *inode) seed() uint32 {
	return crc32cLE32(crc32cLE32(n.fs.seed, n.ino), le.U32(n.raw, inGeneration))
}

func (n *inode) extra() int {
	if len(n.raw) <= 128 {
		return 0
	}
	return int(le.U16(n.raw, inExtra))
}

// hasHigh reports whether there is a field of the second part up to and with inChecksumH.
func (n *inode) hasHigh() bool { return n.extra() >= 4 }

func (n *inode) checksum() uint32 {
	c := crc32c(n.seed(), n.raw[:inChecksum])
	c = crc32c(c, zeros[:2])
	c = crc32c(c, n.raw[inChecksum+2:128])
	if len(n.raw) > 128 {
		c = crc32c(c, n.raw[128:inChecksumH])
		if n.hasHigh() {
			c = crc32c(c, zeros[:2])
			c = crc32c(c, n.raw[inChecksumH+2:])
		} else {
			c = crc32c(c, n.raw[inChecksumH:])
		}
	}
	return c
}

// changed puts the inode into the running transaction.
func (n *inode) changed() {
	n.timesChanged()
	n.lastData = n.last
}

// timesChanged is changed where only times did.
func (n *inode) timesChanged() {
	if n.fs.checksums {
		c := n.checksum()
		le.Put16(n.raw, inChecksum, uint16(c))
		if n.hasHigh() {
			le.Put16(n.raw, inChecksumH, uint16(c>>16))
		}
	}
	b, err := n.fs.block(n.nr)
	if err != 0 {
		n.fs.abort("the table of inodes cannot be read: " + err.Error())
		return
	}
	copy(b.data[n.at:], n.raw)
	n.fs.dirty(b)
	n.last = n.fs.committed + 1
}

func (n *inode) mode() uint32  { return uint32(le.U16(n.raw, inMode)) }
func (n *inode) isDir() bool   { return n.mode()&vfs.S_IFMT == vfs.S_IFDIR }
func (n *inode) links() int    { return int(le.U16(n.raw, inLinks)) }
func (n *inode) flags() uint32 { return le.U32(n.raw, inFlags) }

func (n *inode) size() int64 {
	size := int64(le.U32(n.raw, inSize))
	if m := n.mode() & vfs.S_IFMT; m == vfs.S_IFREG || m == vfs.S_IFDIR {
		size |= int64(le.U32(n.raw, inSizeHigh)) << 32
	}
	return size
}

func (n *inode) setSize(size int64) {
	le.Put32(n.raw, inSize, uint32(size))
	le.Put32(n.raw, inSizeHigh, uint32(size>>32))
}

// sectors is how many units of 512 bytes the file takes.
func (n *inode) sectors() uint64 {
	c := uint64(le.U32(n.raw, inBlocks)) | uint64(le.U16(n.raw, inBlocksHigh))<<32
	if n.flags()&flagHuge != 0 {
		c *= uint64(n.fs.blockSize / 512)
	}
	return c
}

// addBlocks counts blocks of the disk. The caller calls changed.
func (n *inode) addBlocks(blocks int64) {
	if n.flags()&flagHuge == 0 {
		blocks *= int64(n.fs.blockSize / 512)
	}
	c := uint64(int64(uint64(le.U32(n.raw, inBlocks))|uint64(le.U16(n.raw, inBlocksHigh))<<32) + blocks)
	le.Put32(n.raw, inBlocks, uint32(c))
	le.Put16(n.raw, inBlocksHigh, uint16(c>>32))
}

// goal is where blocks of the file are looked for first: in its group.
func (n *inode) goal() uint64 { return n.fs.groupStart((n.ino - 1) / n.fs.inodesPerGroup) }

// time and setTime are for a field and the one with its nanoseconds and two more bits of seconds.
func (n *inode) time(low, extra int) fdtable.Timespec {
	t := fdtable.Timespec{Sec: int64(int32(le.U32(n.raw, low)))}
	if extra+4-128 <= n.extra() {
		x := le.U32(n.raw, extra)
		t.Sec += int64(x&3) << 32
		t.Nsec = int64(x >> 2)
	}
	return t
}

func (n *inode) setTime(low, extra int, t fdtable.Timespec) {
	le.Put32(n.raw, low, uint32(t.Sec))
	if extra+4-128 <= n.extra() {
		high := uint32((t.Sec - int64(int32(t.Sec))) >> 32 & 3)
		le.Put32(n.raw, extra, uint32(t.Nsec)<<2|high)
	}
}

// tick is how exact times are, in ns, as those of Linux's kernels with 250 Hz: what is written in between needs no new
// transaction.
const tick = 4e6

func now() fdtable.Timespec {
	t := kernel.Walltime()
	t -= t % tick
	return fdtable.Timespec{Sec: t / 1e9, Nsec: t % 1e9}
}

func (n *inode) touchChange() { n.setTime(inCtime, inCtimeExtra, now()) }

// touchModify reports whether that changes anything.
func (n *inode) touchModify() bool {
	t := now()
	same := n.time(inMtime, inMtimeExtra) == t && n.time(inCtime, inCtimeExtra) == t
	n.setTime(inMtime, inMtimeExtra, t)
	n.setTime(inCtime, inCtimeExtra, t)
	return !same
}

// Stat describes the file.
func (n *inode) Stat(st *fdtable.Stat) calls.Errno {
	n.fs.rlock()
	defer n.fs.mu.RUnlock()
	*st = fdtable.Stat{
		Dev: n.fs.dev, Ino: uint64(n.ino), Nlink: uint64(n.links()), Mode: n.mode(),
		UID:  uint32(le.U16(n.raw, inUID)) | uint32(le.U16(n.raw, inUIDHigh))<<16,
		GID:  uint32(le.U16(n.raw, inGID)) | uint32(le.U16(n.raw, inGIDHigh))<<16,
		Size: n.size(), Blksize: int64(n.fs.blockSize), Blocks: int64(n.sectors()),
		Atime: n.time(inAtime, inAtimeExtra), Mtime: n.time(inMtime, inMtimeExtra), Ctime: n.time(inCtime, inCtimeExtra),
		Rdev: n.rdev(),
	}
	return 0
}

// rdev is the number of a device: in the first word of its blocks if it is small, else in the second.
func (n *inode) rdev() uint64 {
	if m := n.mode() & vfs.S_IFMT; m != vfs.S_IFCHR && m != vfs.S_IFBLK {
		return 0
	}
	if old := le.U32(n.raw, inBlock); old != 0 {
		return uint64(old & 0xffff)
	}
	return uint64(le.U32(n.raw, inBlock+4))
}

// SetAttr changes attributes. Those of a file that was freed are in memory only: its inode may be another file's.
func (n *inode) SetAttr(a *vfs.SetAttr) calls.Errno {
	if a.Set&vfs.AttrSize != 0 {
		if err := n.truncate(a.Size); err != 0 {
			return err
		}
	}
	if a.Set&^vfs.AttrSize == 0 {
		return 0
	}
	if err := n.fs.begin(); err != 0 {
		return err
	}
	defer n.fs.end()
	if a.Set&vfs.AttrMode != 0 {
		le.Put16(n.raw, inMode, uint16(n.mode()&vfs.S_IFMT|a.Mode&vfs.PermMask))
	}
	if a.Set&vfs.AttrUID != 0 {
		n.setOwner(inUID, inUIDHigh, a.UID)
	}
	if a.Set&vfs.AttrGID != 0 {
		n.setOwner(inGID, inGIDHigh, a.GID)
	}
	n.touchChange()
	if a.Set&vfs.AttrAtime != 0 {
		n.setTime(inAtime, inAtimeExtra, a.Atime)
	}
	if a.Set&vfs.AttrMtime != 0 {
		n.setTime(inMtime, inMtimeExtra, a.Mtime)
	}
	if n.alive() {
		n.changed()
	}
	return 0
}

func (n *inode) setOwner(low, high int, id uint32) {
	le.Put16(n.raw, low, uint16(id))
	le.Put16(n.raw, high, uint16(id>>16))
}

// Readlink returns a symbolic link's target: if it is short, it is where a file has its blocks.
func (l *link) Readlink() (string, calls.Errno) {
	l.fs.rlock()
	defer l.fs.mu.RUnlock()
	size := l.size()
	switch {
	case l.flags()&flagExtents == 0 && size < 60:
		return string(l.raw[inBlock : inBlock+size]), 0
	case size >= 4096 || size > int64(l.fs.blockSize):
		return "", l.corrupt("its target is too long")
	}
	e, err := l.find(0)
	if err != 0 {
		return "", err
	}
	if e.start == 0 {
		return "", l.corrupt("its target is missing")
	}
	b, err := l.fs.block(e.start)
	if err != 0 {
		return "", err
	}
	return string(b.data[:size]), 0
}
