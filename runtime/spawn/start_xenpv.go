//go:build xenpv

package spawn

import (
	"internal/xengo/drivers/hostpipe"
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/domain"
	"internal/xengo/xen/hv"
)

func init() {
	folder, in, out, ok := parse(kernel.Option("spawn"))
	if !ok {
		return
	}
	pipe, err := hostpipe.Open(domain.Platform(), domain.Store())
	if err != nil {
		hv.Print("xengo: spawn: " + err.Error())
		return
	}
	c := newClient(pipe, folder, hv.HoldEvent, hv.Print)
	if in {
		if err := c.own.install(out); err != 0 {
			hv.Print("xengo: spawn: " + err.Error())
		}
		c.tree.adopt()
		kernel.BeforeExit(c.bring)
	}
	c.register()
	go c.run()
}
