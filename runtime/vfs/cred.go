package vfs

import (
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// Access modes for permission checks. Source: Linux 6.16 include/linux/fs.h.
const (
	MayExec  = 1
	MayWrite = 2
	MayRead  = 4
)

// Cred is who the program is when it comes to permissions.
type Cred struct {
	UID, GID   uint32 // real
	EUID, EGID uint32 // effective, which is what files are checked against
	SUID, SGID uint32 // saved
	Groups     []uint32
}

var cred atomic.Pointer[Cred]

func init() { cred.Store(&Cred{}) }

// CurrentCred returns the credentials of the program, at first those of root. They must not be changed in place.
func CurrentCred() *Cred { return cred.Load() }

// SetCred replaces the credentials of the program.
func SetCred(c *Cred) { cred.Store(c) }

// InGroup reports whether the program is of the group gid.
func (c *Cred) InGroup(gid uint32) bool {
	if c.EGID == gid {
		return true
	}
	for _, g := range c.Groups {
		if g == gid {
			return true
		}
	}
	return false
}

// Access checks want, a mask of MayExec, MayWrite and MayRead, against the permissions of a file. Root may do anything,
// but execute only what anybody may.
func (c *Cred) Access(st *fdtable.Stat, want uint32) calls.Errno {
	perm := st.Mode
	switch {
	case c.EUID == 0:
		if want&MayExec != 0 && st.Mode&S_IFMT != S_IFDIR && st.Mode&0o111 == 0 {
			return calls.EACCES
		}
		return 0
	case c.EUID == st.UID:
		perm >>= 6
	case c.InGroup(st.GID):
		perm >>= 3
	}
	if want&^perm != 0 {
		return calls.EACCES
	}
	return 0
}

// permitted checks want against n for the program's effective user.
func permitted(n Inode, want uint32) calls.Errno {
	c := CurrentCred()
	if _, isDir := n.(Directory); c.EUID == 0 && (isDir || want&MayExec == 0) {
		return 0
	}
	var st fdtable.Stat
	if err := n.Stat(&st); err != 0 {
		return err
	}
	return c.Access(&st, want)
}

// owns returns EPERM if n is neither the program's own nor the program root's.
func owns(n Inode) calls.Errno {
	c := CurrentCred()
	if c.EUID == 0 {
		return 0
	}
	var st fdtable.Stat
	if err := n.Stat(&st); err != 0 {
		return err
	}
	if st.UID != c.EUID {
		return calls.EPERM
	}
	return 0
}

// mayCreate checks whether the program may put an entry into dir. There is no way into one that was removed.
func mayCreate(dir Directory) calls.Errno {
	if Removed(dir) {
		return calls.ENOENT
	}
	return permitted(dir, MayWrite|MayExec)
}

// mayDelete checks whether the program may take the entry n out of dir: it must be able to write the
// directory and, if that is sticky, own the file or the directory.
func mayDelete(dir Directory, n Inode) calls.Errno {
	if err := permitted(dir, MayWrite|MayExec); err != 0 {
		return err
	}
	c := CurrentCred()
	if c.EUID == 0 {
		return 0
	}
	var d, f fdtable.Stat
	if err := dir.Stat(&d); err != 0 {
		return err
	}
	if err := n.Stat(&f); err != 0 {
		return err
	}
	if d.Mode&S_ISVTX != 0 && d.UID != c.EUID && f.UID != c.EUID {
		return calls.EPERM
	}
	return 0
}
