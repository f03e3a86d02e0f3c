package files

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// only makes a new tree for tests without the host's kernel.
func only(t *testing.T) *memfs.FS {
	fs := memfs.New(0o755)
	useRoot(fs.Root())
	t.Cleanup(furnished)
	return fs
}

// sys makes a system call with strings and bytes as arguments.
func sys(nr uintptr, args ...any) (int, calls.Errno) {
	var a [6]uintptr
	var keep []any
	for i := range args {
		arg := newArgument(args[i])
		if b, ok := args[i].([]byte); ok {
			arg.ours = addr(b)
		}
		a[i], keep = arg.ours, append(keep, arg.keep)
	}
	r, err := calls.Do(nr, calls.Args{A1: a[0], A2: a[1], A3: a[2], A4: a[3], A5: a[4], A6: a[5]})
	_ = keep
	return int(r), err
}

func must(t testing.TB, nr uintptr, args ...any) int {
	t.Helper()
	r, err := sys(nr, args...)
	require.Zero(t, err, calls.Name(nr))
	return r
}

func makePipe(t testing.TB, flags int) (r, w int) {
	var fds [2]int32
	must(t, calls.SYS_PIPE2, calls.AsBytes(&fds), flags)
	return int(fds[0]), int(fds[1])
}

// Writes of up to PIPE_BUF bytes come through a pipe in one piece, whether they are made with write or writev, however many
// there are at once; larger ones come through whole.
func TestPipeAtomic(t *testing.T) {
	only(t)
	r, w := makePipe(t, 0)
	must(t, calls.SYS_FCNTL, w, fSETPIPESZ, 2*pipeBuf)
	const writers, each = 6, 300
	var wg sync.WaitGroup
	for id := range writers {
		fd := must(t, calls.SYS_DUP, w)
		wg.Go(func() {
			defer sys(calls.SYS_CLOSE, fd)
			for i := range each {
				msg := make([]byte, 3+(i*97+id*31)%(pipeBuf-3))
				for j := range msg {
					msg[j] = byte(id)
				}
				msg[0], msg[1], msg[2] = byte(id), byte(len(msg)), byte(len(msg)>>8)
				if i%2 == 0 {
					sys(calls.SYS_WRITE, fd, msg, len(msg))
				} else {
					half := len(msg) / 2
					sys(calls.SYS_WRITEV, fd, [][]byte{msg[:half], nil, msg[half:]}, 3)
				}
			}
		})
	}
	must(t, calls.SYS_CLOSE, w)
	var all []byte
	buf := make([]byte, 5000)
	for {
		n := must(t, calls.SYS_READ, r, buf, len(buf))
		if n == 0 {
			break // all writers are gone
		}
		all = append(all, buf[:n]...)
	}
	wg.Wait()
	for n := 0; n < writers*each; n++ {
		size := int(all[1]) | int(all[2])<<8
		require.True(t, bytes.Equal(bytes.Repeat(all[:1], size-3), all[3:size]), "message %d is in pieces", n)
		all = all[size:]
	}
	require.Empty(t, all)
}

func TestPipeEnds(t *testing.T) {
	only(t)
	r, w := makePipe(t, fdtable.O_NONBLOCK)
	big := make([]byte, pipeSize+10)
	require.Equal(t, pipeSize, must(t, calls.SYS_WRITE, w, big, len(big)), "a short write")
	_, err := sys(calls.SYS_WRITE, w, big, 1)
	require.Equal(t, calls.EAGAIN, err)
	must(t, calls.SYS_READ, r, big, 100)
	_, err = sys(calls.SYS_WRITE, w, big, 101)
	require.Equal(t, calls.EAGAIN, err, "a small write is whole or not at all")
	require.Equal(t, 100, must(t, calls.SYS_WRITE, w, big, 100))
	require.Equal(t, 0, must(t, calls.SYS_READ, r, big, 0))
	_, err = sys(calls.SYS_READ, w, big, 1)
	require.Equal(t, calls.EBADF, err)
	must(t, calls.SYS_CLOSE, r)
	_, err = sys(calls.SYS_WRITE, w, big, 1)
	require.Equal(t, calls.EPIPE, err)

	r, w = makePipe(t, 0)
	done := make(chan calls.Errno)
	go func() {
		n, err := sys(calls.SYS_WRITE, w, big, len(big))
		if n != pipeSize {
			t.Errorf("%d bytes written before the reader went", n)
		}
		done <- err
	}()
	require.Eventually(t, func() bool {
		var waiting int32
		must(t, calls.SYS_IOCTL, r, fionread, calls.AsBytes(&waiting))
		return waiting == pipeSize
	}, time.Minute, time.Millisecond)
	must(t, calls.SYS_CLOSE, r)
	require.Zero(t, <-done, "what was written counts")
}

