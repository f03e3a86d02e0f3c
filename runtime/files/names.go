package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

func open(dirfd, p uintptr, flags, mode uint32) (uintptr, calls.Errno) {
	flags, err := vfs.Flags(flags)
	if err != 0 {
		return 0, err
	}
	t, err := pathArg(dirfd, p)
	if err != 0 {
		return 0, err
	}
	d, err := vfs.Open(t.at, t.path, flags, Masked(mode&vfs.PermMask))
	if err != 0 {
		return 0, err
	}
	return install(d, flags)
}

// openHow is struct open_how. Source: Linux 6.16 include/uapi/linux/openat2.h.
type openHow struct{ flags, mode, resolve uint64 }

const openHowLen = 24

// openat2 is open, with rules for the path, and without tolerance for what it does not know.
func openat2(dirfd, p, how, size uintptr) (uintptr, calls.Errno) {
	switch {
	case size < openHowLen:
		return 0, calls.EINVAL
	case size > pageSize:
		return 0, calls.E2BIG
	}
	b, err := calls.Bytes(how, size)
	if err != 0 {
		return 0, err
	}
	for _, more := range b[openHowLen:] {
		if more != 0 {
			return 0, calls.E2BIG // a newer system call
		}
	}
	h, err := calls.Pointer[openHow](how)
	if err != 0 {
		return 0, err
	}
	resolve := vfs.Resolve(h.resolve)
	flags, err := vfs.ExactFlags(h.flags, h.mode)
	if err != 0 || !resolve.Valid() {
		return 0, calls.EINVAL
	}
	t, err := pathArg(dirfd, p)
	if err == 0 && resolve&(vfs.ResolveBeneath|vfs.ResolveInRoot) != 0 {
		t.at, err = dirArg(dirfd, ".") // also of an absolute path
	}
	if err != 0 {
		return 0, err
	}
	d, err := vfs.OpenWithin(t.at, t.path, flags, Masked(uint32(h.mode)), resolve)
	if err != 0 {
		return 0, err
	}
	return install(d, flags)
}

// install gives a new description a descriptor, or releases it if there is none.
func install(d fdtable.Description, flags uint32) (uintptr, calls.Errno) {
	fd, err := fdtable.Install(d, flags)
	if err != 0 {
		d.Release()
		return 0, err
	}
	return uintptr(fd), 0
}

func mkdir(dirfd, p, mode uintptr) (uintptr, calls.Errno) {
	t, err := pathArg(dirfd, p)
	if err != 0 {
		return 0, err
	}
	perm := uint32(mode) & (0o777 | vfs.S_ISVTX)
	return status(vfs.Make(t.at, t.path, Masked(vfs.S_IFDIR|perm), 0, ""))
}

func mknod(dirfd, p, mode, dev uintptr) (uintptr, calls.Errno) {
	m := uint32(mode) & (vfs.S_IFMT | vfs.PermMask)
	switch m & vfs.S_IFMT {
	case 0:
		m |= vfs.S_IFREG
	case vfs.S_IFDIR:
		return 0, calls.EPERM
	case vfs.S_IFREG, vfs.S_IFIFO, vfs.S_IFSOCK, vfs.S_IFCHR, vfs.S_IFBLK:
	default:
		return 0, calls.EINVAL
	}
	t, err := pathArg(dirfd, p)
	if err != 0 {
		return 0, err
	}
	return status(vfs.Make(t.at, t.path, Masked(m), uint64(dev), ""))
}

func unlink(dirfd, p uintptr, flags uint32) (uintptr, calls.Errno) {
	if flags&^atRemoveDir != 0 {
		return 0, calls.EINVAL
	}
	t, err := pathArg(dirfd, p)
	if err != 0 {
		return 0, err
	}
	if flags&atRemoveDir != 0 {
		return status(vfs.Rmdir(t.at, t.path))
	}
	return status(vfs.Unlink(t.at, t.path))
}

