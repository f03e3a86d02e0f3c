package ext4

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/ascii"
)

const pageSize = 4096

// An area is a part of a file that was mapped. Its pages are read when it is made, and written back by Sync and when the last
// mapping ends, if the program may write to them and they are not what is on the disk.
type area struct {
	offset   int64
	mem      []byte
	users    int
	writable bool
	sums     []uint32 // of the pages as they are on the disk
}

func (a *area) end() int64 { return a.offset + int64(len(a.mem)) }

func (a *area) page(i int) []byte { return a.mem[i*pageSize : (i+1)*pageSize] }

// Map makes [offset, offset+length) an area, unless it is in one. It fails if it overlaps one without being in it.
func (f *file) Map(offset int64, length uintptr) (uintptr, calls.Errno) {
	if offset < 0 || offset%pageSize != 0 || length == 0 || int64(length) < 0 || offset > f.fs.maxSize()-int64(length) {
		return 0, calls.EOVERFLOW
	}
	f.data.Lock()
	defer f.data.Unlock()
	end := offset + int64((length+pageSize-1)&^(pageSize-1))
	for _, a := range f.areas {
		if a.offset <= offset && end <= a.end() {
			a.users++
			return calls.Address(a.mem) + uintptr(offset-a.offset), 0
		}
	}
	a, err := f.newArea(offset, end)
	if err != 0 {
		return 0, err
	}
	return calls.Address(a.mem), 0
}

// newArea makes [offset, end) an area with one user. The caller holds data.
func (f *file) newArea(offset, end int64) (*area, calls.Errno) {
	for _, a := range f.areas {
		if a.offset < end && offset < a.end() {
			return nil, calls.ENOMEM
		}
	}
	p := kernel.Map(uintptr(end - offset))
	if p == nil {
		f.fs.say("a mapping of " + ascii.Utoa(uint64(end-offset)>>10) + " KiB of a file does not fit into the domain's memory")
		return nil, calls.ENOMEM
	}
	mem, err := calls.Bytes(uintptr(p), uintptr(end-offset))
	if err != 0 {
		return nil, err
	}
	a := &area{offset: offset, mem: mem, users: 1, sums: make([]uint32, len(mem)/pageSize)}
	if err := f.fill(a); err != 0 {
		kernel.Unmap(p, uintptr(len(mem)))
		return nil, err
	}
	f.areas = append(f.areas, a)
	return a, 0
}

// Remap puts a larger area in the place of one that no other mapping uses.
func (f *file) Remap(addr uintptr, offset int64, length uintptr) (uintptr, calls.Errno) {
	if offset < 0 || offset%pageSize != 0 || int64(length) <= 0 || offset > f.fs.maxSize()-int64(length) {
		return 0, calls.EINVAL
	}
	f.writeAreas() // what goes wrong is said by whoever finds it
	f.data.Lock()
	defer f.data.Unlock()
	old := f.areaAt(addr)
	switch {
	case old == nil:
		return 0, calls.EFAULT
	case old.users > 1:
		return 0, calls.ENOMEM
	}
	areas := f.areas
	f.areas = nil
	for _, a := range areas {
		if a != old {
			f.areas = append(f.areas, a)
		}
	}
	a, err := f.newArea(offset, offset+int64((length+pageSize-1)&^(pageSize-1)))
	if err != 0 {
		f.areas = areas
		return 0, err
	}
	a.take(old)
	kernel.Unmap(calls.At(calls.Address(old.mem)), uintptr(len(old.mem)))
	return calls.Address(a.mem), 0
}

// take has a hold what old does, whose program may have written to it since.
func (a *area) take(old *area) {
	a.writable = old.writable
	if !a.writable {
		return
	}
	for i := range a.sums {
		a.sums[i] = crc32c(0, a.page(i))
	}
	for i := range a.sums {
		at := a.offset + int64(i)*pageSize - old.offset
		if at >= 0 && at < int64(len(old.mem)) {
			copy(a.page(i), old.page(int(at/pageSize)))
		}
	}
}