// A named pipe's open waits for the other end.
func TestFifo(t *testing.T) {
	only(t)
	must(t, calls.SYS_MKNODAT, cwdFD, "f", uint32(vfs.S_IFIFO|0o600), 0)
	_, err := sys(calls.SYS_OPENAT, cwdFD, "f", fdtable.O_WRONLY|fdtable.O_NONBLOCK)
	require.Equal(t, calls.ENXIO, err)
	for range 200 {
		var wg sync.WaitGroup
		wg.Go(func() {
			w, err := sys(calls.SYS_OPENAT, cwdFD, "f", fdtable.O_WRONLY)
			require.Zero(t, err)
			sys(calls.SYS_WRITE, w, []byte("hello"), 5)
			sys(calls.SYS_CLOSE, w)
		})
		r := must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_RDONLY)
		buf := make([]byte, 10)
		require.Equal(t, 5, must(t, calls.SYS_READ, r, buf, 10))
		require.Equal(t, 0, must(t, calls.SYS_READ, r, buf, 10))
		must(t, calls.SYS_CLOSE, r)
		wg.Wait()
	}
}

// What is in a named pipe, and how large it is, lasts as long as somebody has it open.
func TestFifoClosed(t *testing.T) {
	p := newPair(t)
	p.ok(calls.SYS_MKNOD, "f", vfs.S_IFIFO|0o600, 0)
	for range 2 {
		fd := p.ok(calls.SYS_OPENAT, cwdFD, "f", fdtable.O_RDWR|fdtable.O_NONBLOCK)
		p.ok(calls.SYS_FCNTL, fd, fGETPIPESZ, 0)
		p.do(calls.SYS_READ, fd, newOpaque(10), 10)
		p.ok(calls.SYS_WRITE, fd, []byte("hello"), 5)
		p.ok(calls.SYS_FCNTL, fd, fSETPIPESZ, 8192)
		again := p.ok(calls.SYS_OPENAT, cwdFD, "f", fdtable.O_RDONLY)
		p.ok(calls.SYS_FCNTL, again, fGETPIPESZ, 0)
		p.ok(calls.SYS_CLOSE, again)
		p.ok(calls.SYS_CLOSE, fd)
	}
}

// A reader of a directory sees every file that stays exactly once, whatever comes and goes meanwhile.
func TestReadDirectory(t *testing.T) {
	for _, size := range []int{24 + 8, 100, 1000, 32 << 10} {
		only(t)
		r := rand.New(rand.NewPCG(uint64(size), 0))
		must(t, calls.SYS_MKDIRAT, cwdFD, "d", uint32(0o755))
		d := must(t, calls.SYS_OPENAT, cwdFD, "d", fdtable.O_RDONLY)
		files := map[string]bool{} // whether it was there from the start
		add := func(i int, start bool) {
			name := fmt.Sprintf("%03d", i)
			must(t, calls.SYS_MKNODAT, d, name, uint32(0o644), 0)
			files[name] = start
		}
		for i := range 700 {
			add(i, true)
		}
		seen := map[string]bool{}
		var last uint64
		for {
			buf := make([]byte, size)
			n := must(t, calls.SYS_GETDENTS64, d, buf, size)
			if n == 0 {
				break
			}
			for _, e := range entries(buf[:n]) {
				require.False(t, seen[e.name], "%q comes twice", e.name)
				require.Greater(t, e.off, last)
				seen[e.name], last = true, e.off
			}
			for name := range files {
				if r.IntN(300) == 0 {
					must(t, calls.SYS_UNLINKAT, d, name, 0)
					delete(files, name)
				}
			}
			if i := r.IntN(1000) + 1000; files[fmt.Sprintf("%03d", i)] == false && r.IntN(3) == 0 {
				sys(calls.SYS_MKNODAT, d, fmt.Sprintf("%03d", i), uint32(0o644), 0)
			}
		}
		for name, start := range files {
			require.True(t, !start || seen[name], "%q is not seen", name)
		}
	}
	d, _ := sys(calls.SYS_OPENAT, cwdFD, "d", fdtable.O_RDONLY)
	_, err := sys(calls.SYS_GETDENTS64, d, make([]byte, 20), 20)
	require.Equal(t, calls.EINVAL, err, "not even one fits")
}

