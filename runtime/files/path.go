package files

import (
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

type fdFile = fdtable.File

// Directory descriptors and flags of the *at calls. Source: Linux 6.16 include/uapi/linux/fcntl.h.
const (
	atFDCWD           = -100
	atSymlinkNoFollow = 0x100
	atRemoveDir       = 0x200
	atEaccess         = 0x200
	atSymlinkFollow   = 0x400
	atNoAutomount     = 0x800
	atEmptyPath       = 0x1000
	atStatxSync       = 0x6000
)

// cwd is the working directory. umask is what new files may not permit.
var (
	cwd   atomic.Pointer[vfs.Directory]
	umask atomic.Uint32
)

func workingDir() vfs.Directory { return *cwd.Load() }

func getFile(fd uintptr) (*fdFile, calls.Errno) { return fdtable.Get(int(int32(fd))) }

// A target is a path argument with the directory that it is relative to.
type target struct {
	at   vfs.Directory
	path string
}

// pathArg reads the path at p, relative to the directory descriptor dirfd.
func pathArg(dirfd, p uintptr) (target, calls.Errno) {
	path, err := calls.Path(p)
	if err == 0 && path == "" {
		err = calls.ENOENT
	}
	if err != 0 {
		return target{}, err
	}
	at, err := dirArg(dirfd, path)
	return target{at, path}, err
}

// dirArg returns the directory that path is relative to. The descriptor does not matter for absolute paths.
func dirArg(dirfd uintptr, path string) (vfs.Directory, calls.Errno) {
	if path != "" && path[0] == '/' {
		return vfs.Root(), 0
	}
	if int32(dirfd) == atFDCWD {
		return workingDir(), 0
	}
	loc, err := locationOf(dirfd)
	if err != 0 {
		return nil, err
	}
	dir, ok := loc.Inode.(vfs.Directory)
	if !ok && path != "" {
		return nil, calls.ENOTDIR
	}
	return dir, 0
}

// locationOf returns where the file of a descriptor is in the tree. ENOTDIR if it has no place there.
func locationOf(fd uintptr) (vfs.Location, calls.Errno) {
	f, err := getFile(fd)
	if err != 0 {
		return vfs.Location{}, err
	}
	defer f.Put()
	if l, ok := f.Desc.(vfs.Located); ok {
		return l.Location(), 0
	}
	return vfs.Location{}, calls.ENOTDIR
}

// find returns the file that the path arguments name. With atEmptyPath in flags and an empty path that is what
// the descriptor refers to.
func find(dirfd, p uintptr, flags uint32) (vfs.Location, calls.Errno) {
	if flags&atEmptyPath != 0 && (p == 0 || emptyPath(p)) {
		if int32(dirfd) == atFDCWD {
			return vfs.Location{Inode: workingDir()}, 0
		}
		return locationOf(dirfd)
	}
	t, err := pathArg(dirfd, p)
	if err != 0 {
		return vfs.Location{}, err
	}
	mode := vfs.Follow
	if flags&atSymlinkNoFollow != 0 {
		mode = 0
	}
	return vfs.Walk(t.at, t.path, mode)
}

// emptyPath reports whether the string at p is empty.
func emptyPath(p uintptr) bool {
	b, err := calls.Bytes(p, 1)
	return err == 0 && b[0] == 0
}

// cwdFD is AT_FDCWD as an argument.
const cwdFD = ^uintptr(-atFDCWD - 1)

var pathCalls = []call{
	{calls.SYS_OPENAT, func(a calls.Args) (uintptr, calls.Errno) { return open(a.A1, a.A2, uint32(a.A3), uint32(a.A4)) }},
	{calls.SYS_OPENAT2, func(a calls.Args) (uintptr, calls.Errno) { return openat2(a.A1, a.A2, a.A3, a.A4) }},
	{calls.SYS_OPEN, func(a calls.Args) (uintptr, calls.Errno) { return open(cwdFD, a.A1, uint32(a.A2), uint32(a.A3)) }},
	{calls.SYS_CREAT, func(a calls.Args) (uintptr, calls.Errno) {
		return open(cwdFD, a.A1, fdtable.O_CREAT|fdtable.O_WRONLY|fdtable.O_TRUNC, uint32(a.A2))
	}},
	{calls.SYS_MKDIRAT, func(a calls.Args) (uintptr, calls.Errno) { return mkdir(a.A1, a.A2, a.A3) }},
	{calls.SYS_MKDIR, func(a calls.Args) (uintptr, calls.Errno) { return mkdir(cwdFD, a.A1, a.A2) }},
	{calls.SYS_MKNODAT, func(a calls.Args) (uintptr, calls.Errno) { return mknod(a.A1, a.A2, a.A3, a.A4) }},
	{calls.SYS_MKNOD, func(a calls.Args) (uintptr, calls.Errno) { return mknod(cwdFD, a.A1, a.A2, a.A3) }},
	{calls.SYS_UNLINKAT, func(a calls.Args) (uintptr, calls.Errno) { return unlink(a.A1, a.A2, uint32(a.A3)) }},
	{calls.SYS_UNLINK, func(a calls.Args) (uintptr, calls.Errno) { return unlink(cwdFD, a.A1, 0) }},
	{calls.SYS_RMDIR, func(a calls.Args) (uintptr, calls.Errno) { return unlink(cwdFD, a.A1, atRemoveDir) }},
	{calls.SYS_RENAMEAT2, func(a calls.Args) (uintptr, calls.Errno) { return rename(a.A1, a.A2, a.A3, a.A4, uint32(a.A5)) }},
	{calls.SYS_RENAMEAT, func(a calls.Args) (uintptr, calls.Errno) { return rename(a.A1, a.A2, a.A3, a.A4, 0) }},
	{calls.SYS_RENAME, func(a calls.Args) (uintptr, calls.Errno) { return rename(cwdFD, a.A1, cwdFD, a.A2, 0) }},
	{calls.SYS_LINKAT, func(a calls.Args) (uintptr, calls.Errno) { return link(a.A1, a.A2, a.A3, a.A4, uint32(a.A5)) }},
	{calls.SYS_LINK, func(a calls.Args) (uintptr, calls.Errno) { return link(cwdFD, a.A1, cwdFD, a.A2, 0) }},
	{calls.SYS_SYMLINKAT, func(a calls.Args) (uintptr, calls.Errno) { return symlink(a.A1, a.A2, a.A3) }},
	{calls.SYS_SYMLINK, func(a calls.Args) (uintptr, calls.Errno) { return symlink(a.A1, cwdFD, a.A2) }},
	{calls.SYS_READLINKAT, func(a calls.Args) (uintptr, calls.Errno) { return readlink(a.A1, a.A2, a.A3, a.A4) }},
	{calls.SYS_READLINK, func(a calls.Args) (uintptr, calls.Errno) { return readlink(cwdFD, a.A1, a.A2, a.A3) }},
	{calls.SYS_GETCWD, getcwd},
	{calls.SYS_CHDIR, chdir},
	{calls.SYS_FCHDIR, fchdir},
	{calls.SYS_UMASK, func(a calls.Args) (uintptr, calls.Errno) { return uintptr(umask.Swap(uint32(a.A1) & 0o777)), 0 }},
	{calls.SYS_CHROOT, func(calls.Args) (uintptr, calls.Errno) { return 0, calls.EPERM }},
}

// WorkingDir returns the working directory, for services whose calls make files, too.
func WorkingDir() vfs.Directory { return workingDir() }

// Masked returns the mode of a new file with what the umask takes away, for the same services.
func Masked(mode uint32) uint32 { return vfs.Masked(mode, umask.Load()) }
