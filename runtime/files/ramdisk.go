package files

import (
	"unsafe"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/newc"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

// furnishRamdisk lays what is in the domain's ramdisk (a cpio archive, ramdisk= in its config) over the tree.
// Files' contents stay where they are until they are written to.
//
// A ramdisk that cannot be read is no ground to run the program without its files: it ends with status 1.
func furnishRamdisk() {
	if problem := unpack(kernel.Ramdisk()); problem != "" {
		print("xengo: ramdisk: ", problem, "\n")
		kernel.Exit(1)
	}
}

// own is where the ramdisk has what is not for the program: its arguments and environment.
const own = "/.xengo"

// ramdiskPath turns an archive's name into a path, "" for what does not belong into the tree.
func ramdiskPath(name []byte) string {
	path := "/"
	for start, i := 0, 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		switch part := string(name[start:i]); {
		case part == "" || part == ".":
		case len(path) == 1:
			path += part
		default:
			path += "/" + part
		}
		start = i + 1
	}
	if path == "/" || path == own || len(path) > len(own) && path[:len(own)+1] == own+"/" {
		return ""
	}
	return path
}

// An unpacker makes the members of an archive, as Linux does with an initramfs
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type unpacker struct {
	linked map[newc.ID]vfs.Inode // files with several names
	dirs   []stamped             // whose times are set when all is in them
}

// A stamped directory has times to get.
type stamped struct {
	dir   vfs.Inode
	mtime uint32
}

// unpack makes the files of a ramdisk: archives one after the other, compressed or not, with zeros between them. It returns
// what is wrong with them. What was compressed and is not needed afterwards becomes free memory.
func unpack(ramdisk []byte) (problem string) {
	u := unpacker{linked: make(map[newc.ID]vfs.Inode)}
	for at := 0; at < len(ramdisk); {
		rest := ramdisk[at:]
		in := decompress(rest)
		switch {
		case rest[0] == 0:
			at++
		case in != nil:
			s := newStream(rest, in)
			if problem = s.unpack(&u); problem != "" {
				return problem + at0(at)
			}
			n := in.Offset()
			s.free(n, n)
			at += n
		default:
			n, problem := u.archive(rest, at)
			if problem != "" {
				return problem
			}
			at += n
		}
	}
	for _, d := range u.dirs {
		if err := d.dir.SetAttr(stamp(d.mtime, 0)); err != 0 {
			return err.Error()
		}
	}
	return ""
}

// at0 says where in the ramdisk a compressed archive begins, if that is not its start.
func at0(at int) string {
	if at == 0 {
		return ""
	}
	return " of what begins at byte " + ascii.Utoa(uint64(at))
}

// archive makes the members of an archive that is not compressed, and returns its length. It begins at the given offset.
func (u *unpacker) archive(archive []byte, offset int) (length int, problem string) {
	r := newc.New(archive)
	for {
		at := uint64(offset + r.Offset())
		f, ok, bad := r.Next()
		if bad != "" {
			problem = string(bad) + ", at byte " + ascii.Utoa(at)
			if len(f.Name) > 0 {
				problem = string(f.Name) + ": " + problem
			}
			return 0, problem
		}
		if !ok {
			return r.Offset(), ""
		}
		path := ramdiskPath(f.Name)
		if path == "" {
			continue
		}
		err := u.member(path, f, func(n vfs.Inode) calls.Errno {
			return setContents(n, unsafe.String(unsafe.SliceData(f.Data), len(f.Data)))
		})
		if err != 0 {
			return 0, path + ", at byte " + ascii.Utoa(at) + ": " + err.Error()
		}
	}
}

// member makes one member of the archive. If it is a regular file, fill puts its contents in.
func (u *unpacker) member(path string, f newc.File, fill func(vfs.Inode) calls.Errno) calls.Errno {
	makeWay(path, f.Mode)
	switch f.Mode & vfs.S_IFMT {
	case vfs.S_IFREG:
		return u.file(path, f, fill)
	case vfs.S_IFLNK, vfs.S_IFIFO:
		makeParents(path)
		if err := vfs.Make(vfs.Root(), path, f.Mode, 0, string(f.Data)); err != 0 {
			return err
		}
	case vfs.S_IFDIR:
		makeDir(path, f.Mode&vfs.PermMask)
	default:
		return 0 // devices and the like are the guest's own
	}
	loc, err := vfs.Walk(vfs.Root(), path, 0)
	if err != 0 {
		return err
	}
	if _, ok := loc.Inode.(vfs.Directory); ok {
		u.dirs = append(u.dirs, stamped{loc.Inode, f.Mtime})
	}
	return loc.Inode.SetAttr(attributes(f))
}

// makeWay removes what is at path already if it is not of the same type, or a link. What cannot be removed is there to stay:
// the member will not be made.
func makeWay(path string, mode uint32) {
	loc, err := vfs.Walk(vfs.Root(), path, 0)
	if err != 0 {
		return
	}
	var st fdtable.Stat
	kind := mode & vfs.S_IFMT
	if loc.Inode.Stat(&st) != 0 || st.Mode&vfs.S_IFMT == kind && (kind == vfs.S_IFREG || kind == vfs.S_IFDIR) {
		return
	}
	if st.Mode&vfs.S_IFMT == vfs.S_IFDIR {
		vfs.Rmdir(vfs.Root(), path)
	} else {
		vfs.Unlink(vfs.Root(), path)
	}
}

// file makes a regular file, or another name of one. Which of the names has the contents differs: the last in
// archives of GNU cpio, the first in others.
func (u *unpacker) file(path string, f newc.File, fill func(vfs.Inode) calls.Errno) calls.Errno {
	if n := u.linked[f.ID]; n != nil && f.Links > 1 {
		makeParents(path)
		vfs.Unlink(vfs.Root(), path) // most often it does not exist
		if err := vfs.Link(n, vfs.Root(), path); err != 0 || f.Size == 0 {
			return err
		}
	}
	n, err := putFile(path, f.Mode&vfs.PermMask, "")
	if err == 0 {
		err = fill(n)
	}
	if err != 0 {
		return err
	}
	if f.Links > 1 {
		u.linked[f.ID] = n
	}
	return n.SetAttr(attributes(f))
}

// attributes are those that a member brings.
func attributes(f newc.File) *vfs.SetAttr {
	a := stamp(f.Mtime, vfs.AttrUID|vfs.AttrGID|vfs.AttrMode)
	a.Mode, a.UID, a.GID = f.Mode&vfs.PermMask, f.UID, f.GID
	return a
}

// stamp sets both times of a file, and others that the caller adds.
func stamp(mtime uint32, others vfs.AttrMask) *vfs.SetAttr {
	t := fdtable.Timespec{Sec: int64(mtime)}
	return &vfs.SetAttr{Set: vfs.AttrAtime | vfs.AttrMtime | others, Atime: t, Mtime: t}
}

// EnterWorkingDir goes to the directory that the word cwd= of the kernel command line names. It is called when all is mounted.
func EnterWorkingDir() {
	path := kernel.Option("cwd")
	if path == "" {
		return
	}
	loc, err := vfs.Walk(vfs.Root(), path, vfs.Follow)
	dir, ok := loc.Inode.(vfs.Directory)
	if err == 0 && !ok {
		err = calls.ENOTDIR
	}
	if err != 0 {
		panic("files: cwd=" + path + ": " + err.Error())
	}
	cwd.Store(&dir)
}
