package p9fs

import (
	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A node is what all files have.
type node struct {
	fs   *FS
	id   uint64 // QID.Path
	kind uint8  // of a directory or symbolic link the type in its QID
	self vfs.Inode

	// Guarded by fs.mu.
	place
	removed bool
	open    []*handle // descriptions of a regular file
}

type (
	file struct {
		node
		created *handle // open since it was made, for who made it; guarded by fs.mu
	}
	dir  struct{ node }
	link struct{ node }
)

// A member is a file of any type.
type member interface {
	vfs.Inode
	common() *node
}

func (n *node) common() *node { return n }

// kindOf returns what of a QID tells types apart that stay.
func kindOf(q p9.QID) uint8 { return q.Type & (p9.QTDir | p9.QTSymlink) }

func newNode(fs *FS, qid p9.QID) *node {
	var self member
	switch kindOf(qid) {
	case p9.QTDir:
		self = new(dir)
	case p9.QTSymlink:
		self = new(link)
	default:
		self = new(file)
	}
	n := self.common()
	n.fs, n.id, n.kind, n.self = fs, qid.Path, kindOf(qid), self
	return n
}

// withAny calls f with a fid of the file, of one that is open if there is any: that stays when the name goes.
func (n *node) withAny(f func(fid uint32) calls.Errno) calls.Errno {
	n.fs.mu.Lock()
	var h *handle
	if len(n.open) > 0 {
		h = n.open[0]
	}
	n.fs.mu.Unlock()
	if h != nil {
		if err, ok := h.use(f); ok {
			return err
		}
	}
	return n.with(f)
}

func (n *node) Stat(st *fdtable.Stat) calls.Errno {
	err := n.withAny(func(fid uint32) calls.Errno { return n.fs.stat(fid, st) })
	st.Dev = n.fs.dev
	return err
}

func (n *node) SetAttr(a *vfs.SetAttr) calls.Errno {
	if err := n.fs.needs(); err != 0 {
		return err
	}
	req := p9.Tsetattr{Mode: a.Mode & vfs.PermMask, UID: a.UID, GID: a.GID, Size: uint64(a.Size), Atime: timeOf(a.Atime), Mtime: timeOf(a.Mtime)}
	for _, bit := range [...]struct {
		of  vfs.AttrMask
		set uint32
	}{
		{vfs.AttrMode, p9.SetMode}, {vfs.AttrUID, p9.SetUID}, {vfs.AttrGID, p9.SetGID}, {vfs.AttrSize, p9.SetSize},
		{vfs.AttrAtime, p9.SetAtime | p9.SetAtimeSet}, {vfs.AttrMtime, p9.SetMtime | p9.SetMtimeSet},
	} {
		if a.Set&bit.of != 0 {
			req.Valid |= bit.set
		}
	}
	return n.withAny(func(fid uint32) calls.Errno {
		req.Fid = fid
		return n.fs.call(&req, &p9.Rsetattr{})
	})
}

func timeOf(t fdtable.Timespec) p9.Time { return p9.Time{Sec: uint64(t.Sec), Nsec: uint64(t.Nsec)} }

func (l *link) Readlink() (string, calls.Errno) {
	var r p9.Rreadlink
	err := l.with(func(fid uint32) calls.Errno { return l.fs.call(&p9.Treadlink{Fid: fid}, &r) })
	return r.Target, err
}
