package fat

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs/fstest"
)

// After a power cut at any point, everything that fsync has promised is there, and after the next mount fsck.fat finds
// nothing wrong.
func TestPowerCut(t *testing.T) {
	for i, form := range []format{formats[1], formats[2], {"32-one-table", 40 << 10, []string{"-F", "32", "-s", "1", "-f", "1"}}} {
		t.Run(form.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			w := fstest.NewWorkload(t, mkfs(t, form), func(d *fstest.Disk) fstest.FS { return mount(t, d) }, rng)
			w.Run(150)
			w.Cut(fstest.Times(20, 1000), func(n int, cut *fstest.Disk) fstest.FS {
				fs := mount(t, cut)
				require.False(t, fs.readOnly, "cut %d", n)
				return fs
			}, func(cut *fstest.Disk) { fsck(t, cut) })
		})
	}
}
