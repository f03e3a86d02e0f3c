package spawn

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/spawn/spawnwire"
	"internal/xengo/runtime/vfs"
	host "internal/xengo/toolchain/spawn"
)

func init() { kernel.Host.RaiseSignal = func(uint32) {} }

// duplex is one end of a connection.
type duplex struct {
	io.Reader
	io.Writer
}

// bed is a client with the real service at the other end, which starts programs of this machine.
type bed struct {
	*client
	folder string
	held   atomic.Int64
	cut    func()
}

func newBed(t *testing.T) *bed {
	b := &bed{folder: t.TempDir()}
	toHost, fromGuest := io.Pipe()
	toGuest, fromHost := io.Pipe()
	b.client = newClient(duplex{toGuest, fromGuest}, b.folder, func(n int) { b.held.Add(int64(n)) }, func(s string) { t.Error(s) })
	server := host.Server{Folder: b.folder, Logf: t.Logf, Start: func(ctx context.Context, r *spawnwire.Request, s host.Streams) (host.Process, error) {
		return host.StartHost(ctx, r, s, "FROM=host")
	}}
	conn := server.NewConn(fromHost, nil)
	var both sync.WaitGroup
	both.Go(func() {
		if err := conn.Serve(t.Context(), toHost, nil); err != nil {
			t.Error(err)
		}
	})
	both.Go(b.run)
	b.cut = sync.OnceFunc(func() {
		fromGuest.Close()
		fromHost.Close()
		both.Wait()
	})
	t.Cleanup(b.cut)
	// The guest's tree is the fake one of this process.
	require.Empty(t, files.Unpack(nil))
	for _, dir := range parents(b.folder) {
		if err := vfs.Make(vfs.Root(), dir, vfs.S_IFDIR|0o755, 0, ""); err != 0 {
			require.Equal(t, calls.EEXIST, err)
		}
	}
	return b
}

func parents(path string) (all []string) {
	for ; path != "/"; path = filepath.Dir(path) {
		all = append([]string{path}, all...)
	}
	return all
}

// pipe makes a pipe of the guest's.
func pipe(t *testing.T) (r, w int) {
	var fds [2]int32
	_, err := calls.Do(calls.SYS_PIPE2, calls.Args{A1: uintptr(unsafe.Pointer(&fds)), A2: fdtable.O_NONBLOCK})
	require.Zero(t, err)
	return int(fds[0]), int(fds[1])
}

// readAll reads a descriptor to its end and closes it.
func readAll(t *testing.T, fd int) string {
	f, err := fdtable.Get(fd)
	require.Zero(t, err)
	defer fdtable.Close(fd)
	defer f.Put()
	f.SetFlags(0)
	var all []byte
	for p := make([]byte, 4096); ; {
		n, err := f.Read(p)
		require.Zero(t, err)
		if n == 0 {
			return string(all)
		}
		all = append(all, p[:n]...)
	}
}

func writeTo(t *testing.T, fd int, s string) {
	f, err := fdtable.Get(fd)
	require.Zero(t, err)
	f.SetFlags(0)
	_, err = f.Write([]byte(s))
	require.Zero(t, err)
	f.Put()
	fdtable.Close(fd)
}

func (b *bed) sh(script string, files [3]int) (int, calls.Errno) {
	return b.start(&calls.Program{Path: "/bin/sh", Dir: b.folder, Argv: []string{"sh", "-c", script}, Env: []string{"A=b", "PATH=" + os.Getenv("PATH")}, Files: files})
}

// reap waits for a child and returns its status.
func (b *bed) reap(t *testing.T, pid int) syscall.WaitStatus {
	var status uint32
	n, err := b.wait4(calls.Args{A1: uintptr(pid), A2: uintptr(unsafe.Pointer(&status))})
	require.Zero(t, err)
	require.EqualValues(t, pid, n)
	return syscall.WaitStatus(status)
}

func TestStreams(t *testing.T) {
	b := newBed(t)
	r0, w0 := pipe(t)
	r1, w1 := pipe(t)
	r2, w2 := pipe(t)
	pid, err := b.sh("cat; echo $A $FROM >&2; exit 7", [3]int{r0, w1, w2})
	require.Zero(t, err)
	for _, fd := range []int{r0, w1, w2} {
		fdtable.Close(fd)
	}
	large := string(bytes.Repeat([]byte("0123456789abcdef"), 40_000)) // many windows
	go writeTo(t, w0, large)
	out := make(chan string)
	go func() { out <- readAll(t, r1) }()
	require.Equal(t, "b host\n", readAll(t, r2))
	require.True(t, <-out == large)
	status := b.reap(t, pid)
	require.Equal(t, 7, status.ExitStatus())
	_, err = b.wait4(calls.Args{A1: uintptr(pid)})
	require.Equal(t, calls.ECHILD, err)
	require.Zero(t, b.held.Load())
}

// A program that nobody reads from ends by SIGPIPE, as elsewhere.
func TestNoReader(t *testing.T) {
	b := newBed(t)
	r, w := pipe(t)
	pid, err := b.sh("exec yes", [3]int{-1, w, -1})
	require.Zero(t, err)
	fdtable.Close(w)
	fdtable.Close(r)
	status := b.reap(t, pid)
	require.True(t, status.Signaled() && status.Signal() == syscall.SIGPIPE, "%v", status)
}

