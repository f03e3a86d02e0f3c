package integration

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/xlcfg"
)

// TestPowerCut ends the whole machine, with Xen and dom0, while a guest writes to a disk outside. What fsync has promised is
// there afterwards, and e2fsck finds nothing wrong.
func TestPowerCut(t *testing.T) {
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		ext4.cuts(t, p, 1, func(t *testing.T, disk string, promised int) int { return cutPower(t, p, disk, promised) })
	})
}

// cutPower starts a machine with a guest in it, ends the machine, and returns what was promised.
func cutPower(t *testing.T, p harness.Platform, disk string, promised int) int {
	b := harness.SharingBed(t, p.Xen, filepath.Dir(disk))
	dir, err := b.MountShare(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	c := ext4.guest(t, "", "promise", "/data", fmt.Sprint(promised))
	c.Type, c.DiskFiles = p.Type, nil
	c.Disks = []string{xlcfg.Disk{File: filepath.Join(dir, filepath.Base(disk))}.Spec(0)}
	ctx, cancel := context.WithTimeout(t.Context(), harness.DefaultTimeout) // of a guest that promises nothing
	defer cancel()
	g, err := b.StartGuest(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	before := promised
	lines := bufio.NewReader(g.Console())
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // that was it, or the guest did not come so far
		}
		if _, err := fmt.Sscanf(line, "promised %d.", &promised); err == nil && promised == before+1 {
			time.AfterFunc(time.Duration(rand.IntN(2000))*time.Millisecond, func() { cut(t, b) }) // any moment will do
		}
	}
	if promised == before {
		t.Fatalf("the guest promised nothing:\n%s", g.Transcript())
	}
	return promised
}

// cut ends the emulator at once.
func cut(t *testing.T, b *bed.Bed) {
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
