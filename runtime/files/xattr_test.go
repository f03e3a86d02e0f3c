package files

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// Extended attributes are as those of tmpfs.
func TestXattr(t *testing.T) {
	p := newPair(t)
	p.ok(calls.SYS_CLOSE, p.ok(calls.SYS_OPENAT, cwdFD, "file", fdtable.O_CREAT|fdtable.O_RDWR, uint32(0o644)))
	p.ok(calls.SYS_MKDIRAT, cwdFD, "dir", uint32(0o755))
	p.ok(calls.SYS_MKDIRAT, cwdFD, "sticky", uint32(0o1777))
	p.ok(calls.SYS_SYMLINKAT, "file", cwdFD, "link")
	p.ok(calls.SYS_MKNODAT, cwdFD, "fifo", uint32(0o010644), 0)
	fd := p.ok(calls.SYS_OPENAT, cwdFD, "file", fdtable.O_RDONLY)
	byPath := p.ok(calls.SYS_OPENAT, cwdFD, "file", fdtable.O_PATH)
	if _, host, _ := p.both(calls.SYS_SETXATTR, "file", "user.probe", []byte("x"), 1, 0); host.err == calls.EOPNOTSUPP {
		t.Skip("the host's tmpfs has none: CONFIG_TMPFS_XATTR, Linux 6.6")
	}

	names := []string{
		"user.a", "user.b", "user.", "user", "", "foo.bar", "trusted.t", "security.s", "system.x", "user.missing",
		"user." + strings.Repeat("n", vfs.XattrNameMax-5), "user." + strings.Repeat("n", vfs.XattrNameMax-4),
	}
	paths := []string{"file", "dir", "sticky", "link", "fifo", "none", ""}
	all := func() {
		for _, path := range paths {
			for _, name := range names {
				for flags := range 4 {
					p.do(calls.SYS_SETXATTR, path, name, []byte("some value"), 10, flags)
				}
				p.do(calls.SYS_LSETXATTR, path, name, []byte("other"), 5, 0)
				for _, size := range []int{0, 3, 5, 64} {
					p.do(calls.SYS_GETXATTR, path, name, make([]byte, 64), size)
					p.do(calls.SYS_LGETXATTR, path, name, make([]byte, 64), size)
				}
			}
			for _, size := range []int{0, 4, 1000} {
				p.do(calls.SYS_LISTXATTR, path, newOpaque(1000), size)
				p.do(calls.SYS_LLISTXATTR, path, newOpaque(1000), size)
			}
			for _, name := range names[1:] {
				p.do(calls.SYS_REMOVEXATTR, path, name)
				p.do(calls.SYS_LREMOVEXATTR, path, name)
			}
		}
	}
	all()
	for _, n := range []int{fd, byPath, 1000} {
		p.do(calls.SYS_FSETXATTR, n, "user.f", []byte{}, 0, 0)
		p.do(calls.SYS_FGETXATTR, n, "user.f", make([]byte, 4), 4)
		p.do(calls.SYS_FLISTXATTR, n, newOpaque(1000), 1000)
		p.do(calls.SYS_FREMOVEXATTR, n, "user.f")
		p.do(calls.SYS_FREMOVEXATTR, n, "user.f")
	}
	p.do(calls.SYS_SETXATTR, "file", "user.large", make([]byte, vfs.XattrSizeMax), vfs.XattrSizeMax, 0)
	p.do(calls.SYS_SETXATTR, "file", "user.large", make([]byte, vfs.XattrSizeMax+1), vfs.XattrSizeMax+1, 0)
	p.do(calls.SYS_SETXATTR, "file", "user.flags", []byte("x"), 1, 4)
	p.do(calls.SYS_SETXATTR, "file", "user.fault", uintptr(0), 1, 0)
	p.do(calls.SYS_GETXATTR, "file", "user.a", uintptr(0), 10)
	p.do(calls.SYS_UNLINKAT, cwdFD, "file", 0)
	p.do(calls.SYS_FSETXATTR, fd, "user.after", []byte("x"), 1, 0)

	p.ok(calls.SYS_CLOSE, p.ok(calls.SYS_OPENAT, cwdFD, "file", fdtable.O_CREAT|fdtable.O_RDWR, uint32(0o644)))
	p.do(calls.SYS_SETXATTR, "file", "trusted.t", []byte("x"), 1, 0)
	p.do(calls.SYS_SETXATTR, "file", "user.u", []byte("x"), 1, 0)
	p.ok(calls.SYS_SETRESUID, 1000, 1000, 0)
	all()
}

// Attributes count as what the file system holds.
func TestXattrSpace(t *testing.T) {
	fs := only(t)
	fs.SetLimit(1 << 20)
	must(t, calls.SYS_CLOSE, must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600))
	fill := func() (n int) {
		for ; ; n++ {
			if _, err := sys(calls.SYS_SETXATTR, "f", "user."+strings.Repeat("x", n+1), make([]byte, 60<<10), 60<<10, 0); err != 0 {
				require.Equal(t, calls.ENOSPC, err)
				return n
			}
		}
	}
	n := fill()
	require.Greater(t, n, 10)
	for i := range n {
		must(t, calls.SYS_REMOVEXATTR, "f", "user."+strings.Repeat("x", i+1))
	}
	require.Equal(t, n, fill())
	must(t, calls.SYS_UNLINKAT, cwdFD, "f", 0)
	must(t, calls.SYS_CLOSE, must(t, calls.SYS_OPENAT, cwdFD, "f", fdtable.O_CREAT|fdtable.O_RDWR, 0o600))
	require.Equal(t, n, fill())
}
