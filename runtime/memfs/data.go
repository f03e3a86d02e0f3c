package memfs

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// data is the contents of a regular file. A page is kept only as far as it was written, rounded up to a power
// of two, so that a small file costs little; what is in no page is what base says, and beyond that zero.
type data struct {
	fs    *FS
	size  int64
	base  base             // contents that came with the file; not in memory of ours
	first []byte           // page 0
	pages map[int64][]byte // the others
	count int64            // pages in first and pages
	areas []*area          // what is mapped; its pages are in none of the above
	bytes int64            // how long a file areas take it for
}

// maxSize is where the last page of the largest file ends. Linux on amd64 has one page more (MAX_LFS_FILESIZE),
// whose end is not an int64.
const maxSize = (1<<63 - 1) &^ (pageSize - 1)

// minPage is the smallest allocation for a page.
const minPage = 64

func (d *data) page(i int64) []byte {
	if a := d.area(i); a != nil {
		return a.page(i)
	}
	if i == 0 {
		return d.first
	}
	return d.pages[i]
}

func (d *data) setPage(i int64, p []byte) {
	if d.page(i) == nil && p != nil {
		d.count++
	}
	if i == 0 {
		d.first = p
		return
	}
	if d.pages == nil {
		d.pages = make(map[int64][]byte)
	}
	d.pages[i] = p
}

// read copies contents at off to p and returns how much there was; the error is 0 if any was.
func (d *data) read(p []byte, off int64) (int, calls.Errno) {
	if off >= d.size {
		return 0, 0
	}
	if left := d.size - off; int64(len(p)) > left {
		p = p[:left]
	}
	for done := 0; done < len(p); {
		pos := off + int64(done)
		in := int(pos % pageSize)
		n := min(len(p)-done, pageSize-in)
		if err := d.readPage(p[done:done+n], pos/pageSize, in); err != 0 {
			if done == 0 {
				return 0, err
			}
			return done, 0
		}
		done += n
	}
	return len(p), 0
}

// readPage fills p from page i at offset in.
func (d *data) readPage(p []byte, i int64, in int) calls.Errno {
	n := 0
	if a := d.area(i); a != nil {
		if a.there(i) {
			n = copy(p, a.page(i)[in:])
		}
	} else if page := d.page(i); page != nil {
		if in < len(page) {
			n = copy(p, page[in:])
		}
	} else {
		var err calls.Errno
		if n, err = d.base.readAt(p, i*pageSize+int64(in)); err != 0 {
			return err
		}
	}
	clear(p[n:])
	return 0
}

// write copies p to off, making the file longer if need be. It returns how much fit; the error is 0 if any did.
func (d *data) write(p []byte, off int64) (int, calls.Errno) {
	done := 0
	for done < len(p) {
		pos := off + int64(done)
		in := int(pos % pageSize)
		n := min(len(p)-done, pageSize-in)
		page, err := d.grow(pos/pageSize, in+n)
		if err != 0 {
			if done == 0 {
				return 0, err
			}
			break
		}
		copy(page[in:], p[done:done+n])
		done += n
		d.size = max(d.size, pos+int64(n))
	}
	return done, 0
}

// grow returns page i with at least need bytes. Those that no one wrote are what they read as.
func (d *data) grow(i int64, need int) ([]byte, calls.Errno) {
	if a := d.area(i); a != nil {
		return a.page(i), d.need(a, i)
	}
	page := d.page(i)
	if page == nil {
		if left := d.base.size - i*pageSize; left > 0 {
			need = max(need, int(min(left, pageSize)))
		}
	} else if need <= len(page) {
		return page, 0
	}
	bigger := page
	if need <= cap(page) {
		bigger = page[:need]
		clear(bigger[len(page):])
	} else {
		room := minPage
		for room < need {
			room *= 2
		}
		var err calls.Errno
		if bigger, err = d.copied(i, page, need, room); err != 0 {
			return nil, err
		}
	}
	d.setPage(i, bigger)
	return bigger, 0
}

// copied returns n bytes of page i, in new memory with room for more, which is accounted for.
func (d *data) copied(i int64, page []byte, n, room int) ([]byte, calls.Errno) {
	more := int64(room - cap(page))
	if err := d.fs.charge(more); err != 0 {
		return nil, err
	}
	bigger := make([]byte, n, room)
	if err := d.readPage(bigger, i, 0); err != 0 {
		d.fs.charge(-more)
		return nil, err
	}
	return bigger, 0
}

