// Package grant manages this domain's grant table, version 1
// (grant_table.h): it lets other domains use pages of this one and takes the
// right back.
//
// A page that another domain still has mapped when its grant is to end goes,
// with its reference, onto a list of deferred pages. It leaves the list when
// the other domain has let go, and is never used for anything else before
// (XSA-396).
package grant

import (
	"errors"
	"sync"
	"sync/atomic"
	"unsafe"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
)

var (
	// ErrInUse means that the other domain has the page mapped.
	ErrInUse = errors.New("xen: grant: the other domain still uses the page")

	// ErrFull means that the grant table has no free entry and cannot grow.
	ErrFull = errors.New("xen: grant: the table is full")

	// ErrFrame means that a page lies above 16 TiB, out of reach of version 1.
	ErrFrame = errors.New("xen: grant: frame number does not fit in 32 bits")

	// ErrNotGranted means that a reference is not of a grant that was made.
	ErrNotGranted = errors.New("xen: grant: not a granted reference")
)

// perFrame is the number of entries in a frame of the table.
const perFrame = abi.PageSize / unsafe.Sizeof(abi.GrantEntryV1{})

// Frames is where the table comes from.
type Frames interface {
	// Limit returns how many frames the table may have.
	Limit() (int, error)

	// Map makes the table at least i+1 frames long and returns frame i.
	Map(i int) ([]byte, error)
}

// Pages takes back pages that had to wait on the deferred list.
type Pages interface {
	FreePages(mem []byte)
}

// A Table is the domain's grant table. It is safe for concurrent use.
type Table struct {
	frames Frames
	pages  Pages
	clock  hv.Clock

	mu       sync.Mutex
	entries  []*[perFrame]abi.GrantEntryV1
	free     []hv.GrantRef // last in, first out
	deferred []deferred
	reaping  bool // a goroutine is at work on deferred
}

// deferred are pages that could not be taken back, as they were allocated, with
// the references by which they still are granted.
type deferred struct {
	refs []hv.GrantRef
	mem  []byte
}

// New returns a table of the given frames. Pages whose release has to wait are
// given to pages at last; clock says when to try again.
func New(frames Frames, pages Pages, clock hv.Clock) *Table {
	return &Table{frames: frames, pages: pages, clock: clock}
}

// Grant lets dom access frame.
func (t *Table) Grant(dom hv.DomID, frame hv.Frame, readOnly bool) (hv.GrantRef, error) {
	if frame > 1<<32-1 {
		return 0, ErrFrame
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ref, err := t.take()
	if err != nil {
		return 0, err
	}
	flags := uint32(abi.GTFPermitAccess)
	if readOnly {
		flags |= abi.GTFReadOnly
	}
	head, frameWord := t.entry(ref)
	atomic.StoreUint32(frameWord, uint32(frame))
	atomic.StoreUint32(head, uint32(dom)<<16|flags) // makes it valid, so it is last
	return ref, nil
}

// take returns a free reference. t.mu is held.
func (t *Table) take() (hv.GrantRef, error) {
	if len(t.free) == 0 {
		if err := t.grow(); err != nil {
			return 0, err
		}
	}
	last := len(t.free) - 1
	ref := t.free[last]
	t.free = t.free[:last]
	return ref, nil
}

// grow adds a frame to the table. t.mu is held.
func (t *Table) grow() error {
	limit, err := t.frames.Limit()
	if err != nil {
		return err
	}
	n := len(t.entries)
	if n >= limit {
		return ErrFull
	}
	mem, err := t.frames.Map(n)
	if err != nil {
		return err
	}
	t.entries = append(t.entries, (*[perFrame]abi.GrantEntryV1)(unsafe.Pointer(&mem[:abi.PageSize][0])))
	first, end := n*int(perFrame), (n+1)*int(perFrame)
	first = max(first, abi.GnttabReservedEntries)
	for ref := end - 1; ref >= first; ref-- {
		t.free = append(t.free, hv.GrantRef(ref))
	}
	return nil
}

// entry returns the two halves of an entry: flags and, above them, the domain;
// and the frame. Xen changes the flags with a compare-and-swap of 16 or 32
// bits, so one of 32 here excludes it from both.
func (t *Table) entry(ref hv.GrantRef) (head, frame *uint32) {
	e := &t.entries[int(ref)/int(perFrame)][int(ref)%int(perFrame)]
	return (*uint32)(unsafe.Pointer(&e.Flags)), &e.Frame
}

// Revoke takes a grant back. It returns ErrInUse, and the grant stays, while
// the other domain has the page mapped.
func (t *Table) Revoke(ref hv.GrantRef) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.revoke(ref)
}

func (t *Table) revoke(ref hv.GrantRef) error {
	if ref < abi.GnttabReservedEntries || int(ref) >= len(t.entries)*int(perFrame) {
		return ErrNotGranted
	}
	head, _ := t.entry(ref)
	for {
		old := atomic.LoadUint32(head)
		switch {
		case old&abi.GTFTypeMask == abi.GTFInvalid:
			return ErrNotGranted
		case old&(abi.GTFReading|abi.GTFWriting) != 0:
			return ErrInUse
		}
		if atomic.CompareAndSwapUint32(head, old, 0) {
			t.free = append(t.free, ref)
			return nil
		}
	}
}

// Release takes a grant back and frees its page, later if it is still in use.
func (t *Table) Release(ref hv.GrantRef, page []byte) {
	t.ReleaseAll([]hv.GrantRef{ref}, page)
}

// ReleaseAll takes the grants of the pages in mem back, and frees mem when all
// have ended. It keeps refs.
func (t *Table) ReleaseAll(refs []hv.GrantRef, mem []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if refs = t.end(refs, mem); len(refs) == 0 {
		return
	}
	t.deferred = append(t.deferred, deferred{refs, mem})
	if !t.reaping {
		t.reaping = true
		go t.reap()
	}
}

// end ends the grants it can, frees mem if those were all, and returns the
// grants that are in use. t.mu is held.
func (t *Table) end(refs []hv.GrantRef, mem []byte) (used []hv.GrantRef) {
	used, lost := refs[:0], false
	for _, ref := range refs {
		switch t.revoke(ref) {
		case nil:
		case ErrInUse:
			used = append(used, ref)
		default:
			// A reference that is not of a grant belongs to nobody, and there is
			// no telling who can see the page. It is lost rather than reused.
			lost = true
		}
	}
	switch {
	case lost:
		return nil
	case len(used) == 0:
		t.pages.FreePages(mem)
	}
	return used
}

// Times between attempts to end deferred grants, in nanoseconds.
const (
	reapFirst = 1e9
	reapLast  = 64e9
)

// reap tries again and again, ever more seldom, until no page is deferred.
func (t *Table) reap() {
	for wait := int64(reapFirst); ; wait = min(2*wait, reapLast) {
		t.clock.Sleep(wait)
		if t.retry() {
			return
		}
	}
}

// retry ends the deferred grants it can and reports whether none is left, in
// which case the caller's goroutine is to end.
func (t *Table) retry() (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.deferred[:0]
	for _, d := range t.deferred {
		if d.refs = t.end(d.refs, d.mem); len(d.refs) > 0 {
			kept = append(kept, d)
		}
	}
	clear(t.deferred[len(kept):])
	t.deferred = kept
	t.reaping = len(kept) > 0
	return !t.reaping
}

// Deferred returns how many pages wait to be let go by other domains.
func (t *Table) Deferred() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, d := range t.deferred {
		n += len(d.mem) / abi.PageSize
	}
	return n
}
