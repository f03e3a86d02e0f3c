package speed

import "testing"

// BenchmarkSpin is a loop of three instructions, a thousand times: what it takes beyond
// 3000 is not the benchmarks' own.
func BenchmarkSpin(b *testing.B) {
	for b.Loop() {
		spin(1)
	}
}

// spin takes 3000 instructions, n times.
func spin(n int) {
	for i := range n * 1000 {
		_ = i
	}
}
