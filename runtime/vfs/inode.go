// Package vfs is the tree of files: what a file system has to provide, how paths lead through it, and what open
// files do with it. File systems (memfs, the generated files of /proc, and what is mounted from disks and
// shares) implement Inode and one of Regular, Directory, Symlink and Special.
package vfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// File types and permission bits of Stat.Mode. Source: Linux 6.16 include/uapi/linux/stat.h.
const (
	S_IFMT   = 0o170000
	S_IFSOCK = 0o140000
	S_IFLNK  = 0o120000
	S_IFREG  = 0o100000
	S_IFBLK  = 0o060000
	S_IFDIR  = 0o040000
	S_IFCHR  = 0o020000
	S_IFIFO  = 0o010000
	S_ISUID  = 0o4000
	S_ISGID  = 0o2000
	S_ISVTX  = 0o1000
	PermMask = 0o7777
)

const (
	// NameMax is the longest name of a file in bytes. Source: Linux 6.16 include/uapi/linux/limits.h.
	NameMax = 255

	// maxLinks is how many symbolic links a path may lead through. Source: Linux 6.16 include/linux/namei.h (MAXSYMLINKS).
	maxLinks = 40
)

// An Inode is a file of any type. Inodes are compared with ==: a file system returns the same one for the
// same file. Methods may be called from several goroutines at once.
type Inode interface {
	Stat(st *fdtable.Stat) calls.Errno
	SetAttr(a *SetAttr) calls.Errno
}

// SetAttr says which attributes of an inode to change to what. Times of change follow by themselves.
type SetAttr struct {
	Set          AttrMask
	Mode         uint32 // permission bits only
	UID, GID     uint32
	Size         int64 // regular files only
	Atime, Mtime fdtable.Timespec
}

// An AttrMask names attributes.
type AttrMask uint32

// What SetAttr can change.
const (
	AttrMode AttrMask = 1 << iota
	AttrUID
	AttrGID
	AttrSize
	AttrAtime
	AttrMtime
)

// A Regular is a file with contents.
type Regular interface {
	Inode
	// ReadAt reads up to len(p) bytes at offset; fewer only at the end of the file, where it returns 0.
	ReadAt(p []byte, offset int64) (int, calls.Errno)
	// WriteAt writes p at offset, or at the end of the file if offset is AtEnd. It returns where the
	// last byte that was written ends. The error is 0 if any was written.
	WriteAt(p []byte, offset int64) (n int, end int64, err calls.Errno)
	// Allocate is fallocate(2).
	Allocate(mode uint32, offset, length int64) calls.Errno
	// SeekData finds the first data, or with hole the first hole, from offset on. ENXIO beyond the end.
	SeekData(offset int64, hole bool) (int64, calls.Errno)
	Sync() calls.Errno
	// Opened and Closed are called for every description, so that contents without a name can be freed.
	Opened()
	Closed()
}

// AtEnd as the offset of WriteAt appends.
const AtEnd int64 = -1

// A Mapper is a regular file whose contents can be mapped shared.
type Mapper interface {
	// Map returns the address of memory that is the file's contents [offset, offset+length) from now on, whatever its
	// size. ENOMEM if that cannot be had.
	Map(offset int64, length uintptr) (addr uintptr, err calls.Errno)
	// Unmap ends what one call of Map began that returned addr.
	Unmap(addr uintptr)
	// Remap is Unmap and Map in one step. If that fails everything is as it was.
	Remap(addr uintptr, offset int64, length uintptr) (uintptr, calls.Errno)
}

// A WritableMapper is a Mapper that has to know which mappings may be written to.
type WritableMapper interface {
	Mapper
	// MapWritable says that of the mapping at addr.
	MapWritable(addr uintptr)
}

// An Opener is a regular file or directory whose descriptions have something of their own, as those of a server's files do.
type Opener interface {
	Inode
	// Open returns what a new description works on in the inode's place: a Regular, or a Directory of which it uses Entries.
	// Both are told by Closed when the description is. flags are open's; with O_TRUNC the file is emptied.
	Open(flags uint32) (Inode, calls.Errno)
}

