package ext4

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// An entry of a directory: inode, length, length of the name, type, name. Entries fill their block; what is not in use has
// inode 0 or is at the end of the one before. With checksums the last 12 bytes are an entry without a name that has it.
const (
	deInode   = 0
	deLength  = 4
	deNameLen = 6
	deType    = 7
	deName    = 8

	tailSize = 12
	tailType = 0xde
)

// typeOf is an entry's type by the type of a mode.
var typeOf = [16]byte{8: 1, 4: 2, 2: 3, 6: 4, 1: 5, 12: 6, 10: 7}

// modeOf is the reverse.
var modeOf = [8]uint32{1: 8 << 12, 2: 4 << 12, 3: 2 << 12, 4: 6 << 12, 5: 1 << 12, 6: 12 << 12, 7: 10 << 12}

// entryLength is how much room an entry needs.
func entryLength(name int) int { return (deName + name + 3) &^ 3 }

// length and putLength are for the length of an entry, of which 65536 does not fit.
func length(b []byte, at int) int {
	n := int(le.U16(b, at+deLength))
	if len(b) == 1<<16 && (n == 0 || n == 1<<16-1) {
		return 1 << 16
	}
	return n
}

func putLength(b []byte, at, n int) {
	if n == 1<<16 {
		n = 1<<16 - 1
	}
	le.Put16(b, at+deLength, uint16(n))
}

// A slot is where an entry is.
type slot struct {
	block uint32 // of the directory
	at    int
	ino   uint32
	kind  byte
}

// entriesOf calls f for the entries of a block that are in use, and returns the largest gap. It fails if they make no sense.
func entriesOf(b []byte, end int, inodes uint32, f func(at int, ino uint32, kind byte, name []byte) bool) (gap int, ok bool) {
	for at := 0; at < end; {
		if at+deName > end {
			return 0, false
		}
		n, ino, name := length(b, at), le.U32(b, at), int(b[at+deNameLen])
		if n < deName || n%4 != 0 || at+n > end || ino != 0 && (entryLength(name) > n || name == 0 || ino > inodes) {
			return 0, false
		}
		if ino == 0 {
			gap = max(gap, n)
		} else {
			gap = max(gap, n-entryLength(name))
			if !f(at, ino, b[at+deType], b[at+deName:at+deName+name]) {
				return 0, false
			}
		}
		at += n
	}
	return gap, true
}

// end is where the entries of a block end.
func (d *dir) end() int {
	if d.fs.checksums {
		return d.fs.blockSize - tailSize
	}
	return d.fs.blockSize
}

// isNode reports whether a block is of the hash tree: it has the form of a block whose entries are not in use.
func (d *dir) isNode(i uint32, b []byte) bool {
	if d.flags()&flagIndex == 0 {
		return false
	}
	return i == 0 || le.U32(b, 0) == 0 && length(b, 0) == len(b)
}

// dirBlock returns a block of the directory, and where its entries end.
func (d *dir) dirBlock(i uint32) (*buffer, int, calls.Errno) {
	e, err := d.find(i)
	if err != 0 {
		return nil, 0, err
	}
	if e.start == 0 || e.unwritten {
		return nil, 0, d.corrupt("the directory has a hole")
	}
	b, err := d.fs.block(e.start + uint64(i-e.block))
	if err != 0 {
		return nil, 0, err
	}
	end := d.end()
	if d.isNode(i, b.data) {
		end = len(b.data)
	} else if d.fs.checksums && !b.checked.Load() {
		if t := b.data[end:]; le.U32(t, 0) != 0 || le.U16(t, deLength) != tailSize || t[deType] != tailType || le.U32(t, deName) != crc32c(d.seed(), b.data[:end]) {
			return nil, 0, d.corrupt("the checksum of block " + ascii.Utoa(uint64(i)) + " of the directory is wrong")
		}
	}
	b.checked.Store(true)
	return b, end, 0
}

// changedBlock is to be called after a block of the directory was.
func (d *dir) changedBlock(b *buffer) {
	if d.fs.checksums {
		t := b.data[d.end():]
		clear(t)
		le.Put16(t, deLength, tailSize)
		t[deType] = tailType
		le.Put32(t, deName, crc32c(d.seed(), b.data[:d.end()]))
	}
	d.fs.dirty(b)
}

// blocks is how many blocks the directory has.
func (d *dir) blocks() uint32 { return uint32(d.size() / int64(d.fs.blockSize)) }

// load reads all entries, if that was not done. The caller holds fs.mu for writing.
func (d *dir) load() calls.Errno {
	if d.names != nil {
		return 0
	}
	names, room := map[string]slot{}, make([]int, d.blocks())
	for i := range room {
		b, end, err := d.dirBlock(uint32(i))
		if err != 0 {
			return err
		}
		gap, ok := entriesOf(b.data, end, d.fs.inodes, func(at int, ino uint32, kind byte, name []byte) bool {
			s := string(name)
			if _, twice := names[s]; twice || !validName(name) {
				return false
			}
			names[s] = slot{uint32(i), at, ino, kind}
			return true
		})
		if !ok {
			return d.corrupt("the entries in block " + ascii.Utoa(uint64(i)) + " of the directory make no sense")
		}
		if d.isNode(uint32(i), b.data) {
			gap = 0
		}
		room[i] = gap
	}
	self, up := names["."], names[".."]
	if self.ino != d.ino || up.ino == 0 || self.block != 0 || self.at != 0 || up.block != 0 || up.at != entryLength(1) {
		return d.corrupt("the directory has no entries . and ..")
	}
	d.names, d.room = names, room
	d.fs.remember(d)
	return 0
}

