// Package disks makes the domain's disks block devices as Linux has them: /dev/xvda and so on, /sys/block and
// /proc/partitions.
//
// There is no page cache. A read asks the backend, a write returns when the backend has it, and fsync has the
// backend empty its volatile caches. What begins or ends within a sector is read, changed and written back.
//
// Package os imports it for that effect.
package disks

import (
	"errors"
	"sync"

	"internal/xengo/drivers/blkfront"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/hv"
)

// A Device is a disk; *blkfront.Device is one, and says what the methods do.
type Device interface {
	Node() (name string, minor uint32)
	Size() int64
	SectorSize() int
	PhysicalSectorSize() int
	ReadOnly() bool
	Removable() bool
	DiscardGranularity() int
	ReadAt(p []byte, off int64) error
	WriteAt(p []byte, off int64) error
	Flush() error
	Discard(off, n int64) error
}

// A disk is a device with those who have it open.
type disk struct {
	Device
	writing ranges
	reads   activity
	writes  activity

	mu      sync.Mutex
	claimed bool // by somebody who opened it with O_EXCL
}

// read reads at an offset, less than len(p) only at the end of the disk.
func (d *disk) read(p []byte, off int64) (int, calls.Errno) {
	p = p[:min(int64(len(p)), max(0, d.Size()-off))]
	if len(p) == 0 {
		return 0, 0
	}
	start := kernel.Nanotime()
	if err := d.ReadAt(p, off); err != nil {
		return 0, errno(err)
	}
	d.reads.note(len(p), start)
	return len(p), 0
}

// write writes at an offset. The error is 0 if anything was written; there is no room beyond the end.
func (d *disk) write(p []byte, off int64) (int, calls.Errno) {
	if d.ReadOnly() {
		return 0, calls.EPERM
	}
	if len(p) == 0 {
		return 0, 0
	}
	if p = p[:min(int64(len(p)), max(0, d.Size()-off))]; len(p) == 0 {
		return 0, calls.ENOSPC
	}
	sector := int64(d.SectorSize())
	end := off + int64(len(p))
	defer d.writing.lock(off&^(sector-1), (end+sector-1)&^(sector-1))()
	done, start := 0, kernel.Nanotime()
	for done < len(p) {
		n, err := d.step(p[done:], off+int64(done), sector)
		if err != nil {
			if done > 0 {
				break
			}
			return 0, errno(err)
		}
		done += n
	}
	d.writes.note(done, start)
	return done, 0
}

// step writes the beginning of p: as many whole sectors as there are or, within a sector, what there is for
// that. The sectors are locked.
func (d *disk) step(p []byte, off, sector int64) (int, error) {
	within := off & (sector - 1)
	if whole := int64(len(p)) &^ (sector - 1); within == 0 && whole > 0 {
		return int(whole), d.WriteAt(p[:whole], off)
	}
	buf := make([]byte, sector)
	if err := d.ReadAt(buf, off-within); err != nil {
		return 0, err
	}
	n := copy(buf[within:], p)
	return n, d.WriteAt(buf, off-within)
}

// errno turns an error of a device into one of Linux's. EIO is that of one that was detached, too.
func errno(err error) calls.Errno {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, blkfront.ErrReadOnly):
		return calls.EPERM
	case errors.Is(err, blkfront.ErrUnsupported):
		return calls.EOPNOTSUPP
	case errors.Is(err, hv.ENOMEM):
		return calls.ENOMEM
	}
	return calls.EIO
}
