//go:build xenpv

package disks

import (
	"internal/xengo/drivers/blkfront"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/domain"
	"internal/xengo/xen/hv"
)

// settleTime is how long somebody who looks for a disk waits for those that the domain has from the start, in
// nanoseconds: as long as a handshake may take.
const settleTime = 60e9

// init looks for disks beside the program's own initialization. Until those are there that the domain was started with,
// whoever wants to know of one waits.
func init() {
	s := &domains
	s.print = hv.Print
	settled := make(chan struct{})
	late := make(chan struct{})
	stop := kernel.After(settleTime, func() { close(late) })
	wait := func() {
		select {
		case <-settled:
		case <-late:
		}
	}
	s.wait = wait
	files.AwaitDevices(func(name string) {
		if name == "" || ascii.HasPrefix(name, "xvd") {
			wait()
		}
	})
	files.RegisterProc("partitions", func() []byte { wait(); return s.partitions() })
	files.RegisterProc("diskstats", func() []byte { wait(); return s.statistics() })
	go func() {
		_, err := blkfront.Probe(domain.Platform(), domain.Store(), blkfront.Options{Queues: int(kernel.NCPU())}, s)
		if err != nil {
			hv.Print("xengo: looking for disks: " + err.Error())
		}
		stop()
		files.AwaitDevices(nil)
		close(settled)
	}()
}
