package memfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// A Seed is a file or directory that is there from the start, but takes memory for what it holds only once it is used.
// After that it is like any other: it can be changed and removed.
type Seed struct {
	Name     string
	Contents func() string // makes what the file holds, the same each time
	Entries  func() []Seed // of a directory: what is in it; does not use the file system
}

// Plant adds s to the directory. EEXIST if the name is taken.
func (d *dir) Plant(s Seed) calls.Errno {
	d.sprout()
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	switch {
	case d.removed:
		return calls.ENOENT
	case d.names[s.Name] != nil:
		return calls.EEXIST
	}
	d.plant(s)
	return 0
}

// plant adds s under a name that is free. The caller holds fs.mu.
func (d *dir) plant(s Seed) {
	if s.Entries != nil {
		sub := newDir(d.fs, &vfs.New{Mode: vfs.S_IFDIR | 0o755}, d, s.Name)
		sub.seeds.Store(&s.Entries)
		d.insert(s.Name, sub)
		d.addLink(1)
		return
	}
	f := newFile(d.fs, &vfs.New{Mode: vfs.S_IFREG | 0o644})
	f.seed = s.Contents
	d.insert(s.Name, f)
}

// sprout makes the entries of a directory that has not been used yet. Whoever looks at entries calls it before.
func (d *dir) sprout() {
	if d.seeds.Load() == nil {
		return
	}
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	entries := d.seeds.Load()
	if entries == nil { // somebody else did it meanwhile
		return
	}
	for _, s := range (*entries)() {
		d.plant(s)
	}
	d.seeds.Store(nil)
}

// empty reports whether there is no entry. The caller holds fs.mu.
func (d *dir) empty() bool { return len(d.names) == 0 && d.seeds.Load() == nil }

// load makes the contents of a planted file. They are in memory while it is open, and for good once they were changed.
// The caller holds f.mu.
func (f *file) load() {
	if f.seed != nil && f.base.text == "" {
		f.base = textBase(f.seed())
		f.size = f.base.size
	}
}

// unload forgets what load made if nobody needs it. The caller holds f.mu.
func (f *file) unload() {
	if f.seed != nil && f.open == 0 {
		f.base = base{}
	}
}

// measure finds out the size of a planted file that was never open.
func (f *file) measure() {
	f.mu.RLock()
	known := f.seed == nil || f.size > 0
	f.mu.RUnlock()
	if known {
		return
	}
	f.mu.Lock()
	f.load()
	f.unload()
	f.mu.Unlock()
}

// changed notes that contents changed, so that they are not what was planted any more. The caller holds f.mu.
func (f *file) changed() {
	f.seed = nil
	f.node.changed()
}
