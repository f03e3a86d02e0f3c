package ext4

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/ascii"
)

const pageSize = 4096

// An area is a part of a file that was mapped. What the file has of it is read when it is made, and written back by Sync and when
// the last mapping ends, if the program may write to it and it is not what is on the disk. Pages of holes have memory when the
// program, or a write, touches them, those behind the end are not there (bound).
type area struct {
	offset   int64
	mem      []byte
	users    int
	writable bool
	sums     []uint32 // of the pages as they are on the disk
}

func (a *area) end() int64 { return a.offset + int64(len(a.mem)) }

func (a *area) page(i int) []byte { return a.mem[i*pageSize : (i+1)*pageSize] }

// next returns the first page from i on that was touched, or how many there are. What was not touched is zeros.
func (a *area) next(i int) int {
	at := uintptr(i) * pageSize
	return i + int(kernel.Untouched(calls.At(calls.Address(a.mem)+at), uintptr(len(a.mem))-at)/pageSize)
}

func (a *area) there(i int) bool {
	return kernel.Untouched(calls.At(calls.Address(a.page(i))), pageSize) == 0
}

// sum takes the checksums of the pages from i on.
func (a *area) sum(i int) {
	for at := i; at < len(a.sums); at++ {
		a.sums[at] = zeroSum
	}
	for i = a.next(i); i < len(a.sums); i = a.next(i + 1) {
		a.sums[i] = crc32c(0, a.page(i))
	}
}

var zeroSum = crc32c(0, make([]byte, pageSize))

// populate has the pages of [from, to) have memory.
func (a *area) populate(from, to int64) calls.Errno {
	p := a.mem[from&^(pageSize-1) : (to+pageSize-1)&^(pageSize-1)]
	if !kernel.Populate(calls.At(calls.Address(p)), uintptr(len(p))) {
		return calls.ENOMEM
	}
	return 0
}

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
	f.boundAnew()
	return calls.Address(a.mem), 0
}

