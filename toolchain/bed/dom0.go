package bed

import (
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// programs are what dom0 needs of the toolstack; tools are what is taken along
// if the version has it.
var (
	programs = []string{"xl", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper", "xenconsole"}
	tools    = []string{"xenctx", "xen-9pfsd", "xentop", "lsevtchn", "xen-cpuid", "xen-diag", "xen-hvmctx", "xenlockprof", "xenperf", "xen-mfndump", "xentrace"}
	modules  = []string{
		"virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_console",
		"xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs",
		"llc", "stp", "bridge", "loop", "tun", "xen-netback", "xen-blkback",
		"netfs", "fscache", "9pnet", "9pnet_virtio", "9p",
	}

	// inside are modules that newer kernels have in others.
	inside = map[string]string{"fscache": "netfs"}
)

// deviceModel is the QEMU that xl starts for guests, in whose place on the bed it
// serves directories.
const deviceModel = "usr/libexec/xen-qemu-system-i386"

// keepKernel reports whether a part of the kernel's package is kept.
func keepKernel(name string, modules []string) bool {
	if strings.HasPrefix(name, "boot/vmlinuz-") || path.Base(name) == "modules.builtin" {
		return true
	}
	module, ok := moduleName(name)
	return ok && slices.Contains(modules, module)
}

func keepUserland(name string) bool {
	return !strings.HasPrefix(name, "usr/share/") && !strings.Contains(name, "/python") && !strings.Contains(name, "/debug/")
}

// moduleName is a kernel module's name in the list above.
func moduleName(file string) (string, bool) {
	name, _, ok := strings.Cut(path.Base(file), ".ko")
	if strings.HasPrefix(name, "xen") {
		return name, ok
	}
	return strings.ReplaceAll(name, "-", "_"), ok
}

// bootFiles are what QEMU loads.
type bootFiles struct {
	xen, kernel, ramdisk []byte
}

// makeDom0 makes the boot files from packages.
func makeDom0(ctx context.Context, debs []string, r release, agent []byte) (*bootFiles, error) {
	from := make(tree)
	for _, deb := range debs {
		keep := keepUserland
		if strings.HasPrefix(filepath.Base(deb), "linux-image-") {
			keep = func(name string) bool { return keepKernel(name, modules) }
		}
		if err := from.unpack(ctx, deb, keep); err != nil {
			return nil, err
		}
	}
	xen, err := hypervisor(from)
	if err != nil {
		return nil, err
	}
	b := &bootFiles{xen: xen}
	for name, e := range from {
		if strings.HasPrefix(name, "boot/vmlinuz-") {
			b.kernel = e.data
		}
	}
	if b.kernel == nil {
		return nil, fmt.Errorf("no kernel in the packages")
	}
	root := make(tree)
	for _, fill := range []func() error{
		func() error { return addPrograms(root, from, "usr/lib/xen-"+r.xen+"/bin/") },
		func() error { return addBusybox(ctx, root, from) },
		func() error { return addModules(ctx, root, from, modules) },
		func() error { return addOurs(root, r, agent) },
	} {
		if err := fill(); err != nil {
			return nil, err
		}
	}
	b.ramdisk, err = archive(root)
	return b, err
}

// hypervisor returns the multiboot image that QEMU's -kernel takes.
func hypervisor(from tree) ([]byte, error) {
	for name, e := range from {
		if ok, _ := path.Match("boot/xen-*-amd64.gz", name); ok && e.link == "" {
			r, err := gzip.NewReader(bytes.NewReader(e.data))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			var b bytes.Buffer
			_, err = b.ReadFrom(r)
			return b.Bytes(), err
		}
	}
	return nil, fmt.Errorf("no Xen in the packages")
}

// addPrograms adds the toolstack's programs and all libraries they link.
func addPrograms(root, from tree, dir string) error {
	for _, p := range programs {
		if err := addLinked(root, from, dir+p); err != nil {
			return err
		}
	}
	for _, p := range tools {
		if _, ok := from[dir+p]; ok {
			if err := addLinked(root, from, dir+p); err != nil {
				return err
			}
		}
	}
	for name, e := range from {
		switch base := path.Base(name); {
		case !strings.HasPrefix(name, "usr/bin/xenstore"):
		case e.link != "":
			root[name] = e
		case base == "xenstore" || strings.HasPrefix(base, "xenstore-"):
			if err := addLinked(root, from, name); err != nil {
				return err
			}
		}
	}
	if err := addLinked(root, from, deviceModel); err != nil {
		return err
	}
	// xl looks for libxl-save-helper and others there, pthread_cancel for this.
	return addLinked(root, from, libraries+"libgcc_s.so.1")
}

const libraries = "usr/lib/x86_64-linux-gnu/"

// addLinked adds an ELF file, its interpreter and, recursively, its libraries.
func addLinked(root, from tree, name string) error {
	if _, ok := root[name]; ok {
		return nil
	}
	e, err := from.find(name)
	if err != nil {
		return err
	}
	root[name] = entry{data: e.data, mode: 0o755}
	f, err := elf.NewFile(bytes.NewReader(e.data))
	if err != nil {
		return fmt.Errorf("/%s: %w", name, err)
	}
	if s := f.Section(".interp"); s != nil {
		b, err := s.Data()
		if err != nil {
			return err
		}
		if err := addLinked(root, from, merged(strings.TrimRight(string(b), "\x00"))); err != nil {
			return err
		}
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, lib := range needed {
		at := libraries + lib
		if strings.HasPrefix(lib, "ld-linux") {
			at = "usr/lib64/" + lib
		}
		if err := addLinked(root, from, at); err != nil {
			return fmt.Errorf("library of /%s: %w", name, err)
		}
	}
	return nil
}

// addBusybox adds the shell and its applets.
func addBusybox(ctx context.Context, root, from tree) error {
	e, err := from.find("usr/bin/busybox")
	if err != nil {
		return err
	}
	root["usr/bin/busybox"] = e
	out, err := busybox(ctx, e.data, nil, "--list")
	if err != nil {
		return err
	}
	for applet := range strings.FieldsSeq(string(out)) {
		if applet != "busybox" {
			root["usr/bin/"+applet] = entry{link: "busybox"}
		}
	}
	return nil
}

// busybox runs the static busybox of the packages on the host.
func busybox(ctx context.Context, program, stdin []byte, args ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "xengo-bed")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "busybox")
	if err := os.WriteFile(file, program, 0o755); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	return output(cmd)
}

// addOurs adds the agent and dom0's configuration.
func addOurs(root tree, r release, agent []byte) error {
	root.add("usr/bin/agent", agent, 0o755)
	root.add("etc/bed", []byte("XEN_BIN=/usr/lib/xen-"+r.xen+"/bin\n"), 0o644)
	root.add("etc/xen/xl.conf", fmt.Appendf(nil, "vm.cpumask=\"1-%d\"\n", processors-1), 0o644)
	root.add("usr/share/qemu/keymaps/en-us", nil, 0o644) // QEMU wants it for the display that nobody has
	for dst, src := range map[string]string{
		"init": "init", "etc/xen/scripts/vif-bridge": "vif-bridge", "etc/xen/scripts/block": "block", "etc/udhcpd.conf": "udhcpd.conf", "etc/hosts": "hosts",
		"usr/bin/guest-clean": "guest-clean", "usr/bin/console-input": "console-input", "usr/bin/loop-device": "loop-device",
	} {
		b, err := fs.ReadFile(parts, "dom0/"+src)
		if err != nil {
			return err
		}
		root.add(dst, b, 0o755)
	}
	for name, target := range map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "/run"} {
		root[name] = entry{link: target}
	}
	for _, dir := range []string{"proc", "sys", "dev", "run", "tmp", "root", "usr/sbin", "var/log"} {
		root.add(dir+"/.keep", nil, 0o644)
	}
	return nil
}

// archive makes a compressed ramdisk.
func archive(root tree) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := cpio.Newc.Writer(z)
	if err := cpio.WriteRecords(w, root.records()); err != nil {
		return nil, err
	}
	if err := cpio.WriteTrailer(w); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
