package bed

import (
	"time"

	"internal/xengo/toolchain/bed/mux"
)

// heartbeat is how often dom0 has an interrupt at least.
const heartbeat = 250 * time.Millisecond

// beat has the agent's port interrupt dom0, and with it the first processor, for
// as long as the session lasts.
//
// QEMU's SVM loses interrupts: at a #VMEXIT it takes one bit out of a set of
// flags, not atomically (do_vmexit in target/i386/tcg/sysemu/svm_helper.c, 7.2),
// and a flag that another of its threads sets meanwhile, "ask the local APIC", is
// gone. What the APIC has in store is seen when it is next asked. If it was a
// processor's timer, all timers of Xen on that processor wait for some other
// interrupt. Xen's calibration interrupts all of them every second, but begins
// with a timer of the first one, which may get no interrupt for minutes while a
// guest computes there.
func beat(s *mux.Session) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if s.Ping() != nil {
				return
			}
		case <-s.Done():
			return
		}
	}
}
