package memfs

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A node is what all files have.
type node struct {
	fs   *FS
	ino  uint64
	kind uint32 // the type bits of the mode
	rdev uint64

	mu                  sync.RWMutex // guards what follows, and the contents of regular files
	perm                uint32
	nlink               uint32
	uid, gid            uint32
	atime, mtime, ctime fdtable.Timespec
	unnamed             bool        // made without a name, and may still get one
	attributes          []attribute // by name
	cost                int64       // bytes of memory, contents apart; 0 when the file has gone
}

func (n *node) init(fs *FS, from *vfs.New) {
	n.fs = fs
	n.ino = fs.lastIno.Add(1)
	n.cost = inodeCost + int64(len(from.Target))
	fs.files.Add(1)
	fs.used.Add(n.cost)
	n.kind = from.Mode & vfs.S_IFMT
	n.perm = from.Mode & vfs.PermMask
	n.uid, n.gid, n.rdev = from.UID, from.GID, from.Rdev
	n.nlink = 1
	t := now()
	n.atime, n.mtime, n.ctime = t, t, t
}

// common lets the directory code get at what all files have.
func (n *node) common() *node { return n }

// A member is any file of a memfs.
type member interface {
	vfs.Inode
	common() *node
	// gone is called, without locks, when the last name was removed.
	gone()
}

func (n *node) gone() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.discount()
}

// discount no longer counts the file. The caller holds n.mu.
func (n *node) discount() {
	n.fs.files.Add(-1)
	n.fs.used.Add(-n.cost)
	n.cost = 0
}

// stat fills st in. The caller holds n.mu.
func (n *node) stat(st *fdtable.Stat) {
	*st = fdtable.Stat{
		Dev: n.fs.dev, Ino: n.ino, Nlink: uint64(n.nlink), Mode: n.kind | n.perm, UID: n.uid, GID: n.gid,
		Rdev: n.rdev, Blksize: pageSize, Atime: n.atime, Mtime: n.mtime, Ctime: n.ctime,
	}
}

func (n *node) Stat(st *fdtable.Stat) calls.Errno {
	n.mu.RLock()
	defer n.mu.RUnlock()
	n.stat(st)
	return 0
}

func (n *node) SetAttr(a *vfs.SetAttr) calls.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.Set&vfs.AttrSize != 0 {
		return calls.EINVAL
	}
	n.setAttr(a)
	return 0
}

// setAttr changes everything but the size. The caller holds n.mu.
func (n *node) setAttr(a *vfs.SetAttr) {
	if a.Set&vfs.AttrMode != 0 {
		n.perm = a.Mode & vfs.PermMask
	}
	if a.Set&vfs.AttrUID != 0 {
		n.uid = a.UID
	}
	if a.Set&vfs.AttrGID != 0 {
		n.gid = a.GID
	}
	if a.Set&vfs.AttrAtime != 0 {
		n.atime = a.Atime
	}
	if a.Set&vfs.AttrMtime != 0 {
		n.mtime = a.Mtime
	}
	n.ctime = now()
}

// accessed notes a read, as Linux does by default (relatime): if the access time would otherwise not be after the
// last change, or is a day old.
func (n *node) accessed() {
	n.mu.RLock()
	stale := !before(n.mtime, n.atime) || !before(n.ctime, n.atime)
	at := n.atime.Sec
	n.mu.RUnlock()
	if !stale && now().Sec-at < 24*60*60 {
		return
	}
	n.mu.Lock()
	n.atime = now()
	n.mu.Unlock()
}

// before reports whether a is earlier than b.
func before(a, b fdtable.Timespec) bool {
	return a.Sec < b.Sec || a.Sec == b.Sec && a.Nsec < b.Nsec
}

// changed notes that contents changed. The caller holds n.mu.
func (n *node) changed() {
	n.ctime = now()
	n.mtime = n.ctime
}

// addLink changes the number of names by d.
func (n *node) addLink(d int) {
	n.mu.Lock()
	n.nlink += uint32(d)
	n.ctime = now()
	n.unnamed = false
	n.mu.Unlock()
}

// links returns the number of names.
func (n *node) links() uint32 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.nlink
}

// A link is a symbolic link.
type link struct {
	node
	target string
}

func (l *link) Readlink() (string, calls.Errno) {
	l.accessed()
	return l.target, 0
}

func (l *link) Stat(st *fdtable.Stat) calls.Errno {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.stat(st)
	st.Size = int64(len(l.target))
	return 0
}

// A special is a named pipe, socket or device.
type special struct{ node }
