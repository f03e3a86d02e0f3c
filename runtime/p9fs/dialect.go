package p9fs

import (
	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A dialect is what the versions of the protocol do in different ways. What only one of them has, the other refuses.
type dialect interface {
	version() string

	// full reports whether the server has all operations of Linux's files.
	full() bool

	// idleFids is how many fids may be kept for files that are not open.
	idleFids() int

	// stat fills st in but for the device.
	stat(fid uint32, st *fdtable.Stat) calls.Errno

	// open opens the file fid, create makes one in the directory fid, which then stands for the new file. flags
	// are open's, O_APPEND included if appends reports that the server heeds it.
	open(fid, flags uint32) (p9.Opened, calls.Errno)
	create(fid uint32, name string, flags, mode, gid uint32) (p9.Opened, calls.Errno)
	appends() bool

	// read returns the entries of the open directory fid that come after a position, "." and ".." included, none
	// at the end.
	read(d *dirHandle, after uint64) ([]vfs.Entry, calls.Errno)
}

// dialectL is 9P2000.L.
type dialectL struct{ *client }

func (dialectL) version() string { return p9.VersionL }
func (dialectL) full() bool      { return true }
func (dialectL) appends() bool   { return true }
func (dialectL) idleFids() int   { return 32 }

func (d dialectL) stat(fid uint32, st *fdtable.Stat) calls.Errno {
	var r p9.Rgetattr
	if err := d.call(&p9.Tgetattr{Fid: fid, Mask: p9.GetattrBasic}, &r); err != 0 {
		return err
	}
	at := func(t p9.Time) fdtable.Timespec { return fdtable.Timespec{Sec: int64(t.Sec), Nsec: int64(t.Nsec)} }
	*st = fdtable.Stat{
		Ino: r.QID.Path, Nlink: r.NLink, Mode: r.Mode, UID: r.UID, GID: r.GID, Rdev: r.RDev,
		Size: int64(r.Size), Blksize: int64(r.BlockSize), Blocks: int64(r.Blocks),
		Atime: at(r.Atime), Mtime: at(r.Mtime), Ctime: at(r.Ctime),
	}
	return 0
}

// openFlags are those of open's flags that mean something to a server. They have the values of Linux on amd64
// (include/net/9p/9p.h, P9_DOTL_*).
const openFlags = fdtable.O_ACCMODE | fdtable.O_TRUNC | fdtable.O_APPEND | fdtable.O_SYNC | fdtable.O_DIRECTORY | fdtable.O_NOATIME

func (d dialectL) open(fid, flags uint32) (p9.Opened, calls.Errno) {
	var r p9.Rlopen
	err := d.call(&p9.Tlopen{Fid: fid, Flags: flags & openFlags}, &r)
	return r.Opened, err
}

func (d dialectL) create(fid uint32, name string, flags, mode, gid uint32) (p9.Opened, calls.Errno) {
	if mode&vfs.S_IFMT != vfs.S_IFREG {
		return p9.Opened{}, calls.EINVAL // there are requests for each type
	}
	var r p9.Rlcreate
	flags = flags&openFlags | fdtable.O_CREAT | fdtable.O_EXCL
	err := d.call(&p9.Tlcreate{Fid: fid, Name: name, Flags: flags, Mode: mode & vfs.PermMask, GID: gid}, &r)
	return r.Opened, err
}

func (d dialectL) read(h *dirHandle, after uint64) ([]vfs.Entry, calls.Errno) {
	n := d.msize - p9.ReadOverhead
	var r p9.Rreaddir
	if err := d.callLarge(n, &p9.Treaddir{Fid: h.fid, Offset: after, Count: uint32(n)}, &r); err != 0 {
		return nil, err
	}
	var list []vfs.Entry
	for rest := r.Data; len(rest) > 0; {
		e, next, err := p9.ParseEntry(rest)
		if err == nil && !possible(e.Name) {
			err = errName
		}
		if err != nil {
			return nil, d.broken(err)
		}
		list = append(list, vfs.Entry{Name: e.Name, Ino: e.QID.Path, Mode: uint32(e.Type) << 12, Pos: e.Offset})
		rest = next
	}
	return list, 0
}

// possible reports whether a file can have a name.
func possible(name string) bool {
	for i := range len(name) {
		if name[i] == '/' || name[i] == 0 {
			return false
		}
	}
	return name != "" && len(name) <= vfs.NameMax
}

// dialectU is as much of 9P2000.u as xen-9pfsd has (tools/9pfsd/io.c of Xen 4.20): files can be made, read and written.
type dialectU struct{ *client }

func (dialectU) version() string { return p9.VersionU }
func (dialectU) full() bool      { return false }
func (dialectU) appends() bool   { return false }
func (dialectU) idleFids() int   { return 0 } // xen-9pfsd grants 5 fids by default

func (d dialectU) stat(fid uint32, st *fdtable.Stat) calls.Errno {
	var r p9.Rstat
	if err := d.call(&p9.Tstat{Fid: fid}, &r); err != 0 {
		return err
	}
	statOf(&r.Stat, st)
	return 0
}

// statOf translates what 9P2000.u tells of a file.
func statOf(from *p9.Stat, st *fdtable.Stat) {
	at := func(t uint32) fdtable.Timespec { return fdtable.Timespec{Sec: int64(t)} }
	*st = fdtable.Stat{
		Ino: from.QID.Path, Nlink: 1, Mode: vfs.S_IFREG | from.Mode&0o777, UID: from.UID, GID: from.GID,
		Size: int64(from.Length), Blksize: 4096, Blocks: int64((from.Length + 511) / 512),
		Atime: at(from.Atime), Mtime: at(from.Mtime), Ctime: at(from.Mtime),
	}
	if from.Mode&p9.DMDir != 0 {
		st.Mode ^= vfs.S_IFREG ^ vfs.S_IFDIR
	}
}

// modeOf translates flags of open. O_RDONLY, O_WRONLY and O_RDWR have the same values.
func modeOf(flags uint32) uint8 {
	mode := uint8(flags & fdtable.O_ACCMODE)
	if flags&fdtable.O_TRUNC != 0 {
		mode |= p9.OpenTrunc
	}
	return mode
}

func (d dialectU) open(fid, flags uint32) (p9.Opened, calls.Errno) {
	var r p9.Ropen
	err := d.call(&p9.Topen{Fid: fid, Mode: modeOf(flags)}, &r)
	return r.Opened, err
}

func (d dialectU) create(fid uint32, name string, flags, mode, gid uint32) (p9.Opened, calls.Errno) {
	perm := mode & 0o777
	switch mode & vfs.S_IFMT {
	case vfs.S_IFREG:
	case vfs.S_IFDIR:
		perm |= p9.DMDir
	default:
		return p9.Opened{}, calls.EOPNOTSUPP
	}
	var r p9.Rcreate
	err := d.call(&p9.Tcreate{Fid: fid, Name: name, Perm: perm, Mode: modeOf(flags)}, &r)
	return r.Opened, err
}

// read reads on, or from the beginning if that is not where h is. Positions are numbers of entries. EOVERFLOW if not all
// entries fit into one message.
func (d dialectU) read(h *dirHandle, after uint64) ([]vfs.Entry, calls.Errno) {
	if after == 0 || after < h.read {
		h.read, h.offset = 0, 0
	}
	for {
		n := d.msize - p9.ReadOverhead
		var r p9.Rread
		if err := d.callLarge(n, &p9.Tread{Fid: h.fid, Offset: h.offset, Count: uint32(n)}, &r); err != 0 {
			return nil, err
		}
		if h.offset > 0 && len(r.Data) > 0 {
			// The entry for which there was no room is lost: xen-9pfsd goes on behind it (tools/9pfsd/io.c of Xen
			// 4.20, p9_read, seekdir). A list with gaps is none.
			return nil, calls.EOVERFLOW
		}
		h.offset += uint64(len(r.Data))
		stats, err := p9.ParseStats(r.Data)
		if err != nil {
			return nil, d.broken(err)
		}
		var list []vfs.Entry
		for i := range stats {
			if !possible(stats[i].Name) {
				return nil, d.broken(errName)
			}
			var st fdtable.Stat
			statOf(&stats[i], &st)
			if h.read++; h.read > after {
				list = append(list, vfs.Entry{Name: stats[i].Name, Ino: st.Ino, Mode: st.Mode, Pos: h.read})
			}
		}
		if len(list) > 0 || len(r.Data) == 0 {
			return list, 0
		}
	}
}
