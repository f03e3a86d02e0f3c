package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// copyChunk is how much is copied between files at once, in bytes.
const copyChunk = 64 << 10

// sendfile copies from a file that can be read at an offset to any other.
func sendfile(a calls.Args) (uintptr, calls.Errno) {
	out, err := getFile(a.A1)
	if err != 0 {
		return 0, err
	}
	defer out.Put()
	in, err := getFile(a.A2)
	if err != 0 {
		return 0, err
	}
	defer in.Put()
	if !in.Readable() || !out.Writable() {
		return 0, calls.EBADF
	}
	from, ok := in.Desc.(fdtable.PReader)
	if !ok || out.Flags()&fdtable.O_APPEND != 0 {
		return 0, calls.EINVAL
	}
	pos, err := newPosition(in, a.A3)
	if err != 0 {
		return 0, err
	}
	if pos.at < 0 {
		return 0, calls.EINVAL
	}
	n, err := send(out, from, pos.at, int64(min(a.A4, calls.MaxIO)))
	pos.advance(n)
	return uintptr(n), err
}

// send copies up to n bytes at offset. What out does not take is not lost: only what it took is counted.
func send(out *fdFile, from fdtable.PReader, offset, n int64) (int64, calls.Errno) {
	buf := make([]byte, min(n, copyChunk))
	done := int64(0)
	for done < n {
		got, err := from.PRead(buf[:min(n-done, copyChunk)], offset+done)
		if err != 0 || got == 0 {
			return done, unless(done > 0, err)
		}
		put, err := out.Write(buf[:got])
		done += int64(put)
		if err != 0 || put < got {
			return done, unless(done > 0, err)
		}
	}
	return done, 0
}

// unless returns err, or 0 if something was achieved before it.
func unless(achieved bool, err calls.Errno) calls.Errno {
	if achieved {
		return 0
	}
	return err
}

// A position is where copying starts: at an offset that the caller keeps, or at that of the file.
type position struct {
	at     int64
	caller *int64
	file   fdtable.Seeker
}

func newPosition(f *fdFile, p uintptr) (position, calls.Errno) {
	if p != 0 {
		caller, err := calls.Pointer[int64](p)
		if err != 0 {
			return position{}, err
		}
		return position{at: *caller, caller: caller}, 0
	}
	s, ok := f.Desc.(fdtable.Seeker)
	if !ok {
		return position{}, calls.EINVAL
	}
	at, err := s.Lseek(0, 1)
	return position{at: at, file: s}, err
}

func (p *position) advance(n int64) {
	if p.caller != nil {
		*p.caller += n
	} else if n > 0 {
		p.file.Lseek(p.at+n, 0)
	}
}

// copyFileRange copies between regular files.
func copyFileRange(a calls.Args) (uintptr, calls.Errno) {
	in, err := getFile(a.A1)
	if err != 0 {
		return 0, err
	}
	defer in.Put()
	out, err := getFile(a.A3)
	if err != 0 {
		return 0, err
	}
	defer out.Put()
	if err := copyable(in, out, a.A6); err != 0 {
		return 0, err
	}
	from, err := newPosition(in, a.A2)
	if err != 0 {
		return 0, err
	}
	to, err := newPosition(out, a.A4)
	if err != 0 {
		return 0, err
	}
	src, dst := vfs.Contents(in.Desc), vfs.Contents(out.Desc)
	size, err := copySize(src, dst, from.at, to.at, a.A5)
	if err != 0 {
		return 0, err
	}
	n, err := copyRange(dst, to.at, src, from.at, size)
	if n > 0 {
		vfs.Tell(in.Desc, vfs.InAccess)
		vfs.Tell(out.Desc, vfs.InModify)
	}
	from.advance(n)
	to.advance(n)
	return uintptr(n), err
}

func copyable(in, out *fdFile, flags uintptr) calls.Errno {
	for _, f := range []*fdFile{in, out} {
		if f.Flags()&fdtable.O_PATH != 0 {
			return calls.EBADF
		}
		if _, ok := f.Desc.(vfs.DirReader); ok {
			return calls.EISDIR
		}
	}
	switch {
	case flags != 0 || vfs.Contents(in.Desc) == nil || vfs.Contents(out.Desc) == nil:
		return calls.EINVAL
	case !in.Readable() || !out.Writable() || out.Flags()&fdtable.O_APPEND != 0:
		return calls.EBADF
	}
	return 0
}

// copySize returns how much of size bytes there is to copy.
func copySize(src, dst vfs.Regular, from, to int64, size uintptr) (int64, calls.Errno) {
	if uint64(from)+uint64(size) < uint64(from) || uint64(to)+uint64(size) < uint64(to) {
		return 0, calls.EOVERFLOW
	}
	if from < 0 || to < 0 {
		return 0, calls.EINVAL
	}
	var st fdtable.Stat
	if err := src.Stat(&st); err != 0 {
		return 0, err
	}
	n := min(int64(min(size, calls.MaxIO)), max(0, st.Size-from))
	if n > fdtable.Never-to {
		return 0, calls.EFBIG
	}
	if src == dst && from < to+n && to < from+n {
		return 0, calls.EINVAL
	}
	return n, 0
}

func copyRange(dst vfs.Regular, to int64, src vfs.Regular, from, n int64) (int64, calls.Errno) {
	buf := make([]byte, min(n, copyChunk))
	done := int64(0)
	for done < n {
		got, err := src.ReadAt(buf[:min(n-done, copyChunk)], from+done)
		if err != 0 || got == 0 {
			return done, unless(done > 0, err)
		}
		put, _, err := dst.WriteAt(buf[:got], to+done)
		done += int64(put)
		if err != 0 || put < got {
			return done, unless(done > 0, err)
		}
	}
	return done, 0
}

// splice says that no two files can be spliced, upon which std copies by itself.
func splice(a calls.Args) (uintptr, calls.Errno) {
	for _, fd := range []uintptr{a.A1, a.A3} {
		f, err := getFile(fd)
		if err != 0 {
			return 0, err
		}
		f.Put()
	}
	return 0, calls.EINVAL
}
