package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

var fdCalls = []call{
	{calls.SYS_CLOSE, func(a calls.Args) (uintptr, calls.Errno) { return status(fdtable.Close(int(int32(a.A1)))) }},
	{calls.SYS_CLOSE_RANGE, closeRange},
	{calls.SYS_DUP, func(a calls.Args) (uintptr, calls.Errno) { return dupFrom(a.A1, 0, false) }},
	{calls.SYS_DUP2, dup2},
	{calls.SYS_DUP3, dup3},
	{calls.SYS_FCNTL, fcntl},
	{calls.SYS_FLOCK, flock},
	{calls.SYS_IOCTL, ioctl},
	{calls.SYS_PIPE, func(a calls.Args) (uintptr, calls.Errno) { return pipe(a.A1, 0) }},
	{calls.SYS_PIPE2, func(a calls.Args) (uintptr, calls.Errno) { return pipe(a.A1, uint32(a.A2)) }},
	{calls.SYS_EVENTFD, func(a calls.Args) (uintptr, calls.Errno) { return eventfd(a.A1, 0) }},
	{calls.SYS_EVENTFD2, func(a calls.Args) (uintptr, calls.Errno) { return eventfd(a.A1, uint32(a.A2)) }},
	{calls.SYS_MEMFD_CREATE, memfdCreate},
	{calls.SYS_INOTIFY_INIT, func(calls.Args) (uintptr, calls.Errno) { return inotifyInit(0) }},
	{calls.SYS_INOTIFY_INIT1, func(a calls.Args) (uintptr, calls.Errno) { return inotifyInit(uint32(a.A1)) }},
	{calls.SYS_INOTIFY_ADD_WATCH, inotifyAdd},
	{calls.SYS_INOTIFY_RM_WATCH, inotifyRemove},
}

func dupFrom(fd uintptr, min int, cloexec bool) (uintptr, calls.Errno) {
	n, err := fdtable.Dup(int(int32(fd)), min, cloexec)
	if err != 0 {
		return 0, err
	}
	return uintptr(n), 0
}

func dup2(a calls.Args) (uintptr, calls.Errno) {
	if int32(a.A1) == int32(a.A2) {
		return withAnyFile(a.A1, func(*fdFile) (uintptr, calls.Errno) { return a.A1, 0 })
	}
	return dupTo(a.A1, a.A2, false)
}

func dup3(a calls.Args) (uintptr, calls.Errno) {
	if a.A3&^fdtable.O_CLOEXEC != 0 || int32(a.A1) == int32(a.A2) {
		return 0, calls.EINVAL
	}
	return dupTo(a.A1, a.A2, a.A3&fdtable.O_CLOEXEC != 0)
}

func dupTo(fd, newfd uintptr, cloexec bool) (uintptr, calls.Errno) {
	if err := fdtable.DupTo(int(int32(fd)), int(int32(newfd)), cloexec); err != 0 {
		return 0, err
	}
	return newfd, 0
}

// closeRangeCloexec sets the flag instead of closing. Source: Linux 6.16 include/uapi/linux/close_range.h.
const closeRangeCloexec = 4

func closeRange(a calls.Args) (uintptr, calls.Errno) {
	first, last := uint32(a.A1), uint32(a.A2)
	if first > last || a.A3&^closeRangeCloexec != 0 {
		return 0, calls.EINVAL
	}
	for _, fd := range fdtable.Open() {
		if uint32(fd) < first || uint32(fd) > last {
			continue
		}
		if a.A3&closeRangeCloexec != 0 {
			fdtable.SetCloseOnExec(fd, true)
		} else {
			fdtable.Close(fd) // close_range(2): errors are not reported
		}
	}
	return 0, 0
}

// Commands of fcntl(2). Source: Linux 6.16 include/uapi/asm-generic/fcntl.h and include/uapi/linux/fcntl.h.
const (
	fDUPFD        = 0
	fGETFD        = 1
	fSETFD        = 2
	fGETFL        = 3
	fSETFL        = 4
	fGETLK        = 5
	fSETLK        = 6
	fSETLKW       = 7
	fSETOWN       = 8
	fGETOWN       = 9
	fOFDGETLK     = 36
	fOFDSETLK     = 37
	fOFDSETLKW    = 38
	fDUPFDCLOEXEC = 1030
	fdCLOEXEC     = 1
)

func fcntl(a calls.Args) (uintptr, calls.Errno) {
	fd, command, arg := int(int32(a.A1)), int(int32(a.A2)), a.A3
	switch command {
	case fDUPFD, fDUPFDCLOEXEC:
		return dupFrom(a.A1, int(int32(arg)), command == fDUPFDCLOEXEC)
	case fGETFD:
		on, err := fdtable.CloseOnExec(fd)
		if on {
			return fdCLOEXEC, err
		}
		return 0, err
	case fSETFD:
		return status(fdtable.SetCloseOnExec(fd, arg&fdCLOEXEC != 0))
	case fGETFL:
		return withAnyFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) { return uintptr(f.Flags()), 0 })
	}
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) { return fileControl(f, command, arg) })
}

