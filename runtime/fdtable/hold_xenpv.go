//go:build xenpv

package fdtable

import "internal/xengo/xen/hv"

// hold adds to the number of goroutines that wait for something an event may bring about.
func hold(delta int) { hv.HoldEvent(delta) }
