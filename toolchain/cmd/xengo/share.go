package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"internal/xengo/toolchain/bed"
)

// share is a directory that a guest mounts.
type share struct {
	dir, point string
	dom0       bool // it is one of dom0's
}

// ofDom0 begins the values of --share that are directories of dom0, and not of this machine.
const ofDom0 = "dom0:"

// parseShares parses the values of --share.
func parseShares(values []string) ([]share, error) {
	var all []share
	for _, v := range values {
		i := strings.LastIndex(v, ":/")
		if i <= 0 {
			return nil, fmt.Errorf("--share %s: it is DIR:/mountpoint", v)
		}
		if dir, ok := strings.CutPrefix(v[:i], ofDom0); ok {
			if !filepath.IsAbs(dir) {
				return nil, fmt.Errorf("--share %s: it is dom0:/DIR:/mountpoint", v)
			}
			all = append(all, share{dir, v[i+1:], true})
			continue
		}
		dir, err := filepath.Abs(v[:i])
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(dir)
		if err != nil {
			return nil, fmt.Errorf("--share: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("--share: %s is no directory", dir)
		}
		all = append(all, share{dir, v[i+1:], false})
	}
	if len(all) > bed.MaxShares {
		return nil, fmt.Errorf("--share: %d directories, at most %d", len(all), bed.MaxShares)
	}
	return all, nil
}

// shareTag is the tag of the i-th directory.
func shareTag(i int) string { return fmt.Sprintf("share%d", i) }

// mountOption is the option of a guest that mounts the i-th directory.
func (s share) mountOption(i int) string {
	return fmt.Sprintf("mount=%s:%s:9p", shareTag(i), s.point)
}

// shareLine is the line of a domain's config on a real host.
func shareLine(all []share) string {
	var specs []string
	for i, s := range all {
		specs = append(specs, fmt.Sprintf("%q", fmt.Sprintf("type=qemu,tag=%s,path=%s,security_model=none", shareTag(i), s.dir)))
	}
	return "p9 = [" + strings.Join(specs, ", ") + "]"
}
