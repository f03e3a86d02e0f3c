package files

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// events compares what the inotify descriptor fd has on both sides, and returns it.
func (p *pair) events(fd int) []string {
	p.Helper()
	var all [2][]string
	cookies := [2]map[uint32]int{{0: 0}, {0: 0}}
	for {
		buf := newOpaque(4096)
		ours, host, _ := p.both(calls.SYS_READ, fd, buf, 4096)
		for side, r := range []result{ours, host} {
			if r.err == 0 {
				all[side] = append(all[side], inotifyEvents([][]byte{buf.ours, buf.host}[side][:r.r], cookies[side])...)
			}
		}
		if ours.err == calls.EAGAIN && host.err == calls.EAGAIN {
			break
		}
		if ours.err != 0 && ours.err != calls.EAGAIN || host.err != 0 && host.err != calls.EAGAIN {
			p.fail("here it is %v, there %v", ours, host)
		}
	}
	if !slices.Equal(all[0], all[1]) {
		p.fail("here the events are\n%s\nthere\n%s", strings.Join(all[0], "\n"), strings.Join(all[1], "\n"))
	}
	return all[1]
}

// inotifyEvents makes struct inotify_event readable. Cookies become small numbers.
func inotifyEvents(b []byte, cookies map[uint32]int) (list []string) {
	for len(b) > 0 {
		word := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
		if _, ok := cookies[word(2)]; !ok {
			cookies[word(2)] = len(cookies)
		}
		end := inotifyHead + int(word(3))
		name, _, _ := bytes.Cut(b[inotifyHead:end], []byte{0})
		list = append(list, fmt.Sprintf("watch %d: %#x cookie %d %q of %d", int32(word(0)), word(1), cookies[word(2)], name, word(3)))
		b = b[end:]
	}
	return list
}