// A program may close all its descriptors while it walks /proc/self/fd.
func TestCloseWhileListing(t *testing.T) {
	t.Cleanup(furnished)
	furnished()
	var opened []int
	for range 100 {
		opened = append(opened, must(t, calls.SYS_EVENTFD2, 0, 0))
	}
	d := must(t, calls.SYS_OPENAT, cwdFD, "/proc/self/fd", fdtable.O_RDONLY)
	for {
		buf := make([]byte, 100) // a few at a time
		n := must(t, calls.SYS_GETDENTS64, d, buf, len(buf))
		if n == 0 {
			break
		}
		for _, e := range entries(buf[:n]) {
			if fd, ok := atoi(e.name); ok && fd >= firstFD && fd != d {
				must(t, calls.SYS_CLOSE, fd)
			}
		}
	}
	for _, fd := range opened {
		_, err := sys(calls.SYS_CLOSE, fd)
		require.Equal(t, calls.EBADF, err, "descriptor %d was not listed", fd)
	}
}

// Every call changes the times that it changes on Linux.
func TestTimes(t *testing.T) {
	p := newPair(t)
	old := [2]fdtable.Timespec{{Sec: 1000}, {Sec: 2000}}
	var fd int
	for _, op := range []struct {
		name string
		run  func()
	}{
		{"read", func() { p.ok(calls.SYS_PREAD64, fd, make([]byte, 3), 3, 0) }},
		{"read beyond", func() { p.ok(calls.SYS_PREAD64, fd, make([]byte, 3), 3, 100) }},
		{"write", func() { p.ok(calls.SYS_PWRITE64, fd, []byte("abc"), 3, 0) }},
		{"write nothing", func() { p.ok(calls.SYS_PWRITE64, fd, []byte("abc"), 0, 0) }},
		{"truncate", func() { p.ok(calls.SYS_FTRUNCATE, fd, 2) }},
		{"truncate to the same", func() { p.ok(calls.SYS_FTRUNCATE, fd, 4) }},
		{"open to truncate", func() { p.ok(calls.SYS_OPENAT, cwdFD, "d/f", fdtable.O_WRONLY|fdtable.O_TRUNC) }},
		{"chmod", func() { p.ok(calls.SYS_FCHMOD, fd, 0o600) }},
		{"list", func() {
			p.list(p.ok(calls.SYS_OPENAT, cwdFD, "d", fdtable.O_RDONLY))
		}},
		{"make", func() { p.ok(calls.SYS_MKNODAT, cwdFD, "d/g", uint32(0o644), 0) }},
		{"open to create what is there", func() { p.ok(calls.SYS_OPENAT, cwdFD, "d/f", fdtable.O_CREAT|fdtable.O_RDWR, 0o644) }},
		{"link", func() { p.ok(calls.SYS_LINKAT, cwdFD, "d/f", cwdFD, "d/h", 0) }},
		{"unlink", func() { p.ok(calls.SYS_UNLINKAT, cwdFD, "d/x", 0) }},
		{"rename", func() { p.ok(calls.SYS_RENAMEAT2, cwdFD, "d/f", cwdFD, "d/i", 0) }},
		{"rename away", func() { p.ok(calls.SYS_RENAMEAT2, cwdFD, "d/f", cwdFD, "e/f", 0) }},
		{"omit one", func() {
			p.ok(calls.SYS_UTIMENSAT, fd, 0, times2bytes(fdtable.Timespec{Nsec: utimeOmit}, fdtable.Timespec{Sec: 3000}), 0)
		}},
		{"one now", func() {
			p.ok(calls.SYS_UTIMENSAT, fd, 0, times2bytes(fdtable.Timespec{Nsec: utimeNow}, fdtable.Timespec{Nsec: utimeOmit}), 0)
		}},
		{"fallocate", func() { p.ok(calls.SYS_FALLOCATE, fd, 0, 0, 100) }},
		{"copy", func() {
			out := p.ok(calls.SYS_OPENAT, cwdFD, "d/x", fdtable.O_RDWR)
			p.ok(calls.SYS_COPY_FILE_RANGE, fd, 0, out, 0, 3, 0)
		}},
	} {
		p.reset()
		p.log = append(p.log, op.name)
		for _, dir := range []string{"d", "e"} {
			p.ok(calls.SYS_MKDIRAT, cwdFD, dir, uint32(0o755))
		}
		fd = p.ok(calls.SYS_OPENAT, cwdFD, "d/f", fdtable.O_CREAT|fdtable.O_RDWR, 0o644)
		p.ok(calls.SYS_WRITE, fd, []byte("text"), 4)
		p.ok(calls.SYS_LSEEK, fd, 0, 0)
		p.ok(calls.SYS_MKNODAT, cwdFD, "d/x", uint32(0o644), 0)
		watched := []int{fd}
		for _, path := range []string{"d/x", "d", "e"} {
			watched = append(watched, p.ok(calls.SYS_OPENAT, cwdFD, path, fdtable.O_RDONLY))
		}
		for _, w := range watched {
			p.ok(calls.SYS_UTIMENSAT, w, 0, times2bytes(old[:]...), 0)
		}
		op.run()
		for i, w := range watched {
			var st [2]fdtable.Stat
			buf := newOpaque(int(unsafe.Sizeof(st[0])))
			p.both(calls.SYS_FSTAT, w, buf)
			copy(calls.AsBytes(&st[0]), buf.ours)
			copy(calls.AsBytes(&st[1]), buf.host)
			var changed [2]string
			for side := range st {
				for _, at := range []int64{st[side].Atime.Sec, st[side].Mtime.Sec} {
					if at > 5000 {
						at = -1 // now
					}
					changed[side] += fmt.Sprint(at, " ")
				}
			}
			require.Equal(t, changed[1], changed[0], "%s: access and modification of %s", op.name, []string{"d/f", "d/x", "d", "e"}[i])
		}
	}
}

