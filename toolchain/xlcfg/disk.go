package xlcfg

import (
	"fmt"
	"strings"
)

// MaxDisks is how many disks there are names for: xvda to xvdz.
const MaxDisks = 26

// Disk is a block device of a domain: the contents of a file.
type Disk struct {
	File     string
	ReadOnly bool
}

// ParseDisk parses FILE or FILE,ro.
func ParseDisk(s string) (Disk, error) {
	file, readOnly := strings.CutSuffix(s, ",ro")
	if file == "" {
		return Disk{}, fmt.Errorf("%q names no file", s)
	}
	return Disk{file, readOnly}, nil
}

// Spec returns disk number i, xvda being 0, in the syntax of
// xl-disk-configuration(5). The file's name comes last, where it may contain
// anything.
func (d Disk) Spec(i int) string {
	access := "rw"
	if d.ReadOnly {
		access = "ro"
	}
	return fmt.Sprintf("format=raw, vdev=xvd%c, access=%s, target=%s", 'a'+i, access, d.File)
}
