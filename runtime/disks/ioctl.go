package disks

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
)

// Requests of ioctl(2). Source: Linux 6.16 include/uapi/linux/fs.h.
const (
	blkROGet        = 0x125e
	blkGetSize      = 0x1260
	blkFlsBuf       = 0x1261
	blkSSZGet       = 0x1268
	blkBSZGet       = 0x80081270
	blkGetSize64    = 0x80081272
	blkDiscard      = 0x1277
	blkIOMin        = 0x1278
	blkIOOpt        = 0x1279
	blkAlignOff     = 0x127a
	blkPBSZGet      = 0x127b
	blkDiscardZeros = 0x127c
	blkRotational   = 0x127e
)

// blockSize is what Linux's page cache does block devices in, in bytes.
const blockSize = 4096

func (f *file) Ioctl(request, arg uintptr) (uintptr, calls.Errno) {
	d := f.disk
	switch request {
	case blkGetSize:
		return put(arg, uint64(d.Size()/512))
	case blkGetSize64:
		return put(arg, uint64(d.Size()))
	case blkSSZGet:
		return put(arg, uint32(d.SectorSize()))
	case blkPBSZGet, blkIOMin:
		return put(arg, uint32(d.PhysicalSectorSize()))
	case blkBSZGet:
		return put(arg, uint32(blockSize))
	case blkIOOpt, blkAlignOff, blkDiscardZeros:
		return put(arg, uint32(0))
	case blkRotational:
		return put(arg, uint16(0))
	case blkROGet:
		readOnly := uint32(0)
		if d.ReadOnly() {
			readOnly = 1
		}
		return put(arg, readOnly)
	case blkFlsBuf:
		return 0, f.Sync()
	case blkDiscard:
		return 0, f.discard(arg)
	}
	return 0, calls.ENOTTY
}

// put stores the answer to a request.
func put[T uint16 | uint32 | uint64](arg uintptr, v T) (uintptr, calls.Errno) {
	p, err := calls.Pointer[T](arg)
	if err == 0 {
		*p = v
	}
	return 0, err
}

// discard is BLKDISCARD: arg points to an offset and a length.
func (f *file) discard(arg uintptr) calls.Errno {
	if mode := f.flags.Load() & fdtable.O_ACCMODE; mode == fdtable.O_RDONLY {
		return calls.EBADF
	}
	r, err := calls.Pointer[[2]uint64](arg)
	if err != 0 {
		return err
	}
	off, n := r[0], r[1]
	size := uint64(f.disk.Size())
	switch {
	case f.disk.DiscardGranularity() == 0:
		return calls.EOPNOTSUPP
	case (off|n)&uint64(f.disk.SectorSize()-1) != 0, off > size, n > size-off:
		return calls.EINVAL
	}
	defer f.disk.writing.lock(int64(off), int64(off+n))()
	return errno(f.disk.Discard(int64(off), int64(n)))
}
