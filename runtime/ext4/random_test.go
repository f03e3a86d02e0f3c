package ext4

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/vfs"
)

// more are the random calls that not all file systems have.
func more(p *fstest.Player) []func() {
	return []func(){
		func() { p.Rename(vfs.RenameExchange) },
		func() {
			target := bytes.Repeat([]byte("t"), 1+p.Rand.IntN(200))
			p.Create("symlink", &vfs.New{Mode: vfs.S_IFLNK | 0o777, Target: string(target)})
		},
		func() {
			if f, g, ok := p.File(); ok {
				to, name := p.Dir(), p.Name()
				p.Same("link", to.Disk.Link(name, f), to.Model.Link(name, g))
			}
		},
		func() {
			f, g, ok := p.File()
			if !ok {
				return
			}
			modes := []uint32{0, fallocKeepSize, fallocKeepSize | fallocPunchHole, fallocZeroRange}
			mode := modes[p.Rand.IntN(len(modes))]
			off, n := int64(p.Rand.IntN(200000)), int64(1+p.Rand.IntN(100000))
			if mode == fallocZeroRange {
				p.Same("zero", f.Allocate(mode, off, n), 0)
				p.Same("punch", g.Allocate(fallocKeepSize|fallocPunchHole, off, n), 0)
				p.Same("allocate", g.Allocate(0, off, n), 0)
			} else {
				p.Same("fallocate", f.Allocate(mode, off, n), g.Allocate(mode, off, n))
			}
		},
	}
}

// Random operations give what they give in memory, whatever the format, and e2fsck finds nothing wrong.
func TestRandom(t *testing.T) {
	each(t, func(t *testing.T, format []string) {
		d := mkfs(t, 64, format...)
		fs := mount(t, d)
		ok(t, fs.Root().Remove("lost+found", true))
		p := &fstest.Player{T: t, Rand: rand.New(rand.NewPCG(3, uint64(len(format))))}
		p.More = more(p)
		p.Begin(fs.Root())
		for range fstest.Times(3, 100) {
			p.Play(500)
			p.Compare()
			p.Play(500)
			ok(t, fs.Sync())
			fsck(t, d, true)
			p.Remount(func() vfs.Directory {
				ok(t, fs.Unmount())
				fsck(t, d, false)
				fs = mount(t, d)
				return fs.Root()
			})
		}
	})
}
