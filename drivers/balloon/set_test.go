package balloon

import (
	"math/rand/v2"
	"slices"
	"testing"

	"internal/xengo/xen/hv"
)

// TestSet does to a set and to a map the same.
func TestSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s set
	model := map[hv.PFN]bool{}
	for range 20000 {
		p := hv.PFN(r.IntN(500))
		switch r.IntN(5) {
		case 0, 1:
			s.add(p)
			model[p] = true
		case 2, 3:
			s.remove(p)
			delete(model, p)
		default:
			var want []hv.PFN
			for p := range model {
				want = append(want, p)
			}
			slices.Sort(want)
			got := make([]hv.PFN, r.IntN(600))
			n := s.first(got)
			if want = want[:min(len(want), len(got))]; !slices.Equal(got[:n], want) {
				t.Fatalf("the first %d are %v, want %v", len(got), got[:n], want)
			}
		}
		if s.n != len(model) {
			t.Fatalf("%d in the set, want %d", s.n, len(model))
		}
	}
}
