// Package pseudo is a file system of generated files, as /proc and /sys are: a file's contents are what a function
// returns when it is opened.
package pseudo

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// An FS is a file system of generated files.
type FS struct {
	name    string
	magic   int64
	dev     uint64
	start   int64 // time of all files, in nanoseconds since 1970
	lastIno atomic.Uint64
	root    *Dir
}

// New returns an empty file system; name is what mount(8) shows and magic what statfs(2) returns as its type.
func New(name string, magic int64) *FS {
	fs := &FS{name: name, magic: magic, dev: memfs.NewDevice(), start: kernel.Walltime()}
	fs.root = &Dir{node: fs.newNode(vfs.S_IFDIR | 0o555)}
	return fs
}

// Root returns the root directory.
func (fs *FS) Root() *Dir { return fs.root }

// Type returns the name.
func (fs *FS) Type() string { return fs.name }

// Statfs describes a file system that takes no room.
func (fs *FS) Statfs(st *vfs.Statfs) calls.Errno {
	*st = vfs.Statfs{Type: fs.magic, Bsize: 4096, Frsize: 4096, Namelen: vfs.NameMax}
	return 0
}

// A node is what all files have.
type node struct {
	fs   *FS
	ino  uint64
	mode uint32
}

func (fs *FS) newNode(mode uint32) node { return node{fs, fs.lastIno.Add(1), mode} }

func (n *node) Stat(st *fdtable.Stat) calls.Errno {
	t := fdtable.Timespec{Sec: n.fs.start / 1e9, Nsec: n.fs.start % 1e9}
	*st = fdtable.Stat{Dev: n.fs.dev, Ino: n.ino, Nlink: 1, Mode: n.mode, Blksize: 1024, Atime: t, Mtime: t, Ctime: t}
	return 0
}

// SetAttr refuses all but what opening with O_TRUNC asks for.
func (n *node) SetAttr(a *vfs.SetAttr) calls.Errno {
	if a.Set == vfs.AttrSize {
		return 0
	}
	return calls.EPERM
}

// A Dir is a directory.
type Dir struct {
	node
	parent *Dir // nil for the root
	name   string

	mu      sync.RWMutex
	entries []entry
	lasting []*Dir // see Lasting

	// List and Find make the entries of a directory that changes. They are set before the directory is used.
	List func() []Item
	Find func(name string) (vfs.Inode, calls.Errno)
}

// An Item is an entry that List returns. Keys are in ascending order, and stay what they are as long as the entry exists.
type Item struct {
	Name string
	Key  uint32
	Mode uint32 // type; 0 is that of a symbolic link
}

// firstItem is the position of the item with the key 0.
const firstItem = 1 << 32

type entry struct {
	name  string
	inode vfs.Inode
}

// Add puts a file into the directory, in place of one of that name.
func (d *Dir) Add(name string, n vfs.Inode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.entries {
		if d.entries[i].name == name {
			d.entries[i].inode = n
			return
		}
	}
	d.entries = append(d.entries, entry{name, n})
}

// Drop takes the file called name out of the directory, if there is one.
func (d *Dir) Drop(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.entries {
		if d.entries[i].name == name {
			d.entries = append(d.entries[:i], d.entries[i+1:]...)
			return
		}
	}
}

// Sub returns the directory called name in d, making it if need be.
func (d *Dir) Sub(name string) *Dir {
	if n, err := d.Lookup(name); err == 0 {
		if sub, ok := n.(*Dir); ok {
			return sub
		}
	}
	sub := &Dir{node: d.fs.newNode(vfs.S_IFDIR | 0o555), parent: d, name: name}
	d.Add(name, sub)
	return sub
}

// Lasting returns the directory of an item, which fill fills when it is first asked for. It is kept: the item's files
// have to make up their contents anew each time.
func (d *Dir) Lasting(name string, fill func(*Dir)) *Dir {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sub := range d.lasting {
		if sub.name == name {
			return sub
		}
	}
	sub := &Dir{node: d.fs.newNode(vfs.S_IFDIR | 0o555), parent: d, name: name}
	fill(sub)
	d.lasting = append(d.lasting, sub)
	return sub
}

// Path splits a relative path, makes its directories, and returns the last of them with the name that is left.
func (d *Dir) Path(path string) (*Dir, string) {
	for i := 0; i < len(path); i++ {
		if path[i] == '/' {
			return d.Sub(path[:i]).Path(path[i+1:])
		}
	}
	return d, path
}

func (d *Dir) FS() vfs.FileSystem { return d.fs }

func (d *Dir) Parent() (vfs.Directory, string) {
	if d.parent == nil {
		return d, ""
	}
	return d.parent, d.name
}

func (d *Dir) Lookup(name string) (vfs.Inode, calls.Errno) {
	if n := d.entry(name); n != nil {
		return n, 0
	}
	if d.Find != nil {
		return d.Find(name)
	}
	return nil, calls.ENOENT
}

// entry returns the file that was added under a name, or nil.
func (d *Dir) entry(name string) vfs.Inode {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range d.entries {
		if d.entries[i].name == name {
			return d.entries[i].inode
		}
	}
	return nil
}

// Entries numbers the entries from 3 on, after "." and "..", and items by their keys.
func (d *Dir) Entries(after uint64, emit func(*vfs.Entry) bool) calls.Errno {
	up := d
	if d.parent != nil {
		up = d.parent
	}
	list := []vfs.Entry{{Name: ".", Ino: d.ino, Mode: vfs.S_IFDIR}, {Name: "..", Ino: up.ino, Mode: vfs.S_IFDIR}}
	d.mu.RLock()
	for _, e := range d.entries {
		var st fdtable.Stat
		if e.inode.Stat(&st) == 0 {
			list = append(list, vfs.Entry{Name: e.name, Ino: st.Ino, Mode: st.Mode})
		}
	}
	d.mu.RUnlock()
	for i := range list {
		list[i].Pos = uint64(i + 1)
	}
	if d.List != nil {
		for _, it := range d.List() {
			mode := it.Mode
			if mode == 0 {
				mode = vfs.S_IFLNK
			}
			list = append(list, vfs.Entry{Name: it.Name, Ino: d.ino, Mode: mode, Pos: firstItem + uint64(it.Key)})
		}
	}
	for i := range list {
		if list[i].Pos > after && !emit(&list[i]) {
			break
		}
	}
	return 0
}

// Create and the other changes are refused: what is here is the system's.
func (d *Dir) Create(string, *vfs.New) (vfs.Inode, calls.Errno) { return nil, calls.EPERM }
func (d *Dir) Link(string, vfs.Inode) calls.Errno               { return calls.EPERM }
func (d *Dir) Remove(string, bool) calls.Errno                  { return calls.EPERM }
func (d *Dir) Rename(string, vfs.Directory, string, uint32) calls.Errno {
	return calls.EPERM
}
