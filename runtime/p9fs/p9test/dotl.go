package p9test

import (
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"internal/xengo/drivers/ninepfront/p9"
)

// doL does what 9P2000.L alone has.
func (s *Server) doL(req p9.Message) (p9.Message, error) {
	switch m := req.(type) {
	case *p9.Tlopen:
		o, err := s.openFile(m.Fid, int(m.Flags))
		return &p9.Rlopen{Opened: o}, err
	case *p9.Tlcreate:
		o, err := s.createFile(m.Fid, m.Name, int(m.Flags), m.Mode)
		return &p9.Rlcreate{Opened: o}, err
	case *p9.Tgetattr:
		return s.getattr(m)
	case *p9.Tsetattr:
		return &p9.Rsetattr{}, s.setattr(m)
	case *p9.Treaddir:
		return s.readdir(m)
	case *p9.Tfsync:
		f, err := s.get(m.Fid)
		if err == nil {
			err = f.file.Sync()
		}
		return &p9.Rfsync{}, err
	case *p9.Tstatfs:
		return s.statfs()
	case *p9.Treadlink:
		f, err := s.get(m.Fid)
		if err != nil {
			return nil, err
		}
		target, err := os.Readlink(s.at(f.path))
		return &p9.Rreadlink{Target: target}, err
	}
	return s.xattr(req)
}

// names does what changes names.
func (s *Server) names(req p9.Message) (p9.Message, error) {
	switch m := req.(type) {
	case *p9.Tmkdir:
		q, err := s.made(m.DFid, m.Name, func(at string) error { return unix.Mkdir(at, m.Mode) })
		return &p9.Rmkdir{Made: q}, err
	case *p9.Tsymlink:
		q, err := s.made(m.DFid, m.Name, func(at string) error { return unix.Symlink(m.Target, at) })
		return &p9.Rsymlink{Made: q}, err
	case *p9.Tmknod:
		q, err := s.made(m.DFid, m.Name, func(at string) error { return unix.Mknod(at, m.Mode, int(unix.Mkdev(m.Major, m.Minor))) })
		return &p9.Rmknod{Made: q}, err
	case *p9.Tlink:
		target, err := s.get(m.Fid)
		if err != nil {
			return nil, err
		}
		_, err = s.made(m.DFid, m.Name, func(at string) error { return unix.Link(s.at(target.path), at) })
		return &p9.Rlink{}, err
	case *p9.Tunlinkat:
		f, err := s.get(m.DFid)
		if err == nil {
			err = unix.Unlinkat(unix.AT_FDCWD, s.at(path.Join(f.path, m.Name)), int(m.Flags))
		}
		return &p9.Runlinkat{}, err
	case *p9.Trenameat:
		return &p9.Rrenameat{}, s.renameat(m)
	}
	return nil, unix.EOPNOTSUPP
}

// made makes a file and returns what it is.
func (s *Server) made(dir uint32, name string, f func(at string) error) (p9.Made, error) {
	d, err := s.get(dir)
	if err != nil {
		return p9.Made{}, err
	}
	at := path.Join(d.path, name)
	if err := f(s.at(at)); err != nil {
		return p9.Made{}, err
	}
	q, err := s.qid(at)
	return p9.Made{QID: q}, err
}