// What is told of files is what Linux tells, in the same order.
func TestInotify(t *testing.T) {
	p := newPair(t)
	p.ok(calls.SYS_MKDIR, "dir", uint32(0o755))
	p.ok(calls.SYS_MKDIR, "other", uint32(0o755))
	create := func(name string) int {
		return p.ok(calls.SYS_OPENAT, cwdFD, name, fdtable.O_CREAT|fdtable.O_RDWR, uint32(0o644))
	}
	p.ok(calls.SYS_CLOSE, create("dir/file"))
	in := p.ok(calls.SYS_INOTIFY_INIT1, fdtable.O_NONBLOCK)
	watch := func(path string, mask uint32) { p.do(calls.SYS_INOTIFY_ADD_WATCH, in, path, mask) }
	watch("dir", inAllEvents)
	watch("dir/file", inAllEvents)
	watch("other", inAllEvents)
	require.Empty(t, p.events(in))

	// Contents.
	fd := p.ok(calls.SYS_OPENAT, cwdFD, "dir/file", fdtable.O_RDWR|fdtable.O_TRUNC)
	p.ok(calls.SYS_WRITE, fd, "text", 4)
	p.ok(calls.SYS_WRITE, fd, "text", 4)
	p.ok(calls.SYS_PWRITE64, fd, "text", 4, 8)
	p.ok(calls.SYS_WRITEV, fd, [][]byte{[]byte("ab"), []byte("cd")}, 2)
	p.ok(calls.SYS_PREAD64, fd, make([]byte, 10), 10, 0)
	p.ok(calls.SYS_READ, fd, make([]byte, 10), 10)
	p.ok(calls.SYS_FTRUNCATE, fd, 100)
	p.ok(calls.SYS_FALLOCATE, fd, 0, 0, 200)
	to := create("other/copy")
	p.ok(calls.SYS_COPY_FILE_RANGE, fd, make([]byte, 8), to, 0, 10, 0)
	p.ok(calls.SYS_SENDFILE, to, fd, make([]byte, 8), 10)
	p.ok(calls.SYS_CLOSE, to)
	p.ok(calls.SYS_CLOSE, fd)
	require.NotEmpty(t, p.events(in))
	p.ok(calls.SYS_CLOSE, p.ok(calls.SYS_OPENAT, cwdFD, "dir/file", fdtable.O_RDONLY))
	p.ok(calls.SYS_TRUNCATE, "dir/file", 5)
	p.events(in)

	// Attributes.
	p.ok(calls.SYS_CHMOD, "dir/file", uint32(0o600))
	p.ok(calls.SYS_CHOWN, "dir/file", 1, 1)
	p.ok(calls.SYS_UTIMENSAT, cwdFD, "dir/file", times2bytes(fdtable.Timespec{Sec: 1}, fdtable.Timespec{Sec: 2}), 0)
	p.ok(calls.SYS_UTIMENSAT, cwdFD, "dir/file", times2bytes(fdtable.Timespec{Sec: 1}, fdtable.Timespec{Nsec: utimeOmit}), 0)
	p.ok(calls.SYS_UTIMENSAT, cwdFD, "dir/file", times2bytes(fdtable.Timespec{Nsec: utimeOmit}, fdtable.Timespec{Sec: 1}), 0)
	p.ok(calls.SYS_CHMOD, "dir", uint32(0o700))
	p.events(in)

	// Names.
	p.ok(calls.SYS_CLOSE, create("dir/new"))
	p.ok(calls.SYS_MKDIR, "dir/sub", uint32(0o755))
	p.ok(calls.SYS_SYMLINK, "x", "dir/link")
	p.ok(calls.SYS_MKNOD, "dir/pipe", vfs.S_IFIFO|0o644, 0)
	p.ok(calls.SYS_LINK, "dir/file", "other/second")
	p.events(in)
	watch("dir/sub", inAllEvents)
	p.ok(calls.SYS_RENAME, "dir/file", "other/file")
	p.ok(calls.SYS_RENAME, "dir/sub", "other/sub")
	p.ok(calls.SYS_RENAME, "dir/new", "dir/newer")
	p.ok(calls.SYS_RENAMEAT2, cwdFD, "dir/newer", cwdFD, "other/file", vfs.RenameExchange)
	p.events(in)
	p.ok(calls.SYS_CLOSE, create("other/loser"))
	watch("other/loser", inAllEvents)
	p.ok(calls.SYS_RENAME, "other/file", "other/loser")
	p.events(in)
	list := p.ok(calls.SYS_OPENAT, cwdFD, "dir", fdtable.O_RDONLY|fdtable.O_DIRECTORY)
	p.list(list)
	p.ok(calls.SYS_CLOSE, list)
	p.events(in)

	// Open files that are moved.
	open := create("dir/open")
	also := p.ok(calls.SYS_OPENAT, cwdFD, "dir/open", fdtable.O_RDONLY)
	p.ok(calls.SYS_LINK, "dir/open", "dir/linked")
	linked := p.ok(calls.SYS_OPENAT, cwdFD, "dir/linked", fdtable.O_RDWR)
	p.events(in)
	touch := func() {
		p.ok(calls.SYS_WRITE, open, "text", 4)
		p.ok(calls.SYS_WRITE, linked, "text", 4)
		p.ok(calls.SYS_READ, also, make([]byte, 4), 4)
		p.ok(calls.SYS_FTRUNCATE, linked, 100)
		p.ok(calls.SYS_FCHMOD, open, uint32(0o640))
		p.events(in)
	}
	for _, to := range []string{"dir/open2", "other/open3", "dir/open"} {
		from := map[string]string{"dir/open2": "dir/open", "other/open3": "dir/open2", "dir/open": "other/open3"}[to]
		p.ok(calls.SYS_RENAME, from, to)
		touch()
	}
	p.ok(calls.SYS_CLOSE, create("other/swap"))
	swap := p.ok(calls.SYS_OPENAT, cwdFD, "other/swap", fdtable.O_RDWR)
	p.ok(calls.SYS_RENAMEAT2, cwdFD, "dir/open", cwdFD, "other/swap", vfs.RenameExchange)
	p.ok(calls.SYS_WRITE, swap, "text", 4)
	touch()
	sub := p.ok(calls.SYS_OPENAT, cwdFD, "other/sub", fdtable.O_RDONLY|fdtable.O_DIRECTORY)
	p.ok(calls.SYS_RENAME, "other/sub", "dir/moved")
	p.list(sub)
	p.ok(calls.SYS_FCHMOD, sub, uint32(0o700))
	p.events(in)
	p.ok(calls.SYS_RENAME, "dir/moved", "other/sub")
	for _, fd := range []int{open, also, linked, swap, sub} {
		p.ok(calls.SYS_CLOSE, fd)
	}
	p.events(in)
	for _, name := range []string{"dir/open", "dir/linked", "other/swap"} {
		p.ok(calls.SYS_UNLINK, name)
	}
	p.events(in)

	// The end.
	p.ok(calls.SYS_UNLINK, "other/second")
	fd = p.ok(calls.SYS_OPENAT, cwdFD, "dir/newer", fdtable.O_RDWR)
	p.ok(calls.SYS_UNLINK, "dir/newer")
	p.events(in)
	p.ok(calls.SYS_WRITE, fd, "text", 4)
	p.ok(calls.SYS_CLOSE, fd)
	require.Contains(t, strings.Join(p.events(in), "\n"), "watch 2: 0x8000")
	p.ok(calls.SYS_RMDIR, "other/sub")
	require.Contains(t, strings.Join(p.events(in), "\n"), "watch 4: 0x8000")
	p.ok(calls.SYS_CLOSE, create("dir/last"))
	watch("dir/last", inAllEvents)
	p.ok(calls.SYS_UNLINK, "dir/last")
	p.events(in)
	p.ok(calls.SYS_MKDIR, "dir/from", uint32(0o755))
	p.ok(calls.SYS_MKDIR, "dir/over", uint32(0o755))
	watch("dir/from", inAllEvents)
	watch("dir/over", inAllEvents)
	p.ok(calls.SYS_RENAME, "dir/from", "dir/over")
	p.events(in)
}