// newArea makes [offset, end) an area with one user. The caller holds data.
func (f *file) newArea(offset, end int64) (*area, calls.Errno) {
	for _, a := range f.areas {
		if a.offset < end && offset < a.end() {
			return nil, calls.ENOMEM
		}
	}
	p := kernel.Reserve(0, uintptr(end-offset), 3) // PROT_READ|PROT_WRITE
	if p == nil {
		return nil, calls.ENOMEM
	}
	mem := calls.Memory(p, uintptr(end-offset))
	a := &area{offset: offset, mem: mem, users: 1, sums: make([]uint32, len(mem)/pageSize)}
	if err := f.fill(a); err != 0 {
		if err == calls.ENOMEM {
			f.fs.say("a mapping of " + ascii.Utoa(uint64(end-offset)>>10) + " KiB of a file does not fit into the domain's memory")
		}
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
	if err == 0 {
		if err = a.take(old); err != 0 {
			kernel.Unmap(calls.At(calls.Address(a.mem)), uintptr(len(a.mem)))
		}
	}
	if err != 0 {
		f.areas = areas
		return 0, err
	}
	kernel.Unmap(calls.At(calls.Address(old.mem)), uintptr(len(old.mem)))
	f.boundAnew()
	return calls.Address(a.mem), 0
}

// take has a hold what old does, whose program may have written to it since.
func (a *area) take(old *area) calls.Errno {
	a.writable = old.writable
	if !a.writable {
		return 0
	}
	a.sum(0)
	for i := old.next(0); i < len(old.sums); i = old.next(i + 1) {
		at := old.offset + int64(i)*pageSize - a.offset
		if at < 0 || at >= int64(len(a.mem)) {
			continue
		}
		if err := a.populate(at, at+pageSize); err != 0 {
			return err
		}
		copy(a.mem[at:], old.page(i))
	}
	return 0
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
			if err := a.populate(at-a.offset, end-a.offset); err != 0 {
				return err
			}
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
		a.sum(0)
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

// populate has the pages of areas that are in [offset, end) have memory.
func (n *inode) populate(offset, end int64) calls.Errno {
	for _, a := range n.areas {
		if from, to := max(a.offset, offset), min(a.end(), end); from < to {
			if err := a.populate(from-a.offset, to-a.offset); err != 0 {
				return err
			}
		}
	}
	return 0
}

// overlap calls f for what is both in p, which is at offset, and in a page of an area that is there: with the page's number,
// the part of p and that of the page.
func (n *inode) overlap(p []byte, offset int64, f func(a *area, i int, part, page []byte)) {
	for _, a := range n.areas {
		for at, to := max(a.offset, offset), min(a.end(), offset+int64(len(p))); at < to; {
			i, in := int((at-a.offset)/pageSize), (at-a.offset)%pageSize
			part := p[at-offset : min(to, at-in+pageSize)-offset]
			if a.there(i) {
				f(a, i, part, a.page(i)[in:])
			}
			at += int64(len(part))
		}
	}
}

// overlay puts what is mapped in place of what was read. The caller holds data.
func (n *inode) overlay(p []byte, offset int64) {
	n.overlap(p, offset, func(a *area, _ int, part, page []byte) {
		if a.writable {
			copy(part, page)
		}
	})
}

// mirror puts what was written to the disk into the pages of areas that are there: those of data have to be (populate). The
// caller holds data for writing.
func (n *inode) mirror(p []byte, offset int64) {
	n.overlap(p, offset, func(a *area, i int, part, page []byte) {
		clean := a.writable && crc32c(0, a.page(i)) == a.sums[i]
		copy(page, part)
		if clean {
			a.sums[i] = crc32c(0, a.page(i))
		}
	})
}

// writeAreas writes back what the program changed.
func (f *file) writeAreas() calls.Errno {
	f.data.Lock()
	defer f.data.Unlock()
	size, _, _ := f.look(-1)
	for _, a := range f.areas {
		if !a.writable {
			continue
		}
		for i := a.next(0); i < len(a.sums); i = a.next(i + 1) {
			at := a.offset + int64(i)*pageSize
			if at >= size {
				break
			}
			sum := crc32c(0, a.page(i))
			if sum == a.sums[i] {
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

// bound has what is mapped behind the end of a file of that size, in whole pages, be SIGBUS when it is touched. The caller holds
// data for writing.
func (n *inode) bound(size int64) {
	if size == n.bytes {
		return
	}
	n.bytes = size
	for _, a := range n.areas {
		end := min(max(size-a.offset, 0), int64(len(a.mem)))
		kernel.Bound(calls.At(calls.Address(a.mem)), uintptr(len(a.mem)), uintptr(end))
	}
}

// boundAnew is bound, of an area that does not know the size.
func (f *file) boundAnew() {
	size, _, _ := f.look(-1)
	f.bytes = -1
	f.bound(size)
}

// cutAreas makes what is behind the end of the file zeros, and takes the memory of whole pages there.
func (n *inode) cutAreas(size int64) {
	for _, a := range n.areas {
		keep := max(0, size-a.offset)
		if keep >= int64(len(a.mem)) {
			continue
		}
		i := int(keep / pageSize)
		if keep %= pageSize; keep > 0 {
			a.cutPage(i, keep)
			i++
		}
		rest := a.mem[i*pageSize:]
		kernel.Discard(calls.At(calls.Address(a.mem)+uintptr(i*pageSize)), uintptr(len(rest)))
		a.sum(i)
	}
}

// cutPage makes what comes after the first keep bytes of a page zeros.
func (a *area) cutPage(i int, keep int64) {
	if !a.there(i) {
		return
	}
	unwritten := a.writable && crc32c(0, a.page(i)) != a.sums[i]
	clear(a.page(i)[keep:])
	if !a.writable {
		return // the checksums are taken when it becomes that
	}
	if a.sums[i] = crc32c(0, a.page(i)); unwritten {
		a.sums[i] = ^a.sums[i]
	}
}
