package memfs

import (
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A dir is a directory. Its entries are in the order of their positions, which only ever grow, so that a
// reader finds its place again whatever was added and removed meanwhile.
type dir struct {
	node
	seeds atomic.Pointer[func() []Seed] // makes the entries, until the directory is used; changes under fs.mu

	// Guarded by fs.mu.
	names   map[string]*entry // nil until there is an entry
	order   []*entry          // those removed have no inode
	lastPos uint64
	dead    int  // removed entries in order
	parent  *dir // nil for the root
	name    string
	removed bool
}

type entry struct {
	name  string
	pos   uint64
	inode member
}

// Positions of "." and "..", and of what comes first after them.
const (
	posSelf   = 1
	posParent = 2
	posFirst  = 3
)

func newDir(fs *FS, n *vfs.New, parent *dir, name string) *dir {
	d := &dir{parent: parent, name: name, lastPos: posFirst - 1}
	d.init(fs, n)
	d.nlink = 2
	return d
}

func (d *dir) FS() vfs.FileSystem { return d.fs }

func (d *dir) Stat(st *fdtable.Stat) calls.Errno {
	d.sprout()
	d.fs.mu.RLock()
	entries := len(d.names)
	d.fs.mu.RUnlock()
	d.mu.RLock()
	defer d.mu.RUnlock()
	d.stat(st)
	st.Size = int64(entries+2) * 20 // as tmpfs counts: BOGO_DIRENT_SIZE
	return 0
}

func (d *dir) Lookup(name string) (vfs.Inode, calls.Errno) {
	d.sprout()
	if n := d.find(name); n != nil {
		return n, 0
	}
	d.awaitLate(name)
	if n := d.find(name); n != nil {
		return n, 0
	}
	return nil, calls.ENOENT
}

// find returns the file called name, nil if there is none.
func (d *dir) find(name string) vfs.Inode {
	d.fs.mu.RLock()
	defer d.fs.mu.RUnlock()
	if e := d.names[name]; e != nil {
		return e.inode
	}
	return nil
}

func (d *dir) Parent() (vfs.Directory, string) {
	d.fs.mu.RLock()
	defer d.fs.mu.RUnlock()
	switch {
	case d.removed:
		return d.parent, ""
	case d.parent == nil:
		return d, ""
	}
	return d.parent, d.name
}

func (d *dir) Create(name string, n *vfs.New) (vfs.Inode, calls.Errno) {
	d.sprout()
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if d.removed {
		return nil, calls.ENOENT
	}
	if d.names[name] != nil {
		return nil, calls.EEXIST
	}
	if err := d.fs.room(inodeCost + len(n.Target) + entryCost + len(name)); err != 0 {
		return nil, err
	}
	inode, err := d.fs.create(n, d, name)
	if err != 0 {
		return nil, err
	}
	d.insert(name, inode.(member))
	if n.Mode&vfs.S_IFMT == vfs.S_IFDIR {
		d.addLink(1)
	}
	return inode, 0
}

// insert adds an entry. The caller holds fs.mu.
func (d *dir) insert(name string, inode member) {
	if d.names == nil {
		d.names = make(map[string]*entry)
	}
	d.lastPos++
	e := &entry{name, d.lastPos, inode}
	d.names[name] = e
	d.order = append(d.order, e)
	d.fs.used.Add(int64(entryCost + len(name)))
	d.touch()
}

// remove takes an entry out. The caller holds fs.mu.
func (d *dir) remove(e *entry) {
	delete(d.names, e.name)
	d.fs.used.Add(-int64(entryCost + len(e.name)))
	e.inode = nil
	if d.dead++; d.dead > 16 && d.dead > len(d.order)/2 {
		d.compact()
	}
	d.touch()
}

// compact forgets removed entries. It makes a new slice, since a reader may be walking the old one.
func (d *dir) compact() {
	live := make([]*entry, 0, len(d.names))
	for _, e := range d.order {
		if e.inode != nil {
			live = append(live, e)
		}
	}
	d.order, d.dead = live, 0
}

// touch notes that the entries changed.
func (d *dir) touch() {
	d.mu.Lock()
	d.changed()
	d.mu.Unlock()
}

func (d *dir) Link(name string, target vfs.Inode) calls.Errno {
	m, ok := target.(member)
	if !ok || m.common().fs != d.fs {
		return calls.EXDEV
	}
	d.sprout()
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if d.removed {
		return calls.ENOENT
	}
	if d.names[name] != nil {
		return calls.EEXIST
	}
	n := m.common()
	n.mu.RLock()
	gone := n.nlink == 0 && !n.unnamed
	n.mu.RUnlock()
	if gone {
		return calls.ENOENT
	}
	if err := d.fs.room(entryCost + len(name)); err != 0 {
		return err
	}
	d.insert(name, m)
	n.addLink(1)
	return 0
}

func (d *dir) Remove(name string, isDir bool) calls.Errno {
	inode, err := d.takeOut(name, isDir)
	if inode != nil {
		inode.gone()
	}
	return err
}

// takeOut removes a name and returns its file if that was the last one.
func (d *dir) takeOut(name string, isDir bool) (member, calls.Errno) {
	d.sprout()
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	e := d.names[name]
	if e == nil {
		return nil, calls.ENOENT
	}
	inode := e.inode
	sub, ok := inode.(*dir)
	switch {
	case isDir && !ok:
		return nil, calls.ENOTDIR
	case !isDir && ok:
		return nil, calls.EISDIR
	case ok && !sub.empty():
		return nil, calls.ENOTEMPTY
	}
	d.remove(e)
	return d.dropped(inode), 0
}

// dropped accounts for a name of inode that was in d and is no more. It returns inode if that was the last one. The caller
// holds fs.mu.
func (d *dir) dropped(inode member) (last member) {
	if sub, ok := inode.(*dir); ok {
		sub.removed = true
		sub.addLink(-2)
		d.addLink(-1)
		return inode
	}
	inode.common().addLink(-1)
	if inode.common().links() > 0 {
		return nil
	}
	return inode
}

func (d *dir) Entries(after uint64, emit func(*vfs.Entry) bool) calls.Errno {
	d.sprout()
	d.awaitLate("")
	d.accessed()
	list, ok := d.snapshot(after)
	if !ok {
		return calls.ENOENT
	}
	for i := range list {
		if !emit(&list[i]) {
			break
		}
	}
	return 0
}

// batch is how many entries a call of Entries returns at most; readers come back for more.
const batch = 256

// snapshot returns the next entries after a position, false if the directory was removed.
func (d *dir) snapshot(after uint64) ([]vfs.Entry, bool) {
	d.fs.mu.RLock()
	defer d.fs.mu.RUnlock()
	if d.removed {
		return nil, false
	}
	var list []vfs.Entry
	if after < posSelf {
		list = append(list, vfs.Entry{Name: ".", Ino: d.ino, Mode: vfs.S_IFDIR, Pos: posSelf})
	}
	if after < posParent {
		up := d
		if d.parent != nil {
			up = d.parent
		}
		list = append(list, vfs.Entry{Name: "..", Ino: up.ino, Mode: vfs.S_IFDIR, Pos: posParent})
	}
	for _, e := range d.order[d.search(after):] {
		if len(list) == batch {
			break
		}
		if e.inode != nil {
			n := e.inode.common()
			list = append(list, vfs.Entry{Name: e.name, Ino: n.ino, Mode: n.kind, Pos: e.pos})
		}
	}
	return list, true
}

// search returns the index in order of the first entry after a position.
func (d *dir) search(after uint64) int {
	low, high := 0, len(d.order)
	for low < high {
		mid := int(uint(low+high) / 2)
		if d.order[mid].pos <= after {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}