func times2bytes(list ...fdtable.Timespec) (b []byte) {
	for i := range list {
		b = append(b, calls.AsBytes(&list[i])...)
	}
	return b
}

// New files in a directory with the set-group-ID bit are of its group, and have the bit themselves if they asked for it and the
// group either is the program's or was not to execute them, whatever the umask says.
func TestSetGroupID(t *testing.T) {
	p := newPair(t)
	p.ok(calls.SYS_MKDIRAT, cwdFD, "d", uint32(0))
	p.ok(calls.SYS_FCHMODAT, cwdFD, "d", uint32(0o2777))
	n := 0
	for _, user := range []int{0, 1000} {
		p.ok(calls.SYS_SETRESGID, user, user, 0)
		p.ok(calls.SYS_SETRESUID, user, user, 0)
		for _, mask := range []uint32{0, 0o022, 0o077} {
			p.ok(calls.SYS_UMASK, mask)
			for _, mode := range []uint32{0o2775, 0o2765, 0o6777, 0o2700, 0o775} {
				name := func() string { n++; return fmt.Sprint("d/", n) }
				dir, file, fifo, link := name(), name(), name(), name()
				p.ok(calls.SYS_MKDIRAT, cwdFD, dir, mode)
				p.ok(calls.SYS_CLOSE, p.ok(calls.SYS_OPENAT, cwdFD, file, fdtable.O_CREAT|fdtable.O_RDWR, mode))
				p.ok(calls.SYS_MKNODAT, cwdFD, fifo, mode|vfs.S_IFIFO, 0)
				p.ok(calls.SYS_SYMLINKAT, "x", cwdFD, link)
				for _, made := range []string{dir, file, fifo, link} {
					p.stat(calls.SYS_NEWFSTATAT, cwdFD, made, nil, atSymlinkNoFollow)
				}
			}
		}
	}
	require.Contains(t, string(processStatus()), "\nUmask:\t0077\n")
}

// In a directory that was removed there is nothing, under whatever name.
func TestRemovedDirectory(t *testing.T) {
	p := newPair(t)
	p.ok(calls.SYS_MKDIRAT, cwdFD, "d", uint32(0o755))
	fd := p.ok(calls.SYS_OPENAT, cwdFD, "d", fdtable.O_RDONLY|fdtable.O_DIRECTORY)
	long := strings.Repeat("x", 256)
	names := []string{"a", ".", "..", "a/b", long, long + "/a", "../" + long, "./" + long}
	for range 2 {
		for _, name := range names {
			p.do(calls.SYS_OPENAT, fd, name, fdtable.O_RDONLY, uint32(0))
			p.do(calls.SYS_OPENAT, fd, name+"/", fdtable.O_WRONLY|fdtable.O_CREAT, uint32(0o644))
			p.do(calls.SYS_UNLINKAT, fd, name, atRemoveDir)
			p.do(calls.SYS_RENAMEAT2, fd, name, fd, "b", uint32(0))
		}
		p.do(calls.SYS_UNLINKAT, cwdFD, "d", atRemoveDir)
	}
}

