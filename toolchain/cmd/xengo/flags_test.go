package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/unzstd"
	"internal/xengo/toolchain/bed/stub"
	"internal/xengo/toolchain/xlcfg"
)

// execute runs a command line in this process.
func execute(args ...string) (string, error) {
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func stubFile(t *testing.T, k stub.Kind, more string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "app.elf")
	require.NoError(t, os.WriteFile(file, append(stub.Image(k), more...), 0o644))
	return file
}

func TestConfigCommand(t *testing.T) {
	t.Setenv("FROM_HERE", "x y")
	app := stubFile(t, stub.Poweroff, "")
	out, err := execute("config", "--type", "pv", "--vcpus", "2", "--memory", "128", "--env", "A=b", "--env", "FROM_HERE", "--native-tsc",
		"--config-line", `cpus = "1"`, app, "--flag", "it's")
	require.NoError(t, err)
	out = strings.ReplaceAll(out, app, "/app.elf")
	require.Equal(t, `# For xl create; the format is described in xl.cfg(5).
# The domain's name; it must be free.
name = "app"
# pvh or pv: the image boots as both.
type = "pv"
# The image is the kernel, and all there is.
kernel = "/app.elf"
# Options of the guest, environment (NAME=value) and arguments, quoted as in sh.
extra = "argv0=app.elf A=b 'FROM_HERE=x y' -- --flag 'it'\\''s'"
# In MB. The program sees all of it as its own.
memory = 128
# Virtual CPUs; GOMAXPROCS is the same.
vcpus = 2
# The exit status is in xenstore, data/exit-status of the domain, while it exists.
on_poweroff = "destroy"
on_reboot = "restart"
# A panic is a crash of the domain; its trace is on the console. restart would start the program anew at once, each time.
on_crash = "destroy"
cpus = "1"
tsc_mode = "native"
`, out)
}

func TestConfigNetwork(t *testing.T) {
	app := stubFile(t, stub.Poweroff, "internal/xengo/drivers/netfront.(*Device).Send")
	out, err := execute("config", app)
	require.NoError(t, err)
	require.Contains(t, out, `vif = ["bridge=xenbr0"]`)
	out, err = execute("config", "--vif", "ip=10.0.0.5", "--vif", "mac=00:16:3e:00:00:01", app)
	require.NoError(t, err)
	require.Contains(t, out, `vif = ["ip=10.0.0.5", "mac=00:16:3e:00:00:01"]`)
}

func TestConfigRamdisk(t *testing.T) {
	app := stubFile(t, stub.Poweroff, "")
	long := strings.Repeat("x", 5000)
	_, err := execute("config", app, long)
	require.ErrorContains(t, err, "--ramdisk")
	ramdisk := filepath.Join(t.TempDir(), "args.cpio")
	out, err := execute("config", "--ramdisk", ramdisk, app, long)
	require.NoError(t, err)
	require.Contains(t, out, `ramdisk = "`+ramdisk+`"`)
	b, err := os.ReadFile(ramdisk)
	require.NoError(t, err)
	require.Contains(t, string(b), long)
}

func TestConfigDisks(t *testing.T) {
	app := stubFile(t, stub.Poweroff, "")
	out, err := execute("config", "--disk", "/srv/a.img", "--disk", "/srv/b.img,ro", app)
	require.NoError(t, err)
	require.Contains(t, out, `disk = ["format=raw, vdev=xvda, access=rw, target=/srv/a.img", "format=raw, vdev=xvdb, access=ro, target=/srv/b.img"]`)
}

