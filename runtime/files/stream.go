package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/inflate"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/newc"
	"internal/xengo/runtime/unzstd"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

// maxName and maxTarget are up to how long names and targets of links in a compressed archive may be. Source: Linux 6.16
// include/uapi/linux/limits.h (PATH_MAX), init/initramfs.c.
const maxName = 4096

// A decompressor reads compressed data from its beginning to its end. It reads less than is asked for only at the end, or with a
// problem.
type decompressor interface {
	Read(p []byte) (n int, problem string)
	Offset() int // in the compressed data
}

// decompress returns what decompresses data, nil if that does not begin as what can be decompressed does.
func decompress(data []byte) decompressor {
	switch {
	case inflate.Is(data):
		return inflate.New(data)
	case unzstd.Is(data):
		return unzstd.New(data)
	}
	return nil
}

// A stream is a compressed archive, which is read once from its beginning to its end.
type stream struct {
	in      decompressor
	at      uint64 // offset in the archive
	problem string // what is wrong with the data
	ended   bool   // the last member was a trailer, or there was none
	buf     []byte
	data    []byte // compressed
	given   int    // how much of it was given back, or is kept
}

func newStream(data []byte, in decompressor) *stream {
	return &stream{in: in, buf: make([]byte, 64<<10), data: data, ended: true}
}

// read fills p.
func (s *stream) read(p []byte) bool {
	n := s.some(p)
	if n < len(p) && s.problem == "" {
		s.problem = string(newc.Short) + ", at byte " + ascii.Utoa(s.at) + " of the archive"
	}
	return n == len(p)
}

// some fills as much of p as there is.
func (s *stream) some(p []byte) int {
	n, bad := s.in.Read(p)
	s.at += uint64(n)
	if bad != "" {
		s.problem = bad + ", at byte " + ascii.Utoa(uint64(s.in.Offset())) + " of the compressed data"
	}
	return n
}

// pass reads n bytes, and gives them to take if it is not nil.
func (s *stream) pass(n uint64, take func([]byte) calls.Errno) (err calls.Errno) {
	for n > 0 && err == 0 {
		p := s.buf[:min(n, uint64(len(s.buf)))]
		if !s.read(p) {
			return calls.EIO
		}
		if take != nil {
			err = take(p)
		}
		n -= uint64(len(p))
	}
	return err
}

// align passes what is between two parts, which begin at multiples of 4.
func (s *stream) align() { s.pass(-s.at&3, nil) }

// unpack makes the members of the archive, or of several one after the other. It returns what is wrong.
func (s *stream) unpack(u *unpacker) (problem string) {
	for s.member(u) {
	}
	if s.problem == "" && !s.ended {
		s.problem = string(newc.NoTrailer) + ", at byte " + ascii.Utoa(s.at) + " of the archive"
	}
	return s.problem
}

// member makes the next member. It returns false at the end and with a problem.
func (s *stream) member(u *unpacker) bool {
	header := make([]byte, newc.HeaderSize)
	at, ok := s.begin(header)
	if !ok {
		return false
	}
	f, size, bad := newc.Parse(header)
	if bad == "" && (size == 0 || size > maxName || f.Mode&vfs.S_IFMT == vfs.S_IFLNK && f.Size > maxName) {
		bad = newc.BadNumber
	}
	if bad != "" {
		s.problem = string(bad) + ", at byte " + ascii.Utoa(at) + " of the archive"
		return false
	}
	name := make([]byte, size)
	if !s.read(name) {
		return false
	}
	f.Name = newc.CString(name)
	s.ended = string(f.Name) == newc.Trailer
	s.align()
	err := s.make(u, f)
	s.align()
	if err != 0 && s.problem == "" {
		s.problem = err.Error() + ", at byte " + ascii.Utoa(at) + " of the archive"
	}
	if s.problem != "" {
		s.problem = string(f.Name) + ": " + s.problem
	}
	return s.problem == ""
}

// begin reads a header, behind the zeros that may follow an archive, and returns where it is; false if there is none.
func (s *stream) begin(header []byte) (at uint64, ok bool) {
	for {
		at = s.at
		if n := s.some(header[:4]); n < 4 {
			if n > 0 && s.problem == "" && header[0] != 0 {
				s.problem = string(newc.Short) + ", at byte " + ascii.Utoa(at) + " of the archive"
			}
			return at, false
		}
		if string(header[:4]) != "\x00\x00\x00\x00" {
			return at, s.read(header[4:])
		}
	}
}

// make makes a member whose data comes next.
func (s *stream) make(u *unpacker, f newc.File) calls.Errno {
	path := ramdiskPath(f.Name)
	switch {
	case s.ended || path == "":
		return s.pass(uint64(f.Size), nil)
	case f.Mode&vfs.S_IFMT == vfs.S_IFREG:
		filled := false
		err := u.member(path, f, func(n vfs.Inode) calls.Errno {
			filled = true
			if s.keep(n, uint64(f.Size)) {
				return 0
			}
			return s.fill(n, uint64(f.Size))
		})
		if err == 0 && !filled {
			err = s.pass(uint64(f.Size), nil)
		}
		return err
	}
	data := make([]byte, min(f.Size, maxName))
	if !s.read(data) {
		return calls.EIO
	}
	f.Data = data
	if err := s.pass(uint64(f.Size)-uint64(len(data)), nil); err != 0 {
		return err
	}
	return u.member(path, f, nil)
}

// keep makes the next size bytes the contents of a file as they are, compressed, if they can be found again: if they are frames of
// their own.
func (s *stream) keep(n vfs.Inode, size uint64) bool {
	z, compressed := s.in.(*unzstd.Reader)
	file, inMemory := n.(interface{ SetPacked(memfs.Packed, int64) })
	if !compressed || !inMemory || size == 0 {
		return false
	}
	before := z.Offset()
	frames := z.Wholes(size, maxPacked)
	if frames == nil {
		return false
	}
	s.free(before, z.Offset())
	s.at += size
	file.SetPacked(&packed{frames}, int64(size))
	return true
}

// free gives back what of the compressed data is before an offset, but not what is from there to another one.
func (s *stream) free(before, after int) {
	kernel.FreeRamdisk(s.data[s.given:before])
	s.given = after
}

// fill writes the next size bytes to a file, which then takes memory for them.
func (s *stream) fill(n vfs.Inode, size uint64) calls.Errno {
	file, ok := n.(vfs.Regular)
	if !ok {
		return calls.EINVAL
	}
	offset := int64(0)
	return s.pass(size, func(p []byte) calls.Errno {
		written, end, err := file.WriteAt(p, offset)
		if err == 0 && written < len(p) {
			err = calls.ENOSPC
		}
		offset = end
		return err
	})
}
