package files

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

func statFile(t *testing.T, path string, flags int) (st fdtable.Stat) {
	t.Helper()
	must(t, calls.SYS_NEWFSTATAT, cwdFD, path, calls.AsBytes(&st), flags)
	return st
}

func getcwdString(t *testing.T) string {
	buf := make([]byte, 100)
	n := must(t, calls.SYS_GETCWD, buf, len(buf))
	return string(buf[:n-1])
}

// File systems that are mounted on others are part of the tree, upwards, too, and stay where they are.
func TestMounts(t *testing.T) {
	furnished()
	t.Cleanup(furnished)
	root, dev := statFile(t, "/", 0), statFile(t, "/dev", 0)
	require.NotEqual(t, root.Dev, dev.Dev)
	for path, want := range map[string]fdtable.Stat{
		"/dev/..": root, "/dev/shm/../..": root, "/..": root, "/proc/self/../../dev/.": dev, "/proc/self/root/dev": dev, "/tmp/../dev/": dev,
	} {
		got := statFile(t, path, 0)
		require.Equal(t, [2]uint64{want.Dev, want.Ino}, [2]uint64{got.Dev, got.Ino}, path)
	}
	for _, c := range []struct {
		nr   uintptr
		args []any
		want calls.Errno
	}{
		{calls.SYS_UNLINKAT, []any{cwdFD, "/dev", atRemoveDir}, calls.EBUSY},
		{calls.SYS_RENAMEAT2, []any{cwdFD, "/dev", cwdFD, "/x", 0}, calls.EBUSY},
		{calls.SYS_RENAMEAT2, []any{cwdFD, "/tmp", cwdFD, "/dev", 0}, calls.EBUSY},
		{calls.SYS_RENAMEAT2, []any{cwdFD, "/etc/hosts", cwdFD, "/dev/hosts", 0}, calls.EXDEV},
		{calls.SYS_LINKAT, []any{cwdFD, "/etc/hosts", cwdFD, "/dev/hosts", 0}, calls.EXDEV},
		{calls.SYS_LINKAT, []any{cwdFD, "/proc/version", cwdFD, "/tmp/v", 0}, calls.EXDEV},
		{calls.SYS_MKDIRAT, []any{cwdFD, "/dev", 0}, calls.EEXIST},
	} {
		_, err := sys(c.nr, c.args...)
		require.Equal(t, c.want, err, "%s %v", calls.Name(c.nr), c.args)
	}
	must(t, calls.SYS_CHDIR, "/proc/self/task/1")
	require.Equal(t, "/proc/1", getcwdString(t), "task/1 leads back to the process")
	must(t, calls.SYS_CHDIR, "/dev/shm")
	require.Equal(t, "/dev/shm", getcwdString(t))
	link := make([]byte, 100)
	n := must(t, calls.SYS_READLINKAT, cwdFD, "/proc/self/cwd", link, len(link))
	require.Equal(t, "/dev/shm", string(link[:n]))
	var st vfs.Statfs
	must(t, calls.SYS_STATFS, "/proc/self", calls.AsBytes(&st))
	require.EqualValues(t, procMagic, st.Type)
}

// A directory that was removed while somebody is in it has no path, no entries and takes none.
func TestRemovedWorkingDirectory(t *testing.T) {
	only(t)
	must(t, calls.SYS_MKDIRAT, cwdFD, "d", uint32(0o755))
	must(t, calls.SYS_CHDIR, "d")
	must(t, calls.SYS_UNLINKAT, cwdFD, "../d", atRemoveDir)
	for _, c := range []struct {
		nr   uintptr
		args []any
	}{
		{calls.SYS_GETCWD, []any{make([]byte, 100), 100}}, {calls.SYS_MKDIRAT, []any{cwdFD, "x", 0}}, {calls.SYS_OPENAT, []any{cwdFD, "x", fdtable.O_CREAT | fdtable.O_RDWR, 0}},
		{calls.SYS_SYMLINKAT, []any{"x", cwdFD, "y"}}, {calls.SYS_NEWFSTATAT, []any{cwdFD, "x", make([]byte, 144), 0}},
	} {
		_, err := sys(c.nr, c.args...)
		require.Equal(t, calls.ENOENT, err, calls.Name(c.nr))
	}
	require.Zero(t, statFile(t, ".", 0).Nlink)
}

