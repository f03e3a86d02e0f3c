//go:build xenpv

package balloon

import (
	"internal/xengo/xen/domain"
	"internal/xengo/xen/hv"
)

// guest is the guest itself.
type guest struct {
	hv.Reservation
	hv.Clock
}

func init() { go serve() }

func serve() {
	if err := Serve(domain.Store(), guest{domain.Reservation(), domain.Platform()}); err != nil {
		hv.Print("xengo: memory stays as it is: " + err.Error())
	}
}
