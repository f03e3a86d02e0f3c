package bed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"internal/xengo/toolchain/xlcfg"
)

// putDisks copies the files of disks into dom0, where their names are others.
func (g *Guest) putDisks(ctx context.Context, disks []xlcfg.Disk) ([]string, error) {
	var specs []string
	for i, d := range disks {
		name := fmt.Sprintf("disk%d", i)
		if err := g.putFile(ctx, name, d.File); err != nil {
			if strings.Contains(err.Error(), unix.ENOSPC.Error()) { // dom0's errors are text
				err = fmt.Errorf("%w: all that is not zeros has to fit into the bed's memory", err)
			}
			return nil, fmt.Errorf("disk %s: %w", d.File, err)
		}
		if !d.ReadOnly {
			g.disks = append(g.disks, diskCopy{g.dir() + "/" + name, d.File})
		}
		specs = append(specs, xlcfg.Disk{File: g.dir() + "/" + name, ReadOnly: d.ReadOnly}.Spec(i))
	}
	return specs, nil
}

// A diskCopy is a disk that the guest may change.
type diskCopy struct{ dom0, host string }

// SaveDisks copies the disks that the guest could write to back to the files
// that they are. It is to be called after the guest's end and before Close.
func (g *Guest) SaveDisks(ctx context.Context) error {
	for _, d := range g.disks {
		if err := g.bed.fetch(ctx, d.dom0, d.host); err != nil {
			return fmt.Errorf("disk %s: %w", d.host, err)
		}
	}
	return nil
}

// fetch replaces a file on the host by one of dom0's: by the whole, or not at all.
func (c *client) fetch(ctx context.Context, from, to string) error {
	to, err := filepath.EvalSymlinks(to)
	if err != nil {
		return err
	}
	info, err := os.Stat(to)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // if it is still there
	defer f.Close()
	n, err := c.get(ctx, f, from)
	if err != nil {
		return err
	}
	if n != info.Size() {
		return fmt.Errorf("got %d bytes of %d", n, info.Size())
	}
	if err := f.Chmod(info.Mode()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}
