package fat

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// maxDir is the largest size of a directory in bytes. Source: Microsoft, FAT32 File System Specification 1.03.
const maxDir = 65536 * entrySize

// A dir is a directory.
type dir struct {
	node
	loaded  bool
	raw     []byte
	sectors map[int]struct{} // of raw, that were changed
	names   map[string]*slot // by key
	short   map[string]*slot // by alias, if that is not the name
	aliases map[short]int    // those on the disk
	hint    int              // entries before are in use
}

// load reads the directory. The caller holds fs.mu.
func (d *dir) load() calls.Errno {
	if d.loaded {
		return 0
	}
	if d.slot == nil && d.up != nil {
		return calls.ENOENT
	}
	raw, err := d.read()
	if err != 0 {
		return err
	}
	d.raw = raw
	d.names, d.short, d.aliases = map[string]*slot{}, map[string]*slot{}, map[short]int{}
	parse(raw, func(s *slot) {
		if _, ok := d.names[s.key]; !ok {
			d.add(s)
		}
	}, func(int) {})
	// What is behind the end may be anything.
	for i := 0; i < len(raw); i += entrySize {
		if raw[i] == 0 {
			clear(raw[i:])
			break
		}
	}
	d.loaded = true
	return 0
}

// read returns what is on the disk.
func (d *dir) read() ([]byte, calls.Errno) {
	fs := d.fs
	if d.first == 0 {
		if d.up != nil || fs.rootSize == 0 {
			return nil, fs.corrupt("a directory has no clusters")
		}
		raw := make([]byte, fs.rootSize)
		return raw, fs.disk.ReadAt(raw, fs.rootOffset)
	}
	if err := d.clusters(); err != 0 {
		return nil, err
	}
	if len(d.chain)*fs.clusterSize > max(maxDir, fs.clusterSize) {
		return nil, fs.corrupt("a directory is too long")
	}
	raw := make([]byte, len(d.chain)*fs.clusterSize)
	for i, c := range d.chain {
		if err := fs.disk.ReadAt(raw[i*fs.clusterSize:(i+1)*fs.clusterSize], fs.place(c)); err != 0 {
			return nil, err
		}
	}
	return raw, 0
}

// add makes a slot known.
func (d *dir) add(s *slot) {
	d.fs.lastIno++
	s.ino = d.fs.lastIno
	d.names[s.key] = s
	d.aliases[s.alias]++
	if key := s.alias.text(0); key != s.key {
		if _, ok := d.short[key]; !ok {
			d.short[key] = s
		}
	}
}

// forget is the opposite; the alias stays in use until the entries are erased.
func (d *dir) forget(s *slot) {
	if d.names[s.key] == s {
		delete(d.names, s.key)
	}
	if key := s.alias.text(0); d.short[key] == s {
		delete(d.short, key)
	}
}

// find finds a name, or the short name of a file with another.
func (d *dir) find(name string) *slot {
	for len(name) > 0 && name[len(name)-1] == '.' {
		name = name[:len(name)-1]
	}
	key := fold(name)
	if s := d.names[key]; s != nil {
		return s
	}
	return d.short[key]
}

// at returns the node of a slot.
func (d *dir) at(s *slot) *node {
	if s.node != nil {
		return s.node
	}
	n := node{fs: d.fs, ino: s.ino, up: d, slot: s}
	n.fill(d.raw[s.last*entrySize:][:entrySize])
	s.node = n.become()
	return s.node
}

// become makes a node a file or directory.
func (n *node) become() *node {
	if n.attr&attrDir != 0 {
		d := &dir{}
		d.take(n)
		d.self = d
		return &d.node
	}
	f := &file{}
	f.take(n)
	f.self = f
	return &f.node
}

// take copies what a new node begins with.
func (n *node) take(from *node) {
	n.fs, n.ino, n.up, n.slot = from.fs, from.ino, from.up, from.slot
	n.first, n.size, n.attr = from.first, from.size, from.attr
	n.mtime, n.atime, n.ctime = from.mtime, from.atime, from.ctime
}

// room finds n entries in a row that are free, and makes the directory longer for them.
func (d *dir) room(n int) (int, calls.Errno) {
	run := 0
	for i := d.hint; ; i++ {
		if i*entrySize >= len(d.raw) {
			if err := d.grow(); err != 0 {
				return 0, err
			}
		}
		if b := d.raw[i*entrySize]; b != 0 && b != deleted {
			run = 0
			continue
		}
		if run++; run == n {
			return i + 1 - n, 0
		}
	}
}

// grow adds a cluster. It is empty on the disk before it is part of the directory, which has no size that would end it.
func (d *dir) grow() calls.Errno {
	fs := d.fs
	if d.first == 0 || len(d.raw)+fs.clusterSize > maxDir {
		return calls.ENOSPC
	}
	near := d.chain[len(d.chain)-1]
	c, err := fs.vacant(near + 1)
	if err != 0 {
		return err
	}
	zeros := make([]byte, fs.clusterSize)
	if err := fs.disk.WriteAt(zeros, fs.place(c)); err != 0 {
		return err
	}
	if err := fs.disk.Flush(); err != 0 {
		return err
	}
	if c, err = fs.take(near); err != 0 {
		return err
	}
	d.chain = append(d.chain, c)
	d.raw = append(d.raw, zeros...)
	return 0
}

// unused returns a short name for a long one. exact says that there need not be a long one.
func (d *dir) unused(name string) (s short, exact bool, err calls.Errno) {
	s, exact = shorten(name)
	if d.aliases[s] == 0 && (exact || s.text(0) == fold(name)) {
		return s, exact, 0
	}
	for n := 1; n < 1000000; n++ {
		if t := s.numbered(n); d.aliases[t] == 0 && d.names[t.text(0)] == nil {
			return t, false, 0
		}
	}
	return s, false, calls.ENOSPC
}

// insert makes a name, whose entry has the fields of e but its own.
func (d *dir) insert(name string, e [entrySize]byte) (*slot, calls.Errno) {
	alias, exact, err := d.unused(name)
	if err != 0 {
		return nil, err
	}
	var all []byte
	if !exact {
		all = parts(name, alias)
	}
	copy(e[:], alias[:])
	e[deCase] &= moved
	all = append(all, e[:]...)
	n := len(all) / entrySize
	first, err := d.room(n)
	if err != 0 {
		return nil, err
	}
	copy(d.raw[first*entrySize:], all)
	last := first + n - 1
	d.touched(first, min(last+1, len(d.raw)/entrySize-1)) // and what ends the directory
	if first == d.hint {
		d.hint = last + 1
	}
	s := &slot{name: name, key: fold(name), alias: alias, first: first, last: last}
	d.add(s)
	return s, 0
}

// newEntry is that of a new file.
func newEntry(attr byte, first uint32, t fdtable.Timespec) (e [entrySize]byte) {
	e[deAttr] = attr
	setStart(e[:], first)
	date, clock, hundredths := encodeTime(t)
	le.Put16(e[:], deCreatedOn, date)
	le.Put16(e[:], deCreated, clock)
	e[deCreatedMs] = hundredths
	le.Put16(e[:], deDate, date)
	le.Put16(e[:], deTime, clock)
	le.Put16(e[:], deRead, date)
	return e
}
