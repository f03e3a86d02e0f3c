// Package blockfs is what file systems on disks and the disks know of each other.
package blockfs

import "internal/xengo/runtime/calls"

// A Disk is what a file system is on. Its methods may be called by several goroutines at once.
type Disk interface {
	// ReadAt and WriteAt move all of p, at any offset in bytes. What WriteAt has written is durable after Flush. EIO is also
	// the error of a disk that was detached.
	ReadAt(p []byte, off int64) calls.Errno
	WriteAt(p []byte, off int64) calls.Errno
	Flush() calls.Errno
	Size() int64     // in bytes
	SectorSize() int // in bytes; a sector is written whole or not at all
	ReadOnly() bool
}

// A Problem is why a file system cannot be mounted.
type Problem string

func (p Problem) Error() string { return string(p) }

// Source of the places and numbers: Linux 6.16 fs/ext4/ext4.h, and fs/fat/inode.c (fat_read_bpb, fat_read_static_bpb).
const (
	// ProbeSize is how much of a disk Recognise wants, in bytes.
	ProbeSize = 2048

	extMagicAt  = 1024 + 0x38
	bootMagicAt = 510
)

// Recognise returns the type of the file system that a disk begins with, "" if it is none that is known.
func Recognise(b []byte) string {
	if len(b) < ProbeSize {
		return ""
	}
	if b[extMagicAt] == 0x53 && b[extMagicAt+1] == 0xef {
		return "ext4"
	}
	jump := b[0] == 0xeb || b[0] == 0xe9
	sector := int(b[11]) | int(b[12])<<8
	sane := sector >= 512 && sector <= 4096 && sector&(sector-1) == 0 && b[13] != 0 && b[13]&(b[13]-1) == 0 && b[16] != 0
	if jump && sane && b[bootMagicAt] == 0x55 && b[bootMagicAt+1] == 0xaa && (b[14] != 0 || b[15] != 0) {
		return "vfat"
	}
	return ""
}
