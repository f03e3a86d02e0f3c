package hv

// A PFN is the number of one of the guest's own page frames. It stays the same
// whatever memory of the machine is behind the frame, and when there is none.
type PFN uint64

// Reservation is the memory that the guest has of Xen, as a balloon changes it.
// A frame is in one of three states: used or free, with memory; withheld, with
// memory but out of use; and without memory.
type Reservation interface {
	// Pages returns how many frames have memory, and how many of them the
	// program can do without: of those that are free some are left to it.
	Pages() (have, spare int)

	// Withhold takes free frames out of use, as many as pfns has room for and
	// there are, and returns how many. It fills in their numbers in pfns and,
	// as Xen's interfaces want them, in frames, which has the same length.
	// Nothing of the guest is in them any more.
	Withhold(pfns []PFN, frames []Frame) int

	// Restore puts frames that are withheld into use, and returns how many it
	// could from the beginning of the lists: those in use may need memory for
	// page tables.
	Restore(pfns []PFN, frames []Frame) int

	// Decrease gives the memory behind frames that are withheld to Xen. It
	// returns how many of them, from the beginning of the list, have none any
	// more, and an error if those are not all.
	Decrease(frames []Frame) (int, error)

	// Populate gets memory of Xen for frames without. The list has their
	// PFNs, and afterwards their numbers as Xen's interfaces want them. It
	// returns how many frames, from the beginning of the list, have memory and
	// are withheld now, and an error if those are not all.
	Populate(frames []Frame) (int, error)

	// Room returns the frames, from first to before end, that have no memory
	// in a guest that may have static pages at most. It is called once.
	Room(static int) (first, end PFN)

	// Aim says how many pages with memory there will be. The default of
	// GOMEMLIMIT follows, as far as what the program has in use permits.
	Aim(pages int)

	// Reclaim makes free what the program does not use any more. It may take
	// long.
	Reclaim()
}
