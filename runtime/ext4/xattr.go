package ext4

import (
	"slices"

	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// Extended attributes are entries behind the fields of the inode, and in a block that files may share where there is no
// room. Source: Linux 6.16 fs/ext4/xattr.h and xattr.c, and Documentation/filesystems/ext4/attributes.rst.
const (
	xattrMagic    = 0xea020000
	xattrRefs     = 4 // what follows is in the header of a block only
	xattrBlocks   = 8
	xattrHash     = 12
	xattrChecksum = 16
	xattrFirst    = 32 // where entries begin in a block
	xattrInInode  = 4  // and behind the magic number in an inode

	xeNameLen  = 0
	xeIndex    = 1
	xeOffset   = 2
	xeInode    = 4
	xeSize     = 8
	xeHash     = 12
	xeName     = 16
	xattrAlign = 4
)

// xattrPrefixes are what names begin with, by the index that an entry has instead.
var xattrPrefixes = [...]string{1: vfs.XattrUser, 4: vfs.XattrTrusted, 6: vfs.XattrSecurity}

// An attribute is an entry.
type attribute struct {
	index   byte
	name    string // without what index stands for
	value   []byte
	inBlock bool
}

// parts are how an entry has a name.
func parts(name string) (index byte, rest string, ok bool) {
	for i, prefix := range xattrPrefixes {
		if n := len(prefix); n > 0 && len(name) > n && name[:n] == prefix {
			return byte(i), name[n:], true
		}
	}
	return 0, "", false
}

func padded(n int) int { return (n + xattrAlign - 1) &^ (xattrAlign - 1) }

// room is what an attribute takes.
func (a *attribute) room() int { return padded(xeName+len(a.name)) + padded(len(a.value)) }

// parseXattrs reads the entries that begin at first in area, to which the places of values are relative.
func parseXattrs(area []byte, first int, inBlock bool) (all []attribute, ok bool) {
	for at := first; ; {
		if at+4 > len(area) {
			return nil, false
		}
		if le.U32(area, at) == 0 {
			return all, true
		}
		if at+xeName > len(area) {
			return nil, false
		}
		end := at + xeName + int(area[at+xeNameLen])
		offset, size := int(le.U16(area, at+xeOffset)), le.U32(area, at+xeSize)
		if end > len(area) || le.U32(area, at+xeInode) != 0 || size > uint32(len(area)) || offset+int(size) > len(area) {
			return nil, false
		}
		all = append(all, attribute{area[at+xeIndex], string(area[at+xeName : end]), append([]byte(nil), area[offset:offset+int(size)]...), inBlock})
		at = padded(end)
	}
}

// putXattrs is the opposite. There is room for all.
func putXattrs(area []byte, first int, all []attribute, hashed bool) {
	clear(area[first:])
	at, values := first, len(area)
	for _, a := range all {
		area[at+xeNameLen], area[at+xeIndex] = byte(len(a.name)), a.index
		if n := len(a.value); n > 0 {
			values -= padded(n)
			copy(area[values:], a.value)
			le.Put16(area, at+xeOffset, uint16(values))
			le.Put32(area, at+xeSize, uint32(n))
		}
		copy(area[at+xeName:], a.name)
		if hashed {
			le.Put32(area, at+xeHash, a.hash())
		}
		at += padded(xeName + len(a.name))
	}
}

// fitXattrs reports whether there is room for all in a space, with the word that ends the entries.
func fitXattrs(space int, all []attribute) bool {
	n := 4
	for i := range all {
		n += all[i].room()
	}
	return n <= space&^(xattrAlign-1)
}

// hash is how Linux finds blocks that files can share.
func (a *attribute) hash() uint32 {
	h := uint32(0)
	for i := range len(a.name) {
		h = h<<5 ^ h>>27 ^ uint32(a.name[i])
	}
	for i := 0; i < len(a.value); i += 4 {
		var word [4]byte
		copy(word[:], a.value[i:])
		h = h<<16 ^ h>>16 ^ le.U32(word[:], 0)
	}
	return h
}

// space returns the part of the inode that its fields leave.
func (n *inode) space() []byte {
	at := 128 + n.extra()
	if n.extra() == 0 || at+xattrInInode > len(n.raw) {
		return nil
	}
	return n.raw[at:]
}

func (n *inode) xattrBlockNr() uint64 {
	return uint64(le.U32(n.raw, inXattr)) | uint64(le.U16(n.raw, inXattrHigh))<<32
}

func (n *inode) setXattrBlockNr(nr uint64) {
	le.Put32(n.raw, inXattr, uint32(nr))
	le.Put16(n.raw, inXattrHigh, uint16(nr>>32))
}

// xattrBlock returns the block with attributes, nil if there is none.
func (n *inode) xattrBlock() (*buffer, calls.Errno) {
	nr := n.xattrBlockNr()
	if nr == 0 {
		return nil, 0
	}
	b, err := n.fs.block(nr)
	if err != 0 || b.checked.Load() {
		return b, err
	}
	if le.U32(b.data, 0) != xattrMagic || le.U32(b.data, xattrBlocks) != 1 || n.fs.checksums && le.U32(b.data, xattrChecksum) != n.fs.xattrChecksum(b) {
		return nil, n.corrupt("its extended attributes make no sense")
	}
	b.checked.Store(true)
	return b, 0
}

func (fs *FS) xattrChecksum(b *buffer) uint32 {
	c := crc32cLE32(crc32cLE32(fs.seed, uint32(b.nr)), uint32(b.nr>>32))
	c = crc32c(c, b.data[:xattrChecksum])
	c = crc32c(c, zeros[:4])
	return crc32c(c, b.data[xattrChecksum+4:])
}

// xattrBlockChanged seals a block and puts it into the running transaction.
func (fs *FS) xattrBlockChanged(b *buffer) {
	if fs.checksums {
		le.Put32(b.data, xattrChecksum, fs.xattrChecksum(b))
	}
	fs.dirty(b)
}

// xattrs returns all attributes. The caller holds fs.mu.
func (n *inode) xattrs() ([]attribute, calls.Errno) {
	var all []attribute
	if area := n.space(); area != nil && le.U32(area, 0) == xattrMagic {
		var ok bool
		if all, ok = parseXattrs(area[xattrInInode:], 0, false); !ok {
			return nil, n.corrupt("its extended attributes make no sense")
		}
	}
	b, err := n.xattrBlock()
	if b == nil {
		return all, err
	}
	more, ok := parseXattrs(b.data, xattrFirst, true)
	if !ok {
		return nil, n.corrupt("its extended attributes make no sense")
	}
	return append(all, more...), 0
}

// findXattr returns where an attribute is among all, or len(all).
func findXattr(all []attribute, index byte, name string) int {
	i := 0
	for i < len(all) && (all[i].index != index || all[i].name != name) {
		i++
	}
	return i
}

// Attribute returns the value of one.
func (n *inode) Attribute(name string) ([]byte, calls.Errno) {
	index, rest, ok := parts(name)
	if !ok {
		return nil, calls.EOPNOTSUPP
	}
	n.fs.rlock()
	defer n.fs.mu.RUnlock()
	all, err := n.xattrs()
	if err != 0 {
		return nil, err
	}
	i := findXattr(all, index, rest)
	if i == len(all) {
		return nil, calls.ENODATA
	}
	return all[i].value, 0
}

// Attributes returns the names of those that can be asked for: there are no access control lists.
func (n *inode) Attributes() ([]string, calls.Errno) {
	n.fs.rlock()
	defer n.fs.mu.RUnlock()
	all, err := n.xattrs()
	var names []string
	for _, a := range all {
		if i := int(a.index); i < len(xattrPrefixes) && xattrPrefixes[i] != "" {
			names = append(names, xattrPrefixes[i]+a.name)
		}
	}
	return names, err
}

// SetAttribute sets one.
func (n *inode) SetAttribute(name string, value []byte, flags uint32) calls.Errno {
	return n.changeXattr(name, func(all []attribute, i int) ([]attribute, calls.Errno) {
		switch exists := i < len(all); {
		case exists && flags&vfs.XattrCreate != 0:
			return nil, calls.EEXIST
		case !exists && flags&vfs.XattrReplace != 0:
			return nil, calls.ENODATA
		case !exists:
			index, rest, _ := parts(name)
			all = append(all, attribute{index: index, name: rest})
		}
		all[i].value = append([]byte(nil), value...)
		return n.placed(all, i)
	})
}

// RemoveAttribute removes one.
func (n *inode) RemoveAttribute(name string) calls.Errno {
	return n.changeXattr(name, func(all []attribute, i int) ([]attribute, calls.Errno) {
		if i == len(all) {
			return nil, calls.ENODATA
		}
		return append(all[:i], all[i+1:]...), 0
	})
}

// changeXattr has change, which is told where an attribute is or would be, make others of all, and writes them.
func (n *inode) changeXattr(name string, change func(all []attribute, i int) ([]attribute, calls.Errno)) calls.Errno {
	index, rest, ok := parts(name)
	if !ok {
		return calls.EOPNOTSUPP
	}
	if err := n.fs.begin(); err != 0 {
		return err
	}
	defer n.fs.end()
	if !n.alive() {
		return calls.ENOENT
	}
	all, err := n.xattrs()
	if err != 0 {
		return err
	}
	block := inPlace(all, true)
	if all, err = change(all, findXattr(all, index, rest)); err != 0 {
		return err
	}
	if err := n.storeXattrs(all, block); err != 0 {
		return err
	}
	n.touchChange()
	n.changed()
	return 0
}

// placed decides where all[i] is to be: in the inode if there is room. The others stay.
func (n *inode) placed(all []attribute, i int) ([]attribute, calls.Errno) {
	all[i].inBlock = false
	if area := n.space(); area != nil && fitXattrs(len(area)-xattrInInode, inPlace(all, false)) {
		return all, 0
	}
	all[i].inBlock = true
	if fitXattrs(n.fs.blockSize-xattrFirst, inPlace(all, true)) {
		return all, 0
	}
	return nil, calls.ENOSPC
}

func inPlace(all []attribute, inBlock bool) (some []attribute) {
	for _, a := range all {
		if a.inBlock == inBlock {
			some = append(some, a)
		}
	}
	return some
}

func (a attribute) equal(b attribute) bool {
	return a.index == b.index && a.name == b.name && string(a.value) == string(b.value)
}

// storeXattrs writes all where they are to be; the file's block, which others may share, has those of block. The caller
// calls changed.
func (n *inode) storeXattrs(all, block []attribute) calls.Errno {
	if fs := n.fs; fs.compat&compatXattr == 0 {
		fs.compat |= compatXattr
		le.Put32(fs.sb, sbCompat, fs.compat)
		fs.superChanged()
	}
	if inBlock := inPlace(all, true); !slices.EqualFunc(inBlock, block, attribute.equal) {
		if err := n.storeXattrBlock(inBlock); err != 0 {
			return err
		}
	}
	if area := n.space(); area != nil {
		clear(area)
		if own := inPlace(all, false); len(own) > 0 {
			le.Put32(area, 0, xattrMagic)
			putXattrs(area[xattrInInode:], 0, own, false)
		}
	}
	return 0
}

// storeXattrBlock puts attributes into the file's block, or another where that is others', too.
func (n *inode) storeXattrBlock(all []attribute) calls.Errno {
	if len(all) == 0 {
		return n.freeXattr()
	}
	b, err := n.xattrBlock()
	if err != 0 {
		return err
	}
	if b == nil || le.U32(b.data, xattrRefs) > 1 {
		if b, err = n.fs.newMeta(n.goal()); err != 0 {
			return err
		}
		if err := n.freeXattr(); err != 0 {
			return err
		}
		n.setXattrBlockNr(b.nr)
		n.addBlocks(1)
	}
	slices.SortFunc(all, func(a, b attribute) int {
		switch {
		case a.index != b.index:
			return int(a.index) - int(b.index)
		case len(a.name) != len(b.name):
			return len(a.name) - len(b.name)
		case a.name < b.name:
			return -1
		}
		return 1
	})
	clear(b.data[:xattrFirst])
	le.Put32(b.data, 0, xattrMagic)
	le.Put32(b.data, xattrRefs, 1)
	le.Put32(b.data, xattrBlocks, 1)
	putXattrs(b.data, xattrFirst, all, true)
	hash := uint32(0)
	for i := range all {
		h := all[i].hash()
		if h == 0 {
			hash = 0
			break
		}
		hash = hash<<16 ^ hash>>16 ^ h
	}
	le.Put32(b.data, xattrHash, hash)
	n.fs.xattrBlockChanged(b)
	return 0
}

// freeXattr frees the block with extended attributes, which files may share.
func (n *inode) freeXattr() calls.Errno {
	b, err := n.xattrBlock()
	if b == nil {
		return err
	}
	n.setXattrBlockNr(0)
	n.addBlocks(-1)
	refs := le.U32(b.data, xattrRefs)
	if refs <= 1 {
		return n.fs.releaseMeta(b.nr)
	}
	le.Put32(b.data, xattrRefs, refs-1)
	n.fs.xattrBlockChanged(b)
	return 0
}
