package files

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// firstFD is the lowest descriptor that tests get: those below are in use on both sides, so that the numbers agree.
const firstFD = 64

func TestMain(m *testing.M) {
	kernel.Host.Console = kernel.NewFakeConsole(1 << 16)
	null, err := vfs.Open(vfs.Root(), "/dev/null", fdtable.O_RDWR, 0)
	for err == 0 {
		var fd int
		if fd, err = fdtable.Install(null, fdtable.O_RDWR); fd == firstFD-1 {
			break
		}
	}
	if err != 0 {
		panic(err)
	}
	mounted = vfs.Mounts()
	os.Exit(m.Run())
}

// mounted is what is mounted in the tree that the package furnished.
var mounted []*vfs.Mount

// furnished goes back to that tree.
func furnished() {
	useRoot(mounted[0].Root)
	for _, m := range mounted[1:] {
		vfs.MountAt(m.Point, m.Root, m.Source)
	}
}

// A pair makes every system call twice, here and on the host's kernel, in a tmpfs that is the root directory of a thread
// with descriptors, umask and user of its own. Whatever differs fails the test.
type pair struct {
	testing.TB
	host *hostThread
	fs   *memfs.FS
	log  []string

	// sparse makes holes be compared. When fallocate made room, Linux finds its own answers to what a hole is.
	sparse bool

	inos [2]map[[2]uint64]int // which files were seen, in that order
}

func newPair(t testing.TB) *pair {
	host, err := startHost(t.TempDir())
	if err != nil {
		t.Skipf("no root directory of its own on the host: %v", err)
	}
	p := &pair{TB: t, host: host}
	t.Cleanup(host.stop)
	t.Cleanup(furnished)
	p.reset()
	return p
}

// reset begins anew with empty root directories.
func (p *pair) reset() {
	p.fs = memfs.New(0o755)
	p.fs.SetLimit(64 << 20)
	useRoot(p.fs.Root())
	if err := p.host.do(p.host.fresh); err != nil {
		p.Fatalf("host: %v", err)
	}
	p.log, p.sparse = nil, true
	p.inos = [2]map[[2]uint64]int{{}, {}}
}

// useRoot closes what tests opened and starts in a new tree.
func useRoot(root vfs.Directory) {
	vfs.SetCred(&vfs.Cred{})
	calls.Do(calls.SYS_CLOSE_RANGE, calls.Args{A1: firstFD, A2: 1<<32 - 1})
	vfs.SetRoot(root, "test")
	cwd.Store(&root)
	umask.Store(0o022)
}

// An opaque argument is memory for results that the test looks at by itself.
type opaque struct{ ours, host []byte }

func newOpaque(n int) *opaque { return &opaque{make([]byte, n), make([]byte, n)} }

// An argument is one of a system call, as each side gets it.
type argument struct {
	ours, host uintptr
	memory     [][2][]byte // ours and the host's, which are to be the same afterwards
	keep       []any
}

func newArgument(arg any) (a argument) {
	addMemory := func(o, h []byte) {
		a.ours, a.host = addr(o), addr(h)
		a.keep = append(a.keep, o, h)
	}
	switch v := arg.(type) {
	case string:
		addMemory(append([]byte(v), 0), append([]byte(v), 0))
	case []byte:
		o, h := append([]byte{}, v...), append([]byte{}, v...)
		addMemory(o, h)
		a.memory = append(a.memory, [2][]byte{o, h})
	case *opaque:
		addMemory(v.ours, v.host)
	case [][]byte: // struct iovec
		var iov [2][]byte
		for _, b := range v {
			var m [2][]byte
			for side := range m {
				m[side] = append(make([]byte, 0, len(b)+1), b...)
				iov[side] = append(iov[side], calls.AsBytes(&calls.Iovec{Base: addr(m[side]), Size: uintptr(len(b))})...)
				a.keep = append(a.keep, m[side])
			}
			a.memory = append(a.memory, m)
		}
		addMemory(append(iov[0], 0), append(iov[1], 0))
	case int:
		a.ours, a.host = uintptr(v), uintptr(v)
	case int64:
		a.ours, a.host = uintptr(v), uintptr(v)
	case uint32:
		a.ours, a.host = uintptr(v), uintptr(v)
	case uint64:
		a.ours, a.host = uintptr(v), uintptr(v)
	case uintptr:
		a.ours, a.host = v, v
	default:
		panic(fmt.Sprintf("argument of type %T", arg))
	}
	return a
}

