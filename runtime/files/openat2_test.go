package files

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// how is a struct open_how.
func how(flags, mode uint64, resolve vfs.Resolve) []byte {
	b := binary.NativeEndian.AppendUint64(nil, flags)
	return binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(b, mode), uint64(resolve))
}

// Paths lead where they do on Linux, whatever they may lead through.
func TestOpenat2(t *testing.T) {
	p := newPair(t)
	p.ok(calls.SYS_MKDIRAT, cwdFD, "top", uint32(0o755))
	p.ok(calls.SYS_MKDIRAT, cwdFD, "top/sub", uint32(0o755))
	for _, link := range [][2]string{
		{"..", "top/up"}, {"../top", "top/around"}, {"/", "top/root"}, {"/top/file", "top/absolute"}, {"sub/../file", "top/within"},
		{"../file", "top/sub/above"}, {"../../outside", "top/sub/out"}, {"/file", "top/sub/slash"}, {"loop", "top/loop"},
		{"/proc/self/cwd", "top/magic"}, {"new2", "top/dangling"},
	} {
		p.ok(calls.SYS_SYMLINKAT, link[0], cwdFD, link[1])
	}
	for _, file := range []string{"outside", "file", "top/file", "top/sub/file"} {
		p.ok(calls.SYS_CLOSE, p.ok(calls.SYS_OPENAT, cwdFD, file, fdtable.O_CREAT|fdtable.O_RDWR, uint32(0o644)))
	}
	top := p.ok(calls.SYS_OPENAT, cwdFD, "top", fdtable.O_PATH|fdtable.O_DIRECTORY)

	open := func(dir int, path string, h []byte) {
		if r := p.do(calls.SYS_OPENAT2, dir, path, h, len(h)); r.err == 0 {
			p.ok(calls.SYS_CLOSE, int(r.r))
		}
	}
	paths := []string{
		"file", "/file", "/top/file", ".", "..", "/", "../file", "sub/..", "sub/../..", "sub/../../file", "sub/../../top/file", "up", "up/file", "up/top/file",
		"around", "around/file", "root", "root/file", "root/top/file", "absolute", "within", "sub/above", "sub/out", "sub/slash", "loop", "loop/file",
		"none", "none/file", "file/", "file/file", "sub/", "up/", "dangling", "new", "sub/new/", "/sub/file", "/../../file", "sub/./.././file", "",
	}
	rules := []vfs.Resolve{
		0, vfs.ResolveNoXDev, vfs.ResolveNoMagicLinks, vfs.ResolveNoSymlinks, vfs.ResolveBeneath, vfs.ResolveInRoot,
		vfs.ResolveBeneath | vfs.ResolveNoSymlinks, vfs.ResolveInRoot | vfs.ResolveNoXDev, vfs.ResolveBeneath | vfs.ResolveInRoot, 1 << 6, 1 << 63,
	}
	// Linux lets an absolute link lead to another file system with ResolveNoXDev, or not, by whether there was ".." before.
	absolute := []string{"root", "root/file", "root/top/file", "absolute", "sub/slash"}
	for _, path := range paths {
		for _, rule := range rules {
			if rule == vfs.ResolveNoXDev && slices.Contains(absolute, path) {
				continue
			}
			for _, flags := range []uint64{
				fdtable.O_RDONLY, fdtable.O_PATH | fdtable.O_NOFOLLOW, fdtable.O_RDWR | fdtable.O_CREAT, fdtable.O_DIRECTORY,
				fdtable.O_RDWR | fdtable.O_TMPFILE,
			} {
				mode := uint64(0)
				if flags&(fdtable.O_CREAT|fdtable.O_TMPFILE&^fdtable.O_DIRECTORY) != 0 {
					mode = 0o600
				}
				open(top, path, how(flags, mode, rule))
			}
		}
	}

	// What makes no sense, and structures of other versions.
	for _, h := range [][]byte{
		how(fdtable.O_RDONLY, 0o600, 0), how(fdtable.O_CREAT, 0o17777, 0), how(fdtable.O_CREAT|fdtable.O_RDWR, 0o644, 0), how(1<<32, 0, 0), how(1<<30, 0, 0),
		how(fdtable.O_PATH|fdtable.O_RDWR, 0, 0), how(fdtable.O_PATH|fdtable.O_TRUNC, 0, 0), how(fdtable.O_PATH|fdtable.O_CLOEXEC, 0, 0),
		how(fdtable.O_CREAT|fdtable.O_DIRECTORY, 0o600, 0), how(fdtable.O_TMPFILE, 0o600, 0), how(fdtable.O_ACCMODE, 0, 0),
		how(0, 0, 0)[:16], {}, append(how(0, 0, 0), make([]byte, 100)...), append(how(0, 0, 0), 0, 1), make([]byte, 4096), make([]byte, 4097),
	} {
		open(top, "file", h)
	}
	open(top, "/file", how(fdtable.O_TRUNC, 0, vfs.ResolveInRoot))
	open(-1, "/file", how(0, 0, 0))
	open(-1, "/file", how(0, 0, vfs.ResolveInRoot))
	p.do(calls.SYS_OPENAT2, top, "file", uintptr(0), 24)
}

// The furnished tree has other file systems, and links without a path.
func TestOpenat2Mounts(t *testing.T) {
	furnished()
	root := must(t, calls.SYS_OPENAT, cwdFD, "/", fdtable.O_PATH, 0)
	defer sys(calls.SYS_CLOSE, root)
	for _, c := range []struct {
		path    string
		resolve vfs.Resolve
		want    calls.Errno
	}{
		{"dev/null", 0, 0}, {"dev/null", vfs.ResolveNoXDev, calls.EXDEV}, {"proc", vfs.ResolveNoXDev, calls.EXDEV}, {"etc", vfs.ResolveNoXDev, 0},
		{"dev/null", vfs.ResolveBeneath, 0}, {"proc/self/cwd", 0, 0}, {"proc/self/cwd", vfs.ResolveNoMagicLinks, calls.ELOOP},
		{"proc/self/stat", vfs.ResolveNoMagicLinks, 0}, {"proc/self/stat", vfs.ResolveNoSymlinks, calls.ELOOP},
		{"proc/self/cwd", vfs.ResolveBeneath, calls.EXDEV}, {"proc/self/cwd", vfs.ResolveInRoot, calls.EXDEV}, {"etc", vfs.ResolveCached, calls.EAGAIN},
	} {
		h := how(fdtable.O_RDONLY, 0, c.resolve)
		fd, err := sys(calls.SYS_OPENAT2, root, c.path, h, len(h))
		require.Equal(t, c.want, err, "%s %#x", c.path, c.resolve)
		if err == 0 {
			sys(calls.SYS_CLOSE, fd)
		}
	}
}
