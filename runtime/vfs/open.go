package vfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

const (
	tmpfileBit = fdtable.O_TMPFILE &^ fdtable.O_DIRECTORY

	// What O_PATH leaves of the flags. Source: Linux 6.16 fs/open.c (O_PATH_FLAGS).
	pathFlags = fdtable.O_DIRECTORY | fdtable.O_NOFOLLOW | fdtable.O_PATH | fdtable.O_CLOEXEC
)

// Located is a description that was opened by path.
type Located interface {
	Location() Location
}

// Flags returns those of the flags of open(2) that have an effect. EINVAL if they make no sense together, whatever the path.
func Flags(flags uint32) (uint32, calls.Errno) {
	switch {
	case flags&fdtable.O_PATH != 0:
		return flags & pathFlags, 0
	case flags&tmpfileBit != 0:
		if flags&(fdtable.O_TMPFILE|fdtable.O_CREAT) != fdtable.O_TMPFILE || flags&fdtable.O_ACCMODE == fdtable.O_RDONLY {
			return 0, calls.EINVAL
		}
	case flags&(fdtable.O_CREAT|fdtable.O_DIRECTORY) == fdtable.O_CREAT|fdtable.O_DIRECTORY:
		return 0, calls.EINVAL
	}
	return flags, 0
}

// Open opens the file at path, relative to the directory at, and makes it with the permissions mode,
// which may be Masked, if flags, a result of Flags, say so.
func Open(at Directory, path string, flags, mode uint32) (fdtable.Description, calls.Errno) {
	return open(at, path, flags, mode, 0)
}

func open(at Directory, path string, flags, mode uint32, resolve Resolve) (fdtable.Description, calls.Errno) {
	if flags&tmpfileBit != 0 {
		return openTmpFile(at, path, flags, mode, resolve)
	}
	for {
		loc, err := walkWith(at, path, openMode(flags), resolve)
		if err != 0 {
			return nil, err
		}
		d, err := openAt(loc, flags, mode)
		if err == errAgain {
			continue
		}
		return d, err
	}
}

// errAgain says that between looking a name up and making it somebody else made it.
const errAgain calls.Errno = 1 << 16

func openMode(flags uint32) WalkMode {
	var mode WalkMode
	if flags&fdtable.O_NOFOLLOW == 0 {
		mode = Follow
	}
	if flags&fdtable.O_CREAT != 0 {
		mode |= Missing
		if flags&fdtable.O_EXCL != 0 {
			mode &^= Follow
		}
	}
	return mode
}

func openAt(loc Location, flags, mode uint32) (fdtable.Description, calls.Errno) {
	if loc.Inode == nil {
		return create(loc, flags, mode)
	}
	_, isDir := loc.Inode.(Directory)
	if flags&fdtable.O_CREAT != 0 {
		if flags&fdtable.O_EXCL != 0 {
			return nil, calls.EEXIST
		}
		if isDir {
			return nil, calls.EISDIR
		}
	}
	if flags&fdtable.O_DIRECTORY != 0 && !isDir {
		return nil, calls.ENOTDIR
	}
	if flags&fdtable.O_PATH != 0 {
		return newPathFile(loc), 0
	}
	return openInode(loc, flags, true)
}

// create makes the regular file that loc names and opens it. The permissions of a new file do not
// restrict the open that makes it.
func create(loc Location, flags, mode uint32) (fdtable.Description, calls.Errno) {
	if err := mayCreate(loc.Dir); err != 0 {
		return nil, err
	}
	n, err := loc.Dir.Create(loc.Name, newNode(loc.Dir, S_IFREG|mode&^S_IFMT))
	if err == calls.EEXIST && flags&fdtable.O_EXCL == 0 {
		return nil, errAgain
	}
	if err != 0 {
		return nil, err
	}
	loc.Inode = n
	happenedIn(loc.Dir, loc.Name, n, InCreate)
	return openInode(loc, flags&^fdtable.O_TRUNC, false)
}

// maskShift is where in a mode is what the umask takes away from it.
const maskShift = 16

// Masked returns a mode for Open and Make, of which the umask takes away some permissions.
func Masked(mode, umask uint32) uint32 { return mode | umask<<maskShift }

