package memfs

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// garden is a file system with what is planted in it, and how often that was made.
type garden struct {
	*testing.T
	fs              *FS
	mu              sync.Mutex
	listed, written map[string]int
}

func newGarden(t *testing.T) *garden {
	g := &garden{T: t, fs: New(0o755), listed: map[string]int{}, written: map[string]int{}}
	g.fs.SetLimit(1 << 20)
	require.Zero(t, g.fs.root.Plant(g.dir("top", g.file("a"), g.dir("sub", g.file("b"), g.file("c")))))
	return g
}

func (g *garden) count(m map[string]int, name string) {
	g.mu.Lock()
	m[name]++
	g.mu.Unlock()
}

func (g *garden) file(name string) Seed {
	return Seed{Name: name, Contents: func() string { g.count(g.written, name); return "this is " + name }}
}

func (g *garden) dir(name string, entries ...Seed) Seed {
	return Seed{Name: name, Entries: func() []Seed { g.count(g.listed, name); return entries }}
}

// at returns the file at a path of one-letter or longer names.
func (g *garden) at(names ...string) vfs.Inode {
	var n vfs.Inode = g.fs.Root()
	for _, name := range names {
		var err calls.Errno
		n, err = n.(vfs.Directory).Lookup(name)
		require.Zero(g, err, name)
	}
	return n
}

func (g *garden) stat(n vfs.Inode) (st fdtable.Stat) {
	require.Zero(g, n.Stat(&st))
	return st
}

// read reads a whole file as a description of it does.
func (g *garden) read(f vfs.Regular) string {
	f.Opened()
	defer f.Closed()
	p := make([]byte, 100)
	n, err := f.ReadAt(p, 0)
	require.Zero(g, err)
	return string(p[:n])
}

func (g *garden) names(d vfs.Directory) (names []string) {
	require.Zero(g, d.Entries(2, func(e *vfs.Entry) bool { names = append(names, e.Name); return true }))
	return names
}

func TestPlantTakesNothingUntilUsed(t *testing.T) {
	g := newGarden(t)
	require.Equal(t, int64(2), g.fs.files.Load(), "the root and what was planted in it")
	require.Equal(t, []string{"top"}, g.names(g.fs.root))
	require.Empty(t, g.listed)

	require.Equal(t, []string{"a", "sub"}, g.names(g.at("top").(vfs.Directory)))
	require.Equal(t, uint64(3), g.stat(g.at("top")).Nlink)
	require.Equal(t, map[string]int{"top": 1}, g.listed)

	b := g.at("top", "sub", "b").(*file)
	require.Same(t, b, g.at("top", "sub", "b"))
	require.Equal(t, map[string]int{"top": 1, "sub": 1}, g.listed)
	require.Empty(t, g.written)
	used := g.fs.used.Load()

	require.Equal(t, int64(len("this is b")), g.stat(b).Size)
	require.Equal(t, int64(len("this is b")), g.stat(b).Size)
	require.Equal(t, uint32(vfs.S_IFREG|0o644), g.stat(b).Mode)
	require.Equal(t, map[string]int{"b": 1}, g.written)
	require.Empty(t, b.base.text)

	b.Opened()
	require.Equal(t, "this is b", g.read(b))
	require.Equal(t, "this is b", b.base.text, "in use")
	b.Closed()
	require.Empty(t, b.base.text, "in memory without need")
	require.Equal(t, "this is b", g.read(b))
	require.Equal(t, used, g.fs.used.Load())
}

func TestPlantedFilesCanBeChanged(t *testing.T) {
	g := newGarden(t)
	f := g.at("top", "a").(*file)
	f.Opened()
	_, end, err := f.WriteAt([]byte("!"), vfs.AtEnd)
	require.Zero(t, err)
	require.Equal(t, int64(10), end)
	f.Closed()
	require.Equal(t, "this is a!", g.read(f))
	require.Equal(t, 1, g.written["a"])

	c := g.at("top", "sub", "c").(*file)
	require.Zero(t, c.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: 4}))
	require.Equal(t, "this", g.read(c))
	require.Zero(t, c.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize}))
	require.Equal(t, "", g.read(c))
	require.Zero(t, g.stat(c).Size)

	b := g.at("top", "sub", "b").(*file)
	b.SetContents("other")
	require.Equal(t, "other", g.read(b))
	require.Zero(t, g.written["b"])
	require.Zero(t, b.SetAttr(&vfs.SetAttr{Set: vfs.AttrMode, Mode: 0o600}))
	require.Equal(t, uint32(vfs.S_IFREG|0o600), g.stat(b).Mode)
}

func TestPlantedDirectoriesCanBeChanged(t *testing.T) {
	g := newGarden(t)
	root := g.fs.root
	require.Equal(t, calls.EEXIST, root.Plant(g.file("top")))
	require.Equal(t, calls.ENOTEMPTY, root.Remove("top", true), "though nothing was in use")
	_, err := root.Create("empty", &vfs.New{Mode: vfs.S_IFDIR})
	require.Zero(t, err)
	require.Equal(t, calls.ENOTEMPTY, root.Rename("empty", root, "top", 0))
	require.Empty(t, g.listed)

	// Each of these is the first use of a directory.
	_, err = g.at("top").(*dir).Create("a", &vfs.New{Mode: vfs.S_IFREG})
	require.Equal(t, calls.EEXIST, err)
	sub := g.at("top", "sub").(*dir)
	require.Zero(t, sub.Remove("b", false))
	require.Equal(t, []string{"c"}, g.names(sub))

	g = newGarden(t)
	top := g.at("top").(*dir)
	require.Zero(t, top.Rename("a", g.at("top", "sub").(*dir), "b", 0))
	require.Equal(t, []string{"sub"}, g.names(top))
	sub = g.at("top", "sub").(*dir)
	require.Equal(t, []string{"c", "b"}, g.names(sub))
	require.Equal(t, "this is a", g.read(g.at("top", "sub", "b").(*file)))

	require.Zero(t, sub.Remove("b", false))
	require.Zero(t, sub.Remove("c", false))
	require.Zero(t, top.Remove("sub", true))
	require.Zero(t, g.fs.root.Remove("top", true))
	require.Equal(t, calls.ENOENT, top.Plant(g.file("late")))
	require.Equal(t, int64(1), g.fs.files.Load())
}

func TestPlantedRemovedWhileOpen(t *testing.T) {
	g := newGarden(t)
	f := g.at("top", "a").(*file)
	f.Opened()
	require.Zero(t, g.at("top").(*dir).Remove("a", false))
	require.Equal(t, "this is a", g.read(f))
	f.Closed()
	require.Empty(t, f.base.text)
	require.Equal(t, int64(3), g.fs.files.Load())
}

// TestPlantedAtOnce uses a tree for the first time from several goroutines.
func TestPlantedAtOnce(t *testing.T) {
	g := newGarden(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				b, err := g.fs.root.Lookup("top")
				for _, name := range []string{"sub", "b"} {
					if err == 0 {
						b, err = b.(*dir).Lookup(name)
					}
				}
				if err != 0 {
					t.Error(err)
					return
				}
				var st fdtable.Stat
				p := make([]byte, 20)
				f := b.(*file)
				f.Opened()
				n, _ := f.ReadAt(p, 0)
				f.Closed()
				if f.Stat(&st); st.Size != 9 || string(p[:n]) != "this is b" {
					t.Errorf("read %q, size %d", p[:n], st.Size)
				}
			}
		})
	}
	group.Wait()
	require.Equal(t, map[string]int{"top": 1, "sub": 1}, g.listed)
}
