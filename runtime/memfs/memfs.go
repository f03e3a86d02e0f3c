// Package memfs is a file system in memory, with the semantics of Linux's tmpfs: hard links, all types of files,
// sparse files, and a limit on the memory that contents may take.
//
// Names and directories are guarded by one lock per file system; attributes and contents by one
// per file. The first is always taken before the second, and never two of the second at once.
package memfs

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

const (
	pageSize = 4096

	// magic is TMPFS_MAGIC. Source: Linux 6.16 include/uapi/linux/magic.h.
	magic = 0x01021994
)

// An FS is a file system.
type FS struct {
	mu      sync.RWMutex // guards the entries of all directories
	dev     uint64
	lastIno atomic.Uint64
	files   atomic.Int64
	usage
	root *dir
	late atomic.Pointer[func(name string)] // see SetLate
}

var lastDev atomic.Uint64

// NewDevice returns a number for Stat.Dev that no other file system has, with major number 0 as those without a
// block device have.
func NewDevice() uint64 { return lastDev.Add(1) + 20 }

// New returns an empty file system, whose root directory has the permissions perm.
func New(perm uint32) *FS {
	fs := &FS{dev: NewDevice()}
	fs.root = newDir(fs, &vfs.New{Mode: vfs.S_IFDIR | perm}, nil, "")
	return fs
}

// Root returns the root directory.
func (fs *FS) Root() vfs.Directory { return fs.root }

// Type returns "tmpfs".
func (fs *FS) Type() string { return "tmpfs" }

// SetLate makes f be called before a name is said not to be in the root directory, and with "" before that is listed:
// f returns when the file has been made, if it is to be. With nil there is nothing more to wait for.
func (fs *FS) SetLate(f func(name string)) {
	if f == nil {
		fs.late.Store(nil)
		return
	}
	fs.late.Store(&f)
}

// Find returns the file called name in the root directory, nil if there is none yet.
func (fs *FS) Find(name string) vfs.Inode { return fs.root.find(name) }

// awaitLate waits for what may still come into d.
func (d *dir) awaitLate(name string) {
	if f := d.fs.late.Load(); f != nil && d == d.fs.root {
		(*f)(name)
	}
}

// What an inode and a name take besides the text that they hold, in bytes and roughly.
const (
	inodeCost = 384
	entryCost = 128
)

// Statfs describes the file system in pages.
func (fs *FS) Statfs(st *vfs.Statfs) calls.Errno {
	total := fs.limitBytes() / pageSize
	free := max(0, total-(fs.total()+pageSize-1)/pageSize)
	files := uint64(fs.files.Load())
	*st = vfs.Statfs{
		Type: magic, Bsize: pageSize, Frsize: pageSize, Namelen: vfs.NameMax,
		Blocks: uint64(total), Bfree: uint64(free), Bavail: uint64(free),
		Files: files + uint64(free), Ffree: uint64(free),
		Fsid: [2]int32{int32(fs.dev), 0},
	}
	return 0
}

// TmpFile makes a regular file without a name.
func (fs *FS) TmpFile(n *vfs.New) (vfs.Regular, calls.Errno) {
	if err := fs.room(inodeCost); err != 0 {
		return nil, err
	}
	f := newFile(fs, n)
	f.nlink, f.unnamed = 0, !n.Nameless
	return f, 0
}

// create makes the inode that n describes.
func (fs *FS) create(n *vfs.New, parent *dir, name string) (vfs.Inode, calls.Errno) {
	switch n.Mode & vfs.S_IFMT {
	case vfs.S_IFREG:
		return newFile(fs, n), 0
	case vfs.S_IFDIR:
		return newDir(fs, n, parent, name), 0
	case vfs.S_IFLNK:
		l := &link{target: n.Target}
		l.init(fs, n)
		return l, 0
	case vfs.S_IFIFO, vfs.S_IFSOCK, vfs.S_IFCHR, vfs.S_IFBLK:
		s := &special{}
		s.init(fs, n)
		return s, 0
	}
	return nil, calls.EINVAL
}

// now returns the time for the attributes of files.
func now() fdtable.Timespec {
	ns := kernel.Walltime()
	return fdtable.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
}
