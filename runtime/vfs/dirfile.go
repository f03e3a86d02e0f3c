package vfs

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// A dirFile is an open directory.
type dirFile struct {
	Base
	dir Directory

	mu  sync.Mutex
	pos uint64 // position of the last entry that was read
}

func (f *dirFile) Read([]byte) (int, calls.Errno)  { return 0, calls.EISDIR }
func (f *dirFile) Write([]byte) (int, calls.Errno) { return 0, calls.EBADF }

// Sync makes changes of the entries durable, where that is something to do.
func (f *dirFile) Sync() calls.Errno {
	if s, ok := f.dir.(fdtable.Syncer); ok {
		return s.Sync()
	}
	return 0
}

// Release tells the directory if it keeps something for its descriptions.
func (f *dirFile) Release() calls.Errno {
	f.leave()
	f.happened(InCloseRead)
	if d, ok := f.dir.(interface{ Closed() }); ok {
		d.Closed()
	}
	return 0
}

// Lseek positions by what an earlier Lseek or an entry's offset said; 0 is the beginning.
func (f *dirFile) Lseek(offset int64, whence int) (int64, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case SeekSet:
	case SeekCur:
		offset += int64(f.pos)
	default:
		return 0, calls.EINVAL
	}
	if offset < 0 {
		return 0, calls.EINVAL
	}
	f.pos = uint64(offset)
	return offset, 0
}

// A DirReader is the description of an open directory.
type DirReader interface {
	// ReadDir fills p with struct linux_dirent64, as many as fit, and returns their length; 0 at
	// the end. EINVAL if not even one fits.
	ReadDir(p []byte) (int, calls.Errno)
}

// Offsets in struct linux_dirent64. Source: Linux 6.16 include/linux/dirent.h.
const (
	direntIno    = 0
	direntOff    = 8
	direntReclen = 16
	direntType   = 18
	direntName   = 19
)

func (f *dirFile) ReadDir(p []byte) (int, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, full := 0, false
	err := f.dir.Entries(f.pos, func(e *Entry) bool {
		size := (direntName + len(e.Name) + 1 + 7) &^ 7
		if size > len(p)-n {
			full = true
			return false
		}
		putDirent(p[n:n+size], e)
		n += size
		f.pos = e.Pos
		return true
	})
	if err == 0 && n == 0 && full {
		err = calls.EINVAL
	}
	f.happened(InAccess)
	return n, err
}

// putDirent writes e to p, which is as long as the record.
func putDirent(p []byte, e *Entry) {
	clear(p)
	put64(p[direntIno:], e.Ino)
	put64(p[direntOff:], e.Pos)
	p[direntReclen], p[direntReclen+1] = byte(len(p)), byte(len(p)>>8)
	p[direntType] = byte(e.Mode & S_IFMT >> 12) // DT_* are the type bits of the mode
	copy(p[direntName:], e.Name)
}

func put64(p []byte, v uint64) {
	for i := range 8 {
		p[i] = byte(v >> (8 * i))
	}
}

var _ fdtable.Seeker = (*dirFile)(nil)