func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// A result is what a system call returned.
type result struct {
	r   uintptr
	err calls.Errno
}

func (r result) String() string {
	if r.err != 0 {
		return r.err.Error()
	}
	return fmt.Sprint(int(r.r))
}

// both makes a system call on both sides.
func (p *pair) both(nr uintptr, args ...any) (ours, host result, memory [][2][]byte) {
	var o, h [6]uintptr
	var keep []any
	for i, arg := range args {
		a := newArgument(arg)
		o[i], h[i] = a.ours, a.host
		memory = append(memory, a.memory...)
		keep = append(keep, a.keep...)
	}
	ours.r, ours.err = calls.Do(nr, calls.Args{A1: o[0], A2: o[1], A3: o[2], A4: o[3], A5: o[4], A6: o[5]})
	p.host.do(func() error {
		r, _, e := unix.Syscall6(nr, h[0], h[1], h[2], h[3], h[4], h[5])
		host = result{r, calls.Errno(e)}
		return nil
	})
	runtime.KeepAlive(keep)
	p.log = append(p.log, call2string(nr, args)+" = "+host.String())
	return ours, host, memory
}

// do makes a system call on both sides, which have to agree.
func (p *pair) do(nr uintptr, args ...any) result {
	p.Helper()
	ours, host, memory := p.both(nr, args...)
	p.agree(ours, host, memory)
	return host
}

func (p *pair) agree(ours, host result, memory [][2][]byte) {
	p.Helper()
	if ours.err != host.err || host.err == 0 && ours.r != host.r {
		var after []byte
		for _, m := range memory {
			after = append(after, fmt.Sprintf("%.40q, there %.40q\n", m[0], m[1])...)
		}
		p.fail("here it is %v; the memory is\n%s", ours, after)
	}
	for _, m := range memory {
		if !bytes.Equal(m[0], m[1]) {
			p.fail("here the memory is\n%q, there\n%q", clip(m[0]), clip(m[1]))
		}
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 200)] }

// fail reports a difference with what led to it.
func (p *pair) fail(format string, args ...any) {
	p.Helper()
	p.Fatalf("%s\n"+format, append([]any{strings.Join(p.log, "\n")}, args...)...)
}

// ok is do for calls that have to succeed.
func (p *pair) ok(nr uintptr, args ...any) int {
	p.Helper()
	r := p.do(nr, args...)
	if r.err != 0 {
		p.fail("which the test does not expect")
	}
	return int(r.r)
}

func call2string(nr uintptr, args []any) string {
	var list []string
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			if len(v) > 100 {
				v = v[:20] + "..."
			}
			list = append(list, fmt.Sprintf("%q", v))
		case []byte:
			list = append(list, fmt.Sprintf("[%d bytes]", len(v)))
		case [][]byte:
			list = append(list, fmt.Sprintf("[%d buffers]", len(v)))
		case *opaque:
			list = append(list, "...")
		case uint32:
			list = append(list, fmt.Sprintf("%#o", v))
		case uintptr:
			list = append(list, fmt.Sprint(int(v)))
		default:
			list = append(list, fmt.Sprint(arg))
		}
	}
	return calls.Name(nr) + "(" + strings.Join(list, ", ") + ")"
}

// id returns a number for a file that is the same on both sides if the files were first seen in the same order.
func (p *pair) id(side int, st *fdtable.Stat) int {
	key := [2]uint64{st.Dev, st.Ino}
	if _, ok := p.inos[side][key]; !ok {
		p.inos[side][key] = len(p.inos[side])
	}
	return p.inos[side][key]
}

