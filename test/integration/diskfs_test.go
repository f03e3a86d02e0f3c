package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/xlcfg"
)

// A diskFS is a file system on disks. Its commands are for harness.OnDisk; scripts/prerequisites installs the programs.
type diskFS struct {
	tag    string
	mount  string // the type that is asked for
	mkfs   []string
	fsck   []string
	replay [][]string // what follows a cut, if the next mount is not to repair it
	files  []string   // properties of guests/files
}

var (
	ext4 = diskFS{
		tag: "xengo_ext4", mount: "ext4", mkfs: harness.MkfsExt4, fsck: []string{"e2fsck", "-fn"},
		replay: [][]string{{"e2fsck", "-fy", "-E", "journal_only"}, {"e2fsck", "-fn"}},
		files:  []string{"write-read", "rename", "links", "truncate", "append", "mapped", "metadata", "errors", "root", "notify", "attributes"},
	}
	vfat = diskFS{ // of 32 bits
		tag: "xengo_vfat", mount: "auto", mkfs: harness.MkfsFAT32, fsck: []string{"fsck.fat", "-n"},
		files: []string{"write-read", "truncate", "append"},
	}
)

// saveDisks brings back what the guest has written.
func saveDisks(t *testing.T, g *harness.Running) {
	t.Helper()
	if err := g.SaveDisks(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// guest is one with the file system at /data.
func (fs *diskFS) guest(t *testing.T, disk string, name string, args ...string) bed.GuestConfig {
	c := program(t, name, args...)
	c.Image = harness.Tagged(t, "guests/"+name, fs.tag)
	c.Options = []string{"mount=xvda:/data:" + fs.mount}
	c.DiskFiles = []xlcfg.Disk{{File: disk}}
	c.MemoryMB = 96
	return c
}

// use runs of what TestFiles does what the file system can, and checks what the guest, which ended in order, left.
func (fs *diskFS) use(t *testing.T, p harness.Platform, disk string) {
	c := fs.guest(t, disk, "files", fs.files...)
	c.Env, c.VCPUs = []string{"TMPDIR=/data"}, 2
	g := harness.Start(t, p, c, 0)
	harness.Ended(t, g.End(), bed.Poweroff, 0)
	harness.Verdicts(t, g.Transcript(), fs.files...)
	saveDisks(t, g)
	harness.OnDisk(t, disk, fs.fsck...)
}

func TestExt4Files(t *testing.T) { testFiles(t, &ext4) }
func TestVFATFiles(t *testing.T) { testFiles(t, &vfat) }

func testFiles(t *testing.T, fs *diskFS) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) { fs.use(t, p, harness.Disk(t, 40, fs.mkfs...)) })
}

func TestExt4Destroyed(t *testing.T) { testDestroyed(t, &ext4) }
func TestVFATDestroyed(t *testing.T) { testDestroyed(t, &vfat) }

// testDestroyed destroys the domain while it writes, again and again. What fsync has promised is there afterwards. With ext4
// e2fsck finds nothing wrong; FAT is repaired by the next mount, and fsck.fat finds nothing wrong in the end.
func testDestroyed(t *testing.T, fs *diskFS) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		fs.cuts(t, p, 3, func(t *testing.T, disk string, promised int) int { return fs.destroy(t, p, disk, promised) })
	})
}

// cuts has a guest write to a disk again and again, each time until cut ends it, which returns what was promised. There are
// that many rounds, or 50 where there is time.
func (fs *diskFS) cuts(t *testing.T, p harness.Platform, rounds int, cut func(t *testing.T, disk string, promised int) int) {
	if harness.Long() {
		rounds = 50
	}
	disk := harness.Disk(t, 48, fs.mkfs...)
	promised := 0
	for n := range rounds {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			promised = cut(t, disk, promised)
			t.Log(promised, "promises")
			for _, command := range fs.replay {
				harness.OnDisk(t, disk, command...)
			}
		})
	}
	if promised < rounds {
		t.Errorf("only %d promises in %d rounds", promised, rounds)
	}
	fs.use(t, p, disk)
}

// destroy starts the guest, destroys it, and returns what it was promised.
func (fs *diskFS) destroy(t *testing.T, p harness.Platform, disk string, promised int) int {
	g := harness.Start(t, p, fs.guest(t, disk, "promise", "/data", fmt.Sprint(promised)), 0)
	g.Expect("^promise: all [0-9]+ are there$")
	time.Sleep(time.Duration(rand.IntN(2000)) * time.Millisecond) // any moment will do
	if err := g.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if result := g.End(); result.Reason != bed.Destroyed {
		t.Fatalf("the domain ended with %v", result)
	}
	saveDisks(t, g)
	if i := strings.LastIndex(g.Transcript(), "\npromised "); i >= 0 {
		if _, err := fmt.Sscanf(g.Transcript()[i:], "\npromised %d.", &promised); err != nil {
			t.Fatal(err)
		}
	}
	return promised
}

// TestExt4Detached detaches the disk of a file system that is in use. Its users have errors, and nothing else happens.
func TestExt4Detached(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		for _, vcpus := range []int{1, 2} {
			t.Run(fmt.Sprint(vcpus), func(t *testing.T) {
				c := ext4.guest(t, harness.Disk(t, 40, ext4.mkfs...), "disk", "mounted", "/data")
				c.VCPUs = vcpus
				g := harness.Start(t, p, c, diskTimeout)
				g.Expect("^disk: in use")
				harness.Dom0(t, p.Bed(t), "xl", "block-detach", g.Name, "xvda")
				if _, err := fmt.Fprintln(g.Input, "detached"); err != nil {
					t.Fatal(err)
				}
				result := g.End()
				harness.Verdicts(t, g.Transcript(), "users", "afterwards", "detached", "elsewhere")
				harness.Ended(t, result, bed.Poweroff, 0)
			})
		}
	})
}