// A file that was made without a name gets one, by its descriptor and by /proc, unless it was made to stay without.
func TestTmpFile(t *testing.T) {
	t.Cleanup(furnished)
	furnished()
	must(t, calls.SYS_CHDIR, "/tmp")
	defer sys(calls.SYS_CHDIR, "/")
	fd := must(t, calls.SYS_OPENAT, cwdFD, ".", fdtable.O_TMPFILE|fdtable.O_RDWR, 0o600)
	must(t, calls.SYS_WRITE, fd, []byte("text"), 4)
	must(t, calls.SYS_LINKAT, cwdFD, fmt.Sprint("/proc/self/fd/", fd), cwdFD, "named", atSymlinkFollow)
	must(t, calls.SYS_LINKAT, fd, "", cwdFD, "again", atEmptyPath)
	other := must(t, calls.SYS_OPENAT, cwdFD, "again", fdtable.O_RDONLY)
	buf := make([]byte, 10)
	require.Equal(t, 4, must(t, calls.SYS_READ, other, buf, 10))
	for _, name := range []string{"named", "again"} {
		must(t, calls.SYS_UNLINKAT, cwdFD, name, 0)
	}
	_, err := sys(calls.SYS_LINKAT, fd, "", cwdFD, "again", atEmptyPath)
	require.Equal(t, calls.ENOENT, err, "what lost its last name gets none")
	fd = must(t, calls.SYS_OPENAT, cwdFD, ".", fdtable.O_TMPFILE|fdtable.O_RDWR|fdtable.O_EXCL, 0o600)
	_, err = sys(calls.SYS_LINKAT, fd, "", cwdFD, "again", atEmptyPath)
	require.Equal(t, calls.ENOENT, err)
}

// What is mapped shared is the file, in both directions; what is mapped privately is a copy. All of it can be protected, advised
// about and unmapped in parts without harm to the file.
func TestMappings(t *testing.T) {
	only(t)
	fd := must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600)
	must(t, calls.SYS_PWRITE64, fd, []byte("hello"), 5, pageSize)
	const size = 3 * pageSize
	at := func(p, off int) []byte { b, _ := calls.Bytes(uintptr(p+off), 5); return b }
	shared := must(t, calls.SYS_MMAP, 0, size, protRead|protWrite, mapShared, fd, 0)
	private := must(t, calls.SYS_MMAP, 0, size, protRead|protWrite, mapPrivate, fd, 0)
	require.Equal(t, "hello", string(at(shared, pageSize)))
	copy(at(shared, pageSize), "HELLO")
	must(t, calls.SYS_PWRITE64, fd, []byte("world"), 5, 10)
	require.Equal(t, "world", string(at(shared, 10)))
	require.Equal(t, "hello", string(at(private, pageSize)))
	buf := make([]byte, 5)
	must(t, calls.SYS_PREAD64, fd, buf, 5, pageSize)
	require.Equal(t, "HELLO", string(buf))

	for _, prot := range []int{protRead, 0} {
		for _, p := range []int{shared, private} {
			must(t, calls.SYS_MPROTECT, p, size, prot)
			must(t, calls.SYS_MADVISE, p, size, madvDontneed)
		}
	}
	must(t, calls.SYS_PWRITE64, fd, []byte("again"), 5, 20)
	must(t, calls.SYS_PREAD64, fd, buf, 5, 20)
	require.Equal(t, "again", string(buf))
	must(t, calls.SYS_MPROTECT, private, size, protRead|protWrite)
	require.Equal(t, make([]byte, 5), at(private, pageSize), "MADV_DONTNEED gave pages of zeroes")

	must(t, calls.SYS_MUNMAP, shared+pageSize, pageSize)
	_, err := sys(calls.SYS_MPROTECT, shared, size, protRead)
	require.Equal(t, calls.ENOMEM, err, "a hole")
	for _, r := range [][2]int{{shared, size}, {private, size}, {private, size}} {
		must(t, calls.SYS_MUNMAP, r[0], r[1])
	}
	must(t, calls.SYS_PREAD64, fd, buf, 5, 20)
	require.Equal(t, "again", string(buf))
	require.Empty(t, mappings)
	for _, bad := range [][6]int{
		{0, 0, 1, mapShared, fd, 0}, {0, size, 1, 0, fd, 0}, {0, size, 1, mapShared, fd, 5}, {0, size, 1, mapShared, -1, 0}, {0, 1 << 50, 1, mapShared, fd, 0},
	} {
		_, err := sys(calls.SYS_MMAP, bad[0], bad[1], bad[2], bad[3], bad[4], bad[5])
		require.NotZero(t, err, "%v", bad)
	}
}

