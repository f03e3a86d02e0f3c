// Package ramdisk makes the ramdisk of a guest, a cpio archive in the newc format: files of a directory, or an archive that
// exists, and before them what the program's start needs (package xlcfg).
package ramdisk

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/runtime/inflate"
	"internal/xengo/runtime/unzstd"
)

// Source is where a guest's files come from. Of nil there are none.
type Source struct {
	name       string
	records    []cpio.Record // of a directory
	archive    bool
	compressed bool // the archive is
	pack       bool // the directory's files, each by itself
}

// Open looks at a directory or a cpio archive. What cannot go into an archive is an error that names it.
func Open(name string) (*Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	s := &Source{name: name, archive: !info.IsDir()}
	if s.archive {
		return s, s.checkArchive()
	}
	return s, s.collect()
}

// IsArchive reports whether the source is an archive, which needs no other if nothing is to go before it.
func (s *Source) IsArchive() bool { return s.archive }

// Compress makes Write compress the files of a directory, each by itself, so that they take memory in a guest only as they are
// read. It is an error if the source is an archive.
func (s *Source) Compress() error {
	if s.archive {
		return fmt.Errorf("%s is an archive already: only the files of a directory can be compressed each by itself", s.name)
	}
	s.pack = true
	return nil
}

// checkArchive looks at the first bytes of an archive.
func (s *Source) checkArchive() error {
	f, err := os.Open(s.name)
	if err != nil {
		return err
	}
	defer f.Close()
	magic := make([]byte, 6)
	_, err = io.ReadFull(f, magic)
	if err == nil && (bytes.Equal(magic, []byte("070701")) || bytes.Equal(magic, []byte("070702"))) {
		return nil
	}
	if s.compressed = err == nil && (inflate.Is(magic) || unzstd.Is(magic)); s.compressed {
		return nil
	}
	return fmt.Errorf("%s is neither a directory nor a cpio archive of the newc format, which gzip or zstd may have compressed", s.name)
}

// collect finds the files of a directory, in the order of their names. Contents are read when they are written.
func (s *Source) collect() error {
	recorder := cpio.NewRecorder()
	return filepath.WalkDir(s.name, func(file string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		r, err := recorder.GetRecord(file)
		if err != nil {
			return err
		}
		if r.Name, err = filepath.Rel(s.name, file); err != nil {
			return err
		}
		if err := fits(file, &r.Info); err != nil {
			return err
		}
		// Who made the archive, and where, is nothing to the guest: root owns all.
		r.UID, r.GID, r.Major, r.Minor = 0, 0, 0, 0
		s.records = append(s.records, r)
		return nil
	})
}

// fits reports why a file cannot go into an archive, or into a guest.
func fits(file string, i *cpio.Info) error {
	switch kind := i.Mode & cpio.S_IFMT; {
	case kind == cpio.S_IFSOCK:
		return fmt.Errorf("%s is a socket, which no archive can hold", file)
	case kind == cpio.S_IFCHR || kind == cpio.S_IFBLK:
		return fmt.Errorf("%s is a device; guests have their own", file)
	case i.FileSize > math.MaxUint32:
		return fmt.Errorf("%s has %d bytes; a cpio archive has room for files of up to 4 GiB", file, i.FileSize)
	case i.MTime > math.MaxUint32:
		return fmt.Errorf("%s was last changed before 1970 or after 2105, which a cpio archive cannot say", file)
	case i.Name == cpio.Trailer:
		return fmt.Errorf("%s has the name of an archive's end", file)
	}
	return nil
}

// Write writes an archive of first and then the files of s, once.
func Write(w io.Writer, first []cpio.Record, s *Source) error {
	out := cpio.Newc.Writer(w)
	if err := cpio.WriteRecords(out, first); err != nil {
		return err
	}
	if s != nil && (s.compressed || s.pack) && len(first) > 0 {
		if err := cpio.WriteTrailer(out); err != nil {
			return err
		}
		// The guest finds one archive after the other.
	}
	switch {
	case s == nil:
	case s.archive:
		// If neither is compressed there is no trailer yet: it goes on where the files before it end.
		return s.copy(w)
	case s.pack:
		return s.writePacked(w)
	default:
		if err := s.write(out, func(cpio.Record) {}); err != nil {
			return err
		}
	}
	return cpio.WriteTrailer(out)
}

// write writes the files of a directory, each of which it announces.
func (s *Source) write(out cpio.RecordWriter, announce func(cpio.Record)) error {
	for _, r := range s.records {
		announce(r)
		if err := out.WriteRecord(r); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(s.name, r.Name), err)
		}
	}
	return nil
}

// writePacked writes an archive of the files, compressed.
func (s *Source) writePacked(w io.Writer) error {
	p, err := newPacker(w)
	if err != nil {
		return err
	}
	out := cpio.Newc.Writer(p)
	if err := s.write(out, p.record); err != nil {
		return err
	}
	if err := cpio.WriteTrailer(out); err != nil {
		return err
	}
	return p.flush()
}

func (s *Source) copy(w io.Writer) error {
	f, err := os.Open(s.name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// Reader returns what Write writes, as it is read. Close ends it early.
func Reader(first []cpio.Record, s *Source) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(Write(w, first, s)) }()
	return r
}
