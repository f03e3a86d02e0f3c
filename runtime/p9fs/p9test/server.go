// Package p9test is a server of 9P for tests: of the files below a directory of the host. Like QEMU's it knows a fid by its
// path until it is opened; like xen-9pfsd it can speak 9P2000.u and nothing else, with few fids, and fall over the
// same stone.
package p9test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"internal/xengo/drivers/ninepfront/p9"
)

// A Server serves one connection at a time.
type Server struct {
	Dir     string
	U       bool // speak 9P2000.u, as xen-9pfsd does
	MaxFids int  // 0: any number
	MSize   uint32

	// Reply, if it is set and returns a message, answers a request in the server's place.
	Reply func(req p9.Message) p9.Message

	mu      sync.Mutex
	fids    map[uint32]*fid
	crashed bool
}

// fid is what a fid stands for.
type fid struct {
	path    string // below Dir, "." at the top
	file    *os.File
	entries []fs.DirEntry // of a directory, when reading began
	attr    *attribute
}

// Fids returns how many are in use.
func (s *Server) Fids() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fids)
}

// Crashed reports whether a request made the server crash.
func (s *Server) Crashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashed
}

// Serve answers requests until there are no more. Those of 9P2000.L are done at the same time.
func (s *Server) Serve(r io.Reader, w io.Writer) {
	s.mu.Lock()
	s.fids = map[uint32]*fid{}
	s.mu.Unlock()
	var all sync.WaitGroup
	var writing sync.Mutex
	for {
		tag, req, err := read(r)
		if err != nil {
			break
		}
		answer := func() {
			reply := s.reply(req)
			if reply == nil {
				return
			}
			b, err := p9.Append(nil, tag, reply)
			if err != nil {
				panic(err)
			}
			writing.Lock()
			defer writing.Unlock()
			w.Write(b) // fails if the client is gone
		}
		if s.U {
			answer()
		} else {
			all.Go(answer)
		}
	}
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.fids {
		if f.file != nil {
			f.file.Close()
		}
	}
	s.fids = nil
}

// read reads a request.
func read(r io.Reader) (tag uint16, req p9.Message, err error) {
	b := make([]byte, p9.HeaderSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, nil, err
	}
	h := p9.ParseHeader(b)
	b = append(b, make([]byte, h.Size-p9.HeaderSize)...)
	if _, err := io.ReadFull(r, b[p9.HeaderSize:]); err != nil {
		return 0, nil, err
	}
	req = p9.New(h.Type)
	return h.Tag, req, p9.Parse(b, req)
}

// reply answers a request; nil if the server has crashed.
func (s *Server) reply(req p9.Message) p9.Message {
	if s.Reply != nil {
		if m := s.Reply(req); m != nil {
			return m
		}
	}
	if s.Crashed() {
		return nil
	}
	reply, err := s.do(req)
	if err == nil {
		return reply
	}
	number := unix.EIO
	errors.As(err, &number)
	if s.U {
		return &p9.Rerror{Text: number.Error(), Errno: uint32(number)}
	}
	return &p9.Rlerror{Errno: uint32(number)}
}

func (s *Server) do(req p9.Message) (p9.Message, error) {
	switch m := req.(type) {
	case *p9.Tversion:
		return s.version(m), nil
	case *p9.Tattach:
		return s.attach(m)
	case *p9.Twalk:
		return s.walk(m)
	case *p9.Tclunk:
		return &p9.Rclunk{}, s.clunk(m.Fid)
	case *p9.Tread:
		return s.read(m)
	case *p9.Twrite:
		return s.write(m)
	}
	if s.U {
		return s.doU(req)
	}
	return s.doL(req)
}

func (s *Server) version(m *p9.Tversion) p9.Message {
	want := p9.VersionL
	if s.U {
		want = p9.VersionU
	}
	if m.Version != want {
		m.Version = "unknown"
	}
	if s.MSize > 0 {
		m.MSize = min(m.MSize, s.MSize)
	}
	return &p9.Rversion{Tversion: *m}
}

func (s *Server) at(name string) string { return path.Join(s.Dir, name) }

// get returns a copy of what a fid stands for.
func (s *Server) get(n uint32) (fid, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fids[n]
	if f == nil {
		return fid{}, unix.EBADF
	}
	return *f, nil
}

// set makes a fid stand for something new.
func (s *Server) set(n uint32, f fid) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fids[n] != nil:
		return unix.EBADF
	case s.MaxFids > 0 && len(s.fids) >= s.MaxFids:
		return unix.EMFILE
	}
	s.fids[n] = &f
	return nil
}

