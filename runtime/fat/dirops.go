package fat

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

func (d *dir) FS() vfs.FileSystem { return d.fs }

// Parent returns where the directory is.
func (d *dir) Parent() (vfs.Directory, string) {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	switch {
	case d.up == nil:
		return d, ""
	case d.slot == nil:
		return d.up, ""
	}
	return d.up, d.slot.name
}

// Lookup finds a name.
func (d *dir) Lookup(name string) (vfs.Inode, calls.Errno) {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if err := d.load(); err != 0 {
		return nil, err
	}
	s := d.find(name)
	if s == nil {
		return nil, calls.ENOENT
	}
	return d.at(s).self, 0
}

// Entries calls emit for the entries whose position is above after: 1 and 2 for "." and "..", and else where they are.
func (d *dir) Entries(after uint64, emit func(*vfs.Entry) bool) calls.Errno {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if err := d.load(); err != 0 {
		return err
	}
	if d.slot == nil && d.up != nil {
		return calls.ENOENT
	}
	up := d.up
	if up == nil {
		up = d
	}
	if after < 1 && !emit(&vfs.Entry{Name: ".", Ino: d.ino, Mode: vfs.S_IFDIR, Pos: 1}) ||
		after < 2 && !emit(&vfs.Entry{Name: "..", Ino: up.ino, Mode: vfs.S_IFDIR, Pos: 2}) {
		return 0
	}
	at := make([]*slot, len(d.raw)/entrySize)
	for _, s := range d.names {
		at[s.last] = s
	}
	first := uint64(0)
	if after > 2 {
		first = after - 2
	}
	for i := first; i < uint64(len(at)); i++ {
		s := at[i]
		if s == nil {
			continue
		}
		e := vfs.Entry{Name: s.name, Ino: s.ino, Mode: vfs.S_IFREG, Pos: i + 3}
		if d.raw[s.last*entrySize+deAttr]&attrDir != 0 {
			e.Mode = vfs.S_IFDIR
		}
		if !emit(&e) {
			return 0
		}
	}
	return 0
}

// begin begins an operation that changes entries. The caller holds fs.mu.
func (d *dir) begin() calls.Errno {
	if err := d.fs.change(); err != 0 {
		return err
	}
	return d.load()
}

// free makes sure that no entry on the disk has the name any more.
func (d *dir) free(name string) calls.Errno {
	key := fold(name)
	for _, l := range d.fs.leaving {
		if l.d == d && l.s.key == key {
			return d.fs.commit()
		}
	}
	return 0
}

// Create makes a file or directory. There is nothing else.
func (d *dir) Create(name string, n *vfs.New) (vfs.Inode, calls.Errno) {
	kind := n.Mode & vfs.S_IFMT
	if kind != vfs.S_IFREG && kind != vfs.S_IFDIR {
		return nil, calls.EPERM
	}
	name, err := checkName(name)
	if err != 0 {
		return nil, err
	}
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if err := d.begin(); err != 0 {
		return nil, err
	}
	if d.find(name) != nil {
		return nil, calls.EEXIST
	}
	if err := d.free(name); err != 0 {
		return nil, err
	}
	e := newEntry(attrArchive, 0, now())
	if kind == vfs.S_IFDIR {
		c, err := d.makeDir()
		if err != 0 {
			return nil, err
		}
		e = newEntry(attrDir, c, now())
	}
	s, err := d.insert(name, e)
	if err != 0 {
		if c := d.fs.start(e[:]); c != 0 {
			d.fs.release([]uint32{c})
		}
		return nil, err
	}
	d.touch()
	return d.at(s).self, 0
}

// makeDir makes the first cluster of a directory in d.
func (d *dir) makeDir() (uint32, calls.Errno) {
	fs := d.fs
	c, err := fs.take(0)
	if err != 0 {
		return 0, err
	}
	raw := make([]byte, fs.clusterSize)
	own := newEntry(attrDir, c, now())
	copy(own[:], dot[:])
	copy(raw, own[:])
	above := newEntry(attrDir, d.number(), now())
	copy(above[:], dotDot[:])
	copy(raw[entrySize:], above[:])
	fs.written = true
	if err := fs.disk.WriteAt(raw, fs.place(c)); err != 0 {
		fs.release([]uint32{c})
		return 0, err
	}
	return c, 0
}

// number is what a directory is called by those in it: the root is 0.
func (d *dir) number() uint32 {
	if d.up == nil {
		return 0
	}
	return d.first
}

// Link fails: there are no links.
func (d *dir) Link(string, vfs.Inode) calls.Errno { return calls.EPERM }

// Remove removes a name.
func (d *dir) Remove(name string, isDir bool) calls.Errno {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if err := d.begin(); err != 0 {
		return err
	}
	s := d.find(name)
	if s == nil {
		return calls.ENOENT
	}
	n := d.at(s)
	if err := n.removable(isDir); err != 0 {
		return err
	}
	d.forget(s)
	d.fs.leaving = append(d.fs.leaving, gone{d, s})
	d.touch()
	n.removed()
	return 0
}

// removable checks whether a file, or with isDir a directory, can be removed.
func (n *node) removable(isDir bool) calls.Errno {
	sub, ok := n.self.(*dir)
	switch {
	case isDir && !ok:
		return calls.ENOTDIR
	case !isDir && ok:
		return calls.EISDIR
	case ok:
		if err := sub.load(); err != 0 {
			return err
		}
		if len(sub.names) > 0 {
			return calls.ENOTEMPTY
		}
		return 0
	}
	return n.clusters()
}

// removed notes that the node has no name any more.
func (n *node) removed() {
	n.slot = nil
	if n.opens > 0 {
		n.fs.nameless++
	}
	n.reclaim()
}

// reclaim gives back the clusters of a node that has neither name nor users.
func (n *node) reclaim() {
	if n.slot != nil || n.opens > 0 || n.dead {
		return
	}
	n.dead = true
	n.fs.release(n.chain)
	n.chain, n.size, n.first = nil, 0, 0
}

// release gives clusters back, with the next commit.
func (fs *FS) release(chain []uint32) {
	for _, c := range chain {
		fs.frees = append(fs.frees, change{c, free})
	}
}
