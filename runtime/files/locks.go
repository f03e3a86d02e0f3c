package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// Operations of flock(2). Source: Linux 6.16 include/uapi/asm-generic/fcntl.h.
const (
	lockSH = 1
	lockEX = 2
	lockNB = 4
	lockUN = 8
)

// Types of fcntl's locks.
const (
	fRDLCK = 0
	fWRLCK = 1
	fUNLCK = 2
)

// flockRec is struct flock of Linux on amd64.
type flockRec struct {
	Type   int16
	Whence int16
	_      int32
	Start  int64
	Len    int64
	PID    int32
	_      int32
}

// A held lock is of a file description, for a range of bytes. flock's locks and fcntl's are apart, as on Linux.
type held struct {
	owner      *fdFile
	exclusive  bool
	start, end int64 // end is exclusive
}

// A lockSet holds the locks of one kind on all files.
type lockSet struct {
	mu    sync.Mutex
	files map[lockKey][]held
	freed sync.Cond
	owned map[*fdFile]bool // whose locks go when they are closed

	// whole locks, of flock, are given up before another one is asked for: flock(2), NOTES.
	whole bool
}

var (
	wholeLocks = lockSet{whole: true} // flock
	rangeLocks lockSet                // fcntl, of file descriptions
)

// maxOffset is where ranges that go to the end of the file end.
const maxOffset = 1<<63 - 1

// conflict returns a lock of somebody else's that keeps owner from having want. The caller holds s.mu.
func (s *lockSet) conflict(n lockKey, want held) *held {
	list := s.files[n]
	for i := range list {
		h := &list[i]
		if h.owner != want.owner && h.start < want.end && want.start < h.end && (h.exclusive || want.exclusive) {
			return h
		}
	}
	return nil
}

// has reports whether want is held already. The caller holds s.mu.
func (s *lockSet) has(n lockKey, want held) bool {
	for _, h := range s.files[n] {
		if h == want {
			return true
		}
	}
	return false
}

// set gives want to its owner, waiting for others if wait is set; else EAGAIN.
func (s *lockSet) set(n lockKey, want held, wait bool) calls.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.freed.L == nil {
		s.freed.L = &s.mu
	}
	if s.whole && !s.has(n, want) {
		s.cut(n, want)
		s.freed.Broadcast()
	}
	for s.conflict(n, want) != nil {
		if !wait {
			return calls.EAGAIN
		}
		s.freed.Wait()
	}
	s.cut(n, want)
	if s.files == nil {
		s.files = make(map[lockKey][]held)
		s.owned = make(map[*fdFile]bool)
	}
	s.files[n] = append(s.files[n], want)
	if !s.owned[want.owner] {
		s.owned[want.owner] = true
		want.owner.OnClose(func() { s.drop(n, want.owner) })
	}
	s.freed.Broadcast() // an exclusive lock may have become a shared one
	return 0
}

// unset takes a range away from its owner.
func (s *lockSet) unset(n lockKey, h held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.freed.L == nil {
		s.freed.L = &s.mu
	}
	s.cut(n, h)
	s.freed.Broadcast()
}

// drop takes everything away from a file description that is being closed.
func (s *lockSet) drop(n lockKey, owner *fdFile) {
	s.unset(n, held{owner: owner, end: maxOffset})
	s.mu.Lock()
	delete(s.owned, owner)
	s.mu.Unlock()
}

// cut removes a range from the locks of its owner. The caller holds s.mu.
func (s *lockSet) cut(n lockKey, c held) {
	var rest []held
	for _, h := range s.files[n] {
		if h.owner != c.owner || h.end <= c.start || c.end <= h.start {
			rest = append(rest, h)
			continue
		}
		if h.start < c.start {
			rest = append(rest, held{h.owner, h.exclusive, h.start, c.start})
		}
		if c.end < h.end {
			rest = append(rest, held{h.owner, h.exclusive, c.end, h.end})
		}
	}
	if rest == nil {
		delete(s.files, n)
		return
	}
	s.files[n] = rest
}

// inodeOf returns the file behind a description, nil if it is not of the tree.
func inodeOf(f *fdFile) vfs.Inode {
	if l, ok := f.Desc.(vfs.Located); ok {
		return l.Location().Inode
	}
	return nil
}

// A lockKey tells the files apart that are locked.
type lockKey any