func TestKill(t *testing.T) {
	b := newBed(t)
	r, w := pipe(t)
	pid, err := b.sh("echo x; yes", [3]int{-1, w, w}) // nobody reads, so the pipe is full
	require.Zero(t, err)
	fdtable.Close(w)
	n, err := b.wait4(calls.Args{A1: uintptr(pid), A3: wNoHang})
	require.Zero(t, err)
	require.Zero(t, n)
	for _, sig := range []uint32{0, 9} {
		ok, err := b.kill(pid, sig)
		require.True(t, ok)
		require.Zero(t, err)
	}
	var info [32]int32
	_, err = b.waitid(calls.Args{A1: idPID, A2: uintptr(pid), A3: uintptr(unsafe.Pointer(&info)), A4: wExited | wNoWait})
	require.Zero(t, err)
	require.EqualValues(t, []int32{17, 2, int32(pid), 9}, []int32{info[0], info[2], info[4], info[6]})
	status := b.reap(t, pid)
	require.True(t, status.Signaled() && status.Signal() == syscall.SIGKILL, "%v", status)
	ok, _ := b.kill(pid, 0)
	require.False(t, ok)
	fdtable.Close(r)
}

func TestErrors(t *testing.T) {
	b := newBed(t)
	for path, want := range map[string]calls.Errno{"/no/such/program": calls.ENOENT, "/etc/passwd": calls.EACCES} {
		_, err := b.start(&calls.Program{Path: path, Dir: "/", Argv: []string{path}, Files: [3]int{-1, -1, -1}})
		require.Equal(t, want, err, path)
	}
	_, err := b.sh("", [3]int{-1, 12345, -1})
	require.Equal(t, calls.EBADF, err)
	require.Empty(t, b.children)
	require.Zero(t, b.held.Load())
}

// What either side has made, changed or removed is so on the other.
func TestFiles(t *testing.T) {
	b := newBed(t)
	do := func(script string) string {
		r, w := pipe(t)
		pid, err := b.sh(script, [3]int{-1, w, w})
		require.Zero(t, err)
		fdtable.Close(w)
		out := readAll(t, r)
		require.Zero(t, b.reap(t, pid), out)
		return out
	}
	require.Zero(t, files.PutFile(b.folder+"/sub/prog", 0o755, "#!/bin/sh\necho ran\n"))
	require.Zero(t, vfs.Make(vfs.Root(), b.folder+"/link", vfs.S_IFLNK|0o777, 0, "sub"))
	// Here the host's folder and the guest's are different ones with the same name.
	require.Equal(t, "ran\n", do("link/prog"))
	require.Equal(t, "", do("mkdir made; echo new > made/file; chmod 600 made/file; rm link; echo changed > sub/prog"))
	loc, err := vfs.Walk(vfs.Root(), b.folder+"/made/file", 0)
	require.Zero(t, err)
	require.Equal(t, "new\n", string(contents(loc.Inode.(vfs.Regular), 4)))
	loc, err = vfs.Walk(vfs.Root(), b.folder+"/sub/prog", 0)
	require.Zero(t, err)
	require.Equal(t, "changed\n", string(contents(loc.Inode.(vfs.Regular), 8)))
	_, err = vfs.Walk(vfs.Root(), b.folder+"/link", 0)
	require.Equal(t, calls.ENOENT, err)
	require.Equal(t, "", do("rm -r made"))
	_, err = vfs.Walk(vfs.Root(), b.folder+"/made", 0)
	require.Equal(t, calls.ENOENT, err)
	require.Zero(t, vfs.Unlink(vfs.Root(), b.folder+"/sub/prog"))
	require.Equal(t, ".\n./sub\n", do("find . | sort"))
}

// A program that another one has started brings over what it has changed, and nothing else.
func TestBring(t *testing.T) {
	b := newBed(t)
	at := func(name string) string { return filepath.Join(b.folder, name) }
	for name, contents := range map[string]string{"old": "old", "theirs": "old", "d/x": "x"} {
		require.Zero(t, files.PutFile(at(name), 0o644, contents))
	}
	b.tree.adopt()
	require.NoError(t, os.WriteFile(at("theirs"), []byte("new"), 0o644))
	require.Zero(t, files.PutFile(at("old"), 0o644, "ours"))
	require.Zero(t, files.PutFile(at("made/new"), 0o644, "new"))
	require.Zero(t, vfs.Unlink(vfs.Root(), at("d/x")))
	require.Zero(t, vfs.Rmdir(vfs.Root(), at("d")))
	require.NoError(t, os.MkdirAll(at("d"), 0o755))
	require.NoError(t, os.WriteFile(at("d/x"), nil, 0o644))
	b.bring()
	b.cut() // all was heard
	for name, want := range map[string]string{"old": "ours", "theirs": "new", "made/new": "new"} {
		got, err := os.ReadFile(at(name))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	require.NoDirExists(t, at("d"))
}

// When the host is gone, so are children.
func TestHostGone(t *testing.T) {
	b := newBed(t)
	pid, err := b.sh("sleep 1000", [3]int{-1, -1, -1})
	require.Zero(t, err)
	b.cut()
	status := b.reap(t, pid)
	require.True(t, status.Signaled())
	_, err = b.sh("true", [3]int{-1, -1, -1})
	require.Equal(t, calls.EIO, err)
}

func TestParse(t *testing.T) {
	for option, want := range map[string]struct {
		folder      string
		in, out, ok bool
	}{
		"": {}, "/tmp/x": {"/tmp/x", false, false, true}, "/tmp/x,in": {"/tmp/x", true, false, true}, "/tmp/x,in,out": {"/tmp/x", true, true, true},
	} {
		folder, in, out, ok := parse(option)
		require.Equal(t, want, struct {
			folder      string
			in, out, ok bool
		}{folder, in, out, ok}, option)
	}
}
