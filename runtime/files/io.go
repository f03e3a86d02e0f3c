package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// lastWhence is SEEK_HOLE. Source: Linux 6.16 include/uapi/linux/fs.h.
const lastWhence = 4

var ioCalls = []call{
	{calls.SYS_READ, read},
	{calls.SYS_WRITE, write},
	{calls.SYS_PREAD64, pread},
	{calls.SYS_PWRITE64, pwrite},
	{calls.SYS_READV, readv},
	{calls.SYS_WRITEV, writev},
	{calls.SYS_PREADV, preadv},
	{calls.SYS_PWRITEV, pwritev},
	{calls.SYS_PREADV2, preadv2},
	{calls.SYS_PWRITEV2, pwritev2},
	{calls.SYS_LSEEK, lseek},
	{calls.SYS_GETDENTS64, getdents},
	{calls.SYS_SENDFILE, sendfile},
	{calls.SYS_COPY_FILE_RANGE, copyFileRange},
	{calls.SYS_SPLICE, splice},
	{calls.SYS_FTRUNCATE, ftruncate},
	{calls.SYS_TRUNCATE, truncate},
	{calls.SYS_FALLOCATE, fallocate},
	{calls.SYS_FADVISE64, fadvise},
	{calls.SYS_READAHEAD, fadvise},
}

func read(a calls.Args) (uintptr, calls.Errno)   { return transfer(a, (*fdFile).Read) }
func write(a calls.Args) (uintptr, calls.Errno)  { return transfer(a, (*fdFile).Write) }
func pread(a calls.Args) (uintptr, calls.Errno)  { return transferAt(a, preadFile) }
func pwrite(a calls.Args) (uintptr, calls.Errno) { return transferAt(a, pwriteFile) }

// transfer does op with the buffer of a call.
func transfer(a calls.Args, op func(f *fdFile, p []byte) (int, calls.Errno)) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		p, err := calls.Buffer(a.A2, a.A3)
		if err != 0 {
			return 0, err
		}
		n, err := op(f, p)
		return uintptr(n), err
	})
}

// transferAt does op with the buffer and the offset of a call.
func transferAt(a calls.Args, op func(f *fdFile, p []byte, offset int64) (int, calls.Errno)) (uintptr, calls.Errno) {
	if int64(a.A4) < 0 {
		return 0, calls.EINVAL
	}
	return transfer(a, func(f *fdFile, p []byte) (int, calls.Errno) { return op(f, p, int64(a.A4)) })
}

func preadFile(f *fdFile, p []byte, offset int64) (int, calls.Errno) {
	if offset < 0 {
		return 0, calls.EINVAL
	}
	d, ok := f.Desc.(fdtable.PReader)
	if !ok && !positioned(f) {
		return 0, calls.ESPIPE
	}
	if !f.Readable() {
		return 0, calls.EBADF
	}
	if !ok {
		return 0, calls.EISDIR
	}
	return d.PRead(p, offset)
}

func pwriteFile(f *fdFile, p []byte, offset int64) (int, calls.Errno) {
	if offset < 0 {
		return 0, calls.EINVAL
	}
	d, ok := f.Desc.(fdtable.PWriter)
	if !ok && !positioned(f) {
		return 0, calls.ESPIPE
	}
	if !ok || !f.Writable() {
		return 0, calls.EBADF
	}
	return d.PWrite(p, offset)
}

// positioned reports whether a file that cannot be read at an offset has one all the same: whether it is a directory.
func positioned(f *fdFile) bool {
	_, ok := f.Desc.(vfs.DirReader)
	return ok
}

func lseek(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		if a.A3 > lastWhence {
			return 0, calls.EINVAL
		}
		d, ok := f.Desc.(fdtable.Seeker)
		if !ok {
			return 0, calls.ESPIPE
		}
		pos, err := d.Lseek(int64(a.A2), int(int32(a.A3)))
		return uintptr(pos), err
	})
}

func getdents(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		d, ok := f.Desc.(vfs.DirReader)
		if !ok {
			return 0, calls.ENOTDIR
		}
		p, err := calls.Bytes(a.A2, uintptr(uint32(a.A3)))
		if err != 0 {
			return 0, err
		}
		n, err := d.ReadDir(p)
		return uintptr(n), err
	})
}

func ftruncate(a calls.Args) (uintptr, calls.Errno) {
	if int64(a.A2) < 0 {
		return 0, calls.EINVAL
	}
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		d, ok := f.Desc.(fdtable.Truncater)
		if !ok || !f.Writable() {
			return 0, calls.EINVAL
		}
		return status(d.Truncate(int64(a.A2)))
	})
}

func truncate(a calls.Args) (uintptr, calls.Errno) {
	if int64(a.A2) < 0 {
		return 0, calls.EINVAL
	}
	loc, err := find(cwdFD, a.A1, 0)
	if err != 0 {
		return 0, err
	}
	return status(vfs.Truncate(loc, int64(a.A2)))
}

func fallocate(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		switch {
		case int64(a.A3) < 0 || int64(a.A4) <= 0:
			return 0, calls.EINVAL
		case !f.Writable():
			return 0, calls.EBADF
		}
		file := vfs.Contents(f.Desc)
		if file == nil {
			if _, ok := f.Desc.(*pipeEnd); ok {
				return 0, calls.ESPIPE
			}
			return 0, calls.ENODEV
		}
		err := file.Allocate(uint32(a.A2), int64(a.A3), int64(a.A4))
		if err == 0 {
			vfs.Tell(f.Desc, vfs.InModify)
		}
		return status(err)
	})
}

// fadvise accepts all advice: contents are in memory.
func fadvise(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		if _, ok := f.Desc.(fdtable.Seeker); !ok {
			return 0, calls.ESPIPE
		}
		return 0, 0
	})
}
