//go:build xenpv

package domain

import "internal/xengo/xen/hv"

// reservation is this domain's memory.
type reservation struct{}

var _ hv.Reservation = reservation{}

func (reservation) Pages() (have, spare int) { return hv.Pages() }

func (reservation) Withhold(pfns []hv.PFN, frames []hv.Frame) int { return hv.Withhold(pfns, frames) }

func (reservation) Restore(pfns []hv.PFN, frames []hv.Frame) int { return hv.Restore(pfns, frames) }

func (reservation) Decrease(frames []hv.Frame) (int, error) {
	return all(hv.DecreaseReservation, frames)
}

func (reservation) Populate(frames []hv.Frame) (int, error) { return all(hv.PopulatePhysmap, frames) }

// all makes it an error that Xen has done less than was asked for, which it does
// not say otherwise.
func all(change func([]hv.Frame) (int, error), frames []hv.Frame) (int, error) {
	n, err := change(frames)
	if err == nil && n < len(frames) {
		err = hv.ENOMEM
	}
	return n, err
}

func (reservation) Room(static int) (first, end hv.PFN) { return hv.Room(static) }

func (reservation) Aim(pages int) { hv.Aim(pages) }

func (reservation) Reclaim() { hv.Reclaim() }

// Reservation returns this domain's memory.
func Reservation() hv.Reservation { return reservation{} }
