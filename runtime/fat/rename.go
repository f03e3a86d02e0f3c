package fat

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// Rename moves a name. The new one has the flag moved until the old one is gone. An exchange would have two files of the same
// clusters for a moment, and is not there.
func (d *dir) Rename(name string, to vfs.Directory, newName string, flags uint32) calls.Errno {
	t, ok := to.(*dir)
	if !ok || t.fs != d.fs {
		return calls.EXDEV
	}
	if flags&^vfs.RenameNoReplace != 0 {
		return calls.EINVAL
	}
	newName, err := checkName(newName)
	if err != 0 {
		return err
	}
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	if err := d.begin(); err != 0 {
		return err
	}
	if err := t.load(); err != 0 {
		return err
	}
	from := d.find(name)
	if from == nil || t.slot == nil && t.up != nil {
		return calls.ENOENT
	}
	n := d.at(from)
	sub, isDir := n.self.(*dir)
	if isDir {
		for above := t; above != nil; above = above.up {
			if above == sub {
				return calls.EINVAL
			}
		}
		if err := sub.load(); err != 0 {
			return err
		}
	}
	target := t.find(newName)
	switch {
	case target == from && from.name == newName:
		return 0
	case target == from:
		target = nil // another case
	}
	if err := t.free(newName); err != 0 {
		return err
	}
	if target != nil {
		for above := d; above != nil; above = above.up {
			if target.node == &above.node {
				return calls.ENOTEMPTY
			}
		}
	}
	return n.move(d, from, t, target, newName)
}

// move gives the node another name, that of target if there is one.
func (n *node) move(d *dir, from *slot, t *dir, target *slot, newName string) calls.Errno {
	var old *node
	if target != nil {
		old = t.at(target)
		_, isDir := n.self.(*dir)
		if err := old.removable(isDir); err != 0 {
			return err
		}
	}
	e := [entrySize]byte(n.entry())
	e[deCase] |= moved
	if target != nil {
		to := t.raw[target.last*entrySize:][:entrySize]
		e[deCase] = to[deCase] | moved // the name stays as it is
		copy(to[deAttr:], e[deAttr:])
		t.touched(target.last, target.last)
	} else {
		var err calls.Errno
		if target, err = t.insert(newName, e); err != 0 {
			return err
		}
	}
	d.forget(from)
	d.fs.leaving = append(d.fs.leaving, gone{d, from})
	d.fs.marked = append(d.fs.marked, mark{t, target.last})
	target.node, from.node = n, nil
	n.up, n.slot = t, target
	if old != nil {
		old.removed()
	}
	if sub, ok := n.self.(*dir); ok && d != t && len(sub.raw) >= 2*entrySize && short(sub.raw[entrySize:entrySize+11]) == dotDot {
		setStart(sub.raw[entrySize:2*entrySize], t.number())
		sub.touched(1, 1)
	}
	d.touch()
	t.touch()
	return 0
}

// Sync makes changes of the entries durable.
func (d *dir) Sync() calls.Errno { return d.fs.Sync() }

var _ vfs.Directory = (*dir)(nil)
