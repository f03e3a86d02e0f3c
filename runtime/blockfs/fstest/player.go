package fstest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// A Pair is a directory of a file system and its model in memory.
type Pair struct{ Disk, Model vfs.Directory }

// A Player makes the same random calls of a file system and of its model and compares the answers.
type Player struct {
	T    *testing.T
	Rand *rand.Rand
	// Fold says that names are told apart without regard to case. The model is given those in lower case.
	Fold bool
	More []func() // calls that not all file systems have

	dirs []Pair
	open [][2]vfs.Regular
}

// Begin has the player begin in a root directory with nothing in it.
func (p *Player) Begin(root vfs.Directory) {
	p.dirs = []Pair{{root, memfs.New(0o755).Root()}}
}

// Name is that of a file that may exist.
func (p *Player) Name() string {
	switch p.Rand.IntN(8) {
	case 0:
		return fmt.Sprintf("a rather long name of a file %060d.text", p.Rand.IntN(10))
	case 1:
		return fmt.Sprintf("ünïcode-ж%d", p.Rand.IntN(5))
	}
	return fmt.Sprint("n", p.Rand.IntN(30))
}

func (p *Player) spelt(name string) string {
	if p.Fold && p.Rand.IntN(3) == 0 {
		return strings.ToUpper(name)
	}
	return name
}

// Dir is any directory.
func (p *Player) Dir() Pair { return p.dirs[p.Rand.IntN(len(p.dirs))] }

// Same compares two errors, and reports whether there is none.
func (p *Player) Same(what string, got, want calls.Errno) bool {
	p.T.Helper()
	require.Equal(p.T, want, got, what)
	return got == 0
}

// File looks for a regular file in both.
func (p *Player) File() (disk, model vfs.Regular, ok bool) {
	d, name := p.Dir(), p.Name()
	a, err1 := d.Disk.Lookup(p.spelt(name))
	b, err2 := d.Model.Lookup(name)
	if !p.Same("lookup "+name, err1, err2) {
		return nil, nil, false
	}
	disk, ok1 := a.(vfs.Regular)
	model, ok2 := b.(vfs.Regular)
	require.Equal(p.T, ok2, ok1, name)
	return disk, model, ok1
}

// Play makes so many calls.
func (p *Player) Play(calls int) {
	all := append([]func(){p.create, p.create, p.mkdir, p.remove, p.remove, p.rename, p.rename, p.truncate, p.keep, p.write, p.write, p.attribute}, p.More...)
	for range calls {
		all[p.Rand.IntN(len(all))]()
	}
}

// Compare compares all files.
func (p *Player) Compare() {
	p.T.Helper()
	Same(p.T, "", p.dirs[0].Disk, p.dirs[0].Model, p.Fold)
}

// Remount ends all use of the file system, and goes on with another root directory if that has the same in it.
func (p *Player) Remount(f func() vfs.Directory) {
	p.T.Helper()
	for _, f := range p.open {
		f[0].Closed()
		f[1].Closed()
	}
	p.open = nil
	p.dirs = []Pair{{f(), p.dirs[0].Model}}
	p.Compare()
}

// Create makes a file in both.
func (p *Player) Create(what string, n *vfs.New) {
	d, name := p.Dir(), p.Name()
	a, err1 := d.Disk.Create(p.spelt(name), n)
	b, err2 := d.Model.Create(name, n)
	if made, isDir := a.(vfs.Directory); p.Same(what, err1, err2) && isDir {
		p.dirs = append(p.dirs, Pair{made, b.(vfs.Directory)})
	}
}

func (p *Player) create() { p.Create("create", &vfs.New{Mode: vfs.S_IFREG | 0o755}) }

func (p *Player) mkdir() {
	if len(p.dirs) <= 12 {
		p.Create("mkdir", &vfs.New{Mode: vfs.S_IFDIR | 0o755})
	}
}

// gone forgets a directory.
func (p *Player) gone(n vfs.Inode) {
	p.dirs = slices.DeleteFunc(p.dirs, func(x Pair) bool { return vfs.Inode(x.Disk) == n })
}

func (p *Player) remove() {
	d, name := p.Dir(), p.Name()
	isDir := p.Rand.IntN(5) == 0
	n, _ := d.Disk.Lookup(name)
	if p.Same("remove "+name, d.Disk.Remove(p.spelt(name), isDir), d.Model.Remove(name, isDir)) && isDir {
		p.gone(n)
	}
}

func (p *Player) rename() { p.Rename(0) }

// Rename calls rename with flags.
func (p *Player) Rename(flags uint32) {
	d, name, to, newName := p.Dir(), p.Name(), p.Dir(), p.Name()
	over, _ := to.Disk.Lookup(newName)
	moved, _ := d.Disk.Lookup(name)
	err1 := d.Disk.Rename(name, to.Disk, p.spelt(newName), flags)
	err2 := d.Model.Rename(name, to.Model, newName, flags)
	if p.Same(fmt.Sprint("rename ", name, " ", newName, " ", flags), err1, err2) && flags == 0 && over != moved {
		p.gone(over)
	}
}

func (p *Player) truncate() {
	if f, g, ok := p.File(); ok {
		a := &vfs.SetAttr{Set: vfs.AttrSize, Size: int64(p.Rand.IntN(200000))}
		p.Same("truncate", f.SetAttr(a), g.SetAttr(a))
	}
}

// keep opens a file or closes one.
func (p *Player) keep() {
	if f, g, ok := p.File(); ok && len(p.open) < 5 {
		f.Opened()
		g.Opened()
		p.open = append(p.open, [2]vfs.Regular{f, g})
	} else if len(p.open) > 0 {
		p.open[0][0].Closed()
		p.open[0][1].Closed()
		p.open = p.open[1:]
	}
}

// attribute sets or removes an extended attribute, if there are such.
func (p *Player) attribute() {
	a, b, ok := p.File()
	if !ok {
		return
	}
	disk, ok := a.(vfs.Attributed)
	if !ok {
		return
	}
	model := b.(vfs.Attributed)
	name := "user." + string(rune('a'+p.Rand.IntN(3)))
	if p.Rand.IntN(3) == 0 {
		p.Same("remove attribute", disk.RemoveAttribute(name), model.RemoveAttribute(name))
		return
	}
	value := bytes.Repeat([]byte{byte(p.Rand.Uint32())}, p.Rand.IntN(100))
	p.Same("set attribute", disk.SetAttribute(name, value, 0), model.SetAttribute(name, value, 0))
}

func (p *Player) write() {
	f, g, ok := p.File()
	if p.Rand.IntN(3) == 0 && len(p.open) > 0 {
		x := p.open[p.Rand.IntN(len(p.open))]
		f, g, ok = x[0], x[1], true
	}
	if !ok {
		return
	}
	data := bytes.Repeat([]byte{byte(p.Rand.Uint32())}, 1+p.Rand.IntN(30000))
	off := int64(p.Rand.IntN(150000))
	if p.Rand.IntN(3) == 0 {
		off = vfs.AtEnd
	}
	n1, end1, err1 := f.WriteAt(data, off)
	n2, end2, err2 := g.WriteAt(data, off)
	p.Same("write", err1, err2)
	require.Equal(p.T, [2]int64{int64(n2), end2}, [2]int64{int64(n1), end1})
	Same(p.T, "what was written", f, g, p.Fold)
}
