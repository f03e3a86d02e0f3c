package bed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// pinned is which packages a bed is made of; a cache keeps to its choice until
// it is removed, so that a bed does not change under running work.
type pinned struct {
	Files []string // names in the packages directory
}

// packages returns the paths of the packages of r, downloading what is missing.
func packages(ctx context.Context, o *Options, cache string, r release) ([]string, error) {
	dir := filepath.Join(cache, "packages-"+r.suite)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	pin := filepath.Join(dir, "pinned-"+wantedKey()+".json")
	p, err := readPinned(pin, dir)
	if errors.Is(err, fs.ErrNotExist) {
		p, err = fetch(ctx, o, dir, r)
		if err == nil {
			err = writeJSON(pin, p)
		}
	}
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range p.Files {
		paths = append(paths, filepath.Join(dir, f))
	}
	return paths, nil
}

// readPinned reads a choice whose files are all there.
func readPinned(file, dir string) (pinned, error) {
	var p pinned
	b, err := os.ReadFile(file)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	for _, f := range p.Files {
		if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
			return p, err
		}
	}
	return p, nil
}

// wanted are expressions of what is taken of the packages that installing would
// bring: what the programs of dom0 link. The second part is for QEMU.
var wanted = []string{
	`^xen`, `^libxen`, `^busybox-static$`, `^libc6$`, `^libgcc-s1$`, `^libyajl2$`, `^libuuid1$`, `^zlib1g$`, `^liblzma5$`, `^libzstd1$`,
	`^libbz2`, `^liblzo2`, `^libnl-`, `^libfdt1$`, `^libncurses6$`, `^libtinfo6$`,

	`^qemu-system-xen$`, `^libatomic1$`, `^libcap2$`, `^libdw1$`, `^libelf1$`, `^libffi8$`, `^libglib2\.0-0`, `^libgstreamer`, `^libjpeg62`,
	`^liblz4-1$`, `^libopus0$`, `^liborc-0`, `^libpcre2-8-0$`, `^libpixman-1-0$`, `^libsasl2-2$`, `^libspice-server1$`, `^libssl3`,
	`^libstdc\+\+6$`, `^libudev1$`, `^libunwind8$`, `^libusb-1`, `^libxxhash0$`,
}

// wantedKey tells choices of different wishes apart.
func wantedKey() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", wanted))
	return hex.EncodeToString(sum[:4])
}

func fetch(ctx context.Context, o *Options, dir string, r release) (pinned, error) {
	start := time.Now()
	o.logf("fetching the packages of Xen %s from Debian %s", r.xen, r.suite)
	a, err := newAPT(ctx, filepath.Join(dir, "apt"), r.suite)
	if err != nil {
		return pinned{}, err
	}
	if err := a.update(ctx); err != nil {
		return pinned{}, err
	}
	all, err := a.closure(ctx, "linux-image-amd64", "xen-hypervisor-"+r.xen+"-amd64", "xen-utils-"+r.xen, "xenstore-utils", "busybox-static", "qemu-system-xen")
	if err != nil {
		return pinned{}, err
	}
	p := pinned{pick(all, append([]string{r.kernel}, wanted...)...)}
	if err := a.download(ctx, dir, p.Files); err != nil {
		return pinned{}, err
	}
	o.logf("fetched %d packages in %.0f s", len(p.Files), time.Since(start).Seconds())
	return p, nil
}

// writeJSON replaces a file by v.
func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
