// Package ext4 is the file system ext4, to be read and written.
//
// What changes in metadata is collected in a transaction, and written to the journal as one: at fsync, after five seconds,
// and when there is much of it. Data is written to the disk at once, before a transaction that has it belong to a file, so
// that after a crash no file has blocks with what was another's ("ordered" mode of Linux). Blocks that are freed are not given
// to others before that is committed.
//
// Directories are read whole and then found in memory; the hash trees that Linux has in large ones are given up when they are
// changed, which Linux and e2fsck take for directories without (e2fsck -D makes them again).
//
// Locks, in their order: inode.data, of a file's contents; FS.mu, of all metadata, held for reading by what only looks;
// FS.nodesMu and cache.mu, which are held for a moment.
//
// A disk may hold anything. What is read is checked before it is used, and what makes no sense is EUCLEAN, as with Linux, and
// said once on the console; from then on nothing is written any more.
package ext4

import (
	"sync"
	"sync/atomic"
	"weak"

	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// An FS is a file system that is mounted.
type FS struct {
	*geometry
	disk blockfs.Disk
	dev  uint64
	say  func(string) // tells the user, a line

	nodesMu sync.Mutex // guards nodes and sweep
	nodes   map[uint32]weak.Pointer[inode]
	sweep   int
	root    *dir
	cache   *cache

	// flushing counts the flushes that were begun, flushed is which of them the last was that succeeded.
	flushing, flushed atomic.Uint64

	mu          sync.RWMutex // guards what follows, and all metadata
	sb          []byte       // the superblock, in superBuffer
	superBuffer *buffer
	journal     *journal
	tx          transaction
	committed   uint64            // transactions
	busy        map[uint32][]byte // see alloc.go
	busyCount   uint64
	orphanList  []uint32 // as they are chained on the disk
	dirs        [remembered]*dir
	nextDir     int
	readOnly    bool
	failed      bool // something could not be written

	changes int         // of buffers, since the operation began
	unread  atomic.Bool // a block could not be read since
	damaged atomic.Bool // something made no sense: nothing is to be written any more
}

// Mount opens the file system on a disk. A journal that was in use is written in place first. With readOnly nothing else is
// written. say is called with what the user should know.
func Mount(disk blockfs.Disk, readOnly bool, say func(string)) (*FS, error) {
	sb := make([]byte, superSize)
	if disk.Size() < superOffset+superSize {
		return nil, errSuper
	}
	if err := disk.ReadAt(sb, superOffset); err != 0 {
		return nil, problem("the superblock cannot be read: " + err.Error())
	}
	g, err := parseSuper(sb, disk.Size())
	if err != nil {
		return nil, err
	}
	fs := &FS{
		geometry: g, disk: disk, dev: memfs.NewDevice(), say: say, nodes: map[uint32]weak.Pointer[inode]{}, sweep: 1024,
		cache: newCache(g.blockSize), busy: map[uint32][]byte{}, readOnly: true,
	}
	fs.tx.revoked = map[uint64]struct{}{}
	if err := fs.readSuper(); err != nil {
		return nil, err
	}
	if disk.ReadOnly() && !readOnly {
		readOnly = true
		say("it is mounted for reading: the disk is read-only")
	}
	if unknown := g.roCompat &^ roKnown; unknown != 0 && !readOnly {
		readOnly = true
		say("it is mounted for reading: it has features that are not known for writing:" + nameFeatures(sbROCompat, unknown))
	}
	if g.compat&compatJournal == 0 || g.journalInode == 0 {
		if !readOnly {
			readOnly = true
			say("it is mounted for reading: it has no journal; tune2fs -j makes one")
		}
	} else if err := fs.recover(readOnly); err != nil {
		return nil, err
	}
	if !fs.sealed(fs.sb) {
		return nil, problem("the checksum of its superblock is wrong; run e2fsck")
	}
	root, errno := fs.inode(rootInode)
	if errno != 0 {
		return nil, problem("its root cannot be read: " + errno.Error())
	}
	var ok bool
	if fs.root, ok = root.self.(*dir); !ok {
		return nil, problem("its root is no directory; run e2fsck")
	}
	if !readOnly {
		if errno := fs.start(); errno != 0 {
			return nil, problem("it cannot be written to: " + errno.Error())
		}
	}
	return fs, nil
}

// readSuper reads the block with the superblock, and nothing that was read before holds.
func (fs *FS) readSuper() error {
	fs.superBuffer = &buffer{nr: uint64(superOffset / fs.blockSize), data: make([]byte, fs.blockSize)}
	if err := fs.disk.ReadAt(fs.superBuffer.data, int64(fs.superBuffer.nr)*int64(fs.blockSize)); err != 0 {
		return problem("the superblock cannot be read: " + err.Error())
	}
	at := superOffset % fs.blockSize
	fs.sb = fs.superBuffer.data[at : at+superSize]
	fs.cache = newCache(fs.blockSize)
	fs.nodes = map[uint32]weak.Pointer[inode]{}
	return nil
}

// recover opens the journal and writes what it has in place. It may have the superblock, too, of which after a power cut one
// sector may be old and one new: then its checksum is wrong.
func (fs *FS) recover(readOnly bool) error {
	j, err := fs.openJournal()
	if err != nil {
		return err
	}
	if fs.incompat&incompatRecover != 0 || !fs.sealed(fs.sb) {
		if fs.disk.ReadOnly() {
			return problem("it was not unmounted, and its journal cannot be written in place on a read-only disk")
		}
		if err := j.replay(); err != nil {
			return err
		}
		if err := fs.flush(); err != 0 {
			return problem("its journal cannot be written in place: " + err.Error())
		}
		if err := fs.readSuper(); err != nil {
			return err
		}
		g, err := parseSuper(fs.sb, fs.disk.Size())
		if err != nil {
			return err
		}
		fs.geometry = g
	}
	fs.journal = j
	if readOnly && be32(j.super, jsStart) != 0 && fs.incompat&incompatRecover != 0 && !fs.disk.ReadOnly() {
		if err := j.writeSuper(0); err != 0 {
			return problem("its journal cannot be emptied: " + err.Error())
		}
	}
	return nil
}

// start makes the file system ready to be written to.
func (fs *FS) start() calls.Errno {
	if err := fs.journal.begin(); err != 0 {
		return err
	}
	fs.readOnly = false
	fs.mu.Lock()
	t := uint32(now().Sec)
	le.Put32(fs.sb, sbMountTime, t)
	le.Put32(fs.sb, sbWriteTime, t)
	le.Put16(fs.sb, sbMountCount, le.U16(fs.sb, sbMountCount)+1)
	err := fs.setRecover(true)
	fs.mu.Unlock()
	if err != 0 {
		return err
	}
	if err := fs.orphans(); err != 0 {
		return err
	}
	return fs.Sync()
}

// setRecover says whether the log has to be looked at, in place and durable. The log has nothing else that is not durable in
// place: without the flag nobody would look at it.
func (fs *FS) setRecover(on bool) calls.Errno {
	if err := fs.commit(); err != 0 {
		return err
	}
	if err := fs.journal.checkpoint(); err != 0 {
		return err
	}
	if fs.incompat &^= incompatRecover; on {
		fs.incompat |= incompatRecover
	}
	le.Put32(fs.sb, sbIncompat, fs.incompat)
	fs.superChanged()
	if err := fs.commit(); err != 0 {
		return err
	}
	return fs.flush()
}

// Unmount makes everything durable and notes that nothing has to be recovered. Files that are open and have no name go, as
// at the end of a process. Nothing can be written afterwards.
func (fs *FS) Unmount() calls.Errno {
	fs.abandonOrphans()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.readOnly {
		return 0
	}
	if err := fs.setRecover(false); err != 0 {
		return err
	}
	fs.readOnly = true
	if err := fs.journal.writeSuper(0); err != 0 {
		return err
	}
	return fs.flush()
}

// flush makes all that was written durable.
func (fs *FS) flush() calls.Errno {
	n := fs.flushing.Add(1)
	err := fs.disk.Flush()
	for err == 0 {
		if old := fs.flushed.Load(); old >= n || fs.flushed.CompareAndSwap(old, n) {
			break
		}
	}
	return err
}

// Sync makes durable what was done before it is called.
func (fs *FS) Sync() calls.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.readOnly {
		return fs.state()
	}
	return fs.commit()
}

