// Package fat is the file system FAT of 12, 16 and 32 bits with long names ("vfat"), to be read and written.
//
// Data is written to the disk at once. What changes in the table and in directories is kept in memory and written in steps
// (commit), with a flush between them, so that a power cut leaves nothing in use that is another's: clusters that are taken;
// entries of directories that are new or changed; those that go, whose places and short names nobody gets before; clusters that are given back,
// which nobody gets before. What a cut can leave is repaired by the next mount (recover.go): clusters that no file has,
// and a file that was renamed with both of its names.
//
// Names are told apart without regard to case, and there are neither links, owners nor permissions but that nothing may be
// written, as with Linux's vfat. A directory that was read stays in memory.
//
// Locks, in their order: node.data, of a file's contents; FS.mu, of all else.
//
// A disk may hold anything. What makes no sense is EUCLEAN and said once on the console; from then on nothing is written.
package fat

import (
	"sync"

	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

const (
	commitAfter = 5e9  // nanoseconds
	maxPending  = 1024 // changes that wait for a commit
)

// An FS is a file system that is mounted.
type FS struct {
	*geometry
	disk blockfs.Disk
	dev  uint64
	say  func(string)
	root *dir

	mu         sync.Mutex // guards what follows, and all nodes but for the contents of files
	readOnly   bool
	failed     error
	lastIno    uint64
	boot       []byte
	chunks     map[int64]*chunk
	tableDirty bool
	freeCount  uint32
	next       uint32 // where to look for a free cluster
	nameless   int    // files that were removed while they are open

	seq     uint64   // of the running commit
	written bool     // data that has to be durable before entries
	dirty   []*dir   // with changes that are not written
	leaving []gone   // entries that go after those that are new are there
	frees   []change // of the table, after all that
	marked  []mark
	timer   func() (stopped bool) // of the next commit
}

// A change is a new entry of the table.
type change struct{ cluster, value uint32 }

// gone is a slot that was left.
type gone struct {
	d *dir
	s *slot
}

// A mark is an entry with the flag moved.
type mark struct {
	d  *dir
	at int
}

// Mount opens the file system on a disk. With readOnly nothing is written. say is called with what the user should know.
func Mount(disk blockfs.Disk, readOnly bool, say func(string)) (*FS, error) {
	boot := make([]byte, 512)
	if disk.Size() < int64(len(boot)) {
		return nil, problem("the disk is too small")
	}
	if err := disk.ReadAt(boot, 0); err != 0 {
		return nil, problem("its boot sector cannot be read: " + err.Error())
	}
	g, err := parseBoot(boot, disk.Size())
	if err != nil {
		return nil, err
	}
	fs := &FS{
		geometry: g, disk: disk, dev: memfs.NewDevice(), say: say, boot: boot, chunks: map[int64]*chunk{},
		readOnly: readOnly, lastIno: 1, next: firstCluster, seq: 1,
	}
	if disk.ReadOnly() && !readOnly {
		fs.readOnly = true
		say("it is mounted for reading: the disk is read-only")
	}
	fs.root = &dir{node: node{fs: fs, ino: 1, attr: attrDir, first: g.root}}
	fs.root.node.self = fs.root
	if err := fs.begin(); err != 0 {
		return nil, problem("it cannot be read: " + err.Error())
	}
	return fs, nil
}

// begin makes the file system ready.
func (fs *FS) begin() calls.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !fs.readOnly && fs.boot[fs.stateAt]&stateDirty != 0 {
		if err := fs.recover(); err != 0 {
			return err
		}
	}
	if err := fs.root.load(); err != 0 {
		return err
	}
	if err := fs.count(); err != 0 {
		return err
	}
	if fs.readOnly {
		return 0
	}
	return fs.setState(true)
}

