package fdtable

import (
	"sync"

	"internal/xengo/runtime/calls"
)

// MaxFiles is the number of descriptors that the program may have: RLIMIT_NOFILE's hard limit.
const MaxFiles = 1 << 20

// A slot is a file descriptor.
type slot struct {
	file    *File
	cloexec bool
	cancel  func() // ends the registration with the network poller, nil if there is none
}

// fds is the table of the program. free is a lower bound of the lowest unused number.
var fds struct {
	mu    sync.Mutex
	slots []slot
	free  int
	below int // how far RLIMIT_NOFILE's soft limit lies below MaxFiles
}

// Install gives d the lowest unused descriptor number. flags are open flags: access mode, status flags
// and O_CLOEXEC. On an error (EMFILE) d is not released.
func Install(d Description, flags uint32) (fd int, err calls.Errno) {
	return install(newFile(d, flags), 0, flags&O_CLOEXEC != 0)
}

// InstallFile gives f, and the reference that the caller has, to the lowest unused number.
func InstallFile(f *File, cloexec bool) (fd int, err calls.Errno) {
	return install(f, 0, cloexec)
}

// NewFile returns a file for d with one reference, for those that need it before it has a number.
func NewFile(d Description, flags uint32) *File { return newFile(d, flags) }

// install puts f at the lowest unused number from min.
func install(f *File, min int, cloexec bool) (int, calls.Errno) {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	fd := max(min, fds.free)
	for fd < len(fds.slots) && fds.slots[fd].file != nil {
		fd++
	}
	if fd >= limit() {
		return -1, calls.EMFILE
	}
	if min <= fds.free {
		fds.free = fd + 1
	}
	reserve(fd)
	fds.slots[fd] = slot{file: f, cloexec: cloexec}
	return fd, 0
}

func limit() int { return MaxFiles - fds.below }

// reserve makes the table long enough for fd.
func reserve(fd int) {
	for len(fds.slots) <= fd {
		fds.slots = append(fds.slots, slot{})
	}
}

// SetLimit sets the number that all new descriptors must be below.
func SetLimit(n int) {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	fds.below = MaxFiles - n
}

// Limit returns what SetLimit set, at first MaxFiles.
func Limit() int {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	return limit()
}

// Get returns the file of a descriptor with a reference that the caller gives back with Put. EBADF if fd is not open.
func Get(fd int) (*File, calls.Errno) {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	if uint(fd) >= uint(len(fds.slots)) || fds.slots[fd].file == nil {
		return nil, calls.EBADF
	}
	f := fds.slots[fd].file
	f.refs.Add(1)
	return f, 0
}

// Close closes a descriptor.
func Close(fd int) calls.Errno {
	fds.mu.Lock()
	if uint(fd) >= uint(len(fds.slots)) || fds.slots[fd].file == nil {
		fds.mu.Unlock()
		return calls.EBADF
	}
	old := fds.slots[fd]
	fds.slots[fd] = slot{}
	fds.free = min(fds.free, fd)
	fds.mu.Unlock()
	return old.drop()
}

// drop gives back what a slot held after it was taken out of the table.
func (s *slot) drop() calls.Errno {
	if s.cancel != nil {
		s.cancel()
	}
	return s.file.Put()
}

// Dup gives the file of fd a second number, the lowest unused from min.
func Dup(fd, min int, cloexec bool) (int, calls.Errno) {
	if min < 0 || min >= Limit() {
		return -1, calls.EINVAL
	}
	f, err := Get(fd)
	if err != 0 {
		return -1, err
	}
	n, err := install(f, min, cloexec)
	if err != 0 {
		f.Put()
	}
	return n, err
}

// DupTo makes newfd refer to the file of fd, closing what it was before. fd and newfd must differ.
func DupTo(fd, newfd int, cloexec bool) calls.Errno {
	f, err := Get(fd)
	if err != 0 {
		return err
	}
	fds.mu.Lock()
	if newfd < 0 || newfd >= limit() {
		fds.mu.Unlock()
		f.Put()
		return calls.EBADF
	}
	reserve(newfd)
	old := fds.slots[newfd]
	fds.slots[newfd] = slot{file: f, cloexec: cloexec}
	fds.mu.Unlock()
	if old.file != nil {
		old.drop() // dup2(2): errors of the implied close are lost
	}
	return 0
}

// CloseOnExec returns the descriptor's flag.
func CloseOnExec(fd int) (bool, calls.Errno) {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	if uint(fd) >= uint(len(fds.slots)) || fds.slots[fd].file == nil {
		return false, calls.EBADF
	}
	return fds.slots[fd].cloexec, 0
}

// SetCloseOnExec sets the descriptor's flag. Nothing is ever executed here; programs read the flag back.
func SetCloseOnExec(fd int, on bool) calls.Errno {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	if uint(fd) >= uint(len(fds.slots)) || fds.slots[fd].file == nil {
		return calls.EBADF
	}
	fds.slots[fd].cloexec = on
	return 0
}

// Open returns the numbers that are in use, ascending.
func Open() []int {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	var list []int
	for fd := range fds.slots {
		if fds.slots[fd].file != nil {
			list = append(list, fd)
		}
	}
	return list
}