func TestRunDisks(t *testing.T) {
	disk, odd := filepath.Join(t.TempDir(), "disk"), filepath.Join(t.TempDir(), "odd")
	require.NoError(t, os.WriteFile(disk, make([]byte, 1024), 0o600))
	require.NoError(t, os.WriteFile(odd, make([]byte, 1000), 0o600))
	for arg, want := range map[string]string{"x": "no such file", "/": "not a regular file", odd + ",ro": "no sectors of 512", disk + ",ro": ""} {
		r := runner{guestFlags: guestFlags{kind: "pvh", vcpus: 1, memory: 1, diskFlags: []string{arg}}}
		if err := r.check(); want == "" {
			require.NoError(t, err)
			require.Equal(t, []xlcfg.Disk{{File: disk, ReadOnly: true}}, r.disks)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

func TestConfigShare(t *testing.T) {
	app, dir := stubFile(t, stub.Poweroff, ""), t.TempDir()
	out, err := execute("config", "--share", dir+":/mnt", "--share", dir+":/other point", app)
	require.NoError(t, err)
	require.Contains(t, out, `extra = "argv0=app.elf mount=share0:/mnt:9p 'mount=share1:/other point:9p'"`)
	require.Contains(t, out, `p9 = ["type=qemu,tag=share0,path=`+dir+`,security_model=none", "type=qemu,tag=share1,path=`+dir+`,security_model=none"]`)
}

func TestConfigRootfs(t *testing.T) {
	app, dir := stubFile(t, stub.Poweroff, ""), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("its contents"), 0o600))
	_, err := execute("config", "--rootfs", dir, app)
	require.ErrorContains(t, err, "--ramdisk FILE")
	archive := filepath.Join(t.TempDir(), "root.cpio")
	out, err := execute("config", "--rootfs", dir, "--ramdisk", archive, app)
	require.NoError(t, err)
	require.Contains(t, out, `ramdisk = "`+archive+`"`)
	b, err := os.ReadFile(archive)
	require.NoError(t, err)
	require.Contains(t, string(b), "its contents")

	packed := filepath.Join(t.TempDir(), "packed.cpio")
	_, err = execute("config", "--rootfs", dir, "--compress", "--ramdisk", packed, app)
	require.NoError(t, err)
	b, err = os.ReadFile(packed)
	require.NoError(t, err)
	require.True(t, unzstd.Is(b))
	_, err = execute("config", "--rootfs", archive, "--compress", app)
	require.ErrorContains(t, err, "--compress: "+archive+" is an archive already")

	// An archive is used as it is, or goes behind what else there is.
	out, err = execute("config", "--rootfs", archive, app)
	require.NoError(t, err)
	require.Contains(t, out, `ramdisk = "`+archive+`"`)
	both := filepath.Join(t.TempDir(), "both.cpio")
	_, err = execute("config", "--rootfs", archive, "--ramdisk", both, app, strings.Repeat("x", 5000))
	require.NoError(t, err)
	b, err = os.ReadFile(both)
	require.NoError(t, err)
	require.Contains(t, string(b), "its contents")
	require.Contains(t, string(b), strings.Repeat("x", 5000))
}

func TestFlagErrors(t *testing.T) {
	app := stubFile(t, stub.Poweroff, "")
	for want, args := range map[string][]string{
		"pv or pvh":              {"config", "--type", "hvm", app},
		"--vcpus 0":              {"config", "--vcpus", "0", app},
		"--memory -1":            {"config", "--memory", "-1", app},
		"names no file":          {"config", "--disk", ",ro", app},
		"--share x: it is":       {"config", "--share", "x", app},
		"is no directory":        {"config", "--share", app + ":/mnt", app},
		"/absent: no such file":  {"config", "--share", "/surely/absent:/mnt", app},
		"--rootfs: stat x":       {"config", "--rootfs", "x", app},
		"is neither a directory": {"config", "--rootfs", app, app},
		"--compress: there is":   {"config", "--compress", app},
		"not in the environment": {"config", "--env", "SURELY_NOT_SET", app},
		"is no image":            {"config", "/etc/passwd"},
		"unknown command":        {"fly"},
		"at least 1 arg":         {"run"},
	} {
		_, err := execute(args...)
		require.ErrorContains(t, err, want)
	}
	for _, args := range [][]string{
		{"run", "--publish", "80", app}, {"run", "--xen", "3.0", app},
	} {
		_, err := execute(args...)
		var status exitStatus
		require.ErrorAs(t, err, &status, args)
		require.NotZero(t, status)
	}
}

func TestVersionAndCompletion(t *testing.T) {
	out, err := execute("--version")
	require.NoError(t, err)
	require.Regexp(t, `^xengo version .*\(base go1\.`, out)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out, err := execute("completion", shell)
		require.NoError(t, err)
		require.Contains(t, out, "xengo")
	}
	out, err = execute("__complete", "run", "--type", "")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(out, "pvh\npv\n"), out)
	out, err = execute("__complete", "run", "--xen", "")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(out, "4.20\n4.17\n"), out)
}
