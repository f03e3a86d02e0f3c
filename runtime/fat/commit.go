package fat

import "internal/xengo/runtime/calls"

// commit writes what is kept in memory and makes it durable. The caller holds fs.mu.
func (fs *FS) commit() calls.Errno {
	err := fs.steps()
	if err != 0 {
		return fs.fail(err, "it cannot be written to: "+err.Error())
	}
	fs.seq++
	return 0
}

func (fs *FS) steps() calls.Errno {
	// Data, and clusters that were taken.
	if fs.tableDirty {
		if err := fs.writeTable(); err != 0 {
			return err
		}
		fs.written = true
	}
	if fs.written && len(fs.dirty) > 0 {
		if err := fs.disk.Flush(); err != 0 {
			return err
		}
	}
	fs.written = false
	// Entries that name them. The flush is also that of data of which nothing else changed.
	if err := fs.writeDirs(); err != 0 {
		return err
	}
	if err := fs.disk.Flush(); err != 0 {
		return err
	}
	// What was moved away from.
	if len(fs.leaving) > 0 {
		for _, l := range fs.leaving {
			l.d.erase(l.s)
		}
		fs.leaving = nil
		if err := fs.writeDirs(); err != 0 {
			return err
		}
		if err := fs.disk.Flush(); err != 0 {
			return err
		}
	}
	return fs.give()
}

// give frees clusters, and takes marks away.
func (fs *FS) give() calls.Errno {
	for _, m := range fs.marked {
		if e := m.d.raw[m.at*entrySize:][:entrySize]; e[0] != deleted && e[deAttr] != attrLong {
			e[deCase] &^= moved
			m.d.touched(m.at, m.at)
		}
	}
	fs.marked = nil
	if err := fs.writeDirs(); err != 0 {
		return err
	}
	if len(fs.frees) == 0 {
		return 0
	}
	for _, c := range fs.frees {
		if err := fs.setEntry(c.cluster, c.value); err != 0 {
			return err
		}
		if c.value == free {
			fs.freeCount++
		}
	}
	fs.frees = nil
	if err := fs.writeTable(); err != 0 {
		return err
	}
	return fs.disk.Flush()
}

// writeDirs writes the entries that were changed.
func (fs *FS) writeDirs() calls.Errno {
	for _, d := range fs.dirty {
		if d.dead { // nothing leads to it any more
			continue
		}
		for at := range d.sectors {
			if err := d.writeSector(at); err != 0 {
				return err
			}
		}
	}
	for _, d := range fs.dirty {
		d.sectors = nil
	}
	fs.dirty = nil
	return 0
}

// writeSector writes one sector of a directory.
func (d *dir) writeSector(n int) calls.Errno {
	size := d.fs.sectorSize
	off := n * size
	at := d.fs.rootOffset + int64(off)
	if d.first != 0 {
		at = d.fs.place(d.chain[off/d.fs.clusterSize]) + int64(off%d.fs.clusterSize)
	}
	return d.fs.disk.WriteAt(d.raw[off:off+size], at)
}

// touched notes that entries were changed.
func (d *dir) touched(first, last int) {
	if d.sectors == nil {
		d.sectors = map[int]struct{}{}
		d.fs.dirty = append(d.fs.dirty, d)
	}
	for n := first * entrySize / d.fs.sectorSize; n <= last*entrySize/d.fs.sectorSize; n++ {
		d.sectors[n] = struct{}{}
	}
}

// erase marks the entries of a slot as deleted.
func (d *dir) erase(s *slot) {
	for i := s.first; i <= s.last; i++ {
		d.raw[i*entrySize] = deleted
	}
	d.touched(s.first, s.last)
	d.hint = min(d.hint, s.first)
	d.aliases[s.alias]--
	if d.aliases[s.alias] == 0 {
		delete(d.aliases, s.alias)
	}
}
