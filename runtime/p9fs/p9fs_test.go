package p9fs

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/drivers/ninepfront"
	"internal/xengo/drivers/ninepfront/ninepback"
	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/p9fs/p9test"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/xentest/split"
)

// attach makes a share of a directory the root of the tree, by way of a whole simulated Xen.
func attach(t testing.TB, s *p9test.Server) (*FS, *ninepback.Backend) {
	t.Helper()
	x := split.New(t)
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	back := ninepback.New(t, x.Store, x.Dom0, x.Guest, ninepback.Config{Serve: s.Serve})
	d, err := ninepfront.Open(x.Guest, x.XS, "0")
	require.NoError(t, err)
	x.Clean(t, d, back)
	fs, err := New(d)
	require.NoError(t, err)
	vfs.SetRoot(fs.Root(), "share")
	return fs, back
}

func open(t testing.TB, name string, flags, mode uint32) fdtable.Description {
	t.Helper()
	d, err := vfs.Open(vfs.Root(), name, flags, mode)
	require.Zero(t, err, name)
	if f, ok := d.(fdtable.FlagSetter); ok {
		f.SetFlags(flags)
	}
	return d
}

func write(t testing.TB, name string, data []byte) {
	t.Helper()
	d := open(t, name, fdtable.O_WRONLY|fdtable.O_CREAT|fdtable.O_TRUNC, 0o644)
	n, err := d.Write(data)
	require.Zero(t, err)
	require.Equal(t, len(data), n)
	require.Zero(t, d.Release())
}

func readAll(t testing.TB, d fdtable.Description) (all []byte) {
	t.Helper()
	p := make([]byte, 1<<20)
	for {
		n, err := d.Read(p)
		require.Zero(t, err)
		if n == 0 {
			return all
		}
		all = append(all, p[:n]...)
	}
}

func contents(t testing.TB, name string) string {
	t.Helper()
	d := open(t, name, 0, 0)
	defer d.Release()
	return string(readAll(t, d))
}

func random(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rand.Uint32())
	}
	return p
}

func lookup(t testing.TB, name string) vfs.Inode {
	t.Helper()
	return locate(t, name).Inode
}

func locate(t testing.TB, name string) vfs.Location {
	t.Helper()
	loc, err := vfs.Walk(vfs.Root(), name, 0)
	require.Zero(t, err, name)
	return loc
}

// Both dialects read and write files of all sizes.
func TestReadWrite(t *testing.T) {
	for _, s := range []*p9test.Server{{}, {U: true, MaxFids: 5}, {MSize: 4096}, {U: true, MSize: 4096}} {
		t.Run(fmt.Sprintf("U=%t MSize=%d", s.U, s.MSize), func(t *testing.T) {
			attach(t, s)
			for i, size := range []int{0, 1, 4095, 65536, 1 << 20, 3<<20 + 7} {
				name, data := fmt.Sprintf("/file-%d", i), random(size)
				write(t, name, data)
				b, err := os.ReadFile(filepath.Join(s.Dir, name))
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, b), size)

				d := open(t, name, fdtable.O_RDWR, 0)
				require.True(t, bytes.Equal(data, readAll(t, d)), size)
				n, wrong := d.(fdtable.PWriter).PWrite([]byte("written"), int64(size+10))
				require.Zero(t, wrong)
				require.Equal(t, 7, n)
				p := make([]byte, 100)
				n, wrong = d.(fdtable.PReader).PRead(p, int64(size+5))
				require.Zero(t, wrong)
				require.Equal(t, "\x00\x00\x00\x00\x00written", string(p[:n]))
				require.Zero(t, d.Release())

				write(t, name, []byte("short")) // O_TRUNC
				b, _ = os.ReadFile(filepath.Join(s.Dir, name))
				require.Equal(t, "short", string(b))
			}
			_, wrong := vfs.Open(vfs.Root(), "/file-0", fdtable.O_CREAT|fdtable.O_EXCL|fdtable.O_RDWR, 0o600)
			require.Equal(t, calls.EEXIST, wrong)
			_, wrong = vfs.Open(vfs.Root(), "/absent", 0, 0)
			require.Equal(t, calls.ENOENT, wrong)
			require.False(t, s.Crashed())
		})
	}
}

