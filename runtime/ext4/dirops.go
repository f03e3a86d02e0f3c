package ext4

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

const (
	maxLinks   = 65000
	maxSymlink = 4095
)

func (d *dir) FS() vfs.FileSystem { return d.fs }

func (d *dir) Parent() (vfs.Directory, string) {
	d.fs.rlock()
	defer d.fs.mu.RUnlock()
	if d == d.fs.root {
		return d, ""
	}
	up, name := d.above()
	switch {
	case up == nil || d.gone && up.gone:
		return nil, ""
	case d.gone:
		return up, ""
	}
	return up, name
}

// above is where the directory was found. The caller holds fs.mu, be it for reading.
func (d *dir) above() (*dir, string) {
	d.lifeMu.Lock()
	defer d.lifeMu.Unlock()
	return d.up, d.name
}

// read makes sure that the entries are in memory, and locks fs.mu for reading.
func (d *dir) read() calls.Errno {
	d.fs.rlock()
	for d.names == nil {
		d.fs.mu.RUnlock()
		d.fs.mu.Lock()
		err := d.load()
		d.fs.mu.Unlock()
		if err != 0 {
			return err
		}
		d.fs.rlock()
	}
	return 0
}

// Lookup finds a name.
func (d *dir) Lookup(name string) (vfs.Inode, calls.Errno) {
	if err := d.read(); err != 0 {
		return nil, err
	}
	defer d.fs.mu.RUnlock()
	n, err := d.named(name)
	if err != 0 {
		return nil, err
	}
	return n.self, 0
}

// named returns the file that a name stands for. The entries are in memory.
func (d *dir) named(name string) (*inode, calls.Errno) {
	s, ok := d.names[name]
	if !ok {
		return nil, calls.ENOENT
	}
	return d.child(s.ino, name)
}

// child returns a file that a name of the directory stands for.
func (d *dir) child(ino uint32, name string) (*inode, calls.Errno) {
	n, err := d.fs.inode(ino)
	if err != 0 {
		return nil, err
	}
	if n.links() == 0 || ino < d.fs.firstInode && ino != rootInode {
		return nil, d.corrupt("the name " + name + " stands for an inode that is not a file's")
	}
	if sub, ok := n.self.(*dir); ok && sub != d.fs.root {
		sub.lifeMu.Lock() // others may find it at the same time
		sub.up, sub.name = d, name
		sub.lifeMu.Unlock()
	}
	return n, 0
}

// Entries calls emit for the entries whose position is above after: 1 and 2 for "." and "..", and else where they are.
func (d *dir) Entries(after uint64, emit func(*vfs.Entry) bool) calls.Errno {
	d.fs.rlock()
	defer d.fs.mu.RUnlock()
	if d.gone {
		return calls.ENOENT
	}
	up := uint64(d.ino)
	if above, _ := d.above(); above != nil {
		up = uint64(above.ino)
	}
	if after < 1 && !emit(&vfs.Entry{Name: ".", Ino: uint64(d.ino), Mode: vfs.S_IFDIR, Pos: 1}) ||
		after < 2 && !emit(&vfs.Entry{Name: "..", Ino: up, Mode: vfs.S_IFDIR, Pos: 2}) {
		return 0
	}
	bs := uint64(d.fs.blockSize)
	first := uint64(0)
	if after > 2 {
		first = (after - 3) * 4 / bs
	}
	more := true
	for i := first; i < uint64(d.blocks()) && more; i++ {
		b, end, err := d.dirBlock(uint32(i))
		if err != 0 {
			return err
		}
		_, ok := entriesOf(b.data, end, d.fs.inodes, func(at int, ino uint32, kind byte, name []byte) bool {
			e := vfs.Entry{Name: string(name), Ino: uint64(ino), Mode: modeOf[kind&7], Pos: 3 + (i*bs+uint64(at))/4}
			if more && e.Pos > after && e.Name != "." && e.Name != ".." {
				more = emit(&e)
			}
			return true
		})
		if !ok {
			return d.corrupt("the entries in block " + ascii.Utoa(i) + " of the directory make no sense")
		}
	}
	return 0
}

