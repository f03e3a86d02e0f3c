package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

var statCalls = []call{
	{calls.SYS_FSTAT, fstat},
	{calls.SYS_NEWFSTATAT, func(a calls.Args) (uintptr, calls.Errno) { return stat(a.A1, a.A2, a.A3, uint32(a.A4)) }},
	{calls.SYS_STAT, func(a calls.Args) (uintptr, calls.Errno) { return stat(cwdFD, a.A1, a.A2, 0) }},
	{calls.SYS_LSTAT, func(a calls.Args) (uintptr, calls.Errno) { return stat(cwdFD, a.A1, a.A2, atSymlinkNoFollow) }},
	{calls.SYS_STATX, statx},
	{calls.SYS_STATFS, statfs},
	{calls.SYS_FSTATFS, fstatfs},
	{calls.SYS_ACCESS, func(a calls.Args) (uintptr, calls.Errno) { return access(cwdFD, a.A1, uint32(a.A2), 0) }},
	{calls.SYS_FACCESSAT, func(a calls.Args) (uintptr, calls.Errno) { return access(a.A1, a.A2, uint32(a.A3), 0) }},
	{calls.SYS_FACCESSAT2, func(a calls.Args) (uintptr, calls.Errno) { return access(a.A1, a.A2, uint32(a.A3), uint32(a.A4)) }},
	{calls.SYS_CHMOD, func(a calls.Args) (uintptr, calls.Errno) { return chmod(cwdFD, a.A1, uint32(a.A2), 0) }},
	{calls.SYS_FCHMODAT, func(a calls.Args) (uintptr, calls.Errno) { return chmod(a.A1, a.A2, uint32(a.A3), 0) }},
	{calls.SYS_FCHMODAT2, func(a calls.Args) (uintptr, calls.Errno) { return chmod(a.A1, a.A2, uint32(a.A3), uint32(a.A4)) }},
	{calls.SYS_FCHMOD, fchmod},
	{calls.SYS_CHOWN, func(a calls.Args) (uintptr, calls.Errno) { return chown(cwdFD, a.A1, a.A2, a.A3, 0) }},
	{calls.SYS_LCHOWN, func(a calls.Args) (uintptr, calls.Errno) { return chown(cwdFD, a.A1, a.A2, a.A3, atSymlinkNoFollow) }},
	{calls.SYS_FCHOWNAT, func(a calls.Args) (uintptr, calls.Errno) { return chown(a.A1, a.A2, a.A3, a.A4, uint32(a.A5)) }},
	{calls.SYS_FCHOWN, fchown},
}

// statOf returns the status of an open file.
func statOf(d fdtable.Description, st *fdtable.Stat) calls.Errno {
	if s, ok := d.(fdtable.Stater); ok {
		return s.Stat(st)
	}
	anonStat(st)
	return 0
}

func fstat(a calls.Args) (uintptr, calls.Errno) {
	return withAnyFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		st, err := calls.Pointer[fdtable.Stat](a.A2)
		if err != 0 {
			return 0, err
		}
		return status(statOf(f.Desc, st))
	})
}

func stat(dirfd, p, buf uintptr, flags uint32) (uintptr, calls.Errno) {
	if flags&^(atSymlinkNoFollow|atNoAutomount|atEmptyPath) != 0 {
		return 0, calls.EINVAL
	}
	st, err := calls.Pointer[fdtable.Stat](buf)
	if err != 0 {
		return 0, err
	}
	return status(statPath(dirfd, p, flags, st))
}

// statPath returns the status of a path, or of any open file with atEmptyPath.
func statPath(dirfd, p uintptr, flags uint32, st *fdtable.Stat) calls.Errno {
	if flags&atEmptyPath != 0 && int32(dirfd) != atFDCWD && (p == 0 || emptyPath(p)) {
		f, err := getFile(dirfd)
		if err != 0 {
			return err
		}
		defer f.Put()
		return statOf(f.Desc, st)
	}
	loc, err := find(dirfd, p, flags)
	if err != 0 {
		return err
	}
	return loc.Inode.Stat(st)
}

// statxTime and statxBuf are struct statx of Linux. Source: Linux 6.16 include/uapi/linux/stat.h.
type statxTime struct {
	Sec  int64
	Nsec uint32
	_    int32
}

type statxBuf struct {
	Mask           uint32
	Blksize        uint32
	Attributes     uint64
	Nlink          uint32
	UID, GID       uint32
	Mode           uint16
	_              uint16
	Ino            uint64
	Size           uint64
	Blocks         uint64
	AttributesMask uint64
	Atime, Btime   statxTime
	Ctime, Mtime   statxTime
	RdevMajor      uint32
	RdevMinor      uint32
	DevMajor       uint32
	DevMinor       uint32
	_              [14]uint64
}

// statxBasic says that all that stat(2) has is valid: STATX_BASIC_STATS.
const statxBasic = 0x7ff

