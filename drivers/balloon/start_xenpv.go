//go:build xenpv

package balloon

import (
	"internal/xengo/xen/domain"
	"internal/xengo/xen/hv"
)

func init() { go serve() }

func serve() {
	if err := Serve(domain.Store(), domain.Reservation()); err != nil {
		hv.Print("xengo: memory stays as it is: " + err.Error())
	}
}
