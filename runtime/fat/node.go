package fat

import (
	"sync"

	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

// Permissions are Linux's with umask=022; those of fat_make_mode in fs/fat/fat.h.
const (
	dirMode      = vfs.S_IFDIR | 0o755
	fileMode     = vfs.S_IFREG | 0o755
	readOnlyMode = vfs.S_IFREG | 0o555
)

// A node is a file or directory.
type node struct {
	fs   *FS
	self vfs.Inode
	ino  uint64

	up   *dir  // nil of the root
	slot *slot // in it, nil once it was removed

	first               uint32 // cluster, 0 if there is none
	size                uint32
	attr                byte
	mtime, atime, ctime fdtable.Timespec

	chain   []uint32 // clusters
	chained bool     // chain is known
	cutAt   uint64   // commit that has to be over before it grows

	opens int
	dead  bool

	data sync.RWMutex
}

// fill takes an entry's fields.
func (n *node) fill(e []byte) {
	n.first, n.size, n.attr = n.fs.start(e), le.U32(e, deSize), e[deAttr]&attrMask
	n.mtime = decodeTime(le.U16(e, deDate), le.U16(e, deTime), 0)
	n.atime = decodeTime(le.U16(e, deRead), 0, 0)
	n.ctime = n.mtime
}

// entry is the node's on the disk.
func (n *node) entry() []byte { return n.up.raw[n.slot.last*entrySize:][:entrySize] }

// store puts what is known into the entry.
func (n *node) store() {
	if n.slot == nil {
		return
	}
	e := n.entry()
	e[deAttr] = n.attr
	setStart(e, n.first)
	le.Put32(e, deSize, n.size)
	date, clock, _ := encodeTime(n.mtime)
	le.Put16(e, deDate, date)
	le.Put16(e, deTime, clock)
	date, _, _ = encodeTime(n.atime)
	le.Put16(e, deRead, date)
	n.up.touched(n.slot.last, n.slot.last)
}

// now is the time, in the steps that are stored.
func now() fdtable.Timespec { return fdtable.Timespec{Sec: kernel.Walltime() / 1e9 &^ 1} }

// touch notes a change.
func (n *node) touch() {
	n.mtime = now()
	n.ctime = n.mtime
	n.store()
}

// clusters makes sure that the chain is known. The caller holds fs.mu.
func (n *node) clusters() calls.Errno {
	if n.chained {
		return 0
	}
	var chain []uint32
	for c := n.first; c != 0; {
		if !n.fs.valid(c) || len(chain) >= int(n.fs.clusters) {
			return n.fs.corrupt("the clusters of a file make no sense")
		}
		chain = append(chain, c)
		next, err := n.fs.entry(c)
		if err != 0 {
			return err
		}
		if next >= minEnd {
			break
		}
		if c = next; c == free || c == bad {
			return n.fs.corrupt("a file has clusters that are free or bad")
		}
	}
	n.chain, n.chained = chain, true
	return 0
}

// Stat describes the node.
func (n *node) Stat(st *fdtable.Stat) calls.Errno {
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	*st = fdtable.Stat{
		Dev: n.fs.dev, Ino: n.ino, Nlink: 1, Mode: fileMode, Size: int64(n.size), Blksize: int64(n.fs.clusterSize),
		Atime: n.atime, Mtime: n.mtime, Ctime: n.ctime,
	}
	used := (int64(n.size) + int64(n.fs.clusterSize) - 1) / int64(n.fs.clusterSize) * int64(n.fs.clusterSize)
	d, isDir := n.self.(*dir)
	switch {
	case isDir:
		if err := d.load(); err != 0 {
			return err
		}
		st.Mode, st.Size, used = dirMode, int64(len(d.raw)), int64(len(d.raw))
		st.Nlink = 2
		for _, s := range d.names {
			if d.raw[s.last*entrySize+deAttr]&attrDir != 0 {
				st.Nlink++
			}
		}
	case n.attr&attrReadOnly != 0:
		st.Mode = readOnlyMode
	}
	st.Blocks = used / 512
	if n.slot == nil && n.up != nil {
		st.Nlink = 0
	}
	return 0
}

// SetAttr changes attributes. As with Linux owners are root, and of permissions there is only that nobody may write; other
// modes leave it as it is. Source: Linux 6.16 fs/fat/file.c (fat_setattr, fat_sanitize_mode).
func (n *node) SetAttr(a *vfs.SetAttr) calls.Errno {
	if a.Set&vfs.AttrUID != 0 && a.UID != 0 || a.Set&vfs.AttrGID != 0 && a.GID != 0 {
		return calls.EPERM
	}
	f, isFile := n.self.(*file)
	if a.Set&vfs.AttrSize != 0 {
		if !isFile {
			return calls.EINVAL
		}
		if err := f.truncate(a.Size); err != 0 {
			return err
		}
	}
	n.fs.mu.Lock()
	defer n.fs.mu.Unlock()
	if err := n.fs.change(); err != 0 {
		return err
	}
	if a.Set&vfs.AttrMode != 0 && isFile {
		switch a.Mode & 0o755 {
		case 0o755:
			n.attr &^= attrReadOnly
		case 0o555:
			n.attr |= attrReadOnly
		}
	}
	if a.Set&vfs.AttrAtime != 0 {
		n.atime = fdtable.Timespec{Sec: a.Atime.Sec - a.Atime.Sec%day}
	}
	if a.Set&vfs.AttrMtime != 0 {
		n.mtime = fdtable.Timespec{Sec: a.Mtime.Sec &^ 1}
		n.ctime = n.mtime
	}
	n.store()
	return 0
}
