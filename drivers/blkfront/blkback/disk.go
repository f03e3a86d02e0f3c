package blkback

import (
	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xentest"
)

// Disk returns a copy of the contents, and of what a loss of power would leave of
// them: what was written before the last flush.
func (b *Backend) Disk() (now, stable []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]byte(nil), b.disk...), append([]byte(nil), b.stable...)
}

// Counts returns how many requests there were, and how many of them were flushes.
func (b *Backend) Counts() (requests, flushes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests, b.flushes
}

// carryOut does what a request asks for and returns the status. b.mu is held.
func (b *Backend) carryOut(r blkif.Request) int16 {
	b.requests++
	if want, _ := b.Store.Read(b.Front + "/virtual-device"); r.Op != abi.BlkifOpFlushDiskcache && hv.Port(r.Handle) != hv.Port(uint16(atoi(want))) {
		b.TB.Errorf("blkback: handle %d of device %s", r.Handle, want)
	}
	if b.cfg.Status != nil {
		if s := b.cfg.Status(r); s != abi.BlkifRspOkay {
			return s
		}
	}
	switch r.Op {
	case abi.BlkifOpRead, abi.BlkifOpWrite:
		return b.transfer(r)
	case abi.BlkifOpFlushDiskcache:
		if b.number("feature-flush-cache") != 1 {
			b.TB.Errorf("blkback: a flush, which was not offered")
		}
		b.flushes++
		b.stable = append(b.stable[:0], b.disk...)
		return abi.BlkifRspOkay
	case abi.BlkifOpDiscard:
		return b.discard(r)
	}
	b.TB.Errorf("blkback: operation %d, which was not offered", r.Op)
	return abi.BlkifRspEOpNotSupp
}

func atoi(s string) (n int) {
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// transfer reads or writes.
func (b *Backend) transfer(r blkif.Request) int16 {
	if r.Op == abi.BlkifOpWrite && b.number("info")&abi.VDiskReadonly != 0 {
		b.TB.Errorf("blkback: a write to a disk that is read-only")
		return abi.BlkifRspError
	}
	sector := b.number("sector-size") / blkif.SectorSize
	at, size := r.Sector, uint64(len(b.disk))/blkif.SectorSize
	if at%sector != 0 {
		b.TB.Errorf("blkback: sector %d is no multiple of the sector size", at)
	}
	for _, s := range b.segments(r) {
		n, err := blkif.Sectors(s)
		if err != nil || uint64(n)%sector != 0 || uint64(s.FirstSect)%sector != 0 {
			b.TB.Errorf("blkback: segment %+v: %v", s, err)
			return abi.BlkifRspError
		}
		if at > size || uint64(n) > size-at {
			return abi.BlkifRspError // a disk may shrink
		}
		page := b.page(s.Gref)
		if page == nil {
			return abi.BlkifRspError
		}
		memory := page.Mem[int(s.FirstSect)*blkif.SectorSize:][:n*blkif.SectorSize]
		disk := b.disk[at*blkif.SectorSize:][:n*blkif.SectorSize]
		if r.Op == abi.BlkifOpRead {
			copy(memory, disk)
		} else {
			copy(disk, memory)
		}
		b.done(page)
		at += uint64(n)
	}
	return abi.BlkifRspOkay
}

// segments returns a request's, wherever they are.
func (b *Backend) segments(r blkif.Request) []blkif.Segment {
	if len(r.Indirect) == 0 {
		return r.Segments
	}
	if limit := int(b.number("feature-max-indirect-segments")); r.NrSegments > limit {
		b.TB.Errorf("blkback: %d segments, of at most %d", r.NrSegments, limit)
	}
	var all []blkif.Segment
	for _, ref := range r.Indirect {
		page := b.page(ref)
		if page == nil {
			return nil
		}
		all = append(all, blkif.Segments(page.Mem, min(r.NrSegments-len(all), blkif.MaxIndirect))...)
		b.done(page)
	}
	return all
}

// page maps a page, for as long as the device is connected if that was agreed on.
func (b *Backend) page(ref uint32) *xentest.Mapping {
	if m := b.grants[ref]; m != nil {
		return m
	}
	m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(ref), false) // writable: note 8
	if err != nil {
		b.TB.Errorf("blkback: a page's grant: %v", err)
		return nil
	}
	if b.number("feature-persistent") == 1 {
		b.grants[ref] = m
		if most := 1056; len(b.grants) > most { // Linux's default
			b.TB.Errorf("blkback: the frontend uses more than %d pages", most)
		}
	}
	return m
}

// done is the end of a request's use of a page.
func (b *Backend) done(m *xentest.Mapping) {
	if b.number("feature-persistent") != 1 {
		m.Unmap()
	}
}

// discard fills what is discarded, so that nobody relies on its being anything.
func (b *Backend) discard(r blkif.Request) int16 {
	if b.number("feature-discard") != 1 {
		b.TB.Errorf("blkback: a discard, which was not offered")
		return abi.BlkifRspEOpNotSupp
	}
	if r.Secure && b.number("discard-secure") != 1 {
		b.TB.Errorf("blkback: a secure discard, which was not offered")
	}
	unit := max(b.number("discard-granularity"), b.number("sector-size")) / blkif.SectorSize
	shift := b.number("discard-alignment") / blkif.SectorSize
	size := uint64(len(b.disk)) / blkif.SectorSize
	switch {
	case r.NrSectors == 0 || r.Sector > size || r.NrSectors > size-r.Sector:
		b.TB.Errorf("blkback: a discard of %d sectors at %d of %d", r.NrSectors, r.Sector, size)
		return abi.BlkifRspError
	case r.Sector < shift || (r.Sector-shift)%unit != 0 || r.NrSectors%unit != 0:
		b.TB.Errorf("blkback: a discard of %d sectors at %d, not in units of %d", r.NrSectors, r.Sector, unit)
	}
	for i := range b.disk[r.Sector*blkif.SectorSize:][:r.NrSectors*blkif.SectorSize] {
		b.disk[r.Sector*blkif.SectorSize+uint64(i)] = 0xDC
	}
	return abi.BlkifRspOkay
}
