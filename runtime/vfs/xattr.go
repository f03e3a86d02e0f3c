package vfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// An Attributed is a file that may have extended attributes: values by names such as "user.origin".
type Attributed interface {
	// Attribute returns a value; ENODATA if there is none of this name.
	Attribute(name string) ([]byte, calls.Errno)
	// SetAttribute sets a value, as the XattrCreate and XattrReplace among flags say, and keeps it. ENOSPC if there is no room.
	SetAttribute(name string, value []byte, flags uint32) calls.Errno
	// RemoveAttribute removes one; ENODATA if there is none of this name.
	RemoveAttribute(name string) calls.Errno
	// Attributes returns all names.
	Attributes() ([]string, calls.Errno)
}

// Flags of setxattr(2), and limits. Source: Linux 6.16 include/uapi/linux/xattr.h, limits.h.
const (
	XattrCreate  = 1 // EEXIST if there is such an attribute
	XattrReplace = 2 // ENODATA if there is none

	XattrNameMax = 255
	XattrSizeMax = 64 << 10
)

// Names of attributes begin with what they are for.
const (
	XattrUser     = "user."     // anything, for who may read and write the contents
	XattrTrusted  = "trusted."  // for the superuser alone
	XattrSecurity = "security." // for the kernel, which makes nothing of it here
	xattrSystem   = "system."
)

// attributed returns the file of loc if the program may do what want says with the attribute name. Source: Linux 6.16 fs/xattr.c
// (xattr_permission, xattr_resolve_name).
func attributed(loc Location, name string, want uint32) (Attributed, calls.Errno) {
	if err := attributePermitted(loc.Inode, name, want); err != 0 {
		return nil, err
	}
	a, ok := loc.Inode.(Attributed)
	if !ok {
		return nil, calls.EOPNOTSUPP
	}
	for _, prefix := range []string{XattrUser, XattrTrusted, XattrSecurity} {
		if name == prefix {
			return nil, calls.EINVAL
		}
		if begins(name, prefix) {
			return a, 0
		}
	}
	return nil, calls.EOPNOTSUPP
}

func begins(name, prefix string) bool {
	return len(name) >= len(prefix) && name[:len(prefix)] == prefix
}

func attributePermitted(n Inode, name string, want uint32) calls.Errno {
	refused := calls.ENODATA
	if want&MayWrite != 0 {
		refused = calls.EPERM
	}
	super := CurrentCred().EUID == 0
	switch {
	case begins(name, XattrSecurity):
		if want&MayWrite != 0 && !super {
			return calls.EPERM
		}
		return 0
	case begins(name, xattrSystem):
		return 0
	case begins(name, XattrTrusted):
		if !super {
			return refused
		}
		return 0
	case begins(name, XattrUser):
		var st fdtable.Stat
		if err := n.Stat(&st); err != 0 {
			return err
		}
		switch kind := st.Mode & S_IFMT; {
		case kind != S_IFREG && kind != S_IFDIR:
			return refused
		case kind == S_IFDIR && st.Mode&S_ISVTX != 0 && want&MayWrite != 0 && owns(n) != 0:
			return calls.EPERM
		}
	}
	return permitted(n, want)
}

// Xattr returns an extended attribute of a file.
func Xattr(loc Location, name string) ([]byte, calls.Errno) {
	a, err := attributed(loc, name, MayRead)
	if err != 0 {
		return nil, err
	}
	return a.Attribute(name)
}

// SetXattr sets one.
func SetXattr(loc Location, name string, value []byte, flags uint32) calls.Errno {
	a, err := attributed(loc, name, MayWrite)
	if err == 0 {
		err = a.SetAttribute(name, value, flags)
	}
	if err == 0 {
		happened(&loc, InAttrib)
	}
	return err
}

// RemoveXattr removes one.
func RemoveXattr(loc Location, name string) calls.Errno {
	a, err := attributed(loc, name, MayWrite)
	if err == 0 {
		err = a.RemoveAttribute(name)
	}
	if err == 0 {
		happened(&loc, InAttrib)
	}
	return err
}

// Xattrs returns the names of those that the program may know of.
func Xattrs(loc Location) ([]string, calls.Errno) {
	a, ok := loc.Inode.(Attributed)
	if !ok {
		return nil, calls.EOPNOTSUPP
	}
	all, err := a.Attributes()
	var names []string
	for _, name := range all {
		if CurrentCred().EUID == 0 || !begins(name, XattrTrusted) {
			names = append(names, name)
		}
	}
	return names, err
}
