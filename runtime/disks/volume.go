package disks

import (
	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// domains are the domain's disks.
var domains set

// A Volume is a disk with a file system on it, which nobody else may claim (O_EXCL).
type Volume struct{ d *disk }

// Use claims the disk called name, such as xvda, for a file system. ENXIO if there is none, EBUSY if it has been claimed.
func Use(name string) (*Volume, calls.Errno) {
	if ascii.HasPrefix(name, "/dev/") {
		name = name[len("/dev/"):]
	}
	return domains.use(name)
}

func (s *set) use(name string) (*Volume, calls.Errno) {
	s.wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.disks {
		if n, _ := d.Node(); n == name {
			if !d.claim() {
				return nil, calls.EBUSY
			}
			return &Volume{d}, 0
		}
	}
	return nil, calls.ENXIO
}

// claim claims a disk for one user.
func (d *disk) claim() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claimed {
		return false
	}
	d.claimed = true
	return true
}

// Size is in bytes.
func (v *Volume) Size() int64 { return v.d.Size() }

// SectorSize is in bytes.
func (v *Volume) SectorSize() int { return v.d.SectorSize() }

func (v *Volume) ReadOnly() bool { return v.d.ReadOnly() }

// ReadAt and WriteAt move all of p, at any offset.
func (v *Volume) ReadAt(p []byte, off int64) calls.Errno {
	return all(p, off, v.d.read)
}

func (v *Volume) WriteAt(p []byte, off int64) calls.Errno {
	return all(p, off, v.d.write)
}

func all(p []byte, off int64, move func([]byte, int64) (int, calls.Errno)) calls.Errno {
	for len(p) > 0 {
		n, err := move(p, off)
		if err != 0 {
			return err
		}
		if n == 0 {
			return calls.EIO
		}
		p, off = p[n:], off+int64(n)
	}
	return 0
}

// Flush makes durable what was written.
func (v *Volume) Flush() calls.Errno { return errno(v.d.Flush()) }

var _ blockfs.Disk = (*Volume)(nil)
