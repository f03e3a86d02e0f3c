package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// A found is how a call on extended attributes says which file it is about.
type found func(a calls.Args) (vfs.Location, calls.Errno)

func followed(a calls.Args) (vfs.Location, calls.Errno) { return find(cwdFD, a.A1, 0) }
func notFollowed(a calls.Args) (vfs.Location, calls.Errno) {
	return find(cwdFD, a.A1, atSymlinkNoFollow)
}

func described(a calls.Args) (loc vfs.Location, err calls.Errno) {
	_, err = withLocation(a.A1, func(l vfs.Location) calls.Errno {
		loc = l
		return 0
	})
	if err == calls.EPERM {
		err = calls.EOPNOTSUPP // pipes and such
	}
	return loc, err
}

// registerXattr registers the calls. Those of a kind have numbers one after the other.
func registerXattr() {
	for i, file := range [...]found{followed, notFollowed, described} {
		calls.Register(calls.SYS_SETXATTR+uintptr(i), setXattr(file))
		calls.Register(calls.SYS_GETXATTR+uintptr(i), getXattr(file))
		calls.Register(calls.SYS_LISTXATTR+uintptr(i), listXattr(file))
		calls.Register(calls.SYS_REMOVEXATTR+uintptr(i), removeXattr(file))
	}
}

// xattrName returns the name of an attribute.
func xattrName(p uintptr) (string, calls.Errno) {
	name, err := calls.CString(p, vfs.XattrNameMax+1, calls.ERANGE)
	if err == 0 && name == "" {
		err = calls.ERANGE
	}
	return name, err
}

func setXattr(file found) calls.Handler {
	return func(a calls.Args) (uintptr, calls.Errno) {
		flags := uint32(a.A5)
		if flags&^(vfs.XattrCreate|vfs.XattrReplace) != 0 {
			return 0, calls.EINVAL
		}
		name, err := xattrName(a.A2)
		if err != 0 {
			return 0, err
		}
		if a.A4 > vfs.XattrSizeMax {
			return 0, calls.E2BIG
		}
		var value []byte
		if a.A4 != 0 {
			if value, err = calls.Bytes(a.A3, a.A4); err != 0 {
				return 0, err
			}
		}
		loc, err := file(a)
		if err != 0 {
			return 0, err
		}
		return status(vfs.SetXattr(loc, name, value, flags))
	}
}

// withXattr is a call on an attribute by its name.
func withXattr(file found, do func(a calls.Args, loc vfs.Location, name string) (uintptr, calls.Errno)) calls.Handler {
	return func(a calls.Args) (uintptr, calls.Errno) {
		name, err := xattrName(a.A2)
		if err != 0 {
			return 0, err
		}
		loc, err := file(a)
		if err != 0 {
			return 0, err
		}
		return do(a, loc, name)
	}
}

func getXattr(file found) calls.Handler {
	return withXattr(file, func(a calls.Args, loc vfs.Location, name string) (uintptr, calls.Errno) {
		value, err := vfs.Xattr(loc, name)
		if err != 0 {
			return 0, err
		}
		return giveXattr(value, a.A3, a.A4)
	})
}

func listXattr(file found) calls.Handler {
	return func(a calls.Args) (uintptr, calls.Errno) {
		loc, err := file(a)
		if err != 0 {
			return 0, err
		}
		names, err := vfs.Xattrs(loc)
		if err != 0 {
			return 0, err
		}
		var list []byte
		for _, name := range names {
			list = append(append(list, name...), 0)
		}
		return giveXattr(list, a.A2, a.A3)
	}
}

// giveXattr copies what is asked for to where the program wants it; it may ask how much that is with a size of 0.
func giveXattr(b []byte, to, size uintptr) (uintptr, calls.Errno) {
	n := uintptr(len(b))
	switch {
	case size == 0 || n == 0:
		return n, 0
	case size < n:
		return 0, calls.ERANGE
	}
	out, err := calls.Bytes(to, n)
	copy(out, b)
	return n, err
}

func removeXattr(file found) calls.Handler {
	return withXattr(file, func(_ calls.Args, loc vfs.Location, name string) (uintptr, calls.Errno) {
		return status(vfs.RemoveXattr(loc, name))
	})
}