// Appending is at the end, whoever else appends, and O_APPEND can be taken away and given.
func TestAppend(t *testing.T) {
	for _, s := range []*p9test.Server{{}, {U: true}} {
		attach(t, s)
		write(t, "/log", []byte("0"))
		host, err := os.OpenFile(filepath.Join(s.Dir, "log"), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		defer host.Close()
		d := open(t, "/log", fdtable.O_RDWR|fdtable.O_APPEND, 0)
		put := func(text string) {
			_, err := d.Write([]byte(text))
			require.Zero(t, err)
		}
		put("1")
		host.WriteString("2")
		put("3")
		pos, _ := d.(fdtable.Seeker).Lseek(0, 1)
		require.EqualValues(t, 4, pos)
		d.(fdtable.FlagSetter).SetFlags(fdtable.O_RDWR)
		d.(fdtable.Seeker).Lseek(1, 0)
		put("x")
		d.(fdtable.FlagSetter).SetFlags(fdtable.O_RDWR | fdtable.O_APPEND)
		put("4")
		require.Zero(t, d.Release())
		b, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
		require.Equal(t, "0x234", string(b))
	}
}

func entries(t testing.TB, name string) (names []string) {
	t.Helper()
	d := open(t, name, fdtable.O_DIRECTORY, 0)
	defer d.Release()
	p := make([]byte, 8192)
	for {
		n, err := d.(vfs.DirReader).ReadDir(p)
		require.Zero(t, err)
		if n == 0 {
			return names
		}
		for rest := p[:n]; len(rest) > 0; {
			size := int(rest[16]) | int(rest[17])<<8
			text, _, _ := bytes.Cut(rest[19:size], []byte{0})
			names = append(names, string(text))
			rest = rest[size:]
		}
	}
}

func TestReadDir(t *testing.T) {
	for _, s := range []*p9test.Server{{}, {U: true, MaxFids: 5}, {MSize: 4096}} {
		attach(t, s)
		want := []string{".", ".."}
		many := 10_000
		if s.U {
			many = 500
		}
		for i := range many {
			name := fmt.Sprintf("file-%d", i)
			want = append(want, name)
			require.NoError(t, os.WriteFile(filepath.Join(s.Dir, name), nil, 0o600))
		}
		slices.Sort(want)
		got := entries(t, "/")
		slices.Sort(got)
		require.Equal(t, want, got)

		// A position leads back to where it was.
		d := open(t, "/", fdtable.O_DIRECTORY, 0)
		p := make([]byte, 1000)
		_, err := d.(vfs.DirReader).ReadDir(p)
		require.Zero(t, err)
		pos, _ := d.(fdtable.Seeker).Lseek(0, 1)
		second := make([]byte, 1000)
		n, err := d.(vfs.DirReader).ReadDir(second)
		require.Zero(t, err)
		for range 5 {
			d.(vfs.DirReader).ReadDir(p)
		}
		d.(fdtable.Seeker).Lseek(pos, 0)
		again := make([]byte, 1000)
		m, err := d.(vfs.DirReader).ReadDir(again)
		require.Zero(t, err)
		require.Equal(t, second[:n], again[:m])
		require.Zero(t, d.Release())
		require.False(t, s.Crashed())
	}
}

// A list of which the server loses a part is an error.
func TestReadDirGap(t *testing.T) {
	s := &p9test.Server{U: true}
	attach(t, s)
	for i := range 1000 {
		require.NoError(t, os.WriteFile(filepath.Join(s.Dir, fmt.Sprintf("file-%d", i)), nil, 0o600))
	}
	d := open(t, "/", fdtable.O_DIRECTORY, 0)
	defer d.Release()
	for {
		n, err := d.(vfs.DirReader).ReadDir(make([]byte, 8192))
		if err != 0 {
			require.Equal(t, calls.EOVERFLOW, err)
			return
		}
		require.NotZero(t, n)
	}
}

func TestNames(t *testing.T) {
	s := &p9test.Server{}
	fs, _ := attach(t, s)
	at := func(name string) string { return filepath.Join(s.Dir, name) }
	root := vfs.Root()
	require.Zero(t, vfs.Make(root, "/d", vfs.S_IFDIR|0o750, 0, ""))
	require.Zero(t, vfs.Make(root, "/d/sub", vfs.S_IFDIR|0o755, 0, ""))
	require.Zero(t, vfs.Make(root, "/d/link", vfs.S_IFLNK|0o777, 0, "sub/file"))
	require.Zero(t, vfs.Make(root, "/d/fifo", vfs.S_IFIFO|0o622, 0, ""))
	write(t, "/d/sub/file", []byte("contents"))
	info, err := os.Stat(at("d"))
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|0o750, info.Mode())
	b, err := os.ReadFile(at("d/link"))
	require.NoError(t, err)
	require.Equal(t, "contents", string(b))
	require.Equal(t, "contents", contents(t, "/d/link"))

	// A file is the same whatever it was found by.
	f := lookup(t, "/d/sub/file")
	require.True(t, f == lookup(t, "/d/sub/../sub/file"))
	require.Zero(t, vfs.Link(f, root, "/hard"))
	require.True(t, f == lookup(t, "/hard"))
	var st fdtable.Stat
	require.Zero(t, f.Stat(&st))
	require.EqualValues(t, 2, st.Nlink)
	require.Equal(t, fs.dev, st.Dev)

	// Renaming takes along what is below, and what is open.
	sub := lookup(t, "/d/sub").(vfs.Directory)
	open1 := open(t, "/d/sub/file", fdtable.O_RDWR, 0)
	rename := func(from, to string, flags uint32) calls.Errno {
		a, err := vfs.Walk(root, from, vfs.Parent)
		require.Zero(t, err)
		b, err := vfs.Walk(root, to, vfs.Parent)
		require.Zero(t, err)
		return vfs.Rename(a, b, flags)
	}
	require.Zero(t, rename("/d", "/e", 0))
	path, _ := vfs.PathOf(sub)
	require.Equal(t, "/e/sub", path)
	got, wrong := sub.Lookup("file")
	require.Zero(t, wrong)
	require.True(t, got == f)
	require.Equal(t, "contents", string(readAll(t, open1)))
	write(t, "/e/new", []byte("new"))
	require.Equal(t, calls.ENOTEMPTY, vfs.Rmdir(root, "/e"))
	require.Equal(t, calls.EINVAL, rename("/e", "/e/sub/x", 0))
	require.Equal(t, calls.EINVAL, rename("/hard", "/e/new", vfs.RenameExchange))
	require.Zero(t, rename("/e/new", "/hard", 0)) // replaces it
	b, _ = os.ReadFile(at("hard"))
	require.Equal(t, "new", string(b))

	// What was removed stays as long as it is open.
	require.Zero(t, vfs.Unlink(root, "/e/sub/file"))
	require.Zero(t, open1.(fdtable.Stater).Stat(&st))
	require.Zero(t, st.Nlink)
	_, wrong = open1.Write([]byte(" and more"))
	require.Zero(t, wrong)
	require.Zero(t, open1.(fdtable.Truncater).Truncate(12))
	p := make([]byte, 100)
	n, wrong := open1.(fdtable.PReader).PRead(p, 0)
	require.Zero(t, wrong)
	require.Equal(t, "contents and", string(p[:n]))
	require.Contains(t, open1.(fdtable.Named).Name(), "(deleted)")
	require.Zero(t, open1.Release())
	require.Equal(t, calls.ENOENT, f.Stat(&st))

	require.Zero(t, vfs.Rmdir(root, "/e/sub"))
	up, name := sub.Parent()
	require.True(t, up == lookup(t, "/e"))
	require.Empty(t, name)
	_, wrong = sub.Lookup("x")
	require.Equal(t, calls.ENOENT, wrong)
	_, wrong = sub.Create("x", &vfs.New{Mode: vfs.S_IFREG | 0o600})
	require.Equal(t, calls.ENOENT, wrong)

	// What others do is seen at once.
	require.NoError(t, os.Rename(at("hard"), at("moved")))
	require.Equal(t, "new", contents(t, "/moved"))
	d := lookup(t, "/e").(vfs.Directory)
	require.NoError(t, os.RemoveAll(at("e")))
	require.NoError(t, os.Mkdir(at("x"), 0o755)) // may have its number
	require.NoError(t, os.Mkdir(at("e"), 0o755))
	for range fs.idleFids() { // of d none is left
		lookup(t, "/moved")
	}
	_, wrong = d.Create("x", &vfs.New{Mode: vfs.S_IFREG | 0o600})
	require.Equal(t, calls.ESTALE, wrong)
}