// change begins an operation that changes entries, for which there are blocks free. The caller calls fs.end.
func (d *dir) change(blocks uint64) calls.Errno {
	fs := d.fs
	if err := fs.begin(); err != 0 {
		return err
	}
	err := d.load()
	if err == 0 && blocks > 0 && fs.available() < blocks {
		if fs.busyCount > 0 {
			err = fs.commit() // frees what others had
		}
		if err == 0 && fs.available() < blocks {
			err = calls.ENOSPC
		}
	}
	if err == 0 && d.gone {
		err = calls.ENOENT
	}
	if err != 0 {
		fs.end()
	}
	return err
}

// Create makes a file.
func (d *dir) Create(name string, n *vfs.New) (vfs.Inode, calls.Errno) {
	if len(n.Target) > maxSymlink || len(n.Target) >= d.fs.blockSize {
		return nil, calls.ENAMETOOLONG
	}
	if err := d.change(8); err != 0 {
		return nil, err
	}
	defer d.fs.end()
	if _, ok := d.names[name]; ok {
		return nil, calls.EEXIST
	}
	isDir := n.Mode&vfs.S_IFMT == vfs.S_IFDIR
	if isDir && d.links() >= maxLinks && d.fs.roCompat&roDirNlink == 0 {
		return nil, calls.EMLINK
	}
	made, err := d.fs.create(d.ino, n)
	if err != 0 {
		return nil, err
	}
	if sub, ok := made.self.(*dir); ok {
		if err := sub.begin(d); err != 0 {
			return nil, err
		}
		sub.up, sub.name = d, name
		d.addLink(1)
	}
	return made.self, d.insert(name, made.ino, typeOf[n.Mode>>12&15])
}

// create makes an inode, near that of its directory.
func (fs *FS) create(near uint32, n *vfs.New) (*inode, calls.Errno) {
	kind := n.Mode & vfs.S_IFMT
	ino, err := fs.newInode(near, kind == vfs.S_IFDIR)
	if err != 0 {
		return nil, err
	}
	_, nr, at, err := fs.readInode(ino)
	if err != 0 {
		return nil, err
	}
	raw := make([]byte, fs.inodeSize)
	le.Put16(raw, inMode, uint16(n.Mode))
	le.Put16(raw, inLinks, 1)
	var generation [4]byte
	kernel.Random(generation[:])
	copy(raw[inGeneration:], generation[:])
	if fs.wantExtra > 0 {
		le.Put16(raw, inExtra, uint16(fs.wantExtra))
	}
	switch {
	case kind == vfs.S_IFREG, kind == vfs.S_IFDIR, kind == vfs.S_IFLNK && len(n.Target) >= 60:
		le.Put32(raw, inFlags, flagExtents)
		le.Put16(raw, inBlock+ehMagic, extentMagic)
		le.Put16(raw, inBlock+ehMax, (60-ehSize)/entrySize)
	case kind == vfs.S_IFLNK:
		copy(raw[inBlock:], n.Target)
	case n.Rdev>>16 == 0:
		le.Put32(raw, inBlock, uint32(n.Rdev))
	default:
		le.Put32(raw, inBlock+4, uint32(n.Rdev))
	}
	le.Put32(raw, inSize, uint32(len(n.Target)))
	c := &inode{fs: fs, ino: ino, raw: raw} // for its checksum
	c.setOwner(inUID, inUIDHigh, n.UID)
	c.setOwner(inGID, inGIDHigh, n.GID)
	t := now()
	c.setTime(inAtime, inAtimeExtra, t)
	c.setTime(inMtime, inMtimeExtra, t)
	c.setTime(inCtime, inCtimeExtra, t)
	if c.extra() >= inCrtimeEx+4-128 {
		c.setTime(inCrtime, inCrtimeEx, t)
	}
	if kind == vfs.S_IFDIR {
		c.setSize(int64(fs.blockSize)) // begin makes the block
	}
	if fs.checksums {
		sum := c.checksum()
		le.Put16(raw, inChecksum, uint16(sum))
		if c.hasHigh() {
			le.Put16(raw, inChecksumH, uint16(sum>>16))
		}
	}
	fs.nodesMu.Lock()
	delete(fs.nodes, ino)
	fs.nodesMu.Unlock()
	made, err := fs.keep(ino, raw, nr, at)
	if err != 0 {
		return nil, err
	}
	made.changed()
	if kind == vfs.S_IFLNK && len(n.Target) >= 60 {
		b, err := fs.newMeta(made.goal())
		if err != 0 {
			return nil, err
		}
		copy(b.data, n.Target)
		made.addBlocks(1)
		return made, made.insert(extent{count: 1, start: b.nr})
	}
	return made, 0
}

