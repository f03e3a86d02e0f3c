package bed

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Share is a directory that a guest can mount ("mount=TAG:/POINT:9p" in its
// options).
type Share struct {
	Tag string
	Dir string // in dom0
}

// MountShare makes Options.Shares[i] a directory of dom0 and returns it. What is done
// there is done on the host.
func (b *Bed) MountShare(ctx context.Context, i int) (dir string, err error) {
	dir = fmt.Sprintf("/run/shares/%d", i)
	_, err = b.Exec(ctx, "sh", "-c", fmt.Sprintf("mkdir -p %s && mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=131072 share%d %s", dir, i, dir))
	return dir, err
}

// shareLine is the line of a domain's config for its shares. It names no type of
// backend: with "qemu", xl of Xen 4.20 would start a QEMU before it makes the devices,
// and that of Debian 13 (10.0) ends when it sees one then ("Device 'xen-backend' does
// not support hotplugging"). xl of Xen 4.17 knows no types and starts one that does not
// end.
func shareLine(shares []Share) string {
	var specs []string
	for _, s := range shares {
		specs = append(specs, fmt.Sprintf(`"tag=%s,path=%s,security_model=none"`, s.Tag, s.Dir))
	}
	return "p9 = [" + strings.Join(specs, ", ") + "]"
}

// serveShares starts the server of a guest's shares, if xl does not; the guest waits
// for it.
func (g *Guest) serveShares(ctx context.Context) error {
	if g.bed.release.startsQEMU {
		return nil
	}
	_, err := g.bed.Start(ctx, Command{Argv: []string{
		"/" + deviceModel, "-xen-domid", strconv.Itoa(g.DomID()), "-xen-attach", "-name", g.Name,
		"-M", "xenpv", "-nodefaults", "-nographic", "-monitor", "none", "-serial", "none", "-parallel", "none",
	}})
	return err
}
