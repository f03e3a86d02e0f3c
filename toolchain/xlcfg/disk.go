package xlcfg

import (
	"fmt"
	"slices"
	"strings"

	"internal/xengo/xen/cmdline"
)

// MaxDisks is how many disks there are names for: xvda to xvdz.
const MaxDisks = 26

// Disk is a block device of a domain: the contents of a file.
type Disk struct {
	File     string
	ReadOnly bool
	Point    string // where the guest mounts it, "" if it does not
	Type     string // of the file system then
}

// ParseDisk parses FILE[:/POINT[:TYPE]][,ro]. The type is ext4 by default.
func ParseDisk(s string) (Disk, error) {
	file, readOnly := strings.CutSuffix(s, ",ro")
	d := Disk{File: file, ReadOnly: readOnly}
	if i := strings.LastIndex(file, ":/"); i >= 0 {
		d.File = file[:i]
		var ok bool
		if d.Point, d.Type, ok = strings.Cut(file[i+1:], ":"); !ok {
			d.Type = "ext4"
		}
		if !slices.Contains(cmdline.DiskTypes[:], d.Type) {
			return Disk{}, fmt.Errorf("%s: there is no file system %q; there are %s", s, d.Type, strings.Join(cmdline.DiskTypes[:], " and "))
		}
	}
	if d.File == "" {
		return Disk{}, fmt.Errorf("%q names no file", s)
	}
	return d, nil
}

// MountOption is the option of the guest that mounts disk number i, "" if none does.
func (d Disk) MountOption(i int) string {
	if d.Point == "" {
		return ""
	}
	option := fmt.Sprintf("mount=%s:%s:%s", diskName(i), d.Point, d.Type)
	if d.ReadOnly {
		option += ",ro"
	}
	return option
}

func diskName(i int) string { return fmt.Sprintf("xvd%c", 'a'+i) }

// Spec returns disk number i, xvda being 0, in the syntax of
// xl-disk-configuration(5). The file's name comes last, where it may contain
// anything.
func (d Disk) Spec(i int) string {
	access := "rw"
	if d.ReadOnly {
		access = "ro"
	}
	return fmt.Sprintf("format=raw, vdev=%s, access=%s, target=%s", diskName(i), access, d.File)
}