func TestAttributes(t *testing.T) {
	s := &p9test.Server{}
	attach(t, s)
	write(t, "/f", []byte("0123456789"))
	at := locate(t, "/f")
	f := at.Inode
	require.Zero(t, vfs.Chmod(at, 0o4751))
	require.Zero(t, vfs.Truncate(at, 4))
	when := fdtable.Timespec{Sec: 1e9, Nsec: 5}
	require.Zero(t, vfs.SetTimes(at, &vfs.SetAttr{Set: vfs.AttrAtime | vfs.AttrMtime, Atime: when, Mtime: when}, false))
	if os.Geteuid() == 0 {
		require.Zero(t, vfs.Chown(at, 5, 6))
		require.Zero(t, vfs.Chmod(at, 0o4751))
	}
	var st fdtable.Stat
	require.Zero(t, f.Stat(&st))
	require.EqualValues(t, vfs.S_IFREG|0o4751, st.Mode)
	require.EqualValues(t, 4, st.Size)
	require.Equal(t, when, st.Mtime)
	if os.Geteuid() == 0 {
		require.Equal(t, [2]uint32{5, 6}, [2]uint32{st.UID, st.GID})
	}
	d := open(t, "/f", fdtable.O_RDWR, 0)
	require.Zero(t, d.(fdtable.Syncer).Sync())
	pos, err := d.(fdtable.Seeker).Lseek(0, 4) // SEEK_HOLE
	require.Zero(t, err)
	require.EqualValues(t, 4, pos)
	require.Zero(t, d.Release())
	dd := open(t, "/", fdtable.O_DIRECTORY, 0)
	require.Zero(t, dd.(fdtable.Syncer).Sync())
	require.Zero(t, dd.Release())
	var sf vfs.Statfs
	require.Zero(t, vfs.Root().FS().Statfs(&sf))
	require.NotZero(t, sf.Blocks)
	require.EqualValues(t, magic, sf.Type)

	// A file is made with its permissions, and open to who made it whatever they are.
	d = open(t, "/readonly", fdtable.O_RDWR|fdtable.O_CREAT|fdtable.O_EXCL, 0o400)
	_, err = d.Write([]byte("x"))
	require.Zero(t, err)
	require.Zero(t, d.Release())
	info, wrong := os.Stat(filepath.Join(s.Dir, "readonly"))
	require.NoError(t, wrong)
	require.Equal(t, os.FileMode(0o400), info.Mode())
}