// newNode returns what a new file in dir looks like: its group is the directory's if that has the set-group-ID bit. Whether it
// has that, too, depends on what was asked for before the umask. Source: Linux 6.16 fs/namei.c, vfs_prepare_mode.
func newNode(dir Directory, mode uint32) *New {
	mode, umask := mode&(S_IFMT|PermMask), mode>>maskShift
	c := CurrentCred()
	n := &New{Mode: mode &^ umask, UID: c.EUID, GID: c.EGID}
	var st fdtable.Stat
	if dir.Stat(&st) == 0 && st.Mode&S_ISGID != 0 {
		n.GID = st.GID
		switch {
		case mode&S_IFMT == S_IFDIR:
			n.Mode |= S_ISGID
		case mode&0o010 != 0 && c.EUID != 0 && !c.InGroup(n.GID):
			n.Mode &^= S_ISGID // nobody gets a group this way
		}
	}
	return n
}

// openInode opens the file of loc after it was found.
func openInode(loc Location, flags uint32, check bool) (fdtable.Description, calls.Errno) {
	if check {
		if err := openable(loc.Inode, openAccess(flags)); err != 0 {
			return nil, err
		}
	}
	inode := loc.Inode
	if o, ok := inode.(Opener); ok {
		var err calls.Errno
		if inode, err = o.Open(flags); err != 0 {
			return nil, err
		}
		if flags&fdtable.O_TRUNC != 0 {
			happened(&loc, InModify)
		}
		flags &^= fdtable.O_TRUNC
	}
	switch n := inode.(type) {
	case Directory:
		happened(&loc, InOpen)
		f := &dirFile{Base: Base{Loc: loc}, dir: n}
		f.enter()
		return f, 0
	case Special:
		return n.Open(loc, flags)
	case Regular:
		happened(&loc, InOpen)
		if flags&fdtable.O_TRUNC != 0 {
			if err := setAttr(&loc, &SetAttr{Set: AttrSize}); err != 0 {
				return nil, err
			}
		}
		return newRegFile(loc, n), 0
	}
	return openNode(loc, flags)
}

// openNode opens the files of all file systems that are only names: named pipes, sockets and devices.
var openNode = func(Location, uint32) (fdtable.Description, calls.Errno) { return nil, calls.ENXIO }

// SetOpenNode says what opens those. It is called before anything is opened; flags are open's.
func SetOpenNode(open func(loc Location, flags uint32) (fdtable.Description, calls.Errno)) {
	openNode = open
}

// openable checks whether a file that was found can be opened for want.
func openable(n Inode, want uint32) calls.Errno {
	if _, ok := n.(Symlink); ok {
		return calls.ELOOP
	}
	if _, ok := n.(Directory); ok && want&MayWrite != 0 {
		return calls.EISDIR
	}
	return permitted(n, want)
}

// Reopen opens the file of loc once more, for links that lead to open files.
func Reopen(loc Location, flags uint32) (fdtable.Description, calls.Errno) {
	return openInode(loc, flags, true)
}

func openAccess(flags uint32) uint32 {
	var want uint32
	switch flags & fdtable.O_ACCMODE {
	case fdtable.O_RDONLY:
		want = MayRead
	case fdtable.O_WRONLY:
		want = MayWrite
	default:
		want = MayRead | MayWrite
	}
	if flags&fdtable.O_TRUNC != 0 {
		want |= MayWrite
	}
	return want
}

// openTmpFile makes a file without a name in the file system of the directory at path.
func openTmpFile(at Directory, path string, flags, mode uint32, resolve Resolve) (fdtable.Description, calls.Errno) {
	loc, err := walkWith(at, path, openMode(flags), resolve)
	if err != 0 {
		return nil, err
	}
	dir, ok := loc.Inode.(Directory)
	if !ok {
		return nil, calls.ENOTDIR
	}
	if err := permitted(dir, MayWrite|MayExec); err != 0 {
		return nil, err
	}
	fs, ok := dir.FS().(TmpFiler)
	if !ok {
		return nil, calls.EOPNOTSUPP
	}
	file := newNode(dir, S_IFREG|mode&^S_IFMT)
	file.Nameless = flags&fdtable.O_EXCL != 0
	n, err := fs.TmpFile(file)
	if err != 0 {
		return nil, err
	}
	return newRegFile(Location{Dir: dir, Name: "#tmp", Inode: n}, n), 0
}