// begin makes the first block of a new directory.
func (d *dir) begin(up *dir) calls.Errno {
	d.setSize(0)
	d.names, d.room = map[string]slot{}, nil
	if err := d.grow(); err != 0 {
		return err
	}
	d.fs.remember(d)
	if err := d.insert(".", d.ino, typeOf[4]); err != 0 {
		return err
	}
	if err := d.insert("..", up.ino, typeOf[4]); err != 0 {
		return err
	}
	le.Put16(d.raw, inLinks, 2)
	d.changed()
	return 0
}

// addLink counts names. A directory with too many subdirectories has 1 (dir_nlink).
func (n *inode) addLink(by int) {
	links := n.links() + by
	switch {
	case n.isDir() && n.links() == 1:
		links = 1
	case n.isDir() && links >= maxLinks:
		links = 1
	}
	le.Put16(n.raw, inLinks, uint16(max(links, 0)))
	n.touchChange()
	n.changed()
}

// TmpFile makes a file without a name.
func (fs *FS) TmpFile(n *vfs.New) (vfs.Regular, calls.Errno) {
	if err := fs.root.change(4); err != 0 {
		return nil, err
	}
	defer fs.end()
	made, err := fs.create(rootInode, n)
	if err != 0 {
		return nil, err
	}
	made.addLink(-1)
	made.unlinked = true
	f := made.self.(*file)
	f.nameless = n.Nameless
	return f, fs.addOrphan(made)
}

// nodeOf returns the inode of a file of this file system, nil for others.
func (fs *FS) nodeOf(i vfs.Inode) *inode {
	if m, ok := i.(member); ok && m.common().fs == fs {
		return m.common()
	}
	return nil
}

// Link makes another name of a file.
func (d *dir) Link(name string, target vfs.Inode) calls.Errno {
	n := d.fs.nodeOf(target)
	if n == nil {
		return calls.EXDEV
	}
	if err := d.change(4); err != 0 {
		return err
	}
	defer d.fs.end()
	f, _ := n.self.(*file)
	switch _, ok := d.names[name]; {
	case n.isDir():
		return calls.EPERM
	case ok:
		return calls.EEXIST
	case n.links() >= maxLinks:
		return calls.EMLINK
	case n.links() == 0 && (f == nil || f.nameless || !n.revive()):
		return calls.ENOENT
	}
	if n.links() == 0 {
		if err := d.fs.dropOrphan(n); err != 0 {
			return err
		}
	}
	n.addLink(1)
	return d.insert(name, n.ino, typeOf[n.mode()>>12&15])
}

// Remove removes a name.
func (d *dir) Remove(name string, isDir bool) calls.Errno {
	if err := d.change(0); err != 0 {
		return err
	}
	n, err := d.unlink(name, isDir)
	d.fs.end()
	if n != nil {
		n.reclaim()
	}
	return err
}

// unlink returns the file if that was its last name.
func (d *dir) unlink(name string, isDir bool) (last *inode, err calls.Errno) {
	n, err := d.named(name)
	if err != 0 {
		return nil, err
	}
	sub, ok := n.self.(*dir)
	switch {
	case isDir && !ok:
		return nil, calls.ENOTDIR
	case !isDir && ok:
		return nil, calls.EISDIR
	case ok:
		if err := sub.empty(); err != 0 {
			return nil, err
		}
	}
	if err := d.remove(name); err != 0 {
		return nil, err
	}
	return d.dropped(n)
}

// empty fails if there is more than "." and ".." in the directory.
func (d *dir) empty() calls.Errno {
	if err := d.load(); err != 0 {
		return err
	}
	if len(d.names) > 2 {
		return calls.ENOTEMPTY
	}
	return 0
}

// dropped accounts for a name in d that is no more. It returns the file if that was its last.
func (d *dir) dropped(n *inode) (last *inode, err calls.Errno) {
	if sub, ok := n.self.(*dir); ok {
		sub.gone = true
		le.Put16(n.raw, inLinks, 0)
		n.touchChange()
		n.changed()
		d.addLink(-1)
	} else if n.addLink(-1); n.links() > 0 {
		return nil, 0
	}
	n.lifeMu.Lock()
	n.unlinked = true
	n.lifeMu.Unlock()
	return n, d.fs.addOrphan(n)
}

