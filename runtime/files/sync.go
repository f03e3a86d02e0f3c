package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

var syncCalls = []call{
	{calls.SYS_FSYNC, fsync},
	{calls.SYS_FDATASYNC, fdatasync},
	{calls.SYS_SYNC_FILE_RANGE, syncFileRange},
	{calls.SYS_SYNCFS, syncfs},
	{calls.SYS_SYNC, syncAll},
}

// syncFileRange writes the whole file. Flags above SYNC_FILE_RANGE_WAIT_AFTER there are none. Source: Linux 6.16
// include/uapi/linux/fs.h.
func syncFileRange(a calls.Args) (uintptr, calls.Errno) {
	if a.A4 > 7 || int64(a.A2) < 0 || int64(a.A3) < 0 {
		return 0, calls.EINVAL
	}
	return fdatasync(a)
}

func fdatasync(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		d, ok := f.Desc.(fdtable.DataSyncer)
		if !ok {
			return fsync(a)
		}
		return status(d.DataSync())
	})
}

func fsync(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		d, ok := f.Desc.(fdtable.Syncer)
		if !ok {
			return 0, calls.EINVAL
		}
		return status(d.Sync())
	})
}

// syncfs makes the file system durable that a file is on.
func syncfs(a calls.Args) (uintptr, calls.Errno) {
	loc, err := locationOf(a.A1)
	if err == calls.ENOTDIR { // a pipe, a socket
		return 0, 0
	}
	if err != 0 {
		return 0, err
	}
	return status(syncFS(fileSystem(loc)))
}

// syncAll makes all that is mounted durable. As on Linux it has no errors: a file system that cannot write says so on the
// console, and those who write get EIO.
func syncAll(calls.Args) (uintptr, calls.Errno) {
	for _, m := range vfs.Mounts() {
		syncFS(m.Root.FS())
	}
	return 0, 0
}

func syncFS(fs vfs.FileSystem) calls.Errno {
	if s, ok := fs.(vfs.Syncer); ok {
		return s.Sync()
	}
	return 0
}

// fileSystem returns what a file is on.
func fileSystem(loc vfs.Location) vfs.FileSystem {
	dir, ok := loc.Inode.(vfs.Directory)
	if !ok {
		if dir = loc.Dir; dir == nil {
			dir = vfs.Root()
		}
	}
	return dir.FS()
}
