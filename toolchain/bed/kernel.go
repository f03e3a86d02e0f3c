package bed

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Linux is a kernel for guests, to compare ours with: files.
type Linux struct {
	Kernel  string
	Modules []string // uncompressed, in the order to load them in
}

// guestModules are for disks and what is on them.
var guestModules = []string{"xen-blkfront", "crc16", "mbcache", "jbd2", "ext4", "fat", "vfat", "nls_cp437", "nls_ascii"}

// LinuxKernel returns the kernel that Debian has for guests:
// linux-image-cloud-amd64 of the suite that the bed's Xen is from. It boots as PV
// and as PVH.
func LinuxKernel(ctx context.Context, o Options) (*Linux, error) {
	sum := sha256.Sum256([]byte(strings.Join(guestModules, " ")))
	dir, err := fetched(ctx, &o, fmt.Sprintf("kernel-%%s-%x", sum[:4]), orderFile, fetchKernel)
	if err != nil {
		return nil, err
	}
	return openLinux(dir)
}

// orderFile lists the modules. It is the last file to be written.
const orderFile = "order"

func openLinux(dir string) (*Linux, error) {
	order, err := os.ReadFile(filepath.Join(dir, orderFile))
	if err != nil {
		return nil, err
	}
	l := &Linux{Kernel: filepath.Join(dir, "vmlinuz")}
	for _, name := range strings.Fields(string(order)) {
		l.Modules = append(l.Modules, filepath.Join(dir, name))
	}
	return l, nil
}

// fetchKernel downloads the kernel's package and takes what is needed out of it.
func fetchKernel(ctx context.Context, dir, suite string) error {
	keep := func(name string) bool { return keepKernel(name, guestModules) || name == "usr/bin/busybox" }
	from, debs, err := unpacked(ctx, dir, suite, `^(linux-image-[0-9].*-cloud-amd64|busybox-static)$`, keep,
		"linux-image-cloud-amd64", "busybox-static") // which unpacks modules
	if err != nil {
		return err
	}
	if len(debs) != 2 {
		return fmt.Errorf("linux-image-cloud-amd64 of %s needs the kernels %q, want one", suite, debs)
	}
	root := make(tree)
	if err := addModules(ctx, root, from, guestModules); err != nil {
		return err
	}
	for name, e := range from {
		if strings.HasPrefix(name, "boot/vmlinuz-") {
			root.add("vmlinuz", e.data, 0o644)
		}
	}
	files := map[string][]byte{}
	for name, e := range root {
		files[filepath.Base(name)] = e.data
	}
	for _, name := range append(strings.Fields(string(files[orderFile])), "vmlinuz", orderFile) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
