package fstest

import (
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// Exercise uses everything on a disk that may be damaged, and unmounts it. Whatever there is, that has to come back.
func Exercise(fs FS) {
	budget := 200
	var visit func(d vfs.Directory)
	visit = func(d vfs.Directory) {
		var names []string
		d.Entries(2, func(e *vfs.Entry) bool { names = append(names, e.Name); return len(names) < 1000 })
		for _, name := range names {
			if budget--; budget < 0 {
				return
			}
			n, err := d.Lookup(name)
			if err != 0 {
				continue
			}
			use(n, visit)
			d.Rename(name, fs.Root(), "moved", 0)
			fs.Root().Remove("moved", false)
		}
		d.Create("new", &vfs.New{Mode: vfs.S_IFDIR | 0o755})
		d.Remove("new", true)
	}
	visit(fs.Root())
	fs.Statfs(&vfs.Statfs{})
	fs.Sync()
	fs.Unmount()
}

func use(n vfs.Inode, visit func(vfs.Directory)) {
	var st fdtable.Stat
	n.Stat(&st)
	switch n := n.(type) {
	case vfs.Directory:
		visit(n)
	case vfs.Symlink:
		n.Readlink()
	case vfs.Regular:
		n.ReadAt(make([]byte, 1<<16), max(0, st.Size-1<<16))
		n.SeekData(0, true)
		n.WriteAt(make([]byte, 5000), 3000)
		n.Allocate(0, 20000, 5000)
		n.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: 1})
	}
}