// Mappings grow and shrink, of files and of memory, and keep what is in them.
func TestRemap(t *testing.T) {
	only(t)
	fd := must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600)
	must(t, calls.SYS_FTRUNCATE, fd, 20*pageSize)
	at := func(p, off int) []byte { b, _ := calls.Bytes(uintptr(p+off), 5); return b }
	for _, flags := range []int{mapShared, mapPrivate | mapAnonymous} {
		p := must(t, calls.SYS_MMAP, 0, 2*pageSize, protRead|protWrite, flags, fd, 0)
		for n := 2; n < 8; n++ {
			copy(at(p, (n-1)*pageSize), fmt.Sprint("page", n-1))
			_, err := sys(calls.SYS_MREMAP, p, n*pageSize, (n+1)*pageSize, 0)
			require.Equal(t, calls.ENOMEM, err, "there is no room where it is")
			p = must(t, calls.SYS_MREMAP, p, n*pageSize, (n+1)*pageSize, remapMayMove)
			for i := 1; i < n; i++ {
				require.Equal(t, fmt.Sprint("page", i), string(at(p, i*pageSize)))
			}
			require.Equal(t, make([]byte, 5), at(p, n*pageSize))
		}
		require.Equal(t, p, must(t, calls.SYS_MREMAP, p, 8*pageSize, 3*pageSize, 0))
		require.False(t, mapped(uintptr(p), 4*pageSize))
		if flags == mapShared {
			must(t, calls.SYS_PWRITE64, fd, []byte("again"), 5, pageSize)
			require.Equal(t, "again", string(at(p, pageSize)))
			p = must(t, calls.SYS_MREMAP, p+pageSize, pageSize, 2*pageSize, remapMayMove) // a part of it
			require.Equal(t, "again", string(at(p, 0)))
			require.Equal(t, "page2", string(at(p, pageSize)))
			must(t, calls.SYS_MUNMAP, p, 2*pageSize)
		}
		for _, m := range slices.Clone(mappings) {
			must(t, calls.SYS_MUNMAP, int(m.start), int(m.size))
		}
		_, err := sys(calls.SYS_MREMAP, p, pageSize, 2*pageSize, remapMayMove)
		require.Equal(t, calls.EFAULT, err)
	}
	require.Empty(t, mappings)
	buf := make([]byte, 5)
	must(t, calls.SYS_PREAD64, fd, buf, 5, 6*pageSize)
	require.Equal(t, "page6", string(buf), "the file keeps what its mapping had")
	p := must(t, calls.SYS_MMAP, 0, pageSize, protRead, mapShared, fd, 0)
	for _, bad := range [][4]int{{p, pageSize, 0, 1}, {p + 1, pageSize, pageSize, 1}, {p, 0, pageSize, 1}, {p, pageSize, 2 * pageSize, 2}, {p, pageSize, 2 * pageSize, 8}} {
		_, err := sys(calls.SYS_MREMAP, bad[0], bad[1], bad[2], bad[3])
		require.Equal(t, calls.EINVAL, err, "%v", bad)
	}
	must(t, calls.SYS_MUNMAP, p, pageSize)
}

// Waiting calls return when something happens, or when their time is up.
func TestWaiting(t *testing.T) {
	only(t)
	ev := must(t, calls.SYS_EVENTFD2, 0, 0)
	r, w := makePipe(t, 0)
	epoll := must(t, calls.SYS_EPOLL_CREATE1, 0)
	for i, fd := range []int{ev, r} {
		event := fdtable.EpollEvent{Events: fdtable.In, Data: [8]byte{byte(i)}}
		must(t, calls.SYS_EPOLL_CTL, epoll, 1, fd, calls.AsBytes(&event))
	}
	one := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	set := func(fds ...int) (s fdSet) {
		for _, fd := range fds {
			s.add(fd)
		}
		return s
	}
	var sets fdSet
	timeouts := []struct {
		name string
		wait func(ms int) (int, calls.Errno)
	}{
		{"poll", func(ms int) (int, calls.Errno) {
			return sys(calls.SYS_POLL, pollfds(pollfd{FD: int32(ev), Events: 1}, pollfd{FD: int32(r), Events: 1}), 2, ms)
		}},
		{"ppoll", func(ms int) (int, calls.Errno) {
			return sys(calls.SYS_PPOLL, pollfds(pollfd{FD: int32(ev), Events: 1}), 1, times2bytes(fdtable.Timespec{Nsec: int64(ms) * 1e6}))
		}},
		{"select", func(ms int) (int, calls.Errno) {
			sets = set(ev, r)
			return sys(calls.SYS_SELECT, r+1, calls.AsBytes(&sets), 0, 0, times2bytes(fdtable.Timespec{Nsec: int64(ms) * 1e3}))
		}},
		{"pselect6", func(ms int) (int, calls.Errno) {
			sets = set(ev)
			return sys(calls.SYS_PSELECT6, r+1, calls.AsBytes(&sets), 0, 0, times2bytes(fdtable.Timespec{Nsec: int64(ms) * 1e6}))
		}},
		{"epoll_wait", func(ms int) (int, calls.Errno) { return sys(calls.SYS_EPOLL_WAIT, epoll, make([]byte, 24), 2, ms) }},
		{"epoll_pwait2", func(ms int) (int, calls.Errno) {
			return sys(calls.SYS_EPOLL_PWAIT2, epoll, make([]byte, 24), 2, times2bytes(fdtable.Timespec{Nsec: int64(ms) * 1e6}))
		}},
	}
	for _, c := range timeouts {
		start := time.Now()
		for _, ms := range []int{0, 20} {
			n, err := c.wait(ms)
			require.Equal(t, [2]any{0, calls.Errno(0)}, [2]any{n, err}, c.name)
		}
		require.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond, c.name)
		time.AfterFunc(10*time.Millisecond, func() { sys(calls.SYS_WRITE, ev, one, 8) })
		start = time.Now()
		n, err := c.wait(900)
		require.Equal(t, [2]any{1, calls.Errno(0)}, [2]any{n, err}, c.name)
		require.Less(t, time.Since(start), 800*time.Millisecond, c.name)
		if c.name == "select" {
			require.Equal(t, set(ev), sets)
		}
		must(t, calls.SYS_READ, ev, make([]byte, 8), 8)
	}
	time.AfterFunc(10*time.Millisecond, func() { sys(calls.SYS_CLOSE, w) })
	events := make([]fdtable.EpollEvent, 2)
	n, _ := sys(calls.SYS_EPOLL_WAIT, epoll, unsafe.Slice((*byte)(unsafe.Pointer(&events[0])), 24), 2, -1)
	require.Equal(t, 1, n)
	require.Equal(t, fdtable.EpollEvent{Events: fdtable.Hup, Data: [8]byte{1}}, events[0], "the writer went")
	_, err := sys(calls.SYS_SELECT, 1000, calls.AsBytes(bigSet(999)), 0, 0, times2bytes(fdtable.Timespec{}))
	require.Equal(t, calls.EBADF, err)
}