// A Symlink is a symbolic link.
type Symlink interface {
	Inode
	Readlink() (string, calls.Errno)
}

// A Follower is a symbolic link that leads to a file itself and not to a path, as those of /proc/self/fd do.
type Follower interface {
	Symlink
	Follow() (Location, calls.Errno)
}

// A Special is a file with its own kind of description, such as a generated file.
type Special interface {
	Inode
	// Open returns a new description. loc is where the file was found; flags are open's.
	Open(loc Location, flags uint32) (fdtable.Description, calls.Errno)
}

// A Directory is a directory. Names given to its methods are neither empty, "." nor "..", contain no
// slash and are at most NameMax bytes long. Permissions have been checked.
type Directory interface {
	Inode
	// Lookup returns the file called name. ENOENT if there is none.
	Lookup(name string) (Inode, calls.Errno)
	// Create makes a file of any type. EEXIST if the name is taken.
	Create(name string, n *New) (Inode, calls.Errno)
	// Link makes name another name of the file target. EXDEV if that is of another file system.
	Link(name string, target Inode) calls.Errno
	// Remove removes name: with dir an empty directory, else anything but a directory.
	Remove(name string, dir bool) calls.Errno
	// Rename moves the file called name to the directory to under the name newName. flags are
	// renameat2's. EXDEV if to is of another file system.
	Rename(name string, to Directory, newName string, flags uint32) calls.Errno
	// Entries calls emit for the entries with a position above after, "." and ".." being at 1 and 2,
	// until it returns false. Positions stay what they are as long as the entry exists.
	Entries(after uint64, emit func(e *Entry) bool) calls.Errno
	// Parent returns the directory that this one is in and its name there. For the root of a file system
	// that is the directory itself with "", for a removed directory where it was, with "",
	// or nil if that is not known any more.
	Parent() (Directory, string)
	// FS returns the file system.
	FS() FileSystem
}

// New describes a file to make.
type New struct {
	Mode     uint32 // type and permissions, the umask applied
	UID, GID uint32
	Rdev     uint64 // of a device
	Target   string // of a symbolic link
	Nameless bool   // a file without a name that is not to get one
}

// An Entry is an entry of a directory.
type Entry struct {
	Name string
	Ino  uint64
	Mode uint32 // only the type is significant
	Pos  uint64 // position, for continuing after it
}

// A FileSystem is what a mount makes visible.
type FileSystem interface {
	// Statfs fills in everything but the flags.
	Statfs(st *Statfs) calls.Errno
	// Type returns what mount(8) calls the file system: "tmpfs".
	Type() string
}

// A Syncer is a file system that keeps changes in memory until Sync makes them durable, or says why not.
type Syncer interface {
	FileSystem
	Sync() calls.Errno
}

// ReadOnly reports whether nothing can be written to a file system. Those that can be like that have a method of this name.
func ReadOnly(fs FileSystem) bool {
	r, ok := fs.(interface{ ReadOnly() bool })
	return ok && r.ReadOnly()
}

// ST_RDONLY is a flag of Statfs. Source: Linux 6.16 include/linux/statfs.h.
const ST_RDONLY = 1

// A TmpFiler is a file system that can make regular files without a name (O_TMPFILE).
type TmpFiler interface {
	FileSystem
	TmpFile(n *New) (Regular, calls.Errno)
}

// Statfs is struct statfs of Linux on amd64. Source: Linux 6.16 include/uapi/asm-generic/statfs.h.
type Statfs struct {
	Type    int64
	Bsize   int64
	Blocks  uint64
	Bfree   uint64
	Bavail  uint64
	Files   uint64
	Ffree   uint64
	Fsid    [2]int32
	Namelen int64
	Frsize  int64
	Flags   int64
	_       [4]int64
}