// Generated files say what is true when they are opened, or read again from the start, and no more can be changed than they let.
func TestGeneratedFiles(t *testing.T) {
	furnished()
	t.Cleanup(furnished)
	t.Cleanup(func() { setName.Store(nil) })
	const path = "/proc/sys/kernel/hostname"
	fd := must(t, calls.SYS_OPENAT, cwdFD, path, fdtable.O_RDWR)
	before := hostname()
	read := func() string {
		buf := make([]byte, 100)
		n := must(t, calls.SYS_READ, fd, buf, len(buf))
		return string(buf[:n])
	}
	must(t, calls.SYS_SETHOSTNAME, []byte("other"), 5)
	require.Equal(t, before+"\n", read(), "as it was when it was opened")
	must(t, calls.SYS_LSEEK, fd, 0, 0)
	require.Equal(t, "other\n", read())
	require.Empty(t, read())
	must(t, calls.SYS_WRITE, fd, []byte("third\n"), 6)
	require.Equal(t, "third", hostname())
	_, err := sys(calls.SYS_OPENAT, cwdFD, "/proc/version", fdtable.O_WRONLY)
	require.Equal(t, calls.EACCES, err)
	for _, c := range []struct {
		nr   uintptr
		args []any
		want calls.Errno
	}{
		{calls.SYS_UNLINKAT, []any{cwdFD, path, 0}, calls.EPERM}, {calls.SYS_MKDIRAT, []any{cwdFD, "/proc/x", 0}, calls.EPERM},
		{calls.SYS_FCHMODAT, []any{cwdFD, path, 0o777}, calls.EPERM}, {calls.SYS_LSEEK, []any{fd, -1, 0}, calls.EINVAL},
		{calls.SYS_OPENAT, []any{cwdFD, "/proc/self/fd/9999", 0}, calls.ENOENT}, {calls.SYS_OPENAT, []any{cwdFD, "/proc/self/fd/x", 0}, calls.ENOENT},
	} {
		_, err := sys(c.nr, c.args...)
		require.Equal(t, c.want, err, "%s %v", calls.Name(c.nr), c.args)
	}
}

// Every file of /proc and /sys that can be listed can be looked at and, unless it is of no use, read.
func TestReadAllOfProc(t *testing.T) {
	furnished()
	t.Cleanup(furnished)
	var walk func(path string, depth int)
	walk = func(path string, depth int) {
		d := must(t, calls.SYS_OPENAT, cwdFD, path, fdtable.O_RDONLY|fdtable.O_DIRECTORY)
		defer sys(calls.SYS_CLOSE, d)
		buf := make([]byte, 64<<10)
		for _, e := range entries(buf[:must(t, calls.SYS_GETDENTS64, d, buf, len(buf))]) {
			name := path + "/" + e.name
			if e.name == "." || e.name == ".." {
				continue
			}
			st := statFile(t, name, atSymlinkNoFollow)
			require.EqualValues(t, e.kind, st.Mode&vfs.S_IFMT>>12, name)
			switch st.Mode & vfs.S_IFMT {
			case vfs.S_IFDIR:
				require.Less(t, depth, 10)
				walk(name, depth+1)
			case vfs.S_IFREG:
				fd := must(t, calls.SYS_OPENAT, cwdFD, name, fdtable.O_RDONLY)
				must(t, calls.SYS_READ, fd, make([]byte, 10000), 10000)
				must(t, calls.SYS_CLOSE, fd)
			case vfs.S_IFLNK:
				must(t, calls.SYS_READLINKAT, cwdFD, name, make([]byte, 100), 100)
			}
		}
	}
	walk("/proc", 0)
	walk("/sys", 0)
}
