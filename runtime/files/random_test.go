package files

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// A program is bytes that are read as a sequence of system calls.
type program struct {
	*pair
	code []byte
	uid  int

	piped int // writes to pipes
}

// byte returns the next byte of the program, zero after its end.
func (g *program) byte() int {
	if len(g.code) == 0 {
		return 0
	}
	b := g.code[0]
	g.code = g.code[1:]
	return int(b)
}

// pick returns one of list.
func pick[T any](g *program, list ...T) T { return list[g.byte()%len(list)] }

// path returns one of a few names, so that calls meet each other's files.
func (g *program) path() string {
	b := g.byte()
	name := func(b int) string { return string(rune('a' + b%4)) }
	switch b >> 2 % 8 {
	case 0, 1, 2:
		return name(b)
	case 3, 4:
		return name(b) + "/" + name(g.byte())
	case 5:
		return "/" + name(b) + "/" + name(g.byte()) + "/" + name(g.byte())
	case 6:
		return name(b) + pick(g, "/", "/.", "/..", "//"+name(b), "/./"+name(b), "/../"+name(b), "/"+name(b)+"/")
	}
	return pick(g, "", ".", "..", "/", "/..", "./", strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("y/", 2047)+"y", strings.Repeat("y/", 2048))
}

func (g *program) dir() any { return pick[any](g, cwdFD, cwdFD, cwdFD, firstFD, firstFD+1) }
func (g *program) fd() int  { return firstFD + g.byte()%6 }

// size and offset return lengths and places in files; most are small, some at the borders of pages.
func (g *program) size() int { return pick(g, 1, 10, 0, 100, 4096, 4095, 5000) }

func (g *program) offset() int {
	return pick(g, 0, 5, 50, 4090, 4096, 8191, 20000, 1<<20, 1<<40, -1, -5)
}

// data returns n bytes that tell writes apart.
func (g *program) data(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(len(g.log)*7 + i)
	}
	return b
}

func (g *program) mode() uint32 {
	return pick(g, uint32(0o644), 0o755, 0o600, 0o777, 0o400, 0, 0o2775, 0o4755, 0o1777)
}

func (g *program) openFlags() int {
	flags := pick(g, 0, 1, 2, 0x42, 0x41, 0x42, 0xc2, 0x40)
	if b := g.byte(); b&1 != 0 {
		flags |= pick(g, fdtable.O_APPEND, fdtable.O_TRUNC, fdtable.O_DIRECTORY, fdtable.O_NOFOLLOW, fdtable.O_PATH, fdtable.O_TMPFILE, fdtable.O_CLOEXEC)
	}
	return flags | fdtable.O_NONBLOCK // named pipes are not to wait
}