// fileControl does what fcntl does to a file, whatever its descriptor.
func fileControl(f *fdFile, command int, arg uintptr) (uintptr, calls.Errno) {
	switch command {
	case fSETFL:
		f.SetFlags(uint32(arg))
		return 0, 0
	case fGETLK, fSETLK, fSETLKW:
		return processLock(f, command, arg)
	case fOFDGETLK, fOFDSETLK, fOFDSETLKW:
		return fileLock(f, command, arg)
	case fSETOWN:
		return 0, 0 // there is only one process that SIGIO could go to, and no file that sends it
	case fGETOWN:
		return 0, 0
	}
	if c, ok := f.Desc.(fdtable.Fcntler); ok {
		return c.Fcntl(command, arg)
	}
	return 0, calls.EINVAL
}

// Requests of ioctl(2) for all files. Source: Linux 6.16 include/uapi/asm-generic/ioctls.h.
const (
	fionread = 0x541b
	fionbio  = 0x5421
	fionclex = 0x5450
	fioclex  = 0x5451
)

func ioctl(a calls.Args) (uintptr, calls.Errno) {
	return withFile(a.A1, func(f *fdFile) (uintptr, calls.Errno) {
		switch a.A2 {
		case fioclex, fionclex:
			return status(fdtable.SetCloseOnExec(int(int32(a.A1)), a.A2 == fioclex))
		case fionbio:
			return setNonblocking(f, a.A3)
		}
		if i, ok := f.Desc.(fdtable.Ioctler); ok {
			return i.Ioctl(a.A2, a.A3)
		}
		if a.A2 == fionread && vfs.Contents(f.Desc) != nil {
			return bytesLeft(f, a.A3)
		}
		return 0, calls.ENOTTY
	})
}

func setNonblocking(f *fdFile, p uintptr) (uintptr, calls.Errno) {
	on, err := calls.Pointer[int32](p)
	if err != 0 {
		return 0, err
	}
	if *on != 0 {
		f.SetFlags(f.Flags() | fdtable.O_NONBLOCK)
	} else {
		f.SetFlags(f.Flags() &^ fdtable.O_NONBLOCK)
	}
	return 0, 0
}

// bytesLeft is FIONREAD on a regular file.
func bytesLeft(f *fdFile, p uintptr) (uintptr, calls.Errno) {
	n, err := calls.Pointer[int32](p)
	if err != 0 {
		return 0, err
	}
	pos, err := f.Desc.(fdtable.Seeker).Lseek(0, 1)
	if err != 0 {
		return 0, err
	}
	var st fdtable.Stat
	if err := vfs.Contents(f.Desc).Stat(&st); err != 0 {
		return 0, err
	}
	*n = int32(st.Size - pos)
	return 0, 0
}

func pipe(p uintptr, flags uint32) (uintptr, calls.Errno) {
	if flags&^(fdtable.O_CLOEXEC|fdtable.O_NONBLOCK|fdtable.O_DIRECT) != 0 {
		return 0, calls.EINVAL
	}
	if flags&fdtable.O_DIRECT != 0 {
		return 0, calls.EINVAL // no packet mode, as before Linux 3.4
	}
	fds, err := calls.Pointer[[2]int32](p)
	if err != 0 {
		return 0, err
	}
	r, w := newPipe()
	rfd, err := install(r, fdtable.O_RDONLY|flags)
	if err != 0 {
		w.Release()
		return 0, err
	}
	wfd, err := install(w, fdtable.O_WRONLY|flags)
	if err != 0 {
		fdtable.Close(int(rfd))
		return 0, err
	}
	fds[0], fds[1] = int32(rfd), int32(wfd)
	return 0, 0
}

// Flags of memfd_create. Source: Linux 6.16 include/uapi/linux/memfd.h.
const (
	mfdCloexec      = 1
	mfdAllowSealing = 2
	mfdNoexecSeal   = 8
	mfdExec         = 16

	maxMemfdName = vfs.NameMax - 6 // bytes; "memfd:" comes before it
)

func memfdCreate(a calls.Args) (uintptr, calls.Errno) {
	name, err := calls.CString(a.A1, maxMemfdName+1, calls.EINVAL)
	if err != 0 {
		return 0, err
	}
	if a.A2&^(mfdCloexec|mfdAllowSealing|mfdNoexecSeal|mfdExec) != 0 {
		return 0, calls.EINVAL
	}
	c := vfs.CurrentCred()
	n, err := rootFS.TmpFile(&vfs.New{Mode: vfs.S_IFREG | 0o777, UID: c.EUID, GID: c.EGID, Nameless: true})
	if err != 0 {
		return 0, err
	}
	d, err := vfs.Reopen(vfs.Location{Name: "/memfd:" + name, Inode: n}, fdtable.O_RDWR)
	if err != 0 {
		return 0, err
	}
	flags := uint32(fdtable.O_RDWR | fdtable.O_LARGEFILE)
	if a.A2&mfdCloexec != 0 {
		flags |= fdtable.O_CLOEXEC
	}
	return install(d, flags)
}

func getrandom(a calls.Args) (uintptr, calls.Errno) {
	const known = 1 | 2 | 4 // GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE
	if a.A3&^known != 0 {
		return 0, calls.EINVAL
	}
	p, err := calls.Buffer(a.A1, a.A2)
	if err != 0 {
		return 0, err
	}
	kernel.Random(p)
	return uintptr(len(p)), 0
}
