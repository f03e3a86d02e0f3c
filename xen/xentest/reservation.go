package xentest

import (
	"sync"

	"internal/xengo/xen/hv"
)

// Reservation is the memory of a guest: frames, each with a machine frame or
// none behind it. It reports what Xen or the guest would come to harm by.
type Reservation struct {
	tb TB
	mu sync.Mutex

	frames  []frame // by PFN
	next    hv.Frame
	spare   int
	garbage int // frames that Reclaim makes free
	aims    []int
	gcs     int

	// Set by tests, under Do: how many frames Xen still gives and takes, and
	// Restore puts into use. Each call uses some up; negative: any number.
	Gives, Takes, Restores int
	// Fixed: the guest has no frames beyond those that it was made with.
	Fixed bool

	roomAsked bool
}

type frame struct {
	machine hv.Frame // 0: none
	state   frameState
}

type frameState uint8

const (
	frameUsed frameState = iota
	frameFree
	frameWithheld
)

// NewReservation returns the memory of a guest that has used frames in use and
// free ones behind them.
func NewReservation(tb TB, used, free int) *Reservation {
	r := &Reservation{tb: tb, next: 0x1000, Gives: -1, Takes: -1, Restores: -1}
	for i := range used + free {
		r.frames = append(r.frames, frame{machine: r.machine()})
		if i >= used {
			r.frames[i].state = frameFree
		}
	}
	return r
}

func (r *Reservation) machine() hv.Frame {
	r.next += 3
	return r.next
}

// Do calls f while nobody else looks at r.
func (r *Reservation) Do(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// Keep has the guest need n of the free frames.
func (r *Reservation) Keep(n int) { r.Do(func() { r.spare = n }) }

// Waste makes n frames in use garbage, which Reclaim frees.
func (r *Reservation) Waste(n int) { r.Do(func() { r.garbage += n }) }

// Count returns how many frames have memory, how many of those are in use,
// free, or withheld.
func (r *Reservation) Count() (have, used, free, withheld int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count()
}

func (r *Reservation) count() (have, used, free, withheld int) {
	for _, f := range r.frames {
		switch {
		case f.machine == 0:
			continue
		case f.state == frameFree:
			free++
		case f.state == frameWithheld:
			withheld++
		default:
			used++
		}
		have++
	}
	return
}

// Aimed returns what Aim was last told, and Reclaims how often Reclaim was called.
func (r *Reservation) Aimed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.aims) == 0 {
		return -1
	}
	return r.aims[len(r.aims)-1]
}

// Reclaims returns how often Reclaim was called.
func (r *Reservation) Reclaims() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gcs
}

// Pages implements hv.Reservation.
func (r *Reservation) Pages() (have, spare int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have, _, free, _ := r.count()
	return have, free - r.spare
}

// Withhold implements hv.Reservation.
func (r *Reservation) Withhold(pfns []hv.PFN, frames []hv.Frame) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(pfns) != len(frames) {
		r.tb.Errorf("xentest: Withhold of %d and %d frames", len(pfns), len(frames))
	}
	n := 0
	for i := len(r.frames) - 1; i >= 0 && n < len(pfns); i-- {
		if f := &r.frames[i]; f.machine != 0 && f.state == frameFree {
			f.state = frameWithheld
			pfns[n], frames[n] = hv.PFN(i), f.machine
			n++
		}
	}
	return n
}

// Restore implements hv.Reservation.
func (r *Reservation) Restore(pfns []hv.PFN, frames []hv.Frame) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := take(&r.Restores, len(pfns))
	for i, p := range pfns[:n] {
		f := &r.frames[p]
		if f.machine == 0 || f.machine != frames[i] || f.state != frameWithheld {
			r.tb.Errorf("xentest: frame %d is restored with %#x and is %+v", p, frames[i], *f)
		}
		f.state = frameFree
	}
	return n
}

// take returns how many of n the limit allows, and what remains of it.
func take(limit *int, n int) int {
	if *limit < 0 {
		return n
	}
	n = min(n, *limit)
	*limit -= n
	return n
}

// Decrease implements hv.Reservation.
func (r *Reservation) Decrease(frames []hv.Frame) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := take(&r.Takes, len(frames))
	for _, m := range frames[:n] {
		found := false
		for i := range r.frames {
			if f := &r.frames[i]; f.machine == m && m != 0 {
				found = true
				if f.state != frameWithheld {
					r.tb.Errorf("xentest: frame %d is given to Xen while in state %d", i, f.state)
				}
				f.machine = 0
			}
		}
		if !found {
			r.tb.Errorf("xentest: the guest does not have machine frame %#x", m)
		}
	}
	if n < len(frames) {
		return n, hv.EINVAL
	}
	return n, nil
}

// Populate implements hv.Reservation.
func (r *Reservation) Populate(frames []hv.Frame) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := take(&r.Gives, len(frames))
	for i, p := range frames[:n] {
		for int(p) >= len(r.frames) {
			r.frames = append(r.frames, frame{})
		}
		f := &r.frames[p]
		if f.machine != 0 {
			r.tb.Errorf("xentest: frame %d has memory already", p)
		}
		*f = frame{r.machine(), frameWithheld}
		frames[i] = f.machine
	}
	if n < len(frames) {
		return n, hv.ENOMEM
	}
	return n, nil
}

// Room implements hv.Reservation.
func (r *Reservation) Room(static int) (first, end hv.PFN) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.roomAsked {
		r.tb.Errorf("xentest: asked for room twice")
	}
	r.roomAsked = true
	first = hv.PFN(len(r.frames))
	if r.Fixed {
		return first, first
	}
	return first, max(first, hv.PFN(static))
}

// Aim implements hv.Reservation.
func (r *Reservation) Aim(pages int) {
	r.Do(func() { r.aims = append(r.aims, pages) })
}

// Reclaim implements hv.Reservation.
func (r *Reservation) Reclaim() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gcs++
	for i := range r.frames {
		if f := &r.frames[i]; r.garbage > 0 && f.machine != 0 && f.state == frameUsed {
			f.state = frameFree
			r.garbage--
		}
	}
}

var _ hv.Reservation = (*Reservation)(nil)
