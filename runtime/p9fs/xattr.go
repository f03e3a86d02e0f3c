package p9fs

import (
	"errors"

	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// Extended attributes, which the server keeps: it sees their names as programs give them. To 9P one is a file of its own,
// with a fid.

var errAttribute = errors.New("an extended attribute is larger than there can be")

// listMax is how long all names may be. Source: Linux 6.16 include/uapi/linux/limits.h, XATTR_LIST_MAX.
const listMax = 64 << 10

// Attribute returns a value.
func (n *node) Attribute(name string) ([]byte, calls.Errno) {
	return n.readXattr(name, vfs.XattrSizeMax)
}

// Attributes returns all names.
func (n *node) Attributes() (names []string, err calls.Errno) {
	list, err := n.readXattr("", listMax)
	start := 0
	for i, c := range list { // each ends with a zero
		if c == 0 {
			names = append(names, string(list[start:i]))
			start = i + 1
		}
	}
	return names, err
}

// readXattr returns the value of name, or without one the list of all.
func (n *node) readXattr(name string, most uint64) (value []byte, err calls.Errno) {
	if err := n.fs.needs(); err != 0 {
		return nil, err
	}
	err = n.withAny(func(fid uint32) calls.Errno {
		value, err = n.fs.readXattr(fid, name, most)
		return err
	})
	return value, err
}

func (fs *FS) readXattr(of uint32, name string, most uint64) ([]byte, calls.Errno) {
	fid := fs.newFid()
	var r p9.Rxattrwalk
	if err := fs.call(&p9.Txattrwalk{Fid: of, NewFid: fid, Name: name}, &r); err != 0 {
		fs.freeFid(fid)
		return nil, err
	}
	defer fs.clunk(fid)
	if r.Size > most {
		return nil, fs.broken(errAttribute)
	}
	value := make([]byte, r.Size)
	n, err := fs.readAll(fid, value, 0, fs.msize-p9.ReadOverhead)
	if err != 0 {
		return nil, err
	}
	return value[:n], 0
}

// SetAttribute sets a value. There is none that is empty: to servers that is how one is removed (QEMU 10.0 hw/9pfs/9p.c,
// v9fs_xattr_fid_clunk).
func (n *node) SetAttribute(name string, value []byte, flags uint32) calls.Errno {
	if len(value) == 0 {
		return calls.EOPNOTSUPP
	}
	return n.writeXattr(name, value, flags)
}

// RemoveAttribute removes one.
func (n *node) RemoveAttribute(name string) calls.Errno {
	return n.writeXattr(name, nil, vfs.XattrReplace)
}

// writeXattr sets a value, or removes what is to be empty. The server does that when the fid ends.
func (n *node) writeXattr(name string, value []byte, flags uint32) calls.Errno {
	if err := n.fs.needs(); err != 0 {
		return err
	}
	return n.with(func(of uint32) calls.Errno {
		fs := n.fs
		fid, _, err := fs.walk(of, nil)
		if err != 0 {
			return err
		}
		err = fs.call(&p9.Txattrcreate{Fid: fid, Name: name, Size: uint64(len(value)), Flags: flags}, &p9.Rxattrcreate{})
		if err == 0 {
			_, err = fs.writeAll(fid, value, 0, fs.msize-p9.WriteOverhead)
		}
		if err != 0 {
			fs.clunk(fid)
			return err
		}
		err = fs.call(&p9.Tclunk{Fid: fid}, &p9.Rclunk{})
		fs.freeFid(fid)
		return err
	})
}

var _ vfs.Attributed = (*file)(nil)