// What xen-9pfsd has not is an error, and nothing makes it crash.
func TestSmallServer(t *testing.T) {
	s := &p9test.Server{U: true, MaxFids: 5}
	attach(t, s)
	root := vfs.Root()
	require.Zero(t, vfs.Make(root, "/d", vfs.S_IFDIR|0o755, 0, ""))
	write(t, "/d/f", []byte("x"))
	f := lookup(t, "/d/f")
	var st fdtable.Stat
	require.Zero(t, root.Stat(&st))
	require.EqualValues(t, vfs.S_IFDIR, st.Mode&vfs.S_IFMT)
	require.Zero(t, f.Stat(&st))
	require.EqualValues(t, 1, st.Size)
	a, _ := vfs.Walk(root, "/d/f", vfs.Parent)
	b, _ := vfs.Walk(root, "/g", vfs.Parent)
	d := open(t, "/d/f", fdtable.O_RDWR, 0)
	for _, err := range []calls.Errno{
		vfs.Unlink(root, "/d/f"), vfs.Rmdir(root, "/d"), vfs.Chmod(locate(t, "/d/f"), 0o600), vfs.Truncate(locate(t, "/d/f"), 0), vfs.Link(f, root, "/g"), vfs.Rename(a, b, 0),
		vfs.Make(root, "/l", vfs.S_IFLNK|0o777, 0, "x"), d.(fdtable.Syncer).Sync(),
	} {
		require.Equal(t, calls.EOPNOTSUPP, err)
	}
	require.Zero(t, d.Release())
	// As many files may be open as there are fids beside the root's, and not a fid is lost.
	for range 10 {
		var all []fdtable.Description
		for range 4 {
			all = append(all, open(t, "/d/f", fdtable.O_RDONLY, 0))
		}
		_, err := vfs.Open(root, "/d/f", fdtable.O_RDONLY, 0)
		require.Equal(t, calls.EMFILE, err)
		for _, d := range all {
			d.Release()
		}
	}
	require.False(t, s.Crashed())
}

