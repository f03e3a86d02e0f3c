package integration

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// shared makes a directory in dom0 for a test, with a file in it of which it
// returns the checksum.
func shared(t *testing.T, b *bed.Bed) (dir, sum string) {
	t.Helper()
	dir = strings.TrimSpace(harness.Dom0(t, b, "mktemp", "-d", "/root/share.XXXXXX"))
	t.Cleanup(func() { b.Exec(t.Context(), "rm", "-rf", dir) })
	data := random(t, 1<<20+5)
	if err := b.Put(t.Context(), dir+"/foreign", 0o644, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	harness.Dom0(t, b, "sh", "-c", "mkdir "+dir+"/listing && cd "+dir+"/listing && seq 10000 | xargs touch")
	return dir, fmt.Sprintf("%x", sha256.Sum256(data))
}

// shareTime is how long a guest with a share may run: a request takes its server, in
// an emulated dom0, some hundredths of a second.
const shareTime = 10 * time.Minute

// shareHolds is holds for guests with a share.
func shareHolds(t *testing.T, p harness.Platform, c bed.GuestConfig, properties ...string) string {
	t.Helper()
	result, output := harness.Run(t, p, c, shareTime)
	harness.Verdicts(t, output, properties...)
	harness.Ended(t, result, bed.Poweroff, 0)
	return output
}

// sums compares the checksums that a guest told of its files with dom0's.
func sums(t *testing.T, b *bed.Bed, dir, output string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(output) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "sum" {
			continue
		}
		n++
		if there, _, _ := strings.Cut(harness.Dom0(t, b, "sha256sum", dir+"/"+f[1]), " "); there != f[2] {
			t.Errorf("%s is %s in the guest and %s in dom0", f[1], f[2], there)
		}
	}
	if n < 2 {
		t.Errorf("the guest told of %d files", n)
	}
}

// shareOf is a guest that uses a directory of dom0, which QEMU serves.
func shareOf(t *testing.T, dir, name string, args ...string) bed.GuestConfig {
	c := program(t, name, args...)
	c.Image = harness.Tagged(t, "guests/"+name, "xengo_9p")
	c.Options = []string{"mount=data:/mnt:9p"}
	c.Shares = []bed.Share{{Tag: "data", Dir: dir}}
	return c
}

// TestShare uses a directory that QEMU shares.
func TestShare(t *testing.T) {
	properties := []string{"foreign", "listing", "large", "many", "exclusive", "parallel", "open-unlinked", "two-descriptors", "attributes", "locks"}
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		dir, _ := shared(t, p.Bed(t))
		c := shareOf(t, dir, "share", "/mnt")
		c.VCPUs = 2
		output := shareHolds(t, p, c, properties...)
		sums(t, p.Bed(t), dir, output)
		if out := harness.Dom0(t, p.Bed(t), "stat", "-c", "%a %s %Y %h", dir+"/attributes"); out != "751 1000 1000000000 2\n" {
			t.Errorf("dom0 sees %q", out)
		}
	})
}

// TestShareFiles runs what TestFiles does in a shared directory, but for what makes
// very many requests.
func TestShareFiles(t *testing.T) {
	properties := []string{"write-read", "rename", "links", "truncate", "append", "metadata", "errors", "root", "attributes"}
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		dir, _ := shared(t, p.Bed(t))
		c := shareOf(t, dir, "files", properties...)
		c.Env = []string{"TMPDIR=/mnt"}
		shareHolds(t, p, c, properties...)
		if out := harness.Dom0(t, p.Bed(t), "sh", "-c", "getfattr -d "+dir+"/attributes*"); !strings.Contains(out, "user.long=\"longlong") || !strings.Contains(out, "user.short=\"1\"") {
			t.Errorf("the extended attributes in dom0 are %q", out)
		}
	})
}

// TestShareServerGone kills the server of a directory that is in use. What uses it
// has errors, and nothing else happens.
func TestShareServerGone(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		dir, _ := shared(t, p.Bed(t))
		g := harness.Start(t, p, shareOf(t, dir, "share", "/mnt", "load"), shareTime)
		g.Expect("load begins")
		harness.Dom0(t, p.Bed(t), "sh", "-c", fmt.Sprintf(`until [ -s %s/load-2 ]; do usleep 100000; done
for p in /proc/[0-9]*; do
	if tr '\0' ' ' < $p/cmdline | grep -q '^/usr/libexec/xen-qemu.* -xen-domid %d '; then kill -9 ${p#/proc/}; fi
done`, dir, g.DomID()))
		for range 3 {
			g.Expect("^error: .* true$")
		}
		g.Expect("^afterwards: .* true$")
		harness.Ended(t, g.End(), bed.Poweroff, 0)
	})
}

// TestShareErrors asks for directories that are not shared, and for mounts that make
// no sense: the program does not start.
func TestShareErrors(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		for _, c := range []struct{ option, tag, want string }{
			{"mount=data:/mnt:9p", "xengo_9p", "the domain has no shared directories (p9= in its config)"},
			{"mount=data:/mnt:nfs", "xengo_9p", "there is no file system nfs"},
			{"mount=data:/mnt:9p", "none", "the program was built without -tags xengo_9p"},
		} {
			t.Run(c.tag+" "+c.option, func(t *testing.T) {
				hello := program(t, "hello")
				hello.Image = harness.Tagged(t, "guests/hello", c.tag)
				hello.Options = []string{c.option}
				result, output := harness.Run(t, p, hello, 0)
				harness.Ended(t, result, bed.Poweroff, 1)
				if want := "xengo: " + c.option + ": " + c.want + "\n"; output != want {
					t.Errorf("said %q, want %q", output, want)
				}
			})
		}
	})
}

// TestShareSmallServer uses a directory that xen-9pfsd shares, which can make files,
// read and write them, and no more than that. It is new in Xen 4.19.
func TestShareSmallServer(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		if p.Xen == "4.17" {
			t.Skip("Xen 4.17 has no xen-9pfsd")
		}
		dir, _ := shared(t, p.Bed(t))
		c := program(t, "share", "/mnt", "foreign", "large", "many", "exclusive", "parallel")
		c.Image = harness.Tagged(t, "guests/share", "xengo_9p")
		c.Options = []string{"mount=data:/mnt:9p"}
		c.Lines = []string{fmt.Sprintf(`p9 = ["type=xen_9pfsd,tag=data,path=%s,security_model=none,max-open-files=20"]`, dir)}
		output := shareHolds(t, p, c, "foreign", "large", "many", "exclusive", "parallel")
		sums(t, p.Bed(t), dir, output)
	})
}