// fill reads the contents.
func (f *file) fill(a *area) calls.Errno {
	bs := int64(f.fs.blockSize)
	for at := a.offset; at < a.end(); {
		size, e, err := f.look(at)
		if err != 0 {
			return err
		}
		end := min(a.end(), size, int64(e.end())*bs)
		if end <= at {
			break
		}
		if e.start != 0 && !e.unwritten {
			if err := f.fs.disk.ReadAt(a.mem[at-a.offset:end-a.offset], int64(e.start)*bs+at-int64(e.block)*bs); err != 0 {
				return err
			}
		}
		at = end
	}
	return 0
}

// MapWritable says that the program may write to a mapping that begins at addr.
func (f *file) MapWritable(addr uintptr) {
	f.data.Lock()
	defer f.data.Unlock()
	if a := f.areaAt(addr); a != nil && !a.writable {
		a.writable = true
		for i := range a.sums {
			a.sums[i] = crc32c(0, a.page(i))
		}
	}
}

func (f *file) areaAt(addr uintptr) *area {
	for _, a := range f.areas {
		if start := calls.Address(a.mem); start <= addr && addr < start+uintptr(len(a.mem)) {
			return a
		}
	}
	return nil
}

// Unmap ends a mapping that began at addr.
func (f *file) Unmap(addr uintptr) {
	f.writeAreas() // what goes wrong is said by whoever finds it
	f.data.Lock()
	defer f.data.Unlock()
	a := f.areaAt(addr)
	if a == nil {
		return
	}
	if a.users--; a.users == 0 {
		f.dropAreas(func(other *area) bool { return other == a })
	}
}

func (n *inode) dropAreas(which func(*area) bool) {
	rest := n.areas[:0]
	for _, a := range n.areas {
		if which(a) {
			kernel.Unmap(calls.At(calls.Address(a.mem)), uintptr(len(a.mem)))
		} else {
			rest = append(rest, a)
		}
	}
	n.areas = rest
}

// freeAreas gives all back. None is in use: a mapping keeps its file.
func (n *inode) freeAreas() { n.dropAreas(func(*area) bool { return true }) }

// overlap calls f for the parts of areas that are also in p, which is at offset.
func (n *inode) overlap(p []byte, offset int64, f func(a *area, at int, part []byte)) {
	for _, a := range n.areas {
		from, to := max(a.offset, offset), min(a.end(), offset+int64(len(p)))
		if from < to {
			f(a, int(from-a.offset), p[from-offset:to-offset])
		}
	}
}

// overlay puts what is mapped in place of what was read. The caller holds data.
func (n *inode) overlay(p []byte, offset int64) {
	n.overlap(p, offset, func(a *area, at int, part []byte) {
		if a.writable {
			copy(part, a.mem[at:])
		}
	})
}

// mirror puts what was written to the disk into areas. The caller holds data for writing.
func (n *inode) mirror(p []byte, offset int64) {
	n.overlap(p, offset, func(a *area, at int, part []byte) {
		if !a.writable {
			copy(a.mem[at:], part)
			return
		}
		for len(part) > 0 {
			i := at / pageSize
			clean := crc32c(0, a.page(i)) == a.sums[i]
			c := copy(a.page(i)[at%pageSize:], part)
			if clean {
				a.sums[i] = crc32c(0, a.page(i))
			}
			at, part = at+c, part[c:]
		}
	})
}

// writeAreas writes back what the program changed.
func (f *file) writeAreas() calls.Errno {
	f.data.Lock()
	defer f.data.Unlock()
	size, _, _ := f.look(-1)
	for _, a := range f.areas {
		for i := 0; a.writable && i < len(a.sums); i++ {
			at := a.offset + int64(i)*pageSize
			sum := crc32c(0, a.page(i))
			if sum == a.sums[i] || at >= size {
				continue
			}
			for p := a.page(i)[:min(pageSize, size-at)]; len(p) > 0; {
				n, err := f.write(p, at)
				if err != 0 {
					return err
				}
				p, at = p[n:], at+int64(n)
			}
			a.sums[i] = sum
			if err := f.wrote(0); err != 0 {
				return err
			}
		}
	}
	return 0
}

// cutAreas makes what is behind the end of the file zeros.
func (n *inode) cutAreas(size int64) {
	for _, a := range n.areas {
		if from := max(0, size-a.offset); from < int64(len(a.mem)) {
			clear(a.mem[from:])
			if a.writable {
				for i := int(from / pageSize); i < len(a.sums); i++ {
					a.sums[i] = crc32c(0, a.page(i))
				}
			}
		}
	}
}
