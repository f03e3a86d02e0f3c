package memfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// An area is a part of a file that was mapped: its pages are consecutive in memory outside the heap, and are the file's
// contents for reads and writes, too. Those of holes have memory when they are touched, those behind the end are not there
// (bound). It stays when the last mapping goes, until the file does.
type area struct {
	first int64 // number of its first page
	mem   []byte
	users int   // mappings
	link  *area // to the next of the file system, see usage
}

func (a *area) count() int64 { return int64(len(a.mem) / pageSize) }
func (a *area) end() int64   { return a.first + a.count() }

func (a *area) page(i int64) []byte {
	at := (i - a.first) * pageSize
	return a.mem[at : at+pageSize : at+pageSize]
}

// next returns the first page from i on that was touched, or end. What was not touched is a hole.
func (a *area) next(i int64) int64 {
	if i == a.end() {
		return i
	}
	at := (i - a.first) * pageSize
	return i + int64(kernel.Untouched(calls.At(calls.Address(a.mem)+uintptr(at)), uintptr(int64(len(a.mem))-at))/pageSize)
}

func (a *area) there(i int64) bool {
	return kernel.Untouched(calls.At(calls.Address(a.page(i))), pageSize) == 0
}

// touched returns how many pages were touched.
func (a *area) touched() int64 {
	n := int64(0)
	for i := a.next(a.first); i < a.end(); i = a.next(i + 1) {
		n++
	}
	return n
}

// need has page i have memory, if the limit allows it.
func (d *data) need(a *area, i int64) calls.Errno {
	if a.there(i) {
		return 0
	}
	if err := d.fs.room(pageSize); err != 0 {
		return err
	}
	return a.populate(i)
}

func (a *area) populate(i int64) calls.Errno {
	if !kernel.Populate(calls.At(calls.Address(a.page(i))), pageSize) {
		return calls.ENOSPC
	}
	return 0
}

// area returns the area that page i is in, or nil.
func (d *data) area(i int64) *area {
	for _, a := range d.areas {
		if a.first <= i && i < a.end() {
			return a
		}
	}
	return nil
}

// areaPages returns how many pages of areas were touched.
func (d *data) areaPages() int64 {
	n := int64(0)
	for _, a := range d.areas {
		n += a.touched()
	}
	return n
}

// Map makes [offset, offset+length) an area, unless it is in one. It fails if it overlaps one that is in use without being in it.
func (f *file) Map(offset int64, length uintptr) (uintptr, calls.Errno) {
	if offset < 0 || length == 0 || int64(length) < 0 || offset > maxSize-int64(length) {
		return 0, calls.EOVERFLOW
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.enter(offset/pageSize, (offset+int64(length)+pageSize-1)/pageSize)
}

// enter adds a mapping of the pages [first, end) and returns its address.
func (f *file) enter(first, end int64) (uintptr, calls.Errno) {
	a := f.area(first)
	if a == nil || end > a.end() {
		var err calls.Errno
		if a, err = f.newArea(first, end); err != 0 {
			return 0, err
		}
	}
	a.users++
	return calls.Address(a.page(first)), 0
}

// newArea makes an area of the pages [first, end) and of unused areas that overlap it.
func (d *data) newArea(first, end int64) (*area, calls.Errno) {
	var rest []*area
	for _, old := range d.areas {
		switch {
		case old.end() <= first || end <= old.first:
			rest = append(rest, old)
		case old.users > 0:
			return nil, calls.ENOMEM
		default:
			first, end = min(first, old.first), max(end, old.end())
		}
	}
	size := (end - first) * pageSize
	p := kernel.Reserve(0, uintptr(size), 3) // PROT_READ|PROT_WRITE
	if p == nil {
		return nil, calls.ENOMEM
	}
	a := &area{first: first, mem: calls.Memory(p, uintptr(size))}
	d.fs.addArea(a)
	for i := first; i < end; i++ { // all that may fail before anything is given back
		if !d.hasData(i) {
			continue
		}
		err := calls.ENOMEM
		if d.need(a, i) == 0 {
			err = d.readPage(a.page(i), i, 0)
		}
		if err != 0 {
			d.unmap(a)
			return nil, err
		}
	}
	for i := first; i < end; i++ {
		if d.area(i) == nil && d.page(i) != nil {
			d.release(i, d.page(i))
		}
	}
	d.dropAreas(rest)
	d.areas = append(d.areas, a)
	d.bytes = -1 // a does not know it
	d.bound(0)
	return a, 0
}

// dropAreas frees all areas but those in rest.
func (d *data) dropAreas(rest []*area) {
	for _, a := range d.areas {
		kept := false
		for _, other := range rest {
			kept = kept || a == other
		}
		if !kept {
			d.unmap(a)
		}
	}
	d.areas = rest
}

// bound has what is mapped behind the end of the file, or at least to, in whole pages, be SIGBUS when it is touched.
func (d *data) bound(to int64) {
	to = max(to, d.size)
	if to == d.bytes {
		return
	}
	d.bytes = to
	for _, a := range d.areas {
		end := min(max(to-a.first*pageSize, 0), int64(len(a.mem)))
		kernel.Bound(calls.At(calls.Address(a.mem)), uintptr(len(a.mem)), uintptr(end))
	}
}

// unmap gives the memory of an area back.
func (d *data) unmap(a *area) {
	d.fs.removeArea(a)
	kernel.Unmap(calls.At(calls.Address(a.mem)), uintptr(len(a.mem)))
}

// freeAreas gives all areas back. None is in use: a mapping keeps its file open.
func (d *data) freeAreas() { d.dropAreas(nil) }

// Unmap ends a mapping that began at addr.
func (f *file) Unmap(addr uintptr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.areaAt(addr); a != nil {
		a.users--
	}
}

// areaAt returns the area that has the address.
func (d *data) areaAt(addr uintptr) *area {
	for _, a := range d.areas {
		if start := calls.Address(a.mem); start <= addr && addr < start+uintptr(len(a.mem)) {
			return a
		}
	}
	return nil
}

// Remap ends a mapping and begins another, which may be in a larger area that takes the place of the first one's.
func (f *file) Remap(addr uintptr, offset int64, length uintptr) (uintptr, calls.Errno) {
	if offset < 0 || int64(length) <= 0 || offset > maxSize-int64(length) {
		return 0, calls.EINVAL
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.areaAt(addr)
	if a == nil {
		return 0, calls.EFAULT
	}
	a.users--
	moved, err := f.enter(offset/pageSize, (offset+int64(length)+pageSize-1)/pageSize)
	if err != 0 {
		a.users++
	}
	return moved, err
}