// truncate sets the size. What is cut off reads as zero if the file grows again.
func (d *data) truncate(size int64) {
	old := d.size
	d.size = size
	d.bound(0)
	if size <= old { // there may be pages beyond, from fallocate
		d.base.size = min(d.base.size, size)
		d.discard(size, maxSize)
	}
}

// discard makes [from, to) zero and gives pages in it back.
func (d *data) discard(from, to int64) {
	d.discardPage(0, from, to)
	for i := range d.pages {
		d.discardPage(i, from, to)
	}
	for _, a := range d.areas {
		first, end := max(a.first, (from+pageSize-1)/pageSize), min(a.end(), to/pageSize)
		if first < end {
			kernel.Discard(calls.At(calls.Address(a.page(first))), uintptr(end-first)*pageSize)
		}
	}
	d.discardPage(from/pageSize, from, to) // what areas have in part
	d.discardPage(to/pageSize, from, to)
}

func (d *data) discardPage(i, from, to int64) {
	page := d.page(i)
	start, end := i*pageSize, (i+1)*pageSize
	if page == nil || end <= from || start >= to {
		return
	}
	if from <= start && to >= end && start >= d.base.size && d.area(i) == nil {
		d.release(i, page)
		return
	}
	low, high := max(0, from-start), min(int64(len(page)), to-start)
	if a := d.area(i); low < high && (a == nil || a.there(i)) {
		clear(page[low:high])
	}
}

// release gives page i back.
func (d *data) release(i int64, page []byte) {
	d.fs.used.Add(-int64(cap(page)))
	d.count--
	if i == 0 {
		d.first = nil
	} else {
		delete(d.pages, i)
	}
}

// free gives all pages back.
func (d *data) free() {
	d.base, d.size = base{}, 0
	d.discard(0, maxSize)
	d.freeAreas()
}

// blocks returns the memory of the file in units of 512 bytes, in whole pages as tmpfs counts it.
func (d *data) blocks() int64 {
	pages := max(d.count+d.areaPages(), (d.base.size+pageSize-1)/pageSize)
	return pages * (pageSize / 512)
}

// punch makes [off, off+n) a hole. What base has there is covered by pages of zeroes.
func (d *data) punch(off, n int64) calls.Errno {
	end := off + n
	for i := off / pageSize; i*pageSize < min(end, d.base.size); i++ {
		if d.page(i) == nil {
			if _, err := d.grow(i, 1); err != 0 {
				return err
			}
		}
	}
	d.discard(off, end)
	return 0
}

// allocate puts pages under [off, off+n), or leaves everything as it is. Those without contents stay holes, of length 0.
func (d *data) allocate(off, n int64) calls.Errno {
	first, end := off/pageSize, (off+n+pageSize-1)/pageSize
	for i := first; i < end; i++ {
		if err := d.reserve(i); err != 0 {
			for ; i >= first; i-- {
				if page := d.page(i); page != nil && len(page) == 0 {
					d.release(i, page)
				}
			}
			return err
		}
	}
	return 0
}

// reserve makes room for the whole of page i.
func (d *data) reserve(i int64) calls.Errno {
	if a := d.area(i); a != nil {
		return d.need(a, i)
	}
	page := d.page(i)
	if cap(page) == pageSize {
		return 0
	}
	n := len(page)
	if page == nil {
		n = int(max(0, min(pageSize, d.base.size-i*pageSize)))
	}
	bigger, err := d.copied(i, page, n, pageSize)
	if err == 0 {
		d.setPage(i, bigger)
	}
	return err
}

// hasData reports whether page i is anything but a hole.
func (d *data) hasData(i int64) bool {
	if a := d.area(i); a != nil {
		return a.there(i)
	}
	if page := d.page(i); page != nil {
		return len(page) > 0
	}
	return i*pageSize < d.base.size
}

// seek finds the first data or hole at or after off; the end of the file is a hole. ENXIO if there is none.
func (d *data) seek(off int64, hole bool) (int64, calls.Errno) {
	if off < 0 || off >= d.size {
		return 0, calls.ENXIO
	}
	if d.hasData(off/pageSize) != hole {
		return off, 0
	}
	if hole {
		i := off / pageSize
		for d.hasData(i) && i*pageSize < d.size {
			i++
		}
		return min(i*pageSize, d.size), 0
	}
	next := int64(maxSize)
	for i, page := range d.pages {
		if start := i * pageSize; start > off && start < next && len(page) > 0 {
			next = start
		}
	}
	for _, a := range d.areas {
		if from := max(a.first, off/pageSize+1); from < a.end() {
			if i := a.next(from); i < a.end() {
				next = min(next, i*pageSize)
			}
		}
	}
	if next >= d.size {
		return 0, calls.ENXIO
	}
	return next, 0
}