// operations are what a program consists of.
var operations = []func(*program){
	func(g *program) { g.do(calls.SYS_OPENAT, g.dir(), g.path(), g.openFlags(), g.mode()) },
	func(g *program) { g.do(calls.SYS_OPENAT, g.dir(), g.path(), 0x42|fdtable.O_NONBLOCK, g.mode()) },
	func(g *program) { g.do(calls.SYS_OPENAT, g.dir(), g.path(), g.openFlags(), g.mode()) },
	func(g *program) { g.do(calls.SYS_CLOSE, g.fd()) },
	func(g *program) {
		if fd, n := g.fd(), g.size(); g.ownInode(fd) {
			g.do(calls.SYS_READ, fd, make([]byte, n), n)
		}
	},
	func(g *program) { g.do(calls.SYS_READ, g.fd(), make([]byte, 8), 8) },
	func(g *program) { g.write() },
	func(g *program) { g.write() },
	func(g *program) { n := g.size(); g.do(calls.SYS_PREAD64, g.fd(), make([]byte, n), n, g.offset()) },
	func(g *program) { n := g.size(); g.do(calls.SYS_PWRITE64, g.fd(), g.data(n), n, g.offset()) },
	func(g *program) {
		if fd := g.fd(); g.mayWrite(fd) {
			a, b := g.data(g.size()), g.data(g.size())
			g.do(calls.SYS_WRITEV, fd, [][]byte{a, b}, 2)
		}
	},
	func(g *program) {
		a, b := make([]byte, g.size()), make([]byte, g.size())
		if fd := g.fd(); g.isFile(fd) {
			g.do(calls.SYS_READV, fd, [][]byte{a, b}, g.byte()%3)
		}
	},
	func(g *program) {
		a, b := g.data(1+g.size()), g.data(g.size())
		g.do(pick(g, uintptr(calls.SYS_PWRITEV), calls.SYS_PREADV), g.fd(), [][]byte{a, b}, 2, g.offset(), 0)
	},
	func(g *program) { g.lseek() },
	func(g *program) { g.do(calls.SYS_FTRUNCATE, g.fd(), g.offset()) },
	func(g *program) { g.do(calls.SYS_TRUNCATE, g.path(), g.offset()) },
	func(g *program) {
		g.sparse = false
		g.do(calls.SYS_FALLOCATE, g.fd(), pick(g, 0, 1, 3), pick(g, 0, 4096, 100, 8192), pick(g, 4096, 10, 9000, 0, -1))
	},
	func(g *program) { g.do(calls.SYS_MKDIRAT, g.dir(), g.path(), g.mode()) },
	func(g *program) { g.do(calls.SYS_MKDIRAT, g.dir(), g.path(), uint32(0o777)) },
	func(g *program) { g.do(calls.SYS_UNLINKAT, g.dir(), g.path(), pick(g, 0, 0, atRemoveDir, 1)) },
	func(g *program) {
		g.do(calls.SYS_RENAMEAT2, g.dir(), g.path(), g.dir(), g.path(), pick(g, 0, 0, 0, 1, 2, 3))
	},
	func(g *program) {
		if g.uid != 0 {
			return // what users may link depends on fs.protected_hardlinks
		}
		g.do(calls.SYS_LINKAT, g.dir(), g.path(), g.dir(), g.path(), pick(g, 0, 0, atSymlinkFollow, 1))
	},
	func(g *program) {
		g.do(calls.SYS_SYMLINKAT, pick(g, g.path(), "a", "b", "../a", "/c", "d/", "self"), g.dir(), g.path())
	},
	func(g *program) {
		n := pick(g, 100, 3, 0)
		g.do(calls.SYS_READLINKAT, g.dir(), g.path(), make([]byte, 100), n)
	},
	func(g *program) {
		g.do(calls.SYS_MKNODAT, g.dir(), g.path(), g.mode()|pick(g, uint32(vfs.S_IFIFO), vfs.S_IFREG, 0, vfs.S_IFSOCK, vfs.S_IFDIR, vfs.S_IFLNK), 0)
	},
	func(g *program) { g.do(calls.SYS_FCHMODAT, g.dir(), g.path(), g.mode()) },
	func(g *program) {
		if fd := g.fd(); g.isFile(fd) {
			g.do(calls.SYS_FCHMOD, fd, g.mode())
		}
	},
	func(g *program) {
		id := func() int { return pick(g, 0, 1000, 2000, -1) }
		g.do(calls.SYS_FCHOWNAT, g.dir(), g.path(), id(), id(), pick(g, 0, atSymlinkNoFollow))
	},
	func(g *program) {
		g.do(calls.SYS_FACCESSAT2, g.dir(), g.path(), g.byte()%9, pick(g, 0, atEaccess, atSymlinkNoFollow))
	},
	func(g *program) {
		g.stat(calls.SYS_NEWFSTATAT, g.dir(), g.path(), nil, pick(g, 0, atSymlinkNoFollow, atEmptyPath))
	},
	func(g *program) { g.stat(calls.SYS_FSTAT, g.fd(), nil) },
	func(g *program) { g.do(calls.SYS_DUP, g.fd()) },
	func(g *program) { g.do(calls.SYS_DUP3, g.fd(), g.fd(), pick(g, 0, fdtable.O_CLOEXEC, 1)) },
	func(g *program) { g.do(calls.SYS_DUP2, g.fd(), g.fd()) },
	func(g *program) { g.do(calls.SYS_FCNTL, g.fd(), pick(g, fDUPFD, fDUPFDCLOEXEC), firstFD+g.byte()%8) },
	func(g *program) { g.do(calls.SYS_FCNTL, g.fd(), pick(g, fGETFD, fSETFD), g.byte()%2) },
	func(g *program) { g.flags() },
	func(g *program) {
		if fd := g.fd(); g.ownInode(fd) {
			g.do(calls.SYS_FLOCK, fd, pick(g, 1, 2, 8, 0)|lockNB)
		}
	},
	func(g *program) { g.lock() },
	func(g *program) { g.copyRange() },
	func(g *program) { g.do(calls.SYS_CHDIR, g.path()) },
	func(g *program) { g.do(calls.SYS_FCHDIR, g.fd()) },
	func(g *program) { g.do(calls.SYS_GETCWD, make([]byte, 100), pick(g, 100, 2)) },
	func(g *program) { g.do(calls.SYS_UMASK, pick(g, 0o022, 0, 0o077)) },
	func(g *program) { g.user() },
	func(g *program) { g.times() },
	func(g *program) { g.do(calls.SYS_MEMFD_CREATE, "m", 0) },
	func(g *program) { g.do(calls.SYS_FSYNC, g.fd()) },
	func(g *program) {
		buf := make([]byte, 8)
		g.do(calls.SYS_PIPE2, newOpaque(len(buf)), fdtable.O_NONBLOCK)
	},
	func(g *program) {
		g.do(calls.SYS_EVENTFD2, g.byte()%3, fdtable.O_NONBLOCK|pick(g, 0, 1))
	},
	func(g *program) {
		g.do(calls.SYS_POLL, pollfds(pollfd{FD: int32(g.fd()), Events: pick[int16](g, 1, 4, 5, 0)}, pollfd{FD: int32(g.fd()), Events: 0x2005}), 2, 0)
	},
	func(g *program) {
		g.do(calls.SYS_WRITE, g.fd(), []byte{byte(g.byte()), 0, 0, 0, 0, 0, 0, byte(g.byte())}, 8)
	},
	func(g *program) { g.do(calls.SYS_EPOLL_CREATE1, 0) },
	func(g *program) {
		ev := fdtable.EpollEvent{Events: pick(g, fdtable.In, fdtable.Out, fdtable.In|fdtable.Out, 0, fdtable.In|fdtable.EpollOneShot)}
		ev.Data[0] = byte(len(g.log))
		g.do(calls.SYS_EPOLL_CTL, g.fd(), g.byte()%5, g.fd(), append([]byte{}, calls.AsBytes(&ev)...))
	},
	func(g *program) { g.do(calls.SYS_EPOLL_WAIT, g.fd(), make([]byte, 12), 1, 0) },
}