// Masks, flags and numbers of watches.
func TestInotifyWatches(t *testing.T) {
	p := newPair(t)
	p.ok(calls.SYS_MKDIR, "dir", uint32(0o755))
	fd := p.ok(calls.SYS_OPENAT, cwdFD, "dir/file", fdtable.O_CREAT|fdtable.O_RDWR, uint32(0o644))
	p.ok(calls.SYS_SYMLINK, "file", "dir/link")
	p.do(calls.SYS_INOTIFY_INIT1, 1)
	in := p.ok(calls.SYS_INOTIFY_INIT1, fdtable.O_NONBLOCK|fdtable.O_CLOEXEC)
	watch := func(path string, mask uint32) int {
		return int(p.do(calls.SYS_INOTIFY_ADD_WATCH, in, path, mask).r)
	}
	watch("dir", 0)
	watch("missing", vfs.InModify)
	watch("dir/file", inOnlyDir|vfs.InModify)
	watch("dir/file", inMaskAdd|inMaskCreate|vfs.InModify)
	p.do(calls.SYS_INOTIFY_ADD_WATCH, fd, "dir", vfs.InModify)
	p.do(calls.SYS_INOTIFY_ADD_WATCH, 1000, "dir", vfs.InModify)

	file := watch("dir/file", vfs.InModify)
	require.Equal(t, file, watch("dir/link", vfs.InModify))
	watch("dir/file", inMaskCreate|vfs.InModify)
	link := watch("dir/link", inDontFollow|vfs.InAttrib)
	require.NotEqual(t, file, link)
	p.ok(calls.SYS_WRITE, fd, "x", 1)
	p.ok(calls.SYS_FCHMOD, fd, uint32(0o600))
	require.Len(t, p.events(in), 1)
	watch("dir/file", inMaskAdd|vfs.InAttrib)
	p.ok(calls.SYS_WRITE, fd, "x", 1)
	p.ok(calls.SYS_FCHMOD, fd, uint32(0o644))
	require.Len(t, p.events(in), 2)
	watch("dir/file", vfs.InAttrib)
	p.ok(calls.SYS_WRITE, fd, "x", 1)
	require.Empty(t, p.events(in))

	// Reads that are too short, what waits, and the end of a watch.
	p.ok(calls.SYS_FCHMOD, fd, uint32(0o600))
	p.do(calls.SYS_READ, in, make([]byte, 15), 15)
	p.ok(calls.SYS_IOCTL, in, fionread, make([]byte, 4))
	p.ok(calls.SYS_POLL, pollfds(pollfd{FD: int32(in), Events: 1}), 1, 0)
	p.do(calls.SYS_WRITE, in, "x", 1)
	p.ok(calls.SYS_INOTIFY_RM_WATCH, in, file)
	p.do(calls.SYS_INOTIFY_RM_WATCH, in, file)
	require.Len(t, p.events(in), 2)
	p.ok(calls.SYS_FCHMOD, fd, uint32(0o644))
	require.Empty(t, p.events(in))

	once := watch("dir", inOneShot|vfs.InCreate)
	for _, name := range []string{"dir/a", "dir/b"} {
		p.ok(calls.SYS_MKDIR, name, uint32(0o755))
	}
	require.Len(t, p.events(in), 2)
	p.do(calls.SYS_INOTIFY_RM_WATCH, in, once)

	// Too many events.
	watch("dir", vfs.InAttrib)
	for i := range maxInotifyEvents/2 + 10 {
		p.ok(calls.SYS_CHMOD, []string{"dir/a", "dir/b"}[i%2], uint32(0o755))
		p.ok(calls.SYS_CHMOD, "dir/file", uint32(0o644))
		p.log = nil
	}
	events := p.events(in)
	require.Len(t, events, maxInotifyEvents+1)
	require.Equal(t, `watch -1: 0x4000 cookie 0 "" of 0`, events[maxInotifyEvents])
}
