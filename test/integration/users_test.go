package integration

import (
	"os/exec"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/xlcfg"
)

// A user is a program of test/users.
type user struct {
	name       string
	program    string
	args       []string
	env        []string
	memory     int // MB
	properties []string
	short      bool // it is not left to the long runs
}

var storeProperties = []string{"fill", "change", "parallel", "killed", "reopened", "compacted", "closed"}

var users = []user{
	{name: "bbolt", args: []string{"/data"}, memory: 64, properties: storeProperties, short: true},
	{name: "goleveldb", args: []string{"/data"}, memory: 64, properties: storeProperties, short: true},
	{name: "pebble", args: []string{"/data"}, memory: 128, properties: storeProperties},
	{name: "badger", args: []string{"/data"}, memory: 384, properties: storeProperties},
	{name: "sqlite", args: []string{"/data"}, memory: 128, properties: storeProperties},
	{name: "sqlite-delete", program: "sqlite", args: []string{"/data"}, env: []string{"SQLITE_JOURNAL=DELETE"}, memory: 128, properties: storeProperties},
	{name: "sqlite-persist", program: "sqlite", args: []string{"/data"}, env: []string{"SQLITE_JOURNAL=PERSIST"}, memory: 128, properties: storeProperties},
	{name: "gitclone", args: []string{"/data"}, memory: 128, properties: []string{"commit", "clone", "history", "pull", "checkout", "status"}},
	{name: "metrics", memory: 128, properties: []string{"node-collectors", "node-memory", "node-cpu", "node-network", "ps-host", "ps-cpu",
		"ps-memory", "ps-disk", "ps-net", "ps-process", "ps-files", "process-collector"}},
	{name: "shipper", args: []string{"/data"}, memory: 64, properties: []string{"followed", "watched", "kept"}, short: true},
}

// userTime is how long one may take.
const userTime = 10 * time.Minute

// image returns the program's.
func (u *user) image(t *testing.T, build func(t testing.TB, program string) string) string {
	if u.program == "" {
		return build(t, "users/"+u.name)
	}
	return build(t, "users/"+u.program)
}

// TestUsers runs well-known modules that live on files.
func TestUsers(t *testing.T) {
	for _, u := range users {
		t.Run(u.name, func(t *testing.T) {
			if !u.short && !harness.Long() {
				t.Skip("takes long to build: XENGO_LONG=1")
			}
			harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
				result, output := harness.Run(t, p, bed.GuestConfig{
					Image: u.image(t, harness.Guest), Args: u.args, Env: u.env, MemoryMB: u.memory, Vifs: []string{}, VCPUs: 2,
				}, userTime)
				harness.Verdicts(t, output, u.properties...)
				harness.Ended(t, result, bed.Poweroff, 0)
			})
		})
	}
}

// TestUsersExt4 runs those that live on files on a disk, and has e2fsck look at it. In the bed they take minutes: every
// request of a disk is some milliseconds.
func TestUsersExt4(t *testing.T) {
	if !harness.Long() {
		t.Skip("takes an hour: XENGO_LONG=1")
	}
	for _, u := range users {
		if u.args == nil {
			continue
		}
		t.Run(u.name, func(t *testing.T) {
			harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
				disk := harness.Disk(t, 96, ext4.mkfs...)
				tagged := func(t testing.TB, program string) string { return harness.Tagged(t, program, ext4.tag) }
				g := harness.Start(t, p, bed.GuestConfig{
					Image: u.image(t, tagged), Args: u.args, Env: u.env, MemoryMB: u.memory, Vifs: []string{}, VCPUs: 2,
					Options: []string{"mount=xvda:/data:ext4"}, DiskFiles: []xlcfg.Disk{{File: disk}},
				}, userTime)
				result := g.End()
				harness.Verdicts(t, g.Transcript(), u.properties...)
				harness.Ended(t, result, bed.Poweroff, 0)
				saveDisks(t, g)
				harness.OnDisk(t, disk, ext4.fsck...)
			})
		})
	}
}

// TestUsersLinux shows that they have the same properties here.
func TestUsersLinux(t *testing.T) {
	if !harness.Long() {
		t.Skip("XENGO_LONG=1")
	}
	for _, u := range users {
		t.Run(u.name, func(t *testing.T) {
			args := u.args
			if len(args) == 1 && args[0] == "/data" {
				args = []string{t.TempDir()}
			}
			cmd := exec.CommandContext(t.Context(), u.image(t, harness.Linux), args...)
			cmd.Env = append(cmd.Environ(), u.env...)
			output, err := cmd.Output()
			harness.Verdicts(t, string(output), u.properties...)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStatic serves the ten thousand files of a ramdisk.
func TestStatic(t *testing.T) {
	if !harness.Long() {
		t.Skip("takes minutes: XENGO_LONG=1")
	}
	root := t.TempDir()
	if out, err := exec.Command(harness.Linux(t, "users/static"), "fill", root+"/srv/static").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		result, output := harness.Run(t, p, bed.GuestConfig{
			Image: harness.Guest(t, "users/static"), Args: []string{"/srv/static"}, Ramdisk: root, Pack: p.Type == "pv", MemoryMB: 64, Vifs: []string{}, VCPUs: 2,
		}, userTime)
		harness.Verdicts(t, output, "walk", "listen", "fetch", "ranges", "unmodified", "listing", "confined")
		harness.Ended(t, result, bed.Poweroff, 0)
	})
}
