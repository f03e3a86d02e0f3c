// Package pvclock computes with the parameters of Xen's paravirtual clock
// (public/xen.h, struct vcpu_time_info).
package pvclock

// Scale turns a difference of time stamp counters into nanoseconds:
//
//	((delta << shift) * mul) >> 32
//
// with a product of 96 bits, where a negative shift is one to the right.
// Package runtime calls it where no stack may grow: it is a leaf.
//
//go:nosplit
func Scale(delta uint64, mul uint32, shift int8) uint64 {
	if shift >= 0 {
		delta <<= uint8(shift) & 63
	} else {
		delta >>= uint8(-shift) & 63
	}
	m := uint64(mul)
	return delta>>32*m + delta&0xffffffff*m>>32
}
