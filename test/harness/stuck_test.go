package harness

import "testing"

func TestTripleFault(t *testing.T) {
	const log = "(XEN) d12v3 Triple fault - invoking HVM shutdown action 1\n(XEN) *** Dumping Dom12 vcpu#3 state: ***\n"
	for domid, want := range map[int]bool{12: true, 1: false, 2: false, 123: false} {
		if got := tripleFault(log, domid); got != want {
			t.Errorf("of domain %d: %v", domid, got)
		}
	}
}