func statx(a calls.Args) (uintptr, calls.Errno) {
	flags := uint32(a.A3)
	if flags&^(atSymlinkNoFollow|atNoAutomount|atEmptyPath|atStatxSync) != 0 || flags&atStatxSync == atStatxSync {
		return 0, calls.EINVAL
	}
	buf, err := calls.Pointer[statxBuf](a.A5)
	if err != 0 {
		return 0, err
	}
	var st fdtable.Stat
	if err := statPath(a.A1, a.A2, flags, &st); err != 0 {
		return 0, err
	}
	xtime := func(t fdtable.Timespec) statxTime { return statxTime{Sec: t.Sec, Nsec: uint32(t.Nsec)} }
	*buf = statxBuf{
		Mask: statxBasic, Blksize: uint32(st.Blksize), Nlink: uint32(st.Nlink), UID: st.UID, GID: st.GID,
		Mode: uint16(st.Mode), Ino: st.Ino, Size: uint64(st.Size), Blocks: uint64(st.Blocks),
		Atime: xtime(st.Atime), Mtime: xtime(st.Mtime), Ctime: xtime(st.Ctime),
		RdevMajor: major(st.Rdev), RdevMinor: minor(st.Rdev), DevMajor: major(st.Dev), DevMinor: minor(st.Dev),
	}
	return 0, 0
}

// major and minor take a device number apart. Source: glibc 2.36 bits/sysmacros.h.
func major(dev uint64) uint32 { return uint32(dev>>8&0xfff | dev>>32&0xfffff000) }
func minor(dev uint64) uint32 { return uint32(dev&0xff | dev>>12&0xffffff00) }

func statfs(a calls.Args) (uintptr, calls.Errno) {
	loc, err := find(cwdFD, a.A1, 0)
	if err != 0 {
		return 0, err
	}
	return statfsOf(loc, a.A2)
}

func fstatfs(a calls.Args) (uintptr, calls.Errno) {
	loc, err := locationOf(a.A1)
	if err == calls.ENOTDIR {
		loc, err = vfs.Location{Inode: vfs.Root()}, 0
	}
	if err != 0 {
		return 0, err
	}
	return statfsOf(loc, a.A2)
}

func statfsOf(loc vfs.Location, p uintptr) (uintptr, calls.Errno) {
	st, err := calls.Pointer[vfs.Statfs](p)
	if err != 0 {
		return 0, err
	}
	fs := fileSystem(loc)
	if err := fs.Statfs(st); err != 0 {
		return 0, err
	}
	if st.Flags = 0; vfs.ReadOnly(fs) {
		st.Flags = vfs.ST_RDONLY
	}
	return 0, 0
}

func access(dirfd, p uintptr, mode, flags uint32) (uintptr, calls.Errno) {
	if mode&^7 != 0 || flags&^(atEaccess|atSymlinkNoFollow|atEmptyPath) != 0 {
		return 0, calls.EINVAL
	}
	var st fdtable.Stat
	if err := statPath(dirfd, p, flags&^atEaccess, &st); err != 0 {
		return 0, err
	}
	c := *vfs.CurrentCred()
	if flags&atEaccess == 0 {
		c.EUID, c.EGID = c.UID, c.GID
	}
	return status(c.Access(&st, mode))
}

func chmod(dirfd, p uintptr, mode, flags uint32) (uintptr, calls.Errno) {
	if flags&^(atSymlinkNoFollow|atEmptyPath) != 0 {
		return 0, calls.EINVAL
	}
	loc, err := find(dirfd, p, flags)
	if err != 0 {
		return 0, err
	}
	if _, ok := loc.Inode.(vfs.Symlink); ok {
		return 0, calls.EOPNOTSUPP
	}
	return status(vfs.Chmod(loc, mode))
}

func fchmod(a calls.Args) (uintptr, calls.Errno) {
	return withLocation(a.A1, func(loc vfs.Location) calls.Errno { return vfs.Chmod(loc, uint32(a.A2)) })
}

func chown(dirfd, p, uid, gid uintptr, flags uint32) (uintptr, calls.Errno) {
	if flags&^(atSymlinkNoFollow|atEmptyPath) != 0 {
		return 0, calls.EINVAL
	}
	loc, err := find(dirfd, p, flags)
	if err != 0 {
		return 0, err
	}
	return status(vfs.Chown(loc, uint32(uid), uint32(gid)))
}

func fchown(a calls.Args) (uintptr, calls.Errno) {
	return withLocation(a.A1, func(loc vfs.Location) calls.Errno { return vfs.Chown(loc, uint32(a.A2), uint32(a.A3)) })
}

// withLocation calls f with the file of the tree that a descriptor is open on. What is of no tree has no attributes that could
// change; Linux lets them be set all the same.
func withLocation(fd uintptr, f func(vfs.Location) calls.Errno) (uintptr, calls.Errno) {
	return withFile(fd, func(file *fdFile) (uintptr, calls.Errno) {
		l, ok := file.Desc.(vfs.Located)
		if !ok {
			return 0, calls.EPERM
		}
		return status(f(l.Location()))
	})
}
