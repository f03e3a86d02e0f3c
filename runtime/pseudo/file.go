package pseudo

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A File is a file whose contents a function makes.
type File struct {
	node
	read  func() []byte
	write func([]byte) calls.Errno
}

// NewFile returns a file that reads as what read returns when it is opened. If write is not nil, the file can be
// written, and write gets what is.
func (fs *FS) NewFile(read func() []byte, write func([]byte) calls.Errno) *File {
	mode := uint32(vfs.S_IFREG | 0o444)
	if write != nil {
		mode |= 0o200
	}
	return &File{fs.newNode(mode), read, write}
}

// Open makes the contents.
func (f *File) Open(loc vfs.Location, flags uint32) (fdtable.Description, calls.Errno) {
	if flags&fdtable.O_ACCMODE != fdtable.O_RDONLY && f.write == nil {
		return nil, calls.EACCES
	}
	return &openFile{Base: vfs.Base{Loc: loc}, file: f, contents: f.read()}, 0
}

// An openFile is the description of a File.
type openFile struct {
	vfs.Base
	file     *File
	contents []byte

	mu  sync.Mutex
	pos int64
}

func (o *openFile) Read(p []byte) (int, calls.Errno) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.readAt(p, o.pos)
	o.pos += int64(n)
	return n, 0
}

func (o *openFile) PRead(p []byte, offset int64) (int, calls.Errno) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.readAt(p, offset), 0
}

// readAt copies contents at offset. The caller holds o.mu.
func (o *openFile) readAt(p []byte, offset int64) int {
	if offset >= int64(len(o.contents)) {
		return 0
	}
	return copy(p, o.contents[offset:])
}

func (o *openFile) Write(p []byte) (int, calls.Errno) {
	if err := o.file.write(p); err != 0 {
		return 0, err
	}
	return len(p), 0
}

func (o *openFile) Lseek(offset int64, whence int) (int64, calls.Errno) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch whence {
	case 0:
	case 1:
		offset += o.pos
	default:
		return 0, calls.EINVAL
	}
	if offset < 0 {
		return 0, calls.EINVAL
	}
	o.pos = offset
	// As on Linux, a reader that starts again sees what is true then.
	if offset == 0 {
		o.contents = o.file.read()
	}
	return offset, 0
}

// A Link is a symbolic link whose target a function returns.
type Link struct {
	node
	target func() (string, calls.Errno)
}

// NewLink returns a symbolic link.
func (fs *FS) NewLink(target func() (string, calls.Errno)) *Link {
	return &Link{fs.newNode(vfs.S_IFLNK | 0o777), target}
}

func (l *Link) Readlink() (string, calls.Errno) { return l.target() }

// A JumpLink is a link that leads to a file itself.
type JumpLink struct {
	Link
	follow func() (vfs.Location, calls.Errno)
}

// NewJumpLink returns a link that reads as target and leads to what follow returns.
func (fs *FS) NewJumpLink(target func() (string, calls.Errno), follow func() (vfs.Location, calls.Errno)) *JumpLink {
	return &JumpLink{*fs.NewLink(target), follow}
}

func (l *JumpLink) Follow() (vfs.Location, calls.Errno) { return l.follow() }
