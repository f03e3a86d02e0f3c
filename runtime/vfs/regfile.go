package vfs

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// A regFile is an open regular file.
type regFile struct {
	Base
	file  Regular
	flags atomic.Uint32

	mu  sync.Mutex // held while reading or writing at pos, as Linux does since 3.14
	pos int64
}

func newRegFile(loc Location, file Regular) *regFile {
	file.Opened()
	f := &regFile{Base: Base{Loc: loc}, file: file}
	f.enter()
	return f
}

func (f *regFile) Release() calls.Errno {
	f.leave()
	f.file.Closed()
	if watched() {
		event := uint32(InCloseRead)
		if f.flags.Load()&fdtable.O_ACCMODE != fdtable.O_RDONLY {
			event = InCloseWrite
		}
		f.happened(event)
		lostName(f.Loc.Inode)
	}
	return 0
}

// read and wrote tell of n bytes.
func (f *regFile) read(n int) {
	if n > 0 {
		f.happened(InAccess)
	}
}

func (f *regFile) wrote(n int) {
	if n > 0 {
		f.happened(InModify)
	}
}

func (f *regFile) SetFlags(flags uint32) { f.flags.Store(flags) }

func (f *regFile) Read(p []byte) (int, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.file.ReadAt(p, f.pos)
	f.pos += int64(n)
	f.read(n)
	return n, err
}

func (f *regFile) Write(p []byte) (int, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, end, err := f.file.WriteAt(p, f.target(f.pos))
	if n > 0 {
		f.pos = end
	}
	f.wrote(n)
	return n, err
}

// ReadV and WriteV move the position once, so that calls of one description do not mingle.
func (f *regFile) ReadV(bufs [][]byte) (int, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	done, err := calls.Each(bufs, func(p []byte, _ int) (int, calls.Errno) {
		n, err := f.file.ReadAt(p, f.pos)
		f.pos += int64(n)
		return n, err
	})
	f.read(done)
	return done, err
}

// maxJoined is up to which length, in bytes, what WriteV appends is one piece for other descriptions, too.
const maxJoined = 1 << 20

func (f *regFile) WriteV(bufs [][]byte) (int, calls.Errno) {
	if f.target(0) == AtEnd {
		bufs = join(bufs)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	done, err := calls.Each(bufs, func(p []byte, _ int) (int, calls.Errno) {
		n, end, err := f.file.WriteAt(p, f.target(f.pos))
		if n > 0 {
			f.pos = end
		}
		return n, err
	})
	f.wrote(done)
	return done, err
}

// join makes one buffer of bufs, unless they are long.
func join(bufs [][]byte) [][]byte {
	var all []byte
	for _, p := range bufs {
		if all = append(all, p...); len(all) > maxJoined {
			return bufs
		}
	}
	return [][]byte{all}
}

// target returns where a write at pos really goes.
func (f *regFile) target(pos int64) int64 {
	if f.flags.Load()&fdtable.O_APPEND != 0 {
		return AtEnd
	}
	return pos
}

func (f *regFile) PRead(p []byte, offset int64) (int, calls.Errno) {
	n, err := f.file.ReadAt(p, offset)
	f.read(n)
	return n, err
}

// PWrite appends, whatever the offset, to files opened with O_APPEND: pwrite(2), BUGS.
func (f *regFile) PWrite(p []byte, offset int64) (int, calls.Errno) {
	n, _, err := f.file.WriteAt(p, f.target(offset))
	f.wrote(n)
	return n, err
}

// Values of whence of lseek(2). Source: Linux 6.16 include/uapi/linux/fs.h.
const (
	SeekSet  = 0
	SeekCur  = 1
	SeekEnd  = 2
	SeekData = 3
	SeekHole = 4
)

func (f *regFile) Lseek(offset int64, whence int) (int64, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	base := int64(0)
	switch whence {
	case SeekSet:
	case SeekCur:
		base = f.pos
	case SeekEnd:
		var st fdtable.Stat
		if err := f.file.Stat(&st); err != 0 {
			return 0, err
		}
		base = st.Size
	case SeekData, SeekHole:
		pos, err := f.file.SeekData(offset, whence == SeekHole)
		if err == 0 {
			f.pos = pos
		}
		return pos, err
	default:
		return 0, calls.EINVAL
	}
	pos := base + offset
	if pos < 0 {
		return 0, calls.EINVAL
	}
	f.pos = pos
	return pos, 0
}

func (f *regFile) Truncate(size int64) calls.Errno {
	loc := f.Location()
	return setAttr(&loc, &SetAttr{Set: AttrSize, Size: size})
}

func (f *regFile) Sync() calls.Errno { return f.file.Sync() }

func (f *regFile) DataSync() calls.Errno {
	if d, ok := f.file.(fdtable.DataSyncer); ok {
		return d.DataSync()
	}
	return f.file.Sync()
}

// File returns the contents, for calls that go past the position.
func (f *regFile) File() Regular { return f.file }

// A pathFile is a file opened with O_PATH: a place in the tree, without access to what is there.
type pathFile struct {
	Base
}

// newPathFile keeps the contents of a regular file that loses its name, as every description does.
func newPathFile(loc Location) *pathFile {
	if file, ok := loc.Inode.(Regular); ok {
		file.Opened()
	}
	f := &pathFile{Base{Loc: loc}}
	f.enter()
	return f
}

func (f *pathFile) Release() calls.Errno {
	f.leave()
	if file, ok := f.Loc.Inode.(Regular); ok {
		file.Closed()
	}
	return 0
}

func (f *pathFile) Read([]byte) (int, calls.Errno)  { return 0, calls.EBADF }
func (f *pathFile) Write([]byte) (int, calls.Errno) { return 0, calls.EBADF }

// Contents returns the regular file behind a description, nil if it is none.
func Contents(d fdtable.Description) Regular {
	if f, ok := d.(interface{ File() Regular }); ok {
		return f.File()
	}
	return nil
}
