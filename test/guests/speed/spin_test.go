package speed

import "testing"

// BenchmarkSpin is a loop of three instructions, a thousand times: what it takes beyond
// 3000 is not the benchmarks' own.
func BenchmarkSpin(b *testing.B) {
	for b.Loop() {
		for i := range 1000 {
			_ = i
		}
	}
}
