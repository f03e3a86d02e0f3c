package fat

import (
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// A repair brings a file system in order that was not unmounted. It looks at every file, decides, and writes then. What no
// power cut leaves it does not touch.
type repair struct {
	fs      *FS
	used    []byte           // bitmap of clusters
	dirs    []*dir           // that are not in the tree of the mounted file system
	files   map[uint32]found // and directories, by their first cluster
	names   int              // that are changed
	lost    int              // clusters
	damaged bool
}

// found is a slot of a directory.
type found struct {
	d *dir
	s *slot
	e []byte // its entry
}

// recover repairs. The caller holds fs.mu.
func (fs *FS) recover() calls.Errno {
	r := &repair{fs: fs, used: make([]byte, (fs.clusters+firstCluster+7)/8), files: map[uint32]found{}}
	err := r.run()
	fs.dirty, fs.leaving = nil, nil
	if err == 0 && r.damaged {
		fs.chunks, fs.tableDirty = map[int64]*chunk{}, false
		fs.readOnly = true
		fs.say("it is mounted for reading: it is damaged; run fsck.fat")
		return 0
	}
	if err == 0 && r.names+r.lost > 0 {
		fs.say("it was not unmounted, and was repaired: " + ascii.Itoa(int64(r.names)) + " names, " +
			ascii.Itoa(int64(r.lost)) + " clusters that no file had")
	}
	return err
}

func (r *repair) run() calls.Errno {
	root := &dir{node: node{fs: r.fs, first: r.fs.root.first}}
	if err := r.scan(root); err != 0 {
		return err
	}
	for i := 0; i < len(r.dirs) && !r.damaged; i++ { // it grows meanwhile
		if err := r.list(r.dirs[i]); err != 0 {
			return err
		}
	}
	for first, f := range r.files {
		if f.e[deCase]&moved != 0 {
			r.unmark(f)
		}
		if f.e[deAttr]&attrDir != 0 {
			continue // they were claimed when they were scanned
		}
		if err := r.file(first, f); err != 0 {
			return err
		}
	}
	if err := r.sweep(); err != 0 || r.damaged {
		return err
	}
	if err := r.fs.writeDirs(); err != 0 {
		return err
	}
	if err := r.fs.disk.Flush(); err != 0 {
		return err
	}
	if err := r.fs.writeTable(); err != 0 {
		return err
	}
	if err := r.copies(); err != 0 {
		return err
	}
	return r.fs.disk.Flush()
}

// copies makes the copies of the table alike.
func (r *repair) copies() calls.Errno {
	const step = 1 << 18
	size := r.fs.tableSize
	a, b := make([]byte, min(step, size)), make([]byte, min(step, size))
	for at := int64(0); at < size; at += step {
		a, b := a[:min(step, size-at)], b[:min(step, size-at)]
		if err := r.fs.disk.ReadAt(a, r.fs.tables[0]+at); err != 0 {
			return err
		}
		for _, t := range r.fs.tables[1:] {
			if err := r.fs.disk.ReadAt(b, t+at); err != 0 {
				return err
			}
			if string(a) == string(b) {
				continue
			}
			if err := r.fs.disk.WriteAt(a, t+at); err != 0 {
				return err
			}
		}
	}
	return 0
}

// claim returns a chain of as many clusters as there are, or of need if that is not negative. What is behind is cut off.
func (r *repair) claim(first uint32, need int) (chain []uint32, err calls.Errno) {
	for c := first; need < 0 || len(chain) < need; {
		if r.used[c/8]>>(c%8)&1 != 0 {
			r.damaged = true // two have it
			return nil, 0
		}
		r.used[c/8] |= 1 << (c % 8)
		chain = append(chain, c)
		next, err := r.fs.entry(c)
		if err != 0 {
			return nil, err
		}
		switch whole := len(chain) == need; {
		case next >= minEnd:
			return chain, 0
		case len(chain) == 1 && next == free:
			r.damaged = true // an entry is written when its first cluster has been taken
			return nil, 0
		case whole || !r.fs.valid(next):
			return chain, r.fs.setEntry(c, end)
		}
		if after, err := r.fs.entry(next); err != 0 {
			return nil, err
		} else if after == free {
			return chain, r.fs.setEntry(c, end) // it was just to be taken
		}
		c = next
	}
	return chain, 0
}

// scan reads a directory.
func (r *repair) scan(d *dir) (err calls.Errno) {
	if d.first != 0 {
		if d.chain, err = r.claim(d.first, -1); err != 0 || r.damaged {
			return err
		}
		if len(d.chain)*r.fs.clusterSize > max(maxDir, r.fs.clusterSize) {
			r.damaged = true
			return 0
		}
		d.chained = true
	}
	if d.raw, err = d.read(); err == 0 {
		r.trim(d)
		r.dirs = append(r.dirs, d)
	}
	return err
}

// trim empties what is behind the end of a directory, which others, such as Linux, take for names: of sectors that were
// written together, the cut may have left later ones only.
func (r *repair) trim(d *dir) {
	over := false
	for i := 0; i < len(d.raw); i += entrySize {
		e := d.raw[i : i+entrySize]
		if over = over || e[0] == 0; over && [entrySize]byte(e) != [entrySize]byte{} {
			clear(e)
			d.touched(i/entrySize, i/entrySize)
		}
	}
}

// list goes through the names of a directory.
func (r *repair) list(d *dir) calls.Errno {
	var all []*slot
	parse(d.raw, func(s *slot) { all = append(all, s) }, func(i int) {
		r.erase(found{d: d, s: &slot{first: i, last: i}})
	})
	for _, s := range all {
		f := found{d, s, d.raw[s.last*entrySize:][:entrySize]}
		if f.e[deCase]&moved != 0 && f.e[deAttr]&attrDir == 0 && r.fs.start(f.e) == 0 {
			r.unmark(f)
		}
		if err := r.name(f); err != 0 || r.damaged {
			return err
		}
	}
	return 0
}

// name is about one of them.
func (r *repair) name(f found) calls.Errno {
	first, size := r.fs.start(f.e), le.U32(f.e, deSize)
	isDir := f.e[deAttr]&attrDir != 0
	if first == 0 && (isDir || size > 0) || first != 0 && !r.fs.valid(first) {
		r.damaged = true
		return 0
	}
	if first == 0 {
		return 0
	}
	if !isDir && size == 0 { // its clusters came before its size
		setStart(f.e, 0)
		f.d.touched(f.s.last, f.s.last)
		r.names++
		return 0
	}
	other, twice := r.files[first]
	if !twice {
		r.files[first] = f
		if !isDir {
			return 0
		}
		return r.sub(f, first)
	}
	// The one with the mark is newer; both have it if there were two renames.
	switch mine, its := f.e[deCase]&moved != 0, other.e[deCase]&moved != 0; {
	case !mine && !its, isDir != (other.e[deAttr]&attrDir != 0):
		r.damaged = true
	case its:
		r.erase(f)
	default:
		r.erase(other)
		r.files[first] = f
		if isDir {
			r.moveUp(f, first)
		}
	}
	return 0
}

// sub adds a directory to those that are looked at.
func (r *repair) sub(f found, first uint32) calls.Errno {
	d := &dir{node: node{fs: r.fs, first: first, up: f.d}}
	if err := r.scan(d); err != 0 || r.damaged {
		return err
	}
	r.setUp(d)
	return 0
}

// moveUp is for one that was found with its old name.
func (r *repair) moveUp(f found, first uint32) {
	for _, d := range r.dirs {
		if d.first == first && d.up != nil {
			d.up = f.d
			r.setUp(d)
		}
	}
}

// setUp lets ".." be where the directory is.
func (r *repair) setUp(d *dir) {
	if len(d.raw) < 2*entrySize || short(d.raw[entrySize:entrySize+11]) != dotDot {
		return
	}
	if e := d.raw[entrySize : 2*entrySize]; r.fs.start(e) != d.up.number() {
		setStart(e, d.up.number())
		d.touched(1, 1)
		r.names++
	}
}

func (r *repair) erase(f found) {
	for i := f.s.first; i <= f.s.last; i++ {
		f.d.raw[i*entrySize] = deleted
	}
	f.d.touched(f.s.first, f.s.last)
	r.names++
}

func (r *repair) unmark(f found) {
	f.e[deCase] &^= moved
	f.d.touched(f.s.last, f.s.last)
}

// file claims the clusters of a file, and checks that there are enough.
func (r *repair) file(first uint32, f found) calls.Errno {
	cs := int64(r.fs.clusterSize)
	need := int((int64(le.U32(f.e, deSize)) + cs - 1) / cs)
	chain, err := r.claim(first, need)
	if err == 0 && len(chain) < need {
		r.damaged = true
	}
	return err
}

// sweep frees the clusters that nobody has.
func (r *repair) sweep() calls.Errno {
	for c := uint32(firstCluster); r.fs.valid(c); c++ {
		if r.used[c/8]>>(c%8)&1 != 0 {
			continue
		}
		v, err := r.fs.entry(c)
		if err != 0 {
			return err
		}
		if v == free || v == bad {
			continue
		}
		r.lost++
		if err := r.fs.setEntry(c, free); err != 0 {
			return err
		}
	}
	return 0
}
