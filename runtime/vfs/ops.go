package vfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// Flags of renameat2. Source: Linux 6.16 include/uapi/linux/fs.h.
const (
	RenameNoReplace = 1
	RenameExchange  = 2
)

// Make makes the file at path: a directory, symbolic link, device, named pipe or regular file. mode may be Masked.
func Make(at Directory, path string, mode uint32, rdev uint64, target string) calls.Errno {
	loc, err := walkParent(at, path)
	if err != 0 {
		return err
	}
	if loc.Last != LastName || loc.Inode != nil {
		return calls.EEXIST
	}
	if loc.Slash && mode&S_IFMT != S_IFDIR {
		return calls.ENOENT
	}
	if err := mayCreate(loc.Dir); err != 0 {
		return err
	}
	n := newNode(loc.Dir, mode)
	n.Rdev, n.Target = rdev, target
	made, err := loc.Dir.Create(loc.Name, n)
	if err == 0 {
		happenedIn(loc.Dir, loc.Name, made, InCreate)
	}
	return err
}

// Unlink removes the file at path, which must not be a directory.
func Unlink(at Directory, path string) calls.Errno {
	loc, err := walkParent(at, path)
	if err != 0 {
		return err
	}
	if loc.Last != LastName {
		return calls.EISDIR
	}
	if loc.Inode == nil {
		return calls.ENOENT
	}
	_, isDir := loc.Inode.(Directory)
	if loc.Slash {
		if isDir {
			return calls.EISDIR
		}
		return calls.ENOTDIR
	}
	if err := mayDelete(loc.Dir, loc.Inode); err != 0 {
		return err
	}
	if isDir {
		return calls.EISDIR
	}
	return remove(&loc, false)
}

// Rmdir removes the empty directory at path.
func Rmdir(at Directory, path string) calls.Errno {
	loc, err := walkParent(at, path)
	if err != 0 {
		return err
	}
	switch loc.Last {
	case LastDot:
		return calls.EINVAL
	case LastDotDot:
		return calls.ENOTEMPTY
	case LastRoot:
		return calls.EBUSY
	}
	if loc.Inode == nil {
		return calls.ENOENT
	}
	if err := mayDelete(loc.Dir, loc.Inode); err != 0 {
		return err
	}
	dir, isDir := loc.Inode.(Directory)
	if !isDir {
		return calls.ENOTDIR
	}
	if mountOf(dir) != nil {
		return calls.EBUSY
	}
	return remove(&loc, true)
}

// remove removes what loc names and tells of it.
func remove(loc *Location, dir bool) calls.Errno {
	err := loc.Dir.Remove(loc.Name, dir)
	if err == 0 && watched() {
		if !dir {
			happenedTo(loc.Inode, InAttrib) // the number of names
		}
		lostName(loc.Inode)
		happenedIn(loc.Dir, loc.Name, loc.Inode, InDelete)
	}
	return err
}

// Link makes the file n, which must not be a directory, known as path, too.
func Link(n Inode, at Directory, path string) calls.Errno {
	loc, err := walkParent(at, path)
	if err != 0 {
		return err
	}
	if loc.Last != LastName || loc.Inode != nil {
		return calls.EEXIST
	}
	if loc.Slash {
		return calls.ENOENT
	}
	if err := mayCreate(loc.Dir); err != 0 {
		return err
	}
	if _, isDir := n.(Directory); isDir {
		return calls.EPERM
	}
	err = loc.Dir.Link(loc.Name, n)
	if err == 0 {
		happenedTo(n, InAttrib)
		happenedIn(loc.Dir, loc.Name, n, InCreate)
	}
	return err
}

// Rename moves a file; from and to are results of Walk with Parent. Of the flags there may be one.
func Rename(from, to Location, flags uint32) calls.Errno {
	if from.Last != LastName {
		return calls.EBUSY
	}
	if to.Last != LastName {
		if flags&RenameNoReplace != 0 {
			return calls.EEXIST
		}
		return calls.EBUSY
	}
	if err := renameable(&from, &to, flags); err != 0 {
		return err
	}
	err := from.Dir.Rename(from.Name, to.Dir, to.Name, flags)
	if err != 0 || from.Inode == to.Inode {
		return err
	}
	follow(&from, &to, flags&RenameExchange != 0)
	if watched() {
		renamed(&from, &to, flags)
	}
	return 0
}

// renamed tells of a move.
func renamed(from, to *Location, flags uint32) {
	moved(from, to, from.Inode)
	if flags&RenameExchange != 0 {
		happenedTo(from.Inode, InMoveSelf)
		moved(to, from, to.Inode)
		happenedTo(to.Inode, InMoveSelf)
		return
	}
	if to.Inode != nil {
		happenedTo(to.Inode, InAttrib|dirBit(to.Inode))
	}
	happenedTo(from.Inode, InMoveSelf)
	if to.Inode != nil {
		lostName(to.Inode)
	}
}

