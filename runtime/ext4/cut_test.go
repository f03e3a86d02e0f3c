package ext4

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/vfs"
)

// After a power cut at any point, everything that fsync has promised is there, and e2fsck finds nothing wrong.
func TestPowerCut(t *testing.T) {
	each(t, func(t *testing.T, format []string) {
		t.Parallel()
		rng := rand.New(rand.NewPCG(7, uint64(len(format))))
		w := fstest.NewWorkload(t, mkfs(t, 48, format...), func(d *fstest.Disk) fstest.FS { return mount(t, d) }, rng)
		w.Run(150, func(n int) { // holes and cuts
			f := create(t, w.Root, fmt.Sprint("sparse", n), nil)
			for range rng.IntN(10) {
				_, _, err := f.WriteAt(bytes.Repeat([]byte("s"), 1+rng.IntN(5000)), int64(rng.IntN(4<<20)))
				ok(t, err)
			}
			ok(t, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: int64(rng.IntN(4 << 20))}))
		})
		w.Cut(fstest.Times(10, 400), func(n int, cut *fstest.Disk) fstest.FS {
			if g, err := parseSuper(cut.Data[superOffset:][:superSize], cut.Size()); n%3 == 0 && err == nil && g.sealed(cut.Data[superOffset:]) {
				fsck(t, cut, true) // by e2fsck's own replay, which wants a superblock in one piece
			}
			return mount(t, cut)
		}, func(cut *fstest.Disk) { fsck(t, cut, false) })
	})
}