func rename(oldfd, oldp, newfd, newp uintptr, flags uint32) (uintptr, calls.Errno) {
	if flags&^(vfs.RenameNoReplace|vfs.RenameExchange) != 0 || flags == vfs.RenameNoReplace|vfs.RenameExchange {
		return 0, calls.EINVAL
	}
	var at [2]vfs.Location
	for i, arg := range [][2]uintptr{{oldfd, oldp}, {newfd, newp}} {
		t, err := pathArg(arg[0], arg[1])
		if err == 0 {
			at[i], err = vfs.Walk(t.at, t.path, vfs.Parent)
		}
		if err != 0 {
			return 0, err
		}
	}
	return status(vfs.Rename(at[0], at[1], flags))
}

func link(oldfd, oldp, newfd, newp uintptr, flags uint32) (uintptr, calls.Errno) {
	if flags&^(atSymlinkFollow|atEmptyPath) != 0 {
		return 0, calls.EINVAL
	}
	findFlags := flags & atEmptyPath
	if flags&atSymlinkFollow == 0 {
		findFlags |= atSymlinkNoFollow
	}
	from, err := find(oldfd, oldp, findFlags)
	if err != 0 {
		return 0, err
	}
	to, err := pathArg(newfd, newp)
	if err != 0 {
		return 0, err
	}
	return status(vfs.Link(from.Inode, to.at, to.path))
}

func symlink(targetp, dirfd, p uintptr) (uintptr, calls.Errno) {
	target, err := calls.Path(targetp)
	if err != 0 {
		return 0, err
	}
	if target == "" {
		return 0, calls.ENOENT
	}
	t, err := pathArg(dirfd, p)
	if err != 0 {
		return 0, err
	}
	return status(vfs.Make(t.at, t.path, vfs.S_IFLNK|0o777, 0, target))
}

func readlink(dirfd, p, buf, size uintptr) (uintptr, calls.Errno) {
	if int32(size) <= 0 {
		return 0, calls.EINVAL
	}
	loc, err := find(dirfd, p, atSymlinkNoFollow|atEmptyPath)
	if err == calls.ENOTDIR && emptyPath(p) {
		err = calls.ENOENT
	}
	if err != 0 {
		return 0, err
	}
	l, ok := loc.Inode.(vfs.Symlink)
	if !ok {
		if emptyPath(p) {
			return 0, calls.ENOENT
		}
		return 0, calls.EINVAL
	}
	target, err := l.Readlink()
	if err != 0 {
		return 0, err
	}
	b, err := calls.Bytes(buf, size)
	if err != 0 {
		return 0, err
	}
	return uintptr(copy(b, target)), 0
}

func getcwd(a calls.Args) (uintptr, calls.Errno) {
	path, ok := vfs.PathOf(workingDir())
	if !ok {
		return 0, calls.ENOENT
	}
	if a.A2 < uintptr(len(path)+1) {
		return 0, calls.ERANGE
	}
	b, err := calls.Bytes(a.A1, uintptr(len(path)+1))
	if err != 0 {
		return 0, err
	}
	copy(b, path)
	b[len(path)] = 0
	return uintptr(len(b)), 0
}

func chdir(a calls.Args) (uintptr, calls.Errno) {
	loc, err := find(cwdFD, a.A1, 0)
	if err != 0 {
		return 0, err
	}
	return status(setCwd(loc))
}

func fchdir(a calls.Args) (uintptr, calls.Errno) {
	loc, err := locationOf(a.A1)
	if err != 0 {
		return 0, err
	}
	return status(setCwd(loc))
}

func setCwd(loc vfs.Location) calls.Errno {
	dir, ok := loc.Inode.(vfs.Directory)
	if !ok {
		return calls.ENOTDIR
	}
	if err := mayEnter(dir); err != 0 {
		return err
	}
	cwd.Store(&dir)
	return 0
}

// mayEnter checks whether the program may search dir.
func mayEnter(dir vfs.Directory) calls.Errno {
	var st fdtable.Stat
	if err := dir.Stat(&st); err != 0 {
		return err
	}
	return vfs.CurrentCred().Access(&st, vfs.MayExec)
}
