package blkfront

import (
	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/abi"
)

// Name returns the device's name in xenstore, "51712" for the first disk.
func (d *Device) Name() string { return d.name }

// Node returns what the device is called in /dev, and its minor number there.
func (d *Device) Node() (name string, minor uint32) { return d.node.Node, d.node.Minor }

// Size returns the device's size in bytes, which may change.
func (d *Device) Size() int64 {
	return int64(d.sectors.Load()) * blkif.SectorSize // blkif.MaxSectors keeps it from overflowing
}

// SectorSize returns what offsets and lengths of writes have to be multiples of,
// in bytes: a power of two, 512 to 4096.
func (d *Device) SectorSize() int { return int(d.info.SectorSize) }

// PhysicalSectorSize returns what is best written at once, in bytes.
func (d *Device) PhysicalSectorSize() int { return int(d.info.PhysicalSectorSize) }

// ReadOnly reports whether the device cannot be written to.
func (d *Device) ReadOnly() bool { return d.info.ReadOnly }

// Removable reports whether the device is that kind of device.
func (d *Device) Removable() bool { return d.info.Removable }

// DiscardGranularity returns what Discard can give back, in bytes, and 0 if it
// can nothing.
func (d *Device) DiscardGranularity() int {
	if d.noDiscard.Load() {
		return 0
	}
	return int(d.info.DiscardGranularity)
}

// ReadAt reads len(p) bytes at offset off.
func (d *Device) ReadAt(p []byte, off int64) error {
	return d.transfer(abi.BlkifOpRead, p, off)
}

// WriteAt writes p at offset off, both multiples of the sector size. The backend
// may keep it in a volatile cache until Flush. After an error nothing is known of those sectors.
func (d *Device) WriteAt(p []byte, off int64) error {
	if d.ReadOnly() {
		return ErrReadOnly
	}
	if (off|int64(len(p)))&int64(d.info.SectorSize-1) != 0 {
		return ErrRange
	}
	return d.transfer(abi.BlkifOpWrite, p, off)
}

func (d *Device) transfer(op uint8, p []byte, off int64) error {
	if !d.within(off, int64(len(p))) {
		return ErrRange
	}
	return d.call(func(q *queue, c *call) error { return q.transfer(c, op, p, off, int64(d.info.SectorSize)) })
}

// within reports whether a range is one of the device's.
func (d *Device) within(off, n int64) bool {
	size := d.Size()
	return off >= 0 && n >= 0 && n <= size && off <= size-n
}

// Flush returns when what was written before is in stable storage. On a device
// whose backend has no such operation nothing is volatile, as on one that is
// read-only, whose backend would refuse.
func (d *Device) Flush() error {
	if d.ReadOnly() || d.noFlush.Load() {
		if d.ended.Load() {
			return ErrClosed
		}
		return nil
	}
	err := d.call(func(q *queue, c *call) error { return q.plain(c, blkif.Request{Op: abi.BlkifOpFlushDiskcache}) })
	if err == ErrUnsupported {
		d.noFlush.Store(true)
		return nil
	}
	return err
}

// Discard says that n bytes at offset off are of no use any more. What is no
// whole unit of DiscardGranularity stays; what the rest reads as is not known.
func (d *Device) Discard(off, n int64) error {
	switch {
	case d.noDiscard.Load():
		return ErrUnsupported
	case d.ReadOnly():
		return ErrReadOnly
	case !d.within(off, n):
		return ErrRange
	}
	unit, shift := int64(d.info.DiscardGranularity), int64(d.info.DiscardAlignment)
	first := (off-shift+unit-1)/unit*unit + shift // shift is less than unit
	end := (off+n-shift)/unit*unit + shift
	if off+n < shift || end <= first {
		return nil
	}
	r := blkif.Request{Op: abi.BlkifOpDiscard, Sector: uint64(first) / blkif.SectorSize, NrSectors: uint64(end-first) / blkif.SectorSize}
	err := d.call(func(q *queue, c *call) error { return q.plain(c, r) })
	if err == ErrUnsupported {
		d.noDiscard.Store(true)
	}
	return err
}

// call lets f make the requests of a call, on the queue whose turn it is, and
// waits for the answers.
func (d *Device) call(f func(*queue, *call) error) error {
	d.p.Hold(+1)
	defer d.p.Hold(-1)
	c := newCall()
	q := d.queues[d.turn.Add(1)%uint32(len(d.queues))]
	return c.wait(f(q, c))
}