func pollfds(list ...pollfd) (b []byte) {
	for i := range list {
		b = append(b, calls.AsBytes(&list[i])...)
	}
	return b
}

func (g *program) write() {
	if fd, n := g.fd(), g.size(); g.mayWrite(fd) {
		g.do(calls.SYS_WRITE, fd, g.data(n), n)
	}
}

// mayWrite keeps pipes from getting full: Linux counts in pages of which some are not, and here it is in bytes. What else
// has no inode of its own takes certain sizes only, and fewer of late.
func (g *program) mayWrite(fd int) bool {
	st, err := g.stat(calls.SYS_FSTAT, fd, nil)
	if err != 0 {
		return true
	}
	if st.Mode&vfs.S_IFMT != vfs.S_IFIFO {
		return st.Mode&vfs.S_IFMT != 0
	}
	g.piped++
	return g.piped < 6 // times three pages, of sixteen
}

// lseek leaves out directories, whose positions are a file system's own business, and what has none.
func (g *program) lseek() {
	fd := g.fd()
	if !g.isFile(fd) {
		return
	}
	whence := g.byte() % 6
	if g.sparse || whence < 3 || whence > 4 {
		g.do(calls.SYS_LSEEK, fd, g.offset(), whence)
	}
}

func (g *program) isFile(fd int) bool {
	st, err := g.stat(calls.SYS_FSTAT, fd, nil)
	return err != 0 || st.Mode&vfs.S_IFMT == vfs.S_IFREG && st.Nlink > 0
}

// flags compares and sets file status flags. O_LARGEFILE is not shown here.
func (g *program) flags() {
	fd := g.fd()
	ours, host, _ := g.both(calls.SYS_FCNTL, fd, fGETFL)
	if ours.r &^= fdtable.O_LARGEFILE; host.err == 0 {
		host.r &^= fdtable.O_LARGEFILE
	}
	g.agree(ours, host, nil)
	if host.err == 0 && g.byte()&1 != 0 {
		g.do(calls.SYS_FCNTL, fd, fSETFL, fdtable.O_NONBLOCK|pick(g, 0, fdtable.O_APPEND))
	}
}

// ownInode is false for files that share one with those of the whole host, and hence locks.
func (g *program) ownInode(fd int) bool {
	st, err := g.stat(calls.SYS_FSTAT, fd, nil)
	return err != 0 || st.Mode&vfs.S_IFMT != 0
}

func (g *program) lock() {
	command := pick(g, fOFDSETLK, fOFDSETLK, fOFDGETLK)
	rec := flockRec{Type: int16(g.byte() % 4), Whence: int16(g.byte() % 3), Start: int64(g.byte()%20) - 3, Len: int64(g.byte()%10) - 3}
	if command == fOFDGETLK && rec.Type == fUNLCK {
		return // EINVAL until Linux 6.10
	}
	fd := g.fd()
	if !g.ownInode(fd) {
		return
	}
	if p := append([]byte{}, calls.AsBytes(&rec)...); command == fOFDGETLK {
		g.blocker(fd, p)
	} else {
		g.do(calls.SYS_FCNTL, fd, command, p)
	}
}

// blocker compares whether a lock is in the way. If several are, each side may say another one.
func (g *program) blocker(fd int, rec []byte) {
	buf := &opaque{rec, append([]byte{}, rec...)}
	ours, host, _ := g.both(calls.SYS_FCNTL, fd, fOFDGETLK, buf)
	g.agree(ours, host, nil)
	if (buf.ours[0] == fUNLCK) != (buf.host[0] == fUNLCK) {
		g.fail("here the type of the lock is %d, there %d", buf.ours[0], buf.host[0])
	}
}

