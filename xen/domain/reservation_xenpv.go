//go:build xenpv

package domain

import "internal/xengo/xen/hv"

// Machine is this domain as its balloon sees it.
type Machine interface {
	hv.Reservation
	hv.Clock
}

func (platform) Pages() (have, spare int) { return hv.Pages() }

func (platform) Withhold(pfns []hv.PFN, frames []hv.Frame) int { return hv.Withhold(pfns, frames) }

func (platform) Restore(pfns []hv.PFN, frames []hv.Frame) int { return hv.Restore(pfns, frames) }

func (platform) Decrease(frames []hv.Frame) (int, error) {
	return all(hv.DecreaseReservation, frames)
}

func (platform) Populate(frames []hv.Frame) (int, error) { return all(hv.PopulatePhysmap, frames) }

// all makes it an error that Xen has done less than was asked for, which it does
// not say otherwise.
func all(change func([]hv.Frame) (int, error), frames []hv.Frame) (int, error) {
	n, err := change(frames)
	if err == nil && n < len(frames) {
		err = hv.ENOMEM
	}
	return n, err
}

func (platform) Room(static int) (first, end hv.PFN) { return hv.Room(static) }

func (platform) Aim(pages int) { hv.Aim(pages) }

func (platform) Reclaim() { hv.Reclaim() }

// Reservation returns the machine's memory.
func Reservation() Machine { return thePlatform() }
