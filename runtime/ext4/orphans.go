package ext4

import (
	"slices"

	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
)

// Orphans are files that have to be freed, or cut to their size, if a crash keeps that from being done. They are chained
// from the superblock by what is else the time of their deletion; Linux can have them in a file, too.

// addOrphan adds a file to the chain. The caller holds fs.mu for writing.
func (fs *FS) addOrphan(n *inode) calls.Errno {
	if slices.Contains(fs.orphanList, n.ino) {
		return 0
	}
	le.Put32(n.raw, inDtime, le.U32(fs.sb, sbLastOrphan))
	n.changed()
	le.Put32(fs.sb, sbLastOrphan, n.ino)
	fs.superChanged()
	fs.orphanList = slices.Insert(fs.orphanList, 0, n.ino)
	return 0
}

// dropOrphan takes a file out of the chain.
func (fs *FS) dropOrphan(n *inode) calls.Errno {
	i := slices.Index(fs.orphanList, n.ino)
	if i < 0 {
		return 0
	}
	next := uint32(0)
	if i+1 < len(fs.orphanList) {
		next = fs.orphanList[i+1]
	}
	if i == 0 {
		le.Put32(fs.sb, sbLastOrphan, next)
		fs.superChanged()
	} else {
		before, err := fs.inode(fs.orphanList[i-1])
		if err != 0 {
			return err
		}
		le.Put32(before.raw, inDtime, next)
		before.changed()
	}
	le.Put32(n.raw, inDtime, 0)
	n.changed()
	fs.orphanList = slices.Delete(fs.orphanList, i, i+1)
	return 0
}

// orphans does at mount what a crash kept from being done.
func (fs *FS) orphans() calls.Errno {
	fs.mu.Lock()
	var all []*inode
	err := func() calls.Errno {
		for ino := le.U32(fs.sb, sbLastOrphan); ino != 0; {
			n, err := fs.inode(ino)
			if err != 0 {
				return err
			}
			if slices.Contains(fs.orphanList, ino) || ino < fs.firstInode {
				return fs.corrupt("the chain of orphans makes no sense")
			}
			fs.orphanList = append(fs.orphanList, ino)
			all = append(all, n)
			ino = le.U32(n.raw, inDtime)
		}
		more, err := fs.orphanFileInodes()
		all = append(all, more...)
		return err
	}()
	fs.mu.Unlock()
	if err != 0 {
		return err
	}
	for _, n := range all {
		if n.links() > 0 {
			n.data.Lock()
			err = n.cut()
			n.data.Unlock()
			if err != 0 {
				return err
			}
			continue
		}
		n.unlinked = true
		n.reclaim()
	}
	return fs.clearOrphanFile()
}

// abandonOrphans frees those that are in use. Of one that cannot be read the next mount takes care.
func (fs *FS) abandonOrphans() {
	fs.mu.Lock()
	var all []*inode
	for _, ino := range fs.orphanList {
		if n, err := fs.inode(ino); err == 0 {
			all = append(all, n)
		}
	}
	fs.mu.Unlock()
	for _, n := range all {
		n.abandon()
	}
}

const orphanTail = 8 // magic number and checksum at the end of a block of the orphan file

// orphanFileInodes returns the files that Linux has put into the orphan file.
func (fs *FS) orphanFileInodes() (all []*inode, err calls.Errno) {
	err = fs.orphanBlocks(func(b *buffer, _ *inode) calls.Errno {
		for at := 0; at+4 <= fs.blockSize-orphanTail; at += 4 {
			ino := le.U32(b.data, at)
			if ino == 0 {
				continue
			}
			n, err := fs.inode(ino)
			if err != 0 {
				return err
			}
			if ino < fs.firstInode {
				return fs.corrupt("the orphan file makes no sense")
			}
			all = append(all, n)
		}
		return 0
	})
	return all, err
}

// clearOrphanFile empties it.
func (fs *FS) clearOrphanFile() calls.Errno {
	if fs.roCompat&roOrphanPresent == 0 {
		return 0
	}
	if err := fs.begin(); err != 0 {
		return err
	}
	defer fs.end()
	err := fs.orphanBlocks(func(b *buffer, n *inode) calls.Errno {
		clear(b.data[:fs.blockSize-orphanTail])
		if fs.checksums {
			c := crc32cLE32(crc32cLE32(n.seed(), uint32(b.nr)), uint32(b.nr>>32))
			le.Put32(b.data, fs.blockSize-4, crc32c(c, b.data[:fs.blockSize-orphanTail]))
		}
		fs.dirty(b)
		return 0
	})
	if err != 0 {
		return err
	}
	fs.roCompat &^= roOrphanPresent
	le.Put32(fs.sb, sbROCompat, fs.roCompat)
	fs.superChanged()
	return 0
}

func (fs *FS) orphanBlocks(f func(*buffer, *inode) calls.Errno) calls.Errno {
	if fs.roCompat&roOrphanPresent == 0 {
		return 0
	}
	n, err := fs.inode(fs.orphanFile)
	if err != 0 {
		return err
	}
	where, err := n.allExtents()
	if err != 0 {
		return err
	}
	for _, e := range where {
		for i := range uint64(e.count) {
			b, err := fs.block(e.start + i)
			if err != 0 {
				return err
			}
			if err := f(b, n); err != 0 {
				return err
			}
		}
	}
	return 0
}
