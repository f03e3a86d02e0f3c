package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// LinuxKernel returns a file with the kernel that Debian has for guests, to
// compare ours with: linux-image-cloud-amd64 of the suite that the bed's Xen is
// from. It boots as PV and as PVH.
func LinuxKernel(ctx context.Context, o Options) (string, error) {
	r, err := o.release()
	if err != nil {
		return "", err
	}
	cache, err := o.cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "kernel-"+r.suite)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, dir+".lock", o.logf)
	if err != nil {
		return "", err
	}
	defer unlock()
	file := filepath.Join(dir, "vmlinuz")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	o.logf("fetching Debian's kernel for guests")
	image, err := fetchKernel(ctx, dir, r.suite)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file+".new", image, 0o644); err != nil {
		return "", err
	}
	return file, os.Rename(file+".new", file)
}

// fetchKernel downloads the kernel's package and takes the kernel out of it.
func fetchKernel(ctx context.Context, dir, suite string) ([]byte, error) {
	a, err := newAPT(ctx, filepath.Join(dir, "apt"), suite)
	if err != nil {
		return nil, err
	}
	if err := a.update(ctx); err != nil {
		return nil, err
	}
	all, err := a.closure(ctx, "linux-image-cloud-amd64")
	if err != nil {
		return nil, err
	}
	debs := pick(all, `^linux-image-[0-9].*-cloud-amd64$`)
	if len(debs) != 1 {
		return nil, fmt.Errorf("linux-image-cloud-amd64 of %s needs the kernels %q, want one", suite, debs)
	}
	if err := a.download(ctx, dir, debs); err != nil {
		return nil, err
	}
	deb := filepath.Join(dir, debs[0])
	from := make(tree)
	isKernel := func(name string) bool { return strings.HasPrefix(name, "boot/vmlinuz-") }
	if err := from.unpack(ctx, deb, isKernel); err != nil {
		return nil, err
	}
	for _, e := range from {
		return e.data, os.Remove(deb)
	}
	return nil, errors.New("no kernel in " + deb)
}