// Rename moves a name.
func (d *dir) Rename(name string, to vfs.Directory, newName string, flags uint32) calls.Errno {
	t, ok := to.(*dir)
	if !ok || t.fs != d.fs {
		return calls.EXDEV
	}
	if err := d.change(4); err != 0 {
		return err
	}
	replaced, err := d.rename(name, t, newName, flags)
	d.fs.end()
	if replaced != nil {
		replaced.reclaim()
	}
	return err
}

// rename returns the file whose last name was taken.
func (d *dir) rename(name string, t *dir, newName string, flags uint32) (replaced *inode, err calls.Errno) {
	if err := t.load(); err != 0 {
		return nil, err
	}
	if t.gone {
		return nil, calls.ENOENT
	}
	kind := d.names[name].kind
	n, err := d.named(name)
	if err != 0 {
		return nil, err
	}
	sub, isDir := n.self.(*dir)
	if isDir && inside(t, sub) {
		return nil, calls.EINVAL
	}
	slot, exists := t.names[newName]
	if !exists {
		if flags&vfs.RenameExchange != 0 {
			return nil, calls.ENOENT
		}
		if err := t.insert(newName, n.ino, kind); err != 0 {
			return nil, err
		}
		return nil, d.movedOut(name, n, t, newName)
	}
	if slot.ino == n.ino {
		return nil, 0 // two names of one file: rename(2) does nothing
	}
	old, err := t.child(slot.ino, newName)
	if err != 0 {
		return nil, err
	}
	oldDir, wasDir := old.self.(*dir)
	switch {
	case wasDir && inside(d, oldDir) && flags&vfs.RenameExchange != 0:
		return nil, calls.EINVAL
	case wasDir && inside(d, oldDir):
		return nil, calls.ENOTEMPTY
	case flags&vfs.RenameExchange != 0:
		return nil, d.exchange(name, n, t, newName, old)
	case isDir && !wasDir:
		return nil, calls.ENOTDIR
	case !isDir && wasDir:
		return nil, calls.EISDIR
	case wasDir:
		if err := oldDir.empty(); err != 0 {
			return nil, err
		}
	}
	if err := t.replace(newName, n.ino, kind); err != 0 {
		return nil, err
	}
	if replaced, err = t.dropped(old); err != 0 {
		return nil, err
	}
	return replaced, d.movedOut(name, n, t, newName)
}

// inside reports whether d is top or below it.
func inside(d, top *dir) bool {
	for ; d != nil; d = d.up {
		if d == top {
			return true
		}
	}
	return false
}

// movedOut removes the old name of a file that has another in t.
func (d *dir) movedOut(name string, n *inode, t *dir, newName string) calls.Errno {
	if err := d.remove(name); err != 0 {
		return err
	}
	n.touchChange()
	n.changed()
	return n.settle(d, t, newName)
}

// settle notes that a file went from one directory to a name in another.
func (n *inode) settle(from, to *dir, name string) calls.Errno {
	sub, ok := n.self.(*dir)
	if !ok {
		return 0
	}
	sub.up, sub.name = to, name
	if from == to {
		return 0
	}
	from.addLink(-1)
	to.addLink(1)
	if err := sub.load(); err != 0 {
		return err
	}
	return sub.replace("..", to.ino, typeOf[4])
}

// exchange swaps what two names stand for.
func (d *dir) exchange(name string, n *inode, t *dir, newName string, old *inode) calls.Errno {
	kind, oldKind := d.names[name].kind, t.names[newName].kind
	if err := t.replace(newName, n.ino, kind); err != 0 {
		return err
	}
	if err := d.replace(name, old.ino, oldKind); err != 0 {
		return err
	}
	for _, x := range [...]*inode{n, old} {
		x.touchChange()
		x.changed()
	}
	if err := n.settle(d, t, newName); err != 0 {
		return err
	}
	return old.settle(t, d, name)
}

// Sync makes changes of the entries durable.
func (d *dir) Sync() calls.Errno { return d.sync() }

var _ vfs.Directory = (*dir)(nil)