// setState says in the boot sector whether the file system is in use.
func (fs *FS) setState(dirty bool) calls.Errno {
	if fs.boot[fs.stateAt] &^= stateDirty; dirty {
		fs.boot[fs.stateAt] |= stateDirty
	}
	if err := fs.disk.WriteAt(fs.boot[fs.stateAt:fs.stateAt+1], fs.stateAt); err != 0 {
		return err
	}
	return fs.disk.Flush()
}

// Unmount makes everything durable and notes that. Nothing can be written afterwards.
func (fs *FS) Unmount() calls.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.timer != nil {
		fs.timer() // if it is too late, it finds nothing to be done
		fs.timer = nil
	}
	if fs.readOnly {
		if fs.failed != nil {
			return calls.EIO
		}
		return 0
	}
	if err := fs.commit(); err != 0 {
		return err
	}
	if err := fs.writeInfo(); err != 0 {
		return err
	}
	fs.readOnly = true
	if err := fs.disk.Flush(); err != 0 {
		return err
	}
	if fs.nameless > 0 {
		return 0 // the next mount frees what they have
	}
	return fs.setState(false)
}

// writeInfo notes how many clusters are free.
func (fs *FS) writeInfo() calls.Errno {
	if fs.info == 0 {
		return 0
	}
	b := make([]byte, 512)
	if err := fs.disk.ReadAt(b, fs.info); err != 0 {
		return err
	}
	if le.U32(b, 0) != infoMagic1 || le.U32(b, inMagic2) != infoMagic2 {
		return 0 // there is none
	}
	le.Put32(b, inFree, fs.freeCount)
	le.Put32(b, inNext, fs.next)
	return fs.disk.WriteAt(b, fs.info)
}

// change begins an operation that changes something. The caller holds fs.mu.
func (fs *FS) change() calls.Errno {
	if fs.failed != nil {
		return calls.EIO
	}
	if fs.readOnly {
		return calls.EROFS
	}
	if len(fs.dirty)+len(fs.leaving)+len(fs.frees)+len(fs.marked) > maxPending {
		return fs.commit()
	}
	if fs.timer == nil {
		fs.timer = kernel.After(commitAfter, func() {
			fs.mu.Lock()
			defer fs.mu.Unlock()
			fs.timer = nil
			if !fs.readOnly {
				fs.commit() // what goes wrong is said by fail
			}
		})
	}
	return 0
}

// Sync makes durable what was done before it is called.
func (fs *FS) Sync() calls.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	switch {
	case fs.failed != nil:
		return calls.EIO
	case fs.readOnly:
		return 0
	}
	return fs.commit()
}

// fail stops all writing.
func (fs *FS) fail(err calls.Errno, why string) calls.Errno {
	if fs.failed == nil {
		fs.failed, fs.readOnly = err, true
		fs.say(why + ". Nothing is written to it any more")
	}
	return err
}

// corrupt says that the disk has what makes no sense.
func (fs *FS) corrupt(what string) calls.Errno {
	return fs.fail(calls.EUCLEAN, what+"; run fsck.fat")
}

// Root returns the root directory.
func (fs *FS) Root() vfs.Directory { return fs.root }

// ReadOnly reports whether nothing can be written, from the beginning or since the disk failed.
func (fs *FS) ReadOnly() bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.readOnly || fs.failed != nil
}

// Type returns "vfat".
func (fs *FS) Type() string { return "vfat" }

// Statfs describes the file system. Source of the type: Linux 6.16 include/uapi/linux/magic.h (MSDOS_SUPER_MAGIC).
func (fs *FS) Statfs(st *vfs.Statfs) calls.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := uint64(fs.freeCount)
	*st = vfs.Statfs{
		Type: 0x4d44, Bsize: int64(fs.clusterSize), Frsize: int64(fs.clusterSize), Namelen: vfs.NameMax,
		Blocks: uint64(fs.clusters), Bfree: n, Bavail: n, Fsid: [2]int32{int32(fs.id)},
	}
	return 0
}

var _ vfs.FileSystem = (*FS)(nil)