// syncFrom makes transactions up to number last durable, and the data that was written before. Those that wait for each other
// share one.
func (fs *FS) syncFrom(last func() uint64) calls.Errno {
	before := fs.flushing.Load()
	fs.mu.Lock()
	if fs.readOnly {
		defer fs.mu.Unlock()
		return fs.state()
	}
	if last() > fs.committed {
		defer fs.mu.Unlock()
		return fs.commit()
	}
	fs.mu.Unlock()
	if fs.flushed.Load() > before {
		return 0 // one that began since
	}
	return fs.flush()
}

// state is the error of a file system that is read-only because something failed.
func (fs *FS) state() calls.Errno {
	if fs.failed {
		return calls.EIO
	}
	return 0
}

// corrupt says that the disk has what makes no sense. Whoever found it may hold fs.mu for reading only, so that it takes
// effect with abort, or when an operation begins.
func (fs *FS) corrupt(what string) calls.Errno {
	if fs.damaged.CompareAndSwap(false, true) {
		fs.say(what + "; run e2fsck. Nothing is written to it any more")
	}
	return calls.EUCLEAN
}

// abort stops all writing. The caller holds fs.mu for writing.
func (fs *FS) abort(why string) calls.Errno {
	if !fs.failed {
		fs.failed, fs.readOnly = true, true
		fs.say(why + ". Nothing is written to it any more")
	}
	return calls.EIO
}