// renameat renames, and mends the paths of fids, as QEMU does (v9fs_fix_path).
func (s *Server) renameat(m *p9.Trenameat) error {
	from, err := s.get(m.OldDFid)
	if err != nil {
		return err
	}
	to, err := s.get(m.NewDFid)
	if err != nil {
		return err
	}
	old, new := path.Join(from.path, m.OldName), path.Join(to.path, m.NewName)
	if err := unix.Rename(s.at(old), s.at(new)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.fids {
		if f.path == old || strings.HasPrefix(f.path, old+"/") {
			f.path = new + f.path[len(old):]
		}
	}
	return nil
}

func (s *Server) getattr(m *p9.Tgetattr) (p9.Message, error) {
	f, err := s.get(m.Fid)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if f.file != nil {
		err = unix.Fstat(int(f.file.Fd()), &st)
	} else {
		err = unix.Lstat(s.at(f.path), &st)
	}
	at := func(t unix.Timespec) p9.Time { return p9.Time{Sec: uint64(t.Sec), Nsec: uint64(t.Nsec)} }
	return &p9.Rgetattr{
		Valid: p9.GetattrBasic, QID: qidOf(&st), Mode: st.Mode, UID: st.Uid, GID: st.Gid, NLink: st.Nlink, RDev: st.Rdev,
		Size: uint64(st.Size), BlockSize: uint64(st.Blksize), Blocks: uint64(st.Blocks),
		Atime: at(st.Atim), Mtime: at(st.Mtim), Ctime: at(st.Ctim),
	}, err
}

func (s *Server) setattr(m *p9.Tsetattr) error {
	f, err := s.get(m.Fid)
	if err != nil {
		return err
	}
	at := s.at(f.path)
	if f.file != nil {
		at = "/proc/self/fd/" + strconv.Itoa(int(f.file.Fd())) // it may have no name any more
	}
	flag := unix.AT_SYMLINK_NOFOLLOW
	if f.file != nil {
		flag = 0
	}
	if m.Valid&p9.SetMode != 0 {
		if err := unix.Chmod(at, m.Mode); err != nil {
			return err
		}
	}
	if m.Valid&(p9.SetUID|p9.SetGID) != 0 {
		uid, gid := -1, -1
		if m.Valid&p9.SetUID != 0 {
			uid = int(m.UID)
		}
		if m.Valid&p9.SetGID != 0 {
			gid = int(m.GID)
		}
		if err := unix.Fchownat(unix.AT_FDCWD, at, uid, gid, flag); err != nil {
			return err
		}
	}
	if m.Valid&p9.SetSize != 0 {
		if err := unix.Truncate(at, int64(m.Size)); err != nil {
			return err
		}
	}
	if m.Valid&(p9.SetAtime|p9.SetMtime) == 0 {
		return nil
	}
	times := []unix.Timespec{stamp(m.Valid, p9.SetAtime, p9.SetAtimeSet, m.Atime), stamp(m.Valid, p9.SetMtime, p9.SetMtimeSet, m.Mtime)}
	return unix.UtimesNanoAt(unix.AT_FDCWD, at, times, flag)
}

func stamp(valid, set, exact uint32, t p9.Time) unix.Timespec {
	switch {
	case valid&set == 0:
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	case valid&exact == 0:
		return unix.Timespec{Nsec: unix.UTIME_NOW}
	}
	return unix.Timespec{Sec: int64(t.Sec), Nsec: int64(t.Nsec)}
}

// readdir numbers the entries that there were when it was last read from the beginning.
func (s *Server) readdir(m *p9.Treaddir) (p9.Message, error) {
	f, err := s.get(m.Fid)
	if err != nil {
		return nil, err
	}
	if m.Offset == 0 {
		if f.entries, err = os.ReadDir(s.at(f.path)); err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.fids[m.Fid].entries = f.entries
		s.mu.Unlock()
	}
	r := &p9.Rreaddir{}
	for i := int(m.Offset); i < len(f.entries)+2; i++ {
		name, kind := []string{".", ".."}[min(i, 1)], os.ModeDir
		if i >= 2 {
			name, kind = f.entries[i-2].Name(), f.entries[i-2].Type()
		}
		q, err := s.qid(path.Join(f.path, name))
		if err != nil {
			continue // removed meanwhile
		}
		e := p9.Entry{QID: q, Offset: uint64(i + 1), Name: name, Type: unix.DT_REG}
		switch kind {
		case os.ModeDir:
			e.Type = unix.DT_DIR
		case os.ModeSymlink:
			e.Type = unix.DT_LNK
		}
		more := p9.AppendEntry(r.Data, &e)
		if len(more) > int(m.Count) {
			break
		}
		r.Data = more
	}
	return r, nil
}

func (s *Server) statfs() (p9.Message, error) {
	var st unix.Statfs_t
	err := unix.Statfs(s.Dir, &st)
	return &p9.Rstatfs{
		FSType: uint32(st.Type), BSize: uint32(st.Bsize), Blocks: st.Blocks, BFree: st.Bfree, BAvail: st.Bavail,
		Files: st.Files, FFree: st.Ffree, NameLen: uint32(st.Namelen),
	}, err
}