func bigSet(fd int) *fdSet { s := new(fdSet); s.add(fd); return s }

// What is asked of a struct in user memory is refused if there is none.
func TestBadPointers(t *testing.T) {
	only(t)
	fd := must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600)
	must(t, calls.SYS_WRITE, fd, []byte("text"), 4)
	must(t, calls.SYS_LSEEK, fd, 0, 0)
	epoll := must(t, calls.SYS_EPOLL_CREATE1, 0)
	for _, bad := range []uintptr{8, 1 << 47, ^uintptr(0)} {
		for _, c := range [][]any{
			{calls.SYS_READ, fd, bad, 4}, {calls.SYS_WRITE, fd, bad, 4}, {calls.SYS_PREAD64, fd, bad, 4, 0}, {calls.SYS_OPENAT, cwdFD, bad, 0},
			{calls.SYS_FSTAT, fd, bad}, {calls.SYS_NEWFSTATAT, cwdFD, "f", bad, 0}, {calls.SYS_PIPE2, bad, 0}, {calls.SYS_READV, fd, bad, 1},
			{calls.SYS_POLL, bad, 1, 0}, {calls.SYS_GETCWD, bad, 10}, {calls.SYS_READLINKAT, cwdFD, bad, bad, 4}, {calls.SYS_FCNTL, fd, fSETLK, bad},
			{calls.SYS_EPOLL_CTL, epoll, 1, fd, bad}, {calls.SYS_EPOLL_WAIT, epoll, bad, 1, 0}, {calls.SYS_UTIMENSAT, fd, uintptr(0), bad, 0},
			{calls.SYS_STATFS, "f", bad}, {calls.SYS_STATX, cwdFD, "f", 0, 0, bad}, {calls.SYS_NANOSLEEP, bad, 0}, {calls.SYS_CLOCK_GETTIME, 0, bad},
			{calls.SYS_UNAME, bad}, {calls.SYS_SYSINFO, bad}, {calls.SYS_GETRANDOM, bad, 4, 0}, {calls.SYS_SELECT, 1, bad, 0, 0, 0},
			{calls.SYS_SENDFILE, fd, fd, bad, 1}, {calls.SYS_COPY_FILE_RANGE, fd, bad, fd, 0, 1, 0}, {calls.SYS_PRLIMIT64, 0, 7, bad, 0},
		} {
			nr := uintptr(c[0].(int))
			_, err := sys(nr, c[1:]...)
			require.Equal(t, calls.EFAULT, err, "%s with %#x", calls.Name(nr), bad)
		}
	}
}