// Many goroutines, files and fids: at the end as many fids are left as may be kept.
func TestConcurrent(t *testing.T) {
	s := &p9test.Server{}
	fs, _ := attach(t, s)
	var all sync.WaitGroup
	for g := range 20 {
		all.Go(func() {
			dir := fmt.Sprintf("/d%d", g%5)
			vfs.Make(vfs.Root(), dir, vfs.S_IFDIR|0o755, 0, "") // of five the first makes it
			for i := range 30 {
				name := fmt.Sprintf("%s/f%d-%d", dir, g, i)
				data := random(rand.IntN(100_000))
				write(t, name, data)
				d := open(t, name, 0, 0)
				if !bytes.Equal(data, readAll(t, d)) {
					t.Error("other data than written")
				}
				d.Release()
				if i%3 == 0 {
					if err := vfs.Unlink(vfs.Root(), name); err != 0 {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return s.Fids() <= 1+fs.idleFids() }, 5*time.Second, time.Millisecond, "fids are lost")
}

// When the server is gone, everything fails, and what waited for it.
func TestServerGone(t *testing.T) {
	s := &p9test.Server{}
	_, back := attach(t, s)
	write(t, "/f", random(100_000))
	d := open(t, "/f", fdtable.O_RDWR, 0)
	started := make(chan struct{}, 100)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for {
				started <- struct{}{}
				p := make([]byte, 50_000)
				if _, err := d.(fdtable.PReader).PRead(p, 0); err != 0 {
					if err != calls.EIO {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	for range 50 {
		<-started
	}
	back.Detach()
	go func() {
		for range started {
		}
	}()
	all.Wait()
	close(started)
	_, err := d.Write([]byte("x"))
	require.Equal(t, calls.EIO, err)
	require.Zero(t, d.Release())
	_, err = vfs.Open(vfs.Root(), "/f", 0, 0)
	require.Equal(t, calls.EIO, err)
	var st fdtable.Stat
	require.Equal(t, calls.EIO, vfs.Root().Stat(&st))
}

// hostile answers are an error of the share, whatever they answer.
func TestHostileServer(t *testing.T) {
	entry := p9.AppendEntry(nil, &p9.Entry{Name: "../x"})
	for name, reply := range map[string]func(p9.Message) p9.Message{
		"more than asked for": func(m p9.Message) p9.Message {
			if r, ok := m.(*p9.Tread); ok {
				return &p9.Rread{Data: make([]byte, r.Count+1)}
			}
			return nil
		},
		"more written than sent": func(m p9.Message) p9.Message {
			if r, ok := m.(*p9.Twrite); ok {
				return &p9.Rwrite{Count: uint32(len(r.Data) + 1)}
			}
			return nil
		},
		"more walked than asked": func(m p9.Message) p9.Message {
			if _, ok := m.(*p9.Twalk); ok {
				return &p9.Rwalk{QIDs: make([]p9.QID, 17)}
			}
			return nil
		},
		"another type": func(m p9.Message) p9.Message {
			if _, ok := m.(*p9.Tlopen); ok {
				return &p9.Rclunk{}
			}
			return nil
		},
		"no error number": func(m p9.Message) p9.Message {
			if _, ok := m.(*p9.Tgetattr); ok {
				return &p9.Rlerror{}
			}
			return nil
		},
		"a huge error number": func(m p9.Message) p9.Message {
			if _, ok := m.(*p9.Tgetattr); ok {
				return &p9.Rlerror{Errno: 1 << 31}
			}
			return nil
		},
		"an impossible name": func(m p9.Message) p9.Message {
			if _, ok := m.(*p9.Treaddir); ok {
				return &p9.Rreaddir{Data: entry}
			}
			return nil
		},
		"half an entry": func(m p9.Message) p9.Message {
			if _, ok := m.(*p9.Treaddir); ok {
				return &p9.Rreaddir{Data: entry[:10]}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &p9test.Server{Dir: t.TempDir()}
			require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "f"), []byte("contents"), 0o600))
			attach(t, s)
			s.Reply = reply
			failed := false
			check := func(err calls.Errno) {
				if err != 0 {
					require.Equal(t, calls.EIO, err)
					failed = true
				}
			}
			d, err := vfs.Open(vfs.Root(), "/f", fdtable.O_RDWR, 0)
			check(err)
			if err == 0 {
				_, err := d.(fdtable.PReader).PRead(make([]byte, 8), 0)
				check(err)
				_, err = d.Write([]byte("x"))
				check(err)
				var st fdtable.Stat
				check(d.(fdtable.Stater).Stat(&st))
				d.Release()
			}
			if d, err = vfs.Open(vfs.Root(), "/", fdtable.O_DIRECTORY, 0); err == 0 {
				_, err = d.(vfs.DirReader).ReadDir(make([]byte, 1000))
				d.Release()
			}
			check(err)
			require.True(t, failed)
			_, err = vfs.Open(vfs.Root(), "/f", 0, 0)
			require.Equal(t, calls.EIO, err)
		})
	}
}

func TestAttachErrors(t *testing.T) {
	for want, reply := range map[error]p9.Message{
		errVersion: &p9.Rversion{Tversion: p9.Tversion{MSize: 4096, Version: "9P2000"}},
		errMSize:   &p9.Rversion{Tversion: p9.Tversion{MSize: 1 << 31, Version: p9.VersionL}},
		errRoot:    &p9.Rattach{},
	} {
		c := fakeTransport(func(m p9.Message) p9.Message {
			if _, ok := m.(*p9.Tversion); ok == (want != errRoot) {
				return reply
			}
			return &p9.Rversion{Tversion: p9.Tversion{MSize: 4096, Version: p9.VersionL}}
		})
		_, err := New(c)
		require.ErrorIs(t, err, want)
	}
	_, err := New(fakeTransport(func(p9.Message) p9.Message { return nil }))
	require.Equal(t, error(calls.EIO), err)
}

// fakeTransport answers by a function; nothing is a server that is gone.
type fakeTransport func(p9.Message) p9.Message

func (f fakeTransport) MaxMessage() int { return 65536 }
func (f fakeTransport) Break(error)     {}

func (f fakeTransport) Call(req, _ []byte) ([]byte, error) {
	m := p9.New(p9.ParseHeader(req).Type)
	if err := p9.Parse(req, m); err != nil {
		return nil, err
	}
	reply := f(m)
	if reply == nil {
		return nil, io.EOF
	}
	return p9.Append(nil, 0, reply)
}

func (f fakeTransport) Start(req, room []byte, done func([]byte, error)) {
	r, err := f.Call(req, room)
	done(r, err)
}