// rlock begins an operation that only looks.
func (fs *FS) rlock() {
	fs.mu.RLock()
	fs.cache.trim()
}

// Root returns the root directory.
func (fs *FS) Root() vfs.Directory { return fs.root }

// ReadOnly reports whether nothing can be written, from the beginning or since the disk failed.
func (fs *FS) ReadOnly() bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.readOnly
}

// Type returns "ext4".
func (fs *FS) Type() string { return "ext4" }

// Statfs describes the file system.
func (fs *FS) Statfs(st *vfs.Statfs) calls.Errno {
	fs.rlock()
	defer fs.mu.RUnlock()
	free := fs.freeBlocks()
	reserved := uint64(le.U32(fs.sb, sbReserved))
	*st = vfs.Statfs{
		Type: superMagic, Bsize: int64(fs.blockSize), Frsize: int64(fs.blockSize), Namelen: vfs.NameMax,
		Blocks: fs.blocks - fs.overhead(), Bfree: free, Bavail: free - min(free, reserved),
		Files: uint64(fs.inodes), Ffree: uint64(le.U32(fs.sb, sbFreeInodes)),
		Fsid: [2]int32{int32(le.U32(fs.sb, sbUUID)), int32(le.U32(fs.sb, sbUUID+4))},
	}
	return 0
}

// overhead is how many blocks no file can have.
func (fs *FS) overhead() uint64 {
	n := fs.firstBlock
	for g := range fs.groups {
		n += 2 + fs.tableBlocks()
		if fs.sparse(g) {
			n += 1 + fs.descBlocks() + uint64(fs.reservedDescs)
		}
	}
	return n
}

var (
	_ vfs.TmpFiler = (*FS)(nil)
	_ vfs.Symlink  = (*link)(nil)
	_ vfs.Mapper   = (*file)(nil)
)