// Limits on descriptors are kept, and 0 is one.
func TestDescriptorLimit(t *testing.T) {
	only(t)
	var old unix.Rlimit
	must(t, calls.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, calls.AsBytes(&old))
	defer sys(calls.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, calls.AsBytes(&old), 0)
	for _, n := range []uint64{firstFD + 2, 0} {
		must(t, calls.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, calls.AsBytes(&unix.Rlimit{Cur: n, Max: old.Max}), 0)
		opened := 0
		for ; opened < 10; opened++ {
			if _, err := sys(calls.SYS_EVENTFD2, 0, 0); err != 0 {
				require.Equal(t, calls.EMFILE, err)
				break
			}
		}
		require.Equal(t, max(0, int(n)-firstFD), opened)
	}
}

// Locks wait for one another, and go with the last descriptor.
func TestLocksWait(t *testing.T) {
	only(t)
	open := func() int { return must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600) }
	whole := flockRec{Type: fWRLCK}
	for _, c := range []struct {
		name string
		lock func(fd int) (int, calls.Errno)
	}{
		{"flock", func(fd int) (int, calls.Errno) { return sys(calls.SYS_FLOCK, fd, lockEX) }},
		{"F_OFD_SETLKW", func(fd int) (int, calls.Errno) {
			rec := whole
			return sys(calls.SYS_FCNTL, fd, fOFDSETLKW, calls.AsBytes(&rec))
		}},
	} {
		a, b := open(), open()
		dup := must(t, calls.SYS_DUP, a)
		_, err := c.lock(a)
		require.Zero(t, err)
		done := make(chan calls.Errno, 1)
		go func() { _, err := c.lock(b); done <- err }()
		must(t, calls.SYS_CLOSE, a)
		select {
		case <-done:
			t.Fatalf("%s: the lock went with the first of two descriptors", c.name)
		case <-time.After(20 * time.Millisecond):
		}
		must(t, calls.SYS_CLOSE, dup)
		require.Zero(t, <-done, c.name)
		must(t, calls.SYS_CLOSE, b)
	}
	require.Empty(t, wholeLocks.files)
	require.Empty(t, rangeLocks.files)
	require.Empty(t, rangeLocks.owned)
}

// FuzzUserStructs passes any bytes as the structs that calls read: they are refused or obeyed, and never crash.
func FuzzUserStructs(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, uint8(0), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, which uint8, n uint16) {
		useRoot(memfs.New(0o755).Root())
		defer furnished()
		fd := must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600)
		must(t, calls.SYS_WRITE, fd, []byte("text"), 4)
		_, w := makePipe(t, fdtable.O_NONBLOCK)
		b = append(append([]byte{}, b...), make([]byte, 256)...)
		switch which % 10 {
		case 0: // iovecs that point to memory or nowhere; the host cannot tell what else is there
			nr := []uintptr{calls.SYS_READV, calls.SYS_WRITEV, calls.SYS_PREADV, calls.SYS_PWRITEV}[n%4]
			var iov []byte
			for i := 0; i+2 < len(b); i += 3 {
				v := calls.Iovec{Base: []uintptr{addr(b), 0, 8, 1 << 47, ^uintptr(0)}[b[i]%5], Size: uintptr(b[i+1])}
				if b[i+2] > 250 {
					v.Size = ^uintptr(0) >> (b[i+2] & 3)
				}
				if b[i+2] > 250 && v.Base == addr(b) {
					v.Base = 8
				}
				iov = append(iov, calls.AsBytes(&v)...)
			}
			sys(nr, fd, iov, min(int(n>>2), len(iov)/16), 0)
		case 1:
			sys(calls.SYS_POLL, b, int(n)%32, 0)
		case 2:
			sys(calls.SYS_FCNTL, fd, []int{fGETLK, fSETLK, fOFDGETLK, fOFDSETLK}[n%4], b)
		case 3:
			e := must(t, calls.SYS_EPOLL_CREATE1, 0)
			sys(calls.SYS_EPOLL_CTL, e, int(n&3), w, b)
			sys(calls.SYS_EPOLL_WAIT, e, b, int(n>>2)%20, 0)
		case 4:
			sys(calls.SYS_UTIMENSAT, fd, 0, b, 0)
		case 5:
			sys(calls.SYS_SELECT, int(n), b, b[64:], 0, make([]byte, 16))
		case 6:
			sys(calls.SYS_COPY_FILE_RANGE, fd, b, fd, b[8:], int(n), 0)
		case 7:
			sys(calls.SYS_OPENAT, cwdFD, string(b), int(n)|fdtable.O_NONBLOCK, 0o600)
		case 8:
			sys(calls.SYS_RENAMEAT2, cwdFD, string(b[:n%256]), cwdFD, string(b[n%256:]), int(n>>8))
		case 9:
			sys(calls.SYS_SETGROUPS, int(n%64), b)
			sys(calls.SYS_SETHOSTNAME, b, int(n))
			setName.Store(nil)
			vfs.SetCred(&vfs.Cred{})
		}
	})
}