// keyOf returns the inode of the tree, or what stands for one. All that have none are one file, as on Linux.
func keyOf(f *fdFile) lockKey {
	if n := inodeOf(f); n != nil {
		return n
	}
	if p, ok := f.Desc.(*pipeEnd); ok {
		return p.ring
	}
	return nil
}

func flock(a calls.Args) (uintptr, calls.Errno) {
	op := a.A2 &^ lockNB
	if op != lockSH && op != lockEX && op != lockUN {
		return 0, calls.EINVAL
	}
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		h := held{owner: f, exclusive: op == lockEX, end: maxOffset}
		if op == lockUN {
			wholeLocks.unset(keyOf(f), h)
			return 0, 0
		}
		return status(wholeLocks.set(keyOf(f), h, a.A2&lockNB == 0))
	})
}

// lockArg reads the struct flock at p as a range of f.
func lockArg(f *fdFile, p uintptr) (*flockRec, held, calls.Errno) {
	rec, err := calls.Pointer[flockRec](p)
	if err != 0 {
		return nil, held{}, err
	}
	h := held{owner: f, exclusive: rec.Type == fWRLCK, start: rec.Start}
	switch rec.Whence {
	case 0:
	case 1:
		if s, ok := f.Desc.(fdtable.Seeker); ok {
			pos, err := s.Lseek(0, 1)
			if err != 0 {
				return nil, h, err
			}
			h.start += pos
		}
	case 2:
		var st fdtable.Stat
		if n := inodeOf(f); n != nil {
			if err := n.Stat(&st); err != 0 {
				return nil, h, err
			}
		}
		h.start += st.Size
	default:
		return nil, h, calls.EINVAL
	}
	h.end = h.start + rec.Len
	switch {
	case rec.Len == 0:
		h.end = maxOffset
	case rec.Len < 0:
		h.start, h.end = h.end, h.start
	case h.end < h.start:
		return nil, h, calls.EOVERFLOW
	}
	if h.start < 0 {
		return nil, h, calls.EINVAL
	}
	return rec, h, 0
}

// lockAllowed checks the type of a lock against how the file was opened.
func lockAllowed(f *fdFile, rec *flockRec) calls.Errno {
	switch {
	case rec.Type < fRDLCK || rec.Type > fUNLCK:
		return calls.EINVAL
	case rec.Type == fRDLCK && !f.Readable(), rec.Type == fWRLCK && !f.Writable():
		return calls.EBADF
	}
	return 0
}

// processLock handles the locks of processes. As there is one process, nobody is ever in its way.
func processLock(f *fdFile, command int, p uintptr) (uintptr, calls.Errno) {
	rec, _, err := lockArg(f, p)
	switch {
	case err != 0:
		return 0, err
	case command != fGETLK:
		return status(lockAllowed(f, rec))
	case rec.Type != fRDLCK && rec.Type != fWRLCK:
		return 0, calls.EINVAL
	}
	rec.Type = fUNLCK
	return 0, 0
}

// fileLock handles the locks of file descriptions.
func fileLock(f *fdFile, command int, p uintptr) (uintptr, calls.Errno) {
	rec, h, err := lockArg(f, p)
	switch {
	case err != 0:
		return 0, err
	case rec.PID != 0:
		return 0, calls.EINVAL
	case command == fOFDGETLK:
		return rangeLocks.report(keyOf(f), h, rec)
	}
	if err := lockAllowed(f, rec); err != 0 {
		return 0, err
	}
	if rec.Type == fUNLCK {
		rangeLocks.unset(keyOf(f), h)
		return 0, 0
	}
	return status(rangeLocks.set(keyOf(f), h, command == fOFDSETLKW))
}

// report says in rec who is in the way of h.
func (s *lockSet) report(n lockKey, h held, rec *flockRec) (uintptr, calls.Errno) {
	if rec.Type != fRDLCK && rec.Type != fWRLCK {
		return 0, calls.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	other := s.conflict(n, h)
	if other == nil {
		rec.Type = fUNLCK
		return 0, 0
	}
	*rec = flockRec{Type: fRDLCK, Start: other.start, Len: other.end - other.start, PID: -1}
	if other.exclusive {
		rec.Type = fWRLCK
	}
	if other.end == maxOffset {
		rec.Len = 0
	}
	return 0, 0
}
