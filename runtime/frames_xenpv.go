//go:build xenpv

package runtime

import "unsafe"

// xenFrames are the guest's page frames: those never used yet, as ranges, so
// that nothing at boot has to touch each of them, and those given back, as a
// list linked through their first words. Guarded by xenVM.lock once threads
// run.
//
// A frame handed out is mapped in the identity map; its contents are
// arbitrary.
var xenFrames struct {
	fresh     [32]xenFrameRange
	nfresh    int
	free      uintptr // identity address of the first frame of the list
	nfree     uintptr // frames in list and ranges
	total     uintptr // frames the domain has, the image's among them
	extending bool
}

type xenFrameRange struct{ next, end xenPFN }

// xenFrameMargin is how many mapped frames xenExtendIdentity may need.
const xenFrameMargin = 4

// xenFrameAlloc returns a frame, or 0 if there is none.
func xenFrameAlloc() xenPFN {
	f := &xenFrames
	if p := f.free; p != 0 {
		f.free = *(*uintptr)(unsafe.Pointer(p))
		f.nfree--
		return xenPFN(p >> xenPageShift)
	}
	for f.nfresh > 0 {
		r := &f.fresh[f.nfresh-1]
		if r.next == r.end {
			f.nfresh--
			continue
		}
		if xenIsPV && !f.extending && r.next+xenFrameMargin >= xenPaging.idEnd {
			f.extending = true
			xenExtendIdentity()
			f.extending = false
		}
		if xenIsPV && r.next >= xenPaging.idEnd {
			return 0
		}
		p := r.next
		r.next++
		f.nfree--
		return p
	}
	return 0
}

// xenFrameFree gives back a frame that nothing maps any more but the identity
// map, and no other domain.
func xenFrameFree(p xenPFN) {
	f := &xenFrames
	*(*uintptr)(unsafe.Pointer(p.va())) = f.free
	f.free = p.va()
	f.nfree++
}

// xenFramesAdd makes the frames from start to end available. The last range
// added is used first.
func xenFramesAdd(start, end xenPFN) {
	f := &xenFrames
	if start >= end {
		return
	}
	if f.nfresh == len(f.fresh) {
		xenPuts("xengo: more than 32 ranges of memory, the rest is not used\n")
		return
	}
	f.fresh[f.nfresh] = xenFrameRange{start, end}
	f.nfresh++
	f.nfree += uintptr(end - start)
}

// xenFramesReserve takes the frames from start to end out of the ranges. Only
// before the first frame is handed out.
func xenFramesReserve(start, end xenPFN) {
	f := &xenFrames
	for i := 0; i < f.nfresh; i++ {
		r := f.fresh[i]
		s, e := max(r.next, start), min(r.end, end)
		if s >= e {
			continue
		}
		f.nfree -= uintptr(r.end - r.next)
		f.fresh[i] = f.fresh[f.nfresh-1]
		f.nfresh--
		xenFramesAdd(r.next, s)
		xenFramesAdd(e, r.end)
		i = -1 // the ranges moved
	}
}