// renameable makes the checks of rename that no file system has to make again.
func renameable(from, to *Location, flags uint32) calls.Errno {
	switch {
	case from.Err != 0:
		return from.Err
	case from.Inode == nil:
		return calls.ENOENT
	case to.Err != 0:
		return to.Err
	}
	if to.Inode != nil && flags&RenameNoReplace != 0 {
		return calls.EEXIST
	}
	if to.Inode == nil && flags&RenameExchange != 0 {
		return calls.ENOENT
	}
	_, fromDir := from.Inode.(Directory)
	_, toDir := to.Inode.(Directory)
	if !fromDir && (from.Slash || flags&RenameExchange == 0 && to.Slash) || flags&RenameExchange != 0 && to.Slash && !toDir {
		return calls.ENOTDIR
	}
	switch {
	case above(from.Inode, to.Dir):
		return calls.EINVAL
	case to.Inode != nil && above(to.Inode, from.Dir):
		if flags&RenameExchange != 0 {
			return calls.EINVAL
		}
		return calls.ENOTEMPTY
	case from.Inode == to.Inode:
		return 0 // nothing is going to be done, whoever asks for it
	}
	if err := mayDelete(from.Dir, from.Inode); err != 0 {
		return err
	}
	if to.Inode == nil {
		if err := mayCreate(to.Dir); err != 0 {
			return err
		}
	} else if err := mayDelete(to.Dir, to.Inode); err != 0 {
		return err
	}
	if err := mayMove(from, to, fromDir); err != 0 {
		return err
	}
	if flags&RenameExchange != 0 {
		if err := mayMove(to, from, toDir); err != 0 {
			return err
		}
	}
	if busy(from.Inode) || to.Inode != nil && busy(to.Inode) {
		return calls.EBUSY
	}
	return 0
}

// mayMove checks whether the program may write a directory that gets another one as its "..".
func mayMove(from, to *Location, isDir bool) calls.Errno {
	if !isDir || from.Dir == to.Dir {
		return 0
	}
	return permitted(from.Inode, MayWrite)
}

// above reports whether n is dir or above it in its file system.
func above(n Inode, dir Directory) bool {
	for {
		if n == Inode(dir) {
			return true
		}
		up, _ := dir.Parent()
		if up == nil || up == dir {
			return false
		}
		dir = up
	}
}

// busy reports whether n is the root of a mount.
func busy(n Inode) bool {
	dir, ok := n.(Directory)
	return ok && mountOf(dir) != nil
}

// Chmod sets the permission bits of a file. Set-group-ID is for members of the group.
func Chmod(loc Location, mode uint32) calls.Errno {
	n := loc.Inode
	if err := owns(n); err != 0 {
		return err
	}
	if c := CurrentCred(); c.EUID != 0 && mode&S_ISGID != 0 {
		var st fdtable.Stat
		if err := n.Stat(&st); err != 0 {
			return err
		}
		if !c.InGroup(st.GID) {
			mode &^= S_ISGID
		}
	}
	return setAttr(&loc, &SetAttr{Set: AttrMode, Mode: mode & PermMask})
}

// NoID as an owner or group means: leave it as it is.
const NoID = ^uint32(0)

// Chown sets owner and group of a file. As on Linux it takes the set-ID bits away from files that are not directories.
func Chown(loc Location, uid, gid uint32) calls.Errno {
	n := loc.Inode
	var st fdtable.Stat
	if err := n.Stat(&st); err != 0 {
		return err
	}
	c := CurrentCred()
	setID := st.Mode&S_IFMT != S_IFDIR && st.Mode&(S_ISUID|S_ISGID) != 0
	if c.EUID != 0 && (setID && c.EUID != st.UID || uid != NoID && (uid != st.UID || c.EUID != st.UID) || gid != NoID && (c.EUID != st.UID || gid != st.GID && !c.InGroup(gid))) {
		return calls.EPERM
	}
	a := SetAttr{UID: uid, GID: gid}
	if uid != NoID {
		a.Set |= AttrUID
	}
	if gid != NoID {
		a.Set |= AttrGID
	}
	if setID {
		a.Set |= AttrMode
		a.Mode = st.Mode & PermMask &^ S_ISUID
		if st.Mode&0o010 != 0 || c.EUID != 0 && !c.InGroup(st.GID) {
			a.Mode &^= S_ISGID
		}
	}
	if a.Set == 0 {
		return 0
	}
	return setAttr(&loc, &a)
}

// Truncate sets the size of a regular file, which the program must be able to write.
func Truncate(loc Location, size int64) calls.Errno {
	n := loc.Inode
	if size < 0 {
		return calls.EINVAL
	}
	if _, ok := n.(Directory); ok {
		return calls.EISDIR
	}
	_, ok := n.(Regular)
	if _, opens := n.(Opener); !ok && !opens {
		return calls.EINVAL
	}
	if err := permitted(n, MayWrite); err != 0 {
		return err
	}
	return setAttr(&loc, &SetAttr{Set: AttrSize, Size: size})
}

// SetTimes sets access and modification time of a file to those that a names. With now anybody who may write the
// file may do that, else only its owner.
func SetTimes(loc Location, a *SetAttr, now bool) calls.Errno {
	n := loc.Inode
	if err := owns(n); err != 0 {
		if !now {
			return err
		}
		if err := permitted(n, MayWrite); err != 0 {
			return err
		}
	}
	return setAttr(&loc, a)
}
