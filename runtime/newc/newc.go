// Package newc reads, and writes, cpio archives in the "newc" format (magic 070701), as the
// ramdisk of a guest is one. See Linux's
// Documentation/driver-api/early-userspace/buffer-format.rst.
//
// Package runtime uses it before there is a heap: nothing here allocates.
package newc

const (
	// HeaderSize is that of a member's header: magic and 13 fields of 8 hexadecimal digits.
	HeaderSize = 110

	// Trailer is the name of the member that ends an archive.
	Trailer = "TRAILER!!!"
)

// Problem says what is wrong with an archive; the zero Problem is none.
type Problem string

// Problems an archive can have.
const (
	BadMagic  Problem = "not a cpio archive of the newc format"
	BadNumber Problem = "a header field is not a hexadecimal number"
	Short     Problem = "the archive ends in the middle of a file"
	NoTrailer Problem = "the archive has no trailer, its end is missing"
)

// File is a member of an archive. Name and Data are parts of the archive.
type File struct {
	Name     []byte
	Data     []byte
	Mode     uint32
	UID, GID uint32
	Mtime    uint32 // seconds since 1970
	Links    uint32 // names that the file has, all in the archive
	ID       ID     // the same for all of them
	Size     uint32 // of the data, in bytes
}

// ID tells files with several names apart: numbers of device and inode.
type ID struct{ Major, Minor, Ino uint32 }

// Reader yields the members of an archive.
type Reader struct {
	archive []byte
	offset  int
	ended   bool // by a trailer
}

// New returns a Reader of the archive.
func New(archive []byte) Reader { return Reader{archive: archive} }

// Offset returns where in the archive the next member, or the problem, is, and at the end what follows the archive.
func (r *Reader) Offset() int { return r.offset }

// Next returns the next member. It returns false at the end of the archive, or
// with a problem; the member then has its name, if that could be read.
func (r *Reader) Next() (f File, ok bool, bad Problem) {
	rest := r.archive[r.offset:]
	if r.ended {
		return f, false, ""
	}
	if len(rest) == 0 {
		return f, false, NoTrailer
	}
	if len(rest) < HeaderSize {
		return f, false, Short
	}
	f, nameSize, bad := Parse(rest[:HeaderSize])
	if bad != "" {
		return f, false, bad
	}
	name := uint64(nameSize)
	data := align(HeaderSize + name)
	end := data + uint64(f.Size)
	if name == 0 || HeaderSize+name > uint64(len(rest)) {
		return f, false, Short
	}
	f.Name = CString(rest[HeaderSize : HeaderSize+name])
	if end > uint64(len(rest)) {
		return f, false, Short
	}
	f.Data = rest[data:end:end]
	r.offset += int(min(align(end), uint64(len(rest))))
	if string(f.Name) == Trailer {
		r.ended = true
		return File{}, false, ""
	}
	return f, true, ""
}

// Parse reads a header. A name of nameSize bytes follows, its NUL among them, and zeros up to a multiple of 4 from
// the header's start; then f.Size bytes of data, and zeros again.
func Parse(header []byte) (f File, nameSize uint32, bad Problem) {
	if string(header[:5]) != "07070" || header[5] != '1' && header[5] != '2' {
		return f, 0, BadMagic
	}
	var field [13]uint32
	for i := range field {
		v, ok := hex(header[6+8*i : 14+8*i])
		if !ok {
			return f, 0, BadNumber
		}
		field[i] = v
	}
	f.Mode, f.UID, f.GID, f.Links, f.Mtime, f.Size = field[1], field[2], field[3], field[4], field[5], field[6]
	f.ID = ID{field[7], field[8], field[0]}
	return f, field[11], ""
}

// Find returns the contents of the file of that name, or nil.
func Find(archive []byte, name string) []byte {
	r := New(archive)
	for {
		f, ok, _ := r.Next()
		if !ok {
			return nil
		}
		n := f.Name
		for len(n) > 0 && (n[0] == '/' || len(n) > 1 && n[0] == '.' && n[1] == '/') {
			n = n[1:]
		}
		if string(n) == name {
			return f.Data
		}
	}
}

// CString returns s, which is not empty, up to its first zero, or without its last byte, which is to be one.
func CString(s []byte) []byte {
	for i, c := range s[:len(s)-1] {
		if c == 0 {
			return s[:i]
		}
	}
	return s[:len(s)-1]
}

func align(n uint64) uint64 { return (n + 3) &^ 3 }

func hex(s []byte) (v uint32, ok bool) {
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(c)
	}
	return v, true
}
