package disks

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// A file is an open block device. Its methods wait for the backend: as on Linux a disk is always ready.
type file struct {
	vfs.Base
	disk    *disk
	claimed bool
	flags   atomic.Uint32

	mu  sync.Mutex // held while reading or writing at pos
	pos int64
}

// open opens a disk. O_EXCL claims it; of those who do one has it at a time.
func (d *disk) open(loc vfs.Location, flags uint32) (fdtable.Description, calls.Errno) {
	f := &file{Base: vfs.Base{Loc: loc}, disk: d, claimed: flags&fdtable.O_EXCL != 0}
	if f.claimed && !d.claim() {
		return nil, calls.EBUSY
	}
	return f, 0
}

func (f *file) Release() calls.Errno {
	if f.claimed {
		f.disk.mu.Lock()
		defer f.disk.mu.Unlock()
		f.disk.claimed = false
	}
	return 0
}

func (f *file) SetFlags(flags uint32) { f.flags.Store(flags) }

func (f *file) Read(p []byte) (int, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.PRead(p, f.pos)
	f.pos += int64(n)
	return n, err
}

func (f *file) Write(p []byte) (int, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.PWrite(p, f.pos)
	f.pos += int64(n)
	return n, err
}

func (f *file) PRead(p []byte, offset int64) (int, calls.Errno) {
	if err := f.aligned(p, offset); err != 0 {
		return 0, err
	}
	return f.disk.read(p, offset)
}

// PWrite writes at an offset. With O_APPEND that is the end, where there is no room on a disk.
func (f *file) PWrite(p []byte, offset int64) (int, calls.Errno) {
	if f.flags.Load()&fdtable.O_APPEND != 0 {
		offset = f.disk.Size()
	}
	if err := f.aligned(p, offset); err != 0 {
		return 0, err
	}
	n, err := f.disk.write(p, offset)
	if n > 0 && f.flags.Load()&fdtable.O_DSYNC != 0 { // which is a part of O_SYNC
		if err := f.Sync(); err != 0 {
			return 0, err
		}
	}
	return n, err
}

// dmaAlignment is what addresses have to be multiples of with O_DIRECT, in bytes: for Linux's frontend
// blk_queue_dma_alignment is 511. Source: Linux 6.1 drivers/block/xen-blkfront.c.
const dmaAlignment = 512

// aligned returns EINVAL for what cannot be done with O_DIRECT.
func (f *file) aligned(p []byte, offset int64) calls.Errno {
	if f.flags.Load()&fdtable.O_DIRECT == 0 {
		return 0
	}
	if (offset|int64(len(p)))&int64(f.disk.SectorSize()-1) != 0 || len(p) > 0 && calls.Address(p)%dmaAlignment != 0 {
		return calls.EINVAL
	}
	return 0
}

// Lseek sets the position, which on a disk cannot be beyond its end. All of it is data.
func (f *file) Lseek(offset int64, whence int) (int64, calls.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := f.disk.Size()
	switch whence {
	case vfs.SeekSet:
	case vfs.SeekCur:
		offset += f.pos
	case vfs.SeekEnd:
		offset += size
	case vfs.SeekData, vfs.SeekHole:
		if offset < 0 || offset >= size {
			return 0, calls.ENXIO
		}
		if whence == vfs.SeekHole {
			offset = size
		}
	default:
		return 0, calls.EINVAL
	}
	if offset < 0 || offset > size {
		return 0, calls.EINVAL
	}
	f.pos = offset
	return offset, 0
}

func (f *file) Sync() calls.Errno { return errno(f.disk.Flush()) }
