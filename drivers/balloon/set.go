package balloon

import "internal/xengo/xen/hv"

// set is a set of frames: those without memory. Frames come and go one by one
// and in any order, so it is a bit for each number.
type set struct {
	words []uint64
	n     int
	next  int // no word before has a bit
}

func (s *set) add(p hv.PFN) {
	w, bit := int(p/64), uint64(1)<<(p%64)
	if w >= len(s.words) {
		s.words = append(s.words, make([]uint64, w+1-len(s.words))...)
	}
	if s.words[w]&bit == 0 {
		s.words[w] |= bit
		s.n++
		s.next = min(s.next, w)
	}
}

func (s *set) remove(p hv.PFN) {
	w, bit := int(p/64), uint64(1)<<(p%64)
	if w < len(s.words) && s.words[w]&bit != 0 {
		s.words[w] &^= bit
		s.n--
	}
}

// first fills pfns with the lowest numbers in the set and returns how many
// there were.
func (s *set) first(pfns []hv.PFN) int {
	n := 0
	for s.next < len(s.words) && s.words[s.next] == 0 {
		s.next++
	}
	for w := s.next; w < len(s.words); w++ {
		for bits, bit := s.words[w], 0; bits != 0; bits, bit = bits>>1, bit+1 {
			if bits&1 == 0 {
				continue
			}
			if n == len(pfns) {
				return n
			}
			pfns[n] = hv.PFN(w*64 + bit)
			n++
		}
	}
	return n
}