// stat compares what the call nr, whose last but flags argument is a struct stat, says.
func (p *pair) stat(nr uintptr, args ...any) (st fdtable.Stat, err calls.Errno) {
	p.Helper()
	buf := newOpaque(int(unsafe.Sizeof(st)))
	for i := range args {
		if args[i] == nil {
			args[i] = buf
		}
	}
	ours, host, _ := p.both(nr, args...)
	p.agree(ours, host, nil)
	if host.err != 0 {
		return st, host.err
	}
	var s [2]fdtable.Stat
	copy(calls.AsBytes(&s[0]), buf.ours)
	copy(calls.AsBytes(&s[1]), buf.host)
	say := func(side int) string {
		v := &s[side]
		size := v.Size
		blocks := v.Blocks
		switch v.Mode & vfs.S_IFMT {
		case vfs.S_IFDIR:
			size = 0
		case vfs.S_IFLNK:
			blocks = 0
		}
		return fmt.Sprintf("file %d, mode %o, %d links, owner %d:%d, device %#x, size %d, %d blocks of %d", p.id(side, v), v.Mode, v.Nlink,
			v.UID, v.GID, v.Rdev, size, blocks, v.Blksize)
	}
	if o, h := say(0), say(1); o != h {
		p.fail("here the file is\n%s, there\n%s", o, h)
	}
	return s[1], 0
}

// An entry is what getdents64 says of a file.
type entry struct {
	name string
	kind byte
	off  uint64
}

func entries(b []byte) (list []entry) {
	for len(b) > 0 {
		n := int(b[16]) | int(b[17])<<8
		name, _, _ := bytes.Cut(b[19:n], []byte{0})
		var off uint64
		for i := range 8 {
			off |= uint64(b[8+i]) << (8 * i)
		}
		list = append(list, entry{string(name), b[18], off})
		b = b[n:]
	}
	return list
}

// list compares the entries of an open directory and returns their names.
func (p *pair) list(fd int) []string {
	p.Helper()
	var all [2]map[string]byte
	for side := range all {
		all[side] = map[string]byte{}
	}
	done := [2]bool{}
	for done != [2]bool{true, true} {
		buf := newOpaque(4096)
		ours, host, _ := p.both(calls.SYS_GETDENTS64, fd, buf, 4096)
		if ours.err != host.err {
			p.fail("here it is %v", ours)
		}
		if host.err != 0 {
			return nil
		}
		for side, b := range [][]byte{buf.ours[:ours.r], buf.host[:host.r]} {
			done[side] = len(b) == 0
			for _, e := range entries(b) {
				if _, twice := all[side][e.name]; twice {
					p.fail("side %d: %q comes twice", side, e.name)
				}
				all[side][e.name] = e.kind
			}
		}
	}
	if !maps.Equal(all[0], all[1]) {
		p.fail("here the entries are\n%v, there\n%v", all[0], all[1])
	}
	return slices.Sorted(maps.Keys(all[1]))
}

// tree compares everything below the directory at path.
func (p *pair) tree(path string) {
	p.Helper()
	fd := p.ok(calls.SYS_OPENAT, cwdFD, path, fdtable.O_RDONLY|fdtable.O_DIRECTORY)
	for _, name := range p.list(fd) {
		st, err := p.stat(calls.SYS_NEWFSTATAT, fd, name, nil, atSymlinkNoFollow)
		if err != 0 || name == "." || name == ".." {
			continue
		}
		switch st.Mode & vfs.S_IFMT {
		case vfs.S_IFDIR:
			p.tree(path + "/" + name)
		case vfs.S_IFLNK:
			p.do(calls.SYS_READLINKAT, fd, name, make([]byte, 100), 100)
		case vfs.S_IFREG:
			p.contents(fd, name, st.Size)
		}
	}
	p.ok(calls.SYS_CLOSE, fd)
}

// contents compares the data and the holes of a file.
func (p *pair) contents(dirfd int, name string, size int64) {
	p.Helper()
	fd := p.ok(calls.SYS_OPENAT, dirfd, name, fdtable.O_RDONLY)
	const seekData, seekHole = 3, 4
	for pos := 0; p.sparse; {
		r := p.do(calls.SYS_LSEEK, fd, pos, seekData)
		if r.err != 0 {
			break
		}
		p.do(calls.SYS_PREAD64, fd, make([]byte, 10000), 10000, int(r.r))
		pos = p.ok(calls.SYS_LSEEK, fd, int(r.r), seekHole)
	}
	p.do(calls.SYS_PREAD64, fd, make([]byte, 20000), 20000, 0)
	p.do(calls.SYS_PREAD64, fd, make([]byte, 10), 10, max(size, 5)-5)
	p.ok(calls.SYS_CLOSE, fd)
}
