package p9fs

import (
	"sync"

	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

func (d *dir) FS() vfs.FileSystem { return d.fs }

func (d *dir) Parent() (vfs.Directory, string) {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	switch {
	case d.up == nil:
		return d, ""
	case d.removed:
		return d.up, ""
	}
	return d.up, d.name
}

func (d *dir) Lookup(name string) (vfs.Inode, calls.Errno) {
	n, err := d.find(name)
	if err != 0 {
		return nil, err
	}
	return n.self, 0
}

// find looks a name up.
func (d *dir) find(name string) (*node, calls.Errno) {
	_, names, err := d.fs.way(&d.node)
	if err != 0 {
		return nil, err
	}
	fid, qid, err := d.fs.walk(d.fs.fid, append(names, name))
	if err != 0 {
		return nil, err
	}
	n := d.fs.node(qid, d, name)
	d.fs.keep(idleFid{fid, n, place{d, name}})
	return n, 0
}

// Stat of a directory asks for its entry "." where the server is xen-9pfsd: that of Xen 4.20 dies when it is asked about
// the root (tools/9pfsd/io.c, p9_stat: there is no slash in its name of it).
func (d *dir) Stat(st *fdtable.Stat) calls.Errno {
	if d.fs.full() || d != d.fs.root {
		return d.node.Stat(st)
	}
	h, err := d.opened()
	if err != 0 {
		return err
	}
	defer h.Closed()
	var r p9.Rread
	n := d.fs.msize - p9.ReadOverhead
	if err := d.fs.callLarge(n, &p9.Tread{Fid: h.fid, Count: uint32(n)}, &r); err != 0 {
		return err
	}
	stats, bad := p9.ParseStats(r.Data)
	if bad != nil {
		return d.fs.broken(bad)
	}
	for i := range stats {
		if stats[i].Name == "." {
			statOf(&stats[i], st)
			st.Dev = d.fs.dev
			return 0
		}
	}
	return calls.ENOENT
}

func (d *dir) Create(name string, n *vfs.New) (vfs.Inode, calls.Errno) {
	if kind := n.Mode & vfs.S_IFMT; kind == vfs.S_IFREG || kind == vfs.S_IFDIR && !d.fs.full() {
		return d.createOpen(name, n)
	}
	if err := d.fs.needs(); err != 0 {
		return nil, err
	}
	var qid p9.QID
	err := d.with(func(fid uint32) (err calls.Errno) {
		qid, err = d.make(fid, name, n)
		return err
	})
	if err != 0 {
		return nil, err
	}
	made := d.fs.node(qid, d, name)
	return made.self, made.give(n.UID)
}

// make makes a file that is not regular.
func (d *dir) make(fid uint32, name string, n *vfs.New) (p9.QID, calls.Errno) {
	switch n.Mode & vfs.S_IFMT {
	case vfs.S_IFDIR:
		var r p9.Rmkdir
		err := d.fs.call(&p9.Tmkdir{DFid: fid, Name: name, Mode: n.Mode & vfs.PermMask, GID: n.GID}, &r)
		return r.QID, err
	case vfs.S_IFLNK:
		var r p9.Rsymlink
		err := d.fs.call(&p9.Tsymlink{DFid: fid, Name: name, Target: n.Target, GID: n.GID}, &r)
		return r.QID, err
	}
	var r p9.Rmknod
	major, minor := uint32(n.Rdev>>8&0xfff|n.Rdev>>32&^0xfff), uint32(n.Rdev&0xff|n.Rdev>>12&^0xff)
	err := d.fs.call(&p9.Tmknod{DFid: fid, Name: name, Mode: n.Mode, Major: major, Minor: minor, GID: n.GID}, &r)
	return r.QID, err
}

// createOpen makes a file by the request that opens it, too. A regular file stays open for who made it: its
// permissions need not allow that.
func (d *dir) createOpen(name string, n *vfs.New) (vfs.Inode, calls.Errno) {
	got, err := d.fs.get(&d.node)
	if err != 0 {
		return nil, err
	}
	fid, flags := got.fid, uint32(fdtable.O_RDWR)
	if n.Mode&vfs.S_IFMT == vfs.S_IFDIR {
		flags = fdtable.O_RDONLY
	}
	opened, err := d.fs.create(fid, name, flags, n.Mode, n.GID)
	if err != 0 {
		d.fs.clunk(fid) // it may stand for something else by now
		return nil, err
	}
	made := d.fs.node(opened.QID, d, name)
	f, ok := made.self.(*file)
	if !ok {
		d.fs.clunk(fid)
		return made.self, 0
	}
	f.setCreated(newHandle(f, fid, opened.IOUnit, false))
	return f, made.give(n.UID)
}

// give makes a new file that of a user. It is root's, for whom servers are asked to work.
func (n *node) give(uid uint32) calls.Errno {
	if uid == 0 || !n.fs.full() {
		return 0
	}
	return n.SetAttr(&vfs.SetAttr{Set: vfs.AttrUID, UID: uid})
}

// nodeOf returns the node of a file of this file system, nil for others.
func (fs *FS) nodeOf(i vfs.Inode) *node {
	if m, ok := i.(member); ok && m.common().fs == fs {
		return m.common()
	}
	return nil
}

func (d *dir) Link(name string, target vfs.Inode) calls.Errno {
	n := d.fs.nodeOf(target)
	if n == nil {
		return calls.EXDEV
	}
	if err := d.fs.needs(); err != 0 {
		return err
	}
	return d.with(func(dfid uint32) calls.Errno {
		return n.with(func(fid uint32) calls.Errno {
			return d.fs.call(&p9.Tlink{DFid: dfid, Fid: fid, Name: name}, &p9.Rlink{})
		})
	})
}

func (d *dir) Remove(name string, isDir bool) calls.Errno {
	if err := d.fs.needs(); err != 0 {
		return err
	}
	n, err := d.find(name)
	if err != 0 {
		return err
	}
	req := p9.Tunlinkat{Name: name}
	if isDir {
		req.Flags = p9.RemoveDir
	}
	err = d.with(func(fid uint32) calls.Errno {
		req.DFid = fid
		return d.fs.call(&req, &p9.Runlinkat{})
	})
	if err == 0 {
		d.fs.gone(n, place{d, name})
	}
	return err
}

func (d *dir) Rename(name string, to vfs.Directory, newName string, flags uint32) calls.Errno {
	t, ok := to.(*dir)
	if !ok || t.fs != d.fs {
		return calls.EXDEV
	}
	if err := d.fs.needs(); err != 0 {
		return err
	}
	if flags != 0 {
		return calls.EINVAL // as rename(2) has it for file systems that cannot
	}
	n, err := d.find(name)
	if err != 0 {
		return err
	}
	old, err := t.find(newName)
	if err != 0 && err != calls.ENOENT {
		return err
	}
	err = d.with(func(from uint32) calls.Errno {
		move := func(fid uint32) calls.Errno {
			return d.fs.call(&p9.Trenameat{OldDFid: from, OldName: name, NewDFid: fid, NewName: newName}, &p9.Rrenameat{})
		}
		if t == d {
			return move(from)
		}
		return t.with(move)
	})
	if err != 0 || old == n {
		return err
	}
	if old != nil {
		d.fs.gone(old, place{t, newName})
	}
	d.fs.moved(n, place{t, newName})
	return 0
}

// Entries serves those who did not open the directory.
func (d *dir) Entries(after uint64, emit func(*vfs.Entry) bool) calls.Errno {
	h, err := d.opened()
	if err != 0 {
		return err
	}
	defer h.Closed()
	return h.Entries(after, emit)
}

// Open returns what a description reads entries with.
func (d *dir) Open(uint32) (vfs.Inode, calls.Errno) { return d.opened() }

func (d *dir) opened() (*dirHandle, calls.Errno) {
	got, err := d.fs.get(&d.node)
	if err != 0 {
		return nil, err
	}
	if _, err := d.fs.open(got.fid, fdtable.O_RDONLY|fdtable.O_DIRECTORY); err != 0 {
		d.fs.clunk(got.fid)
		return nil, err
	}
	return &dirHandle{dir: d, fid: got.fid}, 0
}

// A dirHandle is an open directory.
type dirHandle struct {
	*dir
	fid uint32

	mu   sync.Mutex
	at   uint64      // position of the entry before list
	list []vfs.Entry // read and not yet emitted

	// Of 9P2000.u: where the server is.
	read   uint64 // entries before it
	offset uint64 // bytes before it
}

// Entries reads anew from the beginning, and otherwise where it was.
func (h *dirHandle) Entries(after uint64, emit func(*vfs.Entry) bool) calls.Errno {
	h.mu.Lock()
	defer h.mu.Unlock()
	if after == 0 || after != h.at || len(h.list) == 0 {
		list, err := h.fs.read(h, after)
		if err != 0 {
			return err
		}
		h.at, h.list = after, list
	}
	for len(h.list) > 0 && emit(&h.list[0]) {
		h.at, h.list = h.list[0].Pos, h.list[1:]
	}
	return 0
}

// Sync makes changes of the entries durable.
func (h *dirHandle) Sync() calls.Errno { return h.fs.sync(h.fid) }

// Closed ends the description.
func (h *dirHandle) Closed() { h.fs.clunk(h.fid) }

// sync makes what was done to an open file durable.
func (fs *FS) sync(fid uint32) calls.Errno {
	if err := fs.needs(); err != 0 {
		return err
	}
	return fs.call(&p9.Tfsync{Fid: fid}, &p9.Rfsync{})
}
