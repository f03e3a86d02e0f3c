package blkif

import (
	"errors"

	"internal/xengo/xen/ascii"
)

// ErrVirtualDevice means that a number is not that of a virtual device.
var ErrVirtualDevice = errors.New("blkif: not the number of a virtual block device")

// A Name is what a virtual device is called in the guest, as Linux does.
type Name struct {
	Node  string // in /dev: "xvda", "xvdb1"
	Minor uint32 // with the major number 202
}

// Encodings of virtual devices (docs/man/xen-vbd-interface.7 of Xen 4.20).
const (
	vdevExtended = 1 << 28 // disk << 8 | partition
	vdevEnd      = 2 << 28

	majorXVD  = 202 // disk << 4 | partition
	majorIDE0 = 3   // disk << 6 | partition
	majorIDE1 = 22  // the same, from disk 2 on
)

// majorsSCSI are the major numbers of disks by sixteens, disk << 4 | partition. That document has
// the first; the others are Linux's, whose frontend knows them.
var majorsSCSI = [...]uint32{8, 65, 66, 67, 68, 69, 70, 71, 128, 129, 130, 131, 132, 133, 134, 135}

// ParseVirtualDevice returns the name for the value of the node virtual-device.
// Disks that were configured as IDE or SCSI disks have the names of Xen disks,
// sda that of xvda, as in Linux (drivers/block/xen-blkfront.c, since 3.2).
func ParseVirtualDevice(node string) (Name, error) {
	n, ok := ascii.ParseUint(node, vdevEnd-1)
	if !ok {
		return Name{}, ErrVirtualDevice
	}
	vdev := uint32(n)
	if vdev&vdevExtended != 0 {
		return nameOf(vdev&^vdevExtended, 256), nil
	}
	minor := vdev & 0xff
	switch major := vdev >> 8; major {
	case majorXVD:
		return nameOf(minor, 16), nil
	case majorIDE0, majorIDE1:
		disk, partition := minor>>6, minor&63
		if disk > 1 || partition > 15 {
			return Name{}, ErrVirtualDevice // no such minor number of a Xen disk
		}
		if major == majorIDE1 {
			disk += 2
		}
		return nameOf(disk<<4|partition, 16), nil
	default:
		for i, m := range majorsSCSI {
			if m == major {
				return nameOf(uint32(i)<<8|minor, 16), nil
			}
		}
	}
	return Name{}, ErrVirtualDevice
}

// nameOf returns the name of a minor number where a disk has that many.
func nameOf(minor, partitions uint32) Name {
	node := "xvd" + letters(minor/partitions)
	if p := minor % partitions; p > 0 {
		node += ascii.Utoa(uint64(p))
	}
	return Name{node, minor}
}

// letters returns the letters for a disk: a to z, aa to zz, and so on.
func letters(disk uint32) string {
	s := string(rune('a' + disk%26))
	for disk >= 26 {
		disk = disk/26 - 1
		s = string(rune('a'+disk%26)) + s
	}
	return s
}