func (s *Server) qid(name string) (p9.QID, error) {
	var st unix.Stat_t
	if err := unix.Lstat(s.at(name), &st); err != nil {
		return p9.QID{}, err
	}
	return qidOf(&st), nil
}

func qidOf(st *unix.Stat_t) p9.QID {
	q := p9.QID{Path: st.Ino, Version: uint32(st.Mtim.Sec) ^ uint32(st.Size)<<8}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		q.Type = p9.QTDir
	case unix.S_IFLNK:
		q.Type = p9.QTSymlink
	}
	return q
}

func (s *Server) attach(m *p9.Tattach) (p9.Message, error) {
	if m.AFid != p9.NoFid {
		return nil, unix.EINVAL
	}
	q, err := s.qid(".")
	if err != nil {
		return nil, err
	}
	return &p9.Rattach{QID: q}, s.set(m.Fid, fid{path: "."})
}

func (s *Server) walk(m *p9.Twalk) (p9.Message, error) {
	from, err := s.get(m.Fid)
	if err != nil {
		return nil, err
	}
	if from.file != nil || from.attr != nil || len(m.Names) > p9.MaxWalk {
		return nil, unix.EINVAL
	}
	r := &p9.Rwalk{}
	at := from.path
	for i, name := range m.Names {
		if strings.Contains(name, "/") || name == "." || name == "" {
			return nil, unix.ENOENT
		}
		at = path.Join(at, name)
		q, err := s.qid(at)
		if err != nil && i == 0 {
			return nil, err
		}
		if err != nil {
			return r, nil
		}
		r.QIDs = append(r.QIDs, q)
	}
	if m.NewFid == m.Fid {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fids[m.Fid].path = at
		return r, nil
	}
	return r, s.set(m.NewFid, fid{path: at})
}

func (s *Server) clunk(n uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fids[n]
	if f == nil {
		return unix.EBADF
	}
	delete(s.fids, n)
	if f.file != nil {
		f.file.Close()
	}
	if f.attr != nil {
		return f.attr.end(s.at(f.path))
	}
	return nil
}

// opened notes that a fid is open, and tells what it is.
func (s *Server) opened(n uint32, name string, file *os.File) (p9.Opened, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return p9.Opened{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fids[n].path, s.fids[n].file = name, file
	return p9.Opened{QID: qidOf(&st)}, nil
}

// openFile opens a file for a fid that is not open.
func (s *Server) openFile(n uint32, flags int) (p9.Opened, error) {
	f, err := s.get(n)
	if err != nil {
		return p9.Opened{}, err
	}
	if f.file != nil {
		return p9.Opened{}, unix.EINVAL
	}
	file, err := os.OpenFile(s.at(f.path), flags|unix.O_NOFOLLOW, 0)
	if err != nil {
		return p9.Opened{}, err
	}
	return s.opened(n, f.path, file)
}

// createFile makes a file in the directory that a fid stands for.
func (s *Server) createFile(n uint32, name string, flags int, perm uint32) (p9.Opened, error) {
	f, err := s.get(n)
	if err != nil {
		return p9.Opened{}, err
	}
	name = path.Join(f.path, name)
	fd, err := unix.Open(s.at(name), flags|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, perm)
	if err != nil {
		return p9.Opened{}, err
	}
	if err := unix.Fchmod(fd, perm); err != nil { // whatever the umask is
		return p9.Opened{}, err
	}
	return s.opened(n, name, os.NewFile(uintptr(fd), name))
}

func (s *Server) read(m *p9.Tread) (p9.Message, error) {
	f, err := s.get(m.Fid)
	if err != nil {
		return nil, err
	}
	if f.attr != nil {
		return f.attr.read(m), nil
	}
	if f.file == nil {
		return nil, unix.EBADF
	}
	if s.U {
		if info, err := f.file.Stat(); err == nil && info.IsDir() {
			return s.readDirU(m, f)
		}
	}
	b := make([]byte, m.Count)
	n, err := unix.Pread(int(f.file.Fd()), b, int64(m.Offset))
	if err != nil {
		return nil, err
	}
	return &p9.Rread{Data: b[:n]}, nil
}

func (s *Server) write(m *p9.Twrite) (p9.Message, error) {
	f, err := s.get(m.Fid)
	if err != nil {
		return nil, err
	}
	if f.attr != nil {
		return f.attr.write(m)
	}
	if f.file == nil {
		return nil, unix.EBADF
	}
	n, err := unix.Pwrite(int(f.file.Fd()), m.Data, int64(m.Offset))
	return &p9.Rwrite{Count: uint32(n)}, err
}
