package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/xlcfg"
)

// diskSize is the size in bytes of disks, which are in dom0's memory.
const diskSize = 16 << 20

var (
	rawProperties = []string{"node", "sizes", "kernel-tables", "has-pattern", "write-read", "neighbours", "end", "direct", "sync",
		"vectors", "discard", "exclusive", "pattern-left"}
	readOnlyProperties = []string{"has-pattern", "read-only"}
	unplugProperties   = []string{"detached", "gone", "back"}
)

// diskTimeout is how long a guest may take that uses a disk with all its might.
const diskTimeout = 5 * time.Minute

// image makes a file in dom0 that has pattern 1, and returns its name.
func image(t *testing.T, b *bed.Bed) string {
	t.Helper()
	name := "/run/" + strings.ReplaceAll(t.Name(), "/", "-") + ".img"
	pattern(t, b, "fill", name, 1)
	afterwards(t, b, "rm", name)
	return name
}

// loop makes a block device in dom0 of a file, and returns its name.
func loop(t *testing.T, b *bed.Bed, file string) string {
	t.Helper()
	device := strings.TrimSpace(harness.Dom0(t, b, "loop-device", file))
	afterwards(t, b, "losetup", "-d", device)
	return device
}

// afterwards runs a command in dom0 when the test, and its guests, have ended.
func afterwards(t *testing.T, b *bed.Bed, argv ...string) {
	t.Helper()
	t.Cleanup(func() {
		if out, err := b.Exec(context.Background(), argv...); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(argv, " "), err, out)
		}
	})
}

// pattern writes or compares a pattern in dom0.
func pattern(t *testing.T, b *bed.Bed, mode, name string, seed int) {
	t.Helper()
	harness.Dom0(t, b, harness.Install(t, b, "guests/disk"), mode, name, fmt.Sprint(seed), fmt.Sprint(diskSize))
}

// withDisk makes the config of a guest that has a disk: spec is what follows the
// file in xl's syntax.
func withDisk(t *testing.T, file, spec string, args ...string) bed.GuestConfig {
	t.Helper()
	c := program(t, "disk", args...)
	c.Disks = []string{file + ",raw," + spec}
	c.NativeTSC = true
	return c
}

// TestDisk reads what dom0 wrote and dom0 reads what a guest wrote, with one queue
// and with two.
func TestDisk(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		for _, vcpus := range []int{1, 2} {
			t.Run(fmt.Sprint(vcpus), func(t *testing.T) {
				b := p.Bed(t)
				harness.Dom0(t, b, "sh", "-c", "echo 4 > /sys/module/xen_blkback/parameters/max_queues")
				file := image(t, b)
				c := withDisk(t, file, "xvda,rw", "raw", "/dev/xvda", fmt.Sprint(diskSize))
				c.VCPUs = vcpus
				result, output := harness.Run(t, p, c, diskTimeout)
				harness.Verdicts(t, output, rawProperties...)
				harness.Ended(t, result, bed.Poweroff, 0)
				pattern(t, b, "check", file, 2)
			})
		}
	})
}

// TestDiskSectors has a disk whose sectors are eight of xenbus'.
func TestDiskSectors(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		b := p.Bed(t)
		file := image(t, b)
		device := loop(t, b, file)
		harness.Dom0(t, b, harness.Install(t, b, "guests/disk"), "sectors", device, "4096")
		result, output := harness.Run(t, p, withDisk(t, device, "xvda,rw", "raw", "/dev/xvda", fmt.Sprint(diskSize)), diskTimeout)
		harness.Verdicts(t, output, rawProperties...)
		harness.Ended(t, result, bed.Poweroff, 0)
		if !strings.Contains(output, "disk: sectors of 4096\n") {
			t.Error("its sectors have another size")
		}
		pattern(t, b, "check", file, 2)
	})
}

// TestDiskReadOnly has a disk with a number of the second kind, and a partition.
func TestDiskReadOnly(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		for _, node := range []string{"xvdq", "xvdb3"} {
			t.Run(node, func(t *testing.T) {
				b := p.Bed(t)
				file := image(t, b)
				c := withDisk(t, file, node+",ro", "readonly", "/dev/"+node, fmt.Sprint(diskSize))
				holds(t, p, c, readOnlyProperties...)
				pattern(t, b, "check", file, 1)
			})
		}
	})
}

