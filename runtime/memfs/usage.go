package memfs

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// A usage is the memory of a file system, and how much it may be. Pages that programs have mapped are taken when they
// are touched, of which nobody hears: they are counted when that may matter. So it is those who write that are refused
// more than the limit, and those who map that may exceed it.
type usage struct {
	limit atomic.Int64 // 0: half of the memory
	used  atomic.Int64 // bytes of contents, inodes and names, but for areas

	mu     sync.Mutex   // the innermost lock
	areas  *area        // linked by link
	mapped atomic.Int64 // bytes of areas, touched or not
	margin int64        // bytes that may be used before areas are counted again
}

// SetLimit sets how many bytes of memory the files may take.
func (u *usage) SetLimit(n int64) { u.limit.Store(n) }

func (u *usage) limitBytes() int64 {
	if n := u.limit.Load(); n != 0 {
		return n
	}
	n := int64(kernel.MemTotal() / 2)
	u.limit.CompareAndSwap(0, n)
	return n
}

// charge accounts for n more bytes, less if n is negative. ENOSPC if they are too many.
func (u *usage) charge(n int64) calls.Errno {
	if used := u.used.Add(n); n > 0 && !u.fits(used, n) {
		u.used.Add(-n)
		return calls.ENOSPC
	}
	return 0
}

// room returns ENOSPC if there is none for n more bytes.
func (u *usage) room(n int) calls.Errno {
	if !u.fits(u.used.Load()+int64(n), int64(n)) {
		return calls.ENOSPC
	}
	return 0
}

// fits reports whether the limit allows used bytes beside the areas' pages, n of which are new.
func (u *usage) fits(used, n int64) bool {
	limit := u.limitBytes()
	if used+u.mapped.Load() <= limit {
		return true
	}
	u.mu.Lock()
	if n > u.margin {
		// Half of what is left, for pages may be touched meanwhile.
		u.margin = (limit-used-u.touched())/2 + n
	}
	ok := n <= u.margin
	u.margin = max(0, u.margin-n)
	u.mu.Unlock()
	return ok
}

// total is the memory that is used now.
func (u *usage) total() int64 {
	u.mu.Lock()
	n := u.touched()
	u.mu.Unlock()
	return u.used.Load() + n
}

// touched is the memory of areas. The caller holds mu.
//
//go:noinline
func (u *usage) touched() int64 {
	n := int64(0)
	for a := u.areas; a != nil; a = a.link {
		n += a.touched()
	}
	return n * pageSize
}

func (u *usage) addArea(a *area) {
	u.mu.Lock()
	a.link, u.areas = u.areas, a
	u.mu.Unlock()
	u.mapped.Add(int64(len(a.mem)))
}

func (u *usage) removeArea(a *area) {
	u.mu.Lock()
	at := &u.areas
	for *at != a {
		at = &(*at).link
	}
	*at = a.link
	u.mu.Unlock()
	u.mapped.Add(-int64(len(a.mem)))
}