func (g *program) copyRange() {
	in, out, n := g.fd(), g.fd(), pick(g, 10, 5000, 0, 1<<17)
	if !g.isFile(in) || !g.isFile(out) {
		return
	}
	if g.byte()&1 != 0 {
		g.do(calls.SYS_SENDFILE, out, in, 0, n)
		return
	}
	off := g.offset()
	p := append([]byte{}, calls.AsBytes(&off)...)
	g.do(calls.SYS_COPY_FILE_RANGE, in, p, out, 0, n, 0)
}

// user becomes a user without privileges, or root again.
func (g *program) user() {
	id := pick(g, 0, 1000)
	g.uid = id
	g.do(calls.SYS_SETRESUID, -1, 0, -1)
	g.do(calls.SYS_SETRESGID, id, id, -1)
	g.do(calls.SYS_SETRESUID, id, id, -1)
}

func (g *program) times() {
	const omit = utimeOmit
	t := [2]fdtable.Timespec{{Sec: int64(g.byte()), Nsec: pick[int64](g, 1, omit, 1e9)}, {Sec: 5, Nsec: pick[int64](g, 2, omit)}}
	g.do(calls.SYS_UTIMENSAT, g.dir(), g.path(), append([]byte{}, calls.AsBytes(&t)...), pick(g, 0, atSymlinkNoFollow))
}

// run performs the program and compares the trees that it leaves behind.
func run(p *pair, code []byte) {
	p.Helper()
	p.reset()
	g := &program{pair: p, code: code}
	p.ok(calls.SYS_MKDIRAT, cwdFD, "a", uint32(0o777))
	p.ok(calls.SYS_MKDIRAT, cwdFD, "a/b", uint32(0o777))
	p.ok(calls.SYS_MKNODAT, cwdFD, "b", uint32(0o666), 0)
	for len(g.code) > 0 {
		operations[g.byte()%len(operations)](g)
	}
	p.do(calls.SYS_SETRESUID, -1, 0, -1)
	p.do(calls.SYS_CLOSE_RANGE, firstFD, 1<<32-1, 0)
	p.tree("/")
	p.leaks()
}

// leaks removes the tree and checks that nothing is left of it.
func (p *pair) leaks() {
	p.Helper()
	p.do(calls.SYS_CHDIR, "/")
	p.clear("/")
	var st, fresh vfs.Statfs
	p.fs.Statfs(&st)
	memfs.New(0o755).Statfs(&fresh)
	if files, used := st.Files-st.Ffree, st.Blocks-st.Bfree; files != 1 || used != fresh.Blocks-fresh.Bfree {
		p.fail("an empty file system has %d files and %d blocks in use", files, used)
	}
}

// clear removes what is below a directory.
func (p *pair) clear(path string) {
	p.Helper()
	fd := p.ok(calls.SYS_OPENAT, cwdFD, path, fdtable.O_RDONLY|fdtable.O_DIRECTORY)
	for _, name := range p.list(fd) {
		if name == "." || name == ".." {
			continue
		}
		if r := p.do(calls.SYS_UNLINKAT, fd, name, 0); r.err == calls.EISDIR {
			p.clear(path + "/" + name)
			p.ok(calls.SYS_UNLINKAT, fd, name, atRemoveDir)
		}
	}
	p.ok(calls.SYS_CLOSE, fd)
}

func randomCode(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	code := make([]byte, n)
	for i := range code {
		code[i] = byte(r.Uint32())
	}
	return code
}

// Random sequences of calls have the same results here and on Linux. They are the same ones each time, with XENGO_LONG others
// too.
func TestRandom(t *testing.T) {
	p := newPair(t)
	rounds := 100
	if testing.Short() {
		rounds = 30
	}
	try := func(seed uint64) {
		p.TB = named{t, fmt.Sprintf("seed %d", seed)}
		run(p, randomCode(seed, 1500))
	}
	for seed := range rounds {
		try(uint64(seed))
	}
	if os.Getenv("XENGO_LONG") != "" {
		for range 10 * rounds {
			try(rand.Uint64())
		}
	}
}

// A named test says in what round it failed.
type named struct {
	testing.TB
	name string
}

func (n named) Fatalf(format string, args ...any) {
	n.Helper()
	n.TB.Fatalf(n.name+":\n"+format, args...)
}

func FuzzCalls(f *testing.F) {
	for seed := range uint64(3) {
		f.Add(randomCode(seed, 400))
	}
	p := newPair(f)
	f.Fuzz(func(t *testing.T, code []byte) {
		p.TB = t
		run(p, code)
	})
}