func validName(name []byte) bool {
	for _, c := range name {
		if c == '/' || c == 0 {
			return false
		}
	}
	return true
}

// remembered is how many directories stay in memory when nobody has them.
const remembered = 32

// remember keeps a directory that was read.
func (fs *FS) remember(d *dir) {
	fs.dirs[fs.nextDir] = d
	fs.nextDir = (fs.nextDir + 1) % remembered
}

// unindex gives the hash tree up: its nodes become blocks of entries that are not in use.
func (d *dir) unindex() calls.Errno {
	if d.flags()&flagIndex == 0 {
		return 0
	}
	for i := range d.blocks() {
		b, _, err := d.dirBlock(i)
		if err != 0 {
			return err
		}
		if !d.isNode(i, b.data) {
			continue
		}
		at := 0
		if i == 0 {
			at = entryLength(1) // the entry .. holds the root of the tree
		}
		putLength(b.data, at, d.end()-at)
		d.changedBlock(b)
		d.room[i] = d.end() - at
		if i == 0 {
			d.room[i] -= entryLength(2)
		}
	}
	le.Put32(d.raw, inFlags, d.flags()&^flagIndex)
	d.changed()
	return 0
}

// insert adds an entry. The directory was read, and there is room on the disk.
func (d *dir) insert(name string, ino uint32, kind byte) calls.Errno {
	if err := d.unindex(); err != 0 {
		return err
	}
	need := entryLength(len(name))
	i := 0
	for i < len(d.room) && d.room[i] < need {
		i++
	}
	if i == len(d.room) {
		if err := d.grow(); err != 0 {
			return err
		}
	}
	b, end, err := d.dirBlock(uint32(i))
	if err != 0 {
		return err
	}
	for at := 0; at < end; {
		n, used := length(b.data, at), 0
		if le.U32(b.data, at) != 0 {
			used = entryLength(int(b.data[at+deNameLen]))
		}
		if n-used < need {
			at += n
			continue
		}
		if used > 0 {
			putLength(b.data, at, used)
		}
		at += used
		putLength(b.data, at, n-used)
		le.Put32(b.data, at, ino)
		b.data[at+deNameLen], b.data[at+deType] = byte(len(name)), kind
		copy(b.data[at+deName:], name)
		d.names[name] = slot{uint32(i), at, ino, kind}
		break
	}
	d.changedBlock(b)
	d.room[i], _ = entriesOf(b.data, end, d.fs.inodes, func(int, uint32, byte, []byte) bool { return true })
	d.touchModify()
	d.changed()
	return 0
}

// grow adds an empty block.
func (d *dir) grow() calls.Errno {
	i := d.blocks()
	goal := d.goal()
	if i > 0 {
		last, err := d.find(i - 1)
		if err != 0 {
			return err
		}
		goal = last.start + uint64(i-last.block)
	}
	b, err := d.fs.newMeta(goal)
	if err != 0 {
		return err
	}
	if err := d.inode.insert(extent{block: i, count: 1, start: b.nr}); err != 0 {
		return err
	}
	d.addBlocks(1)
	d.setSize(int64(i+1) * int64(d.fs.blockSize))
	putLength(b.data, 0, d.end())
	d.changedBlock(b)
	d.changed()
	d.room = append(d.room, d.end())
	return 0
}

// remove takes an entry out: the one before it in its block gets its room.
func (d *dir) remove(name string) calls.Errno {
	if err := d.unindex(); err != 0 {
		return err
	}
	s := d.names[name]
	b, end, err := d.dirBlock(s.block)
	if err != 0 {
		return err
	}
	le.Put32(b.data, s.at, 0)
	for at := 0; at < s.at; {
		n := length(b.data, at)
		if at+n == s.at {
			putLength(b.data, at, n+length(b.data, s.at))
		}
		at += n
	}
	delete(d.names, name)
	d.changedBlock(b)
	d.room[s.block], _ = entriesOf(b.data, end, d.fs.inodes, func(int, uint32, byte, []byte) bool { return true })
	d.touchModify()
	d.changed()
	return 0
}

// replace makes an entry one of another file.
func (d *dir) replace(name string, ino uint32, kind byte) calls.Errno {
	if err := d.unindex(); err != 0 {
		return err
	}
	s := d.names[name]
	b, _, err := d.dirBlock(s.block)
	if err != 0 {
		return err
	}
	le.Put32(b.data, s.at, ino)
	b.data[s.at+deType] = kind
	s.ino, s.kind = ino, kind
	d.names[name] = s
	d.changedBlock(b)
	d.touchModify()
	d.changed()
	return 0
}
