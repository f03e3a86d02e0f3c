// Package balloon follows the toolstack's wishes for the domain's memory (`xl
// mem-set`): it gives free frames to Xen, and gets memory for them again
// (docs/misc/xenstore-paths.pandoc, ~/memory/target and ~/memory/static-max;
// XENMEM_decrease_reservation and XENMEM_populate_physmap in public/memory.h).
//
// What the program needs stays with it. If not enough is free the program gets a
// lower GOMEMLIMIT and its garbage is collected; if that is not enough, what is
// missing is tried again from time to time.
package balloon

import (
	"errors"

	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
)

// Machine is what a balloon needs.
type Machine interface {
	hv.Reservation
	hv.Clock
}

const (
	pageKiB = hv.PageSize >> 10

	// batch is how many frames are dealt with at once.
	batch = 256

	// How long what could not be had is left alone: as Linux
	// (drivers/xen/balloon.c), longer every time.
	minDelay = 1e9  // ns
	maxDelay = 32e9 // ns
)

// Balloon is the balloon of a guest.
type Balloon struct {
	m       Machine
	xs      *xenstore.Client
	started bool
	offset  int                        // pages that the guest has but static-max does not count, or the reverse
	max     int                        // pages that the guest can have
	out     set                        // frames without memory
	fresh   struct{ next, end hv.PFN } // others, which never had any

	goal  int // pages
	delay int64
	again chan struct{} // it is time to try again
	slept bool          // that is under way

	pfns   [batch]hv.PFN
	frames [batch]hv.Frame
}

// Serve follows memory/target until xenstore fails. A domain without the nodes
// keeps what it has.
func Serve(xs *xenstore.Client, m Machine) error {
	b := &Balloon{m: m, xs: xs, again: make(chan struct{}, 1)}
	w, err := xs.Watch("memory/target")
	if err != nil {
		return err
	}
	for {
		select {
		case _, ok := <-w.C:
			if !ok {
				return nil
			}
			w.Events()
			if err := b.read(); err != nil {
				w.Close() // err says what is wrong
				return err
			}
		case <-b.again:
			b.slept = false
		}
		if b.started && !b.step() {
			b.later()
		}
	}
}

// read learns the goal.
func (b *Balloon) read() error {
	if !b.started {
		static, ok, err := b.node("memory/static-max")
		if !ok {
			return err
		}
		b.start(static)
	}
	target, ok, err := b.node("memory/target")
	if !ok {
		return err
	}
	if goal := min(target+b.offset, b.max); goal != b.goal {
		b.goal, b.delay = goal, 0
	}
	return nil
}

// node reads a number of KiB and returns it in pages. There is none if the node
// does not exist, or holds something else: the toolstack may yet write it.
func (b *Balloon) node(path string) (pages int, ok bool, err error) {
	s, err := b.xs.Read(path)
	if errors.Is(err, hv.ENOENT) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	// Shifted right it fits an int.
	kib, ok := ascii.ParseUint(s, 1<<62)
	return int(kib / pageKiB), ok, nil
}

// start takes stock, in a guest that may have static pages. What it can have may
// differ by what the toolstack counts for devices that are not there: as in
// Linux, the difference stays.
func (b *Balloon) start(static int) {
	have, _ := b.m.Pages()
	b.fresh.next, b.fresh.end = b.m.Room(static)
	b.max = have + int(b.fresh.end-b.fresh.next)
	b.offset = b.max - static
	b.goal = have
	b.started = true
}

// step brings the guest nearer to the goal. It reports whether it is there.
func (b *Balloon) step() bool {
	b.m.Aim(b.goal)
	defer b.m.Aim(b.goal)
	have, _ := b.m.Pages()
	if have > b.goal {
		return b.shrink()
	}
	return b.grow()
}

// shrink gives frames to Xen. Once it has none left to give, the program is
// asked to free some.
func (b *Balloon) shrink() bool {
	for asked := false; ; {
		have, spare := b.m.Pages()
		if have <= b.goal {
			return true
		}
		n := min(have-b.goal, spare, batch)
		if n > 0 {
			n = b.m.Withhold(b.pfns[:n], b.frames[:n])
		}
		switch {
		case n > 0:
			if !b.give(n) {
				return false
			}
		case asked:
			return false
		default:
			b.m.Reclaim()
			asked = true
		}
	}
}

// give gives the first n frames of the lists to Xen. What Xen does not take goes
// back into use.
func (b *Balloon) give(n int) bool {
	done, err := b.m.Decrease(b.frames[:n])
	for _, p := range b.pfns[:done] {
		b.out.add(p)
	}
	if done < n {
		// They were in use before, so there are page tables for them.
		b.m.Restore(b.pfns[done:n], b.frames[done:n])
	}
	return err == nil
}

// grow gets memory of Xen for frames that have none.
func (b *Balloon) grow() bool {
	for {
		have, _ := b.m.Pages()
		n := b.absent(min(b.goal-have, batch))
		if n <= 0 {
			return true
		}
		got, err := b.m.Populate(b.frames[:n])
		used := b.m.Restore(b.pfns[:got], b.frames[:got])
		for _, p := range b.pfns[:used] {
			b.out.remove(p)
		}
		if used < got {
			return b.putBack(used, got)
		}
		if err != nil {
			return false
		}
	}
}

// absent fills the lists with at most n frames that have no memory, and returns
// how many there are.
func (b *Balloon) absent(n int) int {
	if n <= 0 {
		return 0
	}
	for ; b.out.n < n && b.fresh.next < b.fresh.end; b.fresh.next++ {
		b.out.add(b.fresh.next)
	}
	n = b.out.first(b.pfns[:n])
	for i, p := range b.pfns[:n] {
		b.frames[i] = hv.Frame(p)
	}
	return n
}

// putBack gives the memory back that could not be put into use: the guest has
// none for its page tables. If Xen does not take it the frames are lost.
func (b *Balloon) putBack(from, to int) bool {
	done, _ := b.m.Decrease(b.frames[from:to])
	for _, p := range b.pfns[from+done : to] {
		b.out.remove(p)
	}
	return false
}

// later has another step made after a while.
func (b *Balloon) later() {
	if b.slept {
		return
	}
	b.slept = true
	b.delay = min(max(2*b.delay, minDelay), maxDelay)
	go func(ns int64) {
		b.m.Sleep(ns)
		b.again <- struct{}{}
	}(b.delay)
}