// TestDiskUnplug detaches a disk that is in use and attaches it again.
func TestDiskUnplug(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		for _, vcpus := range []int{1, 2} {
			t.Run(fmt.Sprint(vcpus), func(t *testing.T) {
				b := p.Bed(t)
				file := image(t, b)
				c := withDisk(t, file, "xvdb,rw", "unplug", "/dev/xvdb")
				c.VCPUs = vcpus
				g := harness.Start(t, p, c, diskTimeout)
				g.Expect("^disk: in use")
				harness.Dom0(t, b, "xl", "block-detach", g.Name, "xvdb")
				g.Expect("^disk: waiting")
				pattern(t, b, "fill", file, 1)
				harness.Dom0(t, b, "xl", "block-attach", g.Name, file+",raw,xvdb,rw")
				result := g.End()
				harness.Verdicts(t, g.Transcript(), unplugProperties...)
				harness.Ended(t, result, bed.Poweroff, 0)
			})
		}
	})
}

// TestDiskResize makes a disk in use longer.
func TestDiskResize(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		b := p.Bed(t)
		file := image(t, b)
		harness.Dom0(t, b, "truncate", "-s", fmt.Sprint(diskSize/2), file)
		g := harness.Start(t, p, withDisk(t, file, "xvda,rw", "resize", "/dev/xvda", fmt.Sprint(diskSize)), diskTimeout)
		g.Expect(fmt.Sprintf("^disk: it has %d", diskSize/2))
		harness.Dom0(t, b, "truncate", "-s", fmt.Sprint(diskSize), file)
		node := fmt.Sprintf("/local/domain/0/backend/vbd/%d/51712/physical-device-path", g.DomID())
		harness.Dom0(t, b, "losetup", "-c", strings.TrimSpace(harness.Dom0(t, b, "xenstore-read", node)))
		result := g.End()
		harness.Verdicts(t, g.Transcript(), "resized")
		harness.Ended(t, result, bed.Poweroff, 0)
		pattern(t, b, "check", file, 2)
	})
}

// TestDiskDestroyed destroys guests that write, at any moment, and finds what
// they had synced.
func TestDiskDestroyed(t *testing.T) {
	rounds := 3
	if harness.Long() {
		rounds = 50
	}
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		b := p.Bed(t)
		for i := range rounds {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				file := image(t, b)
				g := harness.Start(t, p, withDisk(t, file, "xvda,rw", "journal", "/dev/xvda", fmt.Sprint(diskSize)), diskTimeout)
				g.Expect("^disk: safe ")
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Millisecond)
				harness.Dom0(t, b, "xl", "destroy", g.Name)
				if result := g.End(); result.Reason != bed.Destroyed {
					t.Errorf("ended with %v", result)
				}
				safe := regexp.MustCompile(`disk: safe (\d+)\r?\n`).FindAllStringSubmatch(g.Transcript(), -1)
				size := safe[len(safe)-1][1]
				harness.Dom0(t, b, harness.Install(t, b, "guests/disk"), "check", file, "5", size)
				t.Log(size, "bytes were safe")
			})
		}
	})
}

// TestDiskLinux shows that Linux's disks have the properties that guests' have.
func TestDiskLinux(t *testing.T) {
	p := harness.AllPlatforms()[0]
	b := p.Bed(t)
	file := image(t, b)
	device := loop(t, b, file)
	output := harness.Dom0(t, b, harness.Install(t, b, "guests/disk"), "raw", device, fmt.Sprint(diskSize))
	harness.Verdicts(t, output, rawProperties...)
}

// TestDiskFiles has a disk that is a file of the host, as those of xengo run.
func TestDiskFiles(t *testing.T) {
	harness.Each(t, harness.Platforms()[:1], func(t *testing.T, p harness.Platform) {
		tool, size := harness.Linux(t, "guests/disk"), fmt.Sprint(diskSize)
		host := func(args ...string) {
			t.Helper()
			if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
				t.Fatalf("disk %v: %v\n%s", args, err, out)
			}
		}
		kept, changed := filepath.Join(t.TempDir(), "kept"), filepath.Join(t.TempDir(), "changed")
		host("fill", kept, "3", size)
		host("fill", changed, "1", size)
		c := program(t, "disk", "raw", "/dev/xvdb", size)
		c.DiskFiles = []xlcfg.Disk{{File: kept, ReadOnly: true}, {File: changed}}
		c.NativeTSC = true
		g := harness.Start(t, p, c, diskTimeout)
		harness.Ended(t, g.End(), bed.Poweroff, 0)
		harness.Verdicts(t, g.Transcript(), rawProperties...)
		if err := g.SaveDisks(t.Context()); err != nil {
			t.Fatal(err)
		}
		host("check", kept, "3", size)
		host("check", changed, "2", size)
	})
}
