package memfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A file is a regular file. node.mu guards data.
type file struct {
	node
	data
	open  int           // descriptions and mappings, guarded by mu; contents live while there are any
	freed bool          // the file is no longer counted
	seed  func() string // makes the contents of a planted file; nil once they were changed
}

func newFile(fs *FS, n *vfs.New) *file {
	f := &file{}
	f.node.init(fs, n)
	f.data.fs = fs
	return f
}

// Opened and Closed count those who use the contents: these are freed when there is neither a user nor a name.
func (f *file) Opened() {
	f.mu.Lock()
	f.open++
	f.load()
	f.mu.Unlock()
}

func (f *file) Closed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	f.unload()
	f.freeIfUnused()
}

// InUse reports whether there are users.
func (f *file) InUse() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.open > 0
}

func (f *file) gone() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.freeIfUnused()
}

func (f *file) freeIfUnused() {
	if f.open == 0 && f.nlink == 0 {
		f.free()
		if !f.freed {
			f.freed = true
			f.discount()
		}
	}
}

func (f *file) Stat(st *fdtable.Stat) calls.Errno {
	f.measure()
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.stat(st)
	st.Size, st.Blocks = f.size, f.blocks()
	return 0
}

func (f *file) SetAttr(a *vfs.SetAttr) calls.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.Set&vfs.AttrSize != 0 {
		if a.Size < 0 {
			return calls.EINVAL
		}
		f.load()
		f.truncate(a.Size)
		f.dropSetID()
		f.changed()
	}
	if a.Set&^vfs.AttrSize != 0 {
		f.setAttr(a)
	}
	return 0
}

// dropSetID takes the set-ID bits away when somebody other than root changes the contents.
func (f *file) dropSetID() {
	if vfs.CurrentCred().EUID == 0 {
		return
	}
	f.perm &^= vfs.S_ISUID
	if f.perm&0o010 != 0 || !vfs.CurrentCred().InGroup(f.gid) {
		f.perm &^= vfs.S_ISGID
	}
}

func (f *file) ReadAt(p []byte, offset int64) (int, calls.Errno) {
	if offset < 0 {
		return 0, calls.EINVAL
	}
	f.mu.RLock()
	n, err := f.read(p, offset)
	f.mu.RUnlock()
	if len(p) > 0 {
		f.accessed()
	}
	return n, err
}

func (f *file) WriteAt(p []byte, offset int64) (int, int64, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if offset == vfs.AtEnd {
		offset = f.size
	}
	if offset < 0 {
		return 0, 0, calls.EINVAL
	}
	if len(p) == 0 {
		return 0, offset, 0
	}
	if offset >= maxSize {
		return 0, 0, calls.EFBIG
	}
	if left := maxSize - offset; int64(len(p)) > left {
		p = p[:left]
	}
	f.bound(offset + int64(len(p)))
	n, err := f.write(p, offset)
	f.bound(0)
	if n > 0 {
		f.dropSetID()
		f.changed()
	}
	return n, offset + int64(n), err
}

// Modes of fallocate. Source: Linux 6.16 include/uapi/linux/falloc.h.
const (
	keepSize  = 0x01
	punchHole = 0x02
	zeroRange = 0x10
)

// Allocate supports making room, punching holes and making ranges zero.
func (f *file) Allocate(mode uint32, offset, length int64) calls.Errno {
	if offset < 0 || length <= 0 {
		return calls.EINVAL
	}
	if offset > maxSize-length {
		return calls.EFBIG
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var err calls.Errno
	switch mode {
	case 0, keepSize:
		if err = f.room(offset, length); err == 0 {
			f.bound(offset + length)
			err = f.allocate(offset, length)
		}
		if err == 0 && mode == 0 {
			f.size = max(f.size, offset+length)
		}
	case punchHole | keepSize:
		err = f.punch(offset, length)
	default:
		return calls.EOPNOTSUPP
	}
	f.bound(0)
	if err == 0 {
		f.dropSetID()
		f.changed()
	}
	return err
}

// room refuses at once what could not be allocated to the end.
func (f *file) room(offset, length int64) calls.Errno {
	if length > f.node.fs.limitBytes() {
		return calls.ENOSPC
	}
	return 0
}

func (f *file) SeekData(offset int64, hole bool) (int64, calls.Errno) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.seek(offset, hole)
}

// Sync has nothing to do: there is nothing behind the memory.
func (f *file) Sync() calls.Errno { return 0 }

// SetContents makes s the contents, without copying it.
func (f *file) SetContents(s string) { f.setBase(textBase(s)) }

// SetPacked makes the contents those that p has, size bytes.
func (f *file) SetPacked(p Packed, size int64) { f.setBase(base{packed: p, size: size}) }

func (f *file) setBase(b base) {
	f.mu.Lock()
	f.truncate(0)
	f.base, f.size = b, b.size
	f.bound(0)
	f.changed()
	f.mu.Unlock()
}
