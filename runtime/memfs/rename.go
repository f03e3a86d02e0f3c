package memfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// Rename moves the entry name of d.
func (d *dir) Rename(name string, to vfs.Directory, newName string, flags uint32) calls.Errno {
	target, ok := to.(*dir)
	if !ok || target.fs != d.fs {
		return calls.EXDEV
	}
	replaced, err := d.rename(name, target, newName, flags)
	if replaced != nil {
		replaced.gone()
	}
	return err
}

// rename returns the file whose last name was taken.
func (d *dir) rename(name string, target *dir, newName string, flags uint32) (replaced member, err calls.Errno) {
	d.sprout()
	target.sprout()
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	from, to := d.names[name], target.names[newName]
	if from == nil || target.removed {
		return nil, calls.ENOENT
	}
	if inside(target, from.inode) {
		return nil, calls.EINVAL
	}
	if to != nil && inside(d, to.inode) {
		if flags&vfs.RenameExchange != 0 {
			return nil, calls.EINVAL
		}
		return nil, calls.ENOTEMPTY
	}
	if to != nil && to.inode == from.inode {
		return nil, 0 // two names of one file: rename(2) does nothing
	}
	if flags&vfs.RenameExchange != 0 {
		return nil, d.exchange(from, target, to)
	}
	if to != nil {
		if err := replaceable(from.inode, to.inode); err != 0 {
			return nil, err
		}
		old := to.inode
		target.remove(to)
		replaced = target.dropped(old)
	}
	inode := from.inode
	d.remove(from)
	target.insert(newName, inode)
	moved(inode, d, target, newName)
	return replaced, 0
}

// inside reports whether inode is d or a directory above d.
func inside(d *dir, inode member) bool {
	for ; d != nil; d = d.parent {
		if member(d) == inode {
			return true
		}
	}
	return false
}

// replaceable checks whether inode may take the name of old.
func replaceable(inode, old member) calls.Errno {
	_, isDir := inode.(*dir)
	oldDir, wasDir := old.(*dir)
	switch {
	case isDir && !wasDir:
		return calls.ENOTDIR
	case !isDir && wasDir:
		return calls.EISDIR
	case wasDir && !oldDir.empty():
		return calls.ENOTEMPTY
	}
	return 0
}

// exchange swaps what two names mean.
func (d *dir) exchange(from *entry, target *dir, to *entry) calls.Errno {
	if to == nil {
		return calls.ENOENT
	}
	from.inode, to.inode = to.inode, from.inode
	d.touch()
	target.touch()
	moved(to.inode, d, target, to.name)
	moved(from.inode, target, d, from.name)
	return 0
}

// moved notes that inode went from one directory to a name in another.
func moved(inode member, from, to *dir, name string) {
	if sub, ok := inode.(*dir); ok {
		sub.parent, sub.name = to, name
		if from != to {
			from.addLink(-1)
			to.addLink(1)
		}
	}
	n := inode.common()
	n.mu.Lock()
	n.ctime = now()
	n.mu.Unlock()
}
