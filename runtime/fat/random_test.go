package fat

import (
	"math/rand/v2"
	"testing"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/vfs"
)

// Random operations give what they give in memory, and fsck.fat finds nothing wrong.
func TestRandom(t *testing.T) {
	for i, form := range formats[1:] {
		t.Run(form.name, func(t *testing.T) {
			d := mkfs(t, form)
			fs := mount(t, d)
			p := &fstest.Player{T: t, Rand: rand.New(rand.NewPCG(3, uint64(i))), Fold: true}
			p.Begin(fs.Root())
			for range fstest.Times(4, 100) {
				for range 10 {
					p.Play(100)
					ok(t, fs.Sync())
				}
				p.Compare()
				p.Remount(func() vfs.Directory {
					ok(t, fs.Unmount())
					fs = mount(t, d)
					return fs.Root()
				})
			}
			ok(t, fs.Unmount())
			fsck(t, d)
		})
	}
}
