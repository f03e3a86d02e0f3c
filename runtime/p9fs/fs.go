// Package p9fs is a file system whose files a server has that speaks 9P2000.L, or as much of 9P2000.u as xen-9pfsd does.
//
// Nothing is kept of what the server says: what others change there is seen at once. A file is known by the way to it
// from the root, as servers of Xen know their fids: an operation walks there and then does its work. Some of the fids that
// come of walks are kept for the next operation on the same file (idle). What is open has a fid for each description, so
// it stays what it is when the name goes.
//
// Locks are held among the programs of this guest only, of which there is one: QEMU's server grants every lock that
// is asked for (hw/9pfs/9p.c, v9fs_lock, of QEMU 10.0), and xen-9pfsd knows none.
//
// When the server is gone, or says what makes no sense, everything fails with EIO.
package p9fs

import (
	"errors"
	"sync"
	"weak"

	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// magic is V9FS_MAGIC. Source: Linux 6.16 include/uapi/linux/magic.h.
const magic = 0x01021997

var errRoot = errors.New("what the server shares is no directory")

// An FS is the tree of a server.
type FS struct {
	*client
	dev  uint64
	root *dir
	fid  uint32 // of the root

	mu    sync.Mutex // guards what follows, and the places of all nodes
	nodes map[uint64]weak.Pointer[node]
	sweep int // how many nodes there are when those that nobody has are looked for
	idle  []idleFid
}

// A place is where a file is: under which name, and in what. The root is in nothing.
type place struct {
	up   *dir
	name string
}

// An idleFid is a fid of a file that is not open, and where it was when the fid was made: numbers of files that were
// removed are given to others.
type idleFid struct {
	fid uint32
	n   *node
	at  place
}

// New attaches to the server at the other end of t.
func New(t Transport) (*FS, error) {
	c, err := newClient(t)
	if err != nil {
		return nil, err
	}
	fs := &FS{client: c, dev: memfs.NewDevice(), fid: c.newFid(), nodes: make(map[uint64]weak.Pointer[node]), sweep: 64}
	var r p9.Rattach
	if err := c.call(&p9.Tattach{Fid: fs.fid, AFid: p9.NoFid, UName: "root"}, &r); err != 0 {
		return nil, err
	}
	if r.QID.Type&p9.QTDir == 0 {
		return nil, errRoot
	}
	fs.root = fs.node(r.QID, nil, "").self.(*dir)
	return fs, nil
}

// Root returns the root directory.
func (fs *FS) Root() vfs.Directory { return fs.root }

// Type returns "9p".
func (fs *FS) Type() string { return "9p" }

// Statfs describes the file system on the server.
func (fs *FS) Statfs(st *vfs.Statfs) calls.Errno {
	if !fs.full() {
		*st = vfs.Statfs{Type: magic, Bsize: 4096, Frsize: 4096, Namelen: vfs.NameMax}
		return 0
	}
	var r p9.Rstatfs
	if err := fs.call(&p9.Tstatfs{Fid: fs.fid}, &r); err != 0 {
		return err
	}
	*st = vfs.Statfs{
		Type: magic, Bsize: int64(r.BSize), Frsize: int64(r.BSize), Namelen: int64(r.NameLen),
		Blocks: r.Blocks, Bfree: r.BFree, Bavail: r.BAvail, Files: r.Files, Ffree: r.FFree,
		Fsid: [2]int32{int32(r.FSID), int32(r.FSID >> 32)},
	}
	return 0
}

// node returns the file that has a qid and was found in up under a name. As long as somebody has it, it is the same.
func (fs *FS) node(qid p9.QID, up *dir, name string) *node {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := fs.nodes[qid.Path].Value()
	if n == nil || n.kind != kindOf(qid) {
		n = newNode(fs, qid)
		fs.nodes[qid.Path] = weak.Make(n)
		fs.forget()
	}
	n.place, n.removed = place{up, name}, false
	return n
}

// forget drops nodes that nobody has, now and then. The caller holds fs.mu.
func (fs *FS) forget() {
	if len(fs.nodes) < fs.sweep {
		return
	}
	for id, p := range fs.nodes {
		if p.Value() == nil {
			delete(fs.nodes, id)
		}
	}
	fs.sweep = max(64, 2*len(fs.nodes))
}

// take returns the idle fid of a file, if there is one, to whom it then belongs.
func (fs *FS) take(n *node) (f idleFid, ok bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.idle {
		if f.n == n && f.at == n.place && !n.removed {
			fs.idle = append(fs.idle[:i], fs.idle[i+1:]...)
			return f, true
		}
	}
	return f, false
}

// keep gives a fid back that is not open, for the next operation on the file. The oldest make room.
func (fs *FS) keep(f idleFid) {
	fs.mu.Lock()
	fs.idle = append(fs.idle, f)
	var drop []idleFid
	if n := len(fs.idle) - fs.idleFids(); n > 0 {
		drop = append(drop, fs.idle[:n]...)
		fs.idle = append(fs.idle[:0], fs.idle[n:]...)
	}
	fs.mu.Unlock()
	for _, f := range drop {
		fs.clunk(f.fid)
	}
}

// gone notes that the name of a file is no more.
func (fs *FS) gone(n *node, at place) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if n.place == at {
		n.removed = true
	}
}

// moved notes that a file is somewhere else now.
func (fs *FS) moved(n *node, to place) {
	fs.mu.Lock()
	n.place, n.removed = to, false
	fs.mu.Unlock()
}

// way returns where a file is and the names that lead there from the root, ENOENT if it was removed.
func (fs *FS) way(n *node) (at place, names []string, err calls.Errno) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	at = n.place
	for ; n.up != nil; n = &n.up.node {
		if n.removed {
			return at, nil, calls.ENOENT
		}
		names = append(names, n.name)
	}
	for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
		names[i], names[j] = names[j], names[i]
	}
	return at, names, 0
}

// get returns a fid of a file that is not open, which belongs to the caller.
func (fs *FS) get(n *node) (idleFid, calls.Errno) {
	if f, ok := fs.take(n); ok {
		return f, 0
	}
	at, names, err := fs.way(n)
	if err != 0 {
		return idleFid{}, err
	}
	fid, qid, err := fs.walk(fs.fid, names)
	if err == 0 && len(names) > 0 && qid.Path != n.id {
		fs.clunk(fid)
		err = calls.ESTALE // it is another file by now
	}
	return idleFid{fid, n, at}, err
}

// with calls f with a fid of a file that is not open.
func (n *node) with(f func(fid uint32) calls.Errno) calls.Errno {
	if n == &n.fs.root.node {
		return f(n.fs.fid)
	}
	got, err := n.fs.get(n)
	if err != 0 {
		return err
	}
	err = f(got.fid)
	n.fs.keep(got)
	return err
}

// needs returns EOPNOTSUPP for what servers of 9P2000.u do not have.
func (fs *FS) needs() calls.Errno {
	if !fs.full() {
		return calls.EOPNOTSUPP
	}
	return 0
}

var _ vfs.FileSystem = (*FS)(nil)
var _ fdtable.Syncer = (*dirHandle)(nil)
