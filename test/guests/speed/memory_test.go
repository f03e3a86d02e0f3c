package speed

import (
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
)

// tree is garbage with pointers.
type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

func (t *tree) count() int {
	if t == nil {
		return 0
	}
	return 1 + t.left.count() + t.right.count()
}

// BenchmarkTrees collects much: short trees beside one that stays.
func BenchmarkTrees(b *testing.B) {
	stays := grow(14)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if grow(10).count() != 2047 {
				b.Error("lost a leaf")
			}
		}
	})
	runtime.KeepAlive(stays)
}

var sink []byte

func BenchmarkAllocate64K(b *testing.B) {
	for b.Loop() {
		sink = make([]byte, 64<<10)
	}
}

// BenchmarkAllocate8M allocates beyond what the heap keeps at hand.
func BenchmarkAllocate8M(b *testing.B) {
	for b.Loop() {
		sink = make([]byte, 8<<20)
	}
}

// BenchmarkGiveBack takes 8 MiB from the system and gives them back.
func BenchmarkGiveBack(b *testing.B) {
	for b.Loop() {
		sink = make([]byte, 8<<20)
		sink = nil
		debug.FreeOSMemory()
	}
}

func BenchmarkCollect(b *testing.B) {
	stays := grow(14)
	for b.Loop() {
		runtime.GC()
	}
	runtime.KeepAlive(stays)
}

// BenchmarkSieve is a chain of goroutines that pass numbers on, to the 50th prime.
func BenchmarkSieve(b *testing.B) {
	for b.Loop() {
		sieve(50)
	}
}

func sieve(n int) {
	stop := make(chan bool)
	defer close(stop)
	var wg sync.WaitGroup
	numbers := make(chan int)
	wg.Go(func() {
		for i := 2; ; i++ {
			select {
			case numbers <- i:
			case <-stop:
				return
			}
		}
	})
	for range n {
		prime := <-numbers
		rest := make(chan int)
		from := numbers
		wg.Go(func() {
			for {
				select {
				case i := <-from:
					if i%prime == 0 {
						continue
					}
					select {
					case rest <- i:
					case <-stop:
						return
					}
				case <-stop:
					return
				}
			}
		})
		numbers = rest
	}
}

// BenchmarkWorkers has 64 goroutines that take work from one channel.
func BenchmarkWorkers(b *testing.B) {
	work, done := make(chan int, 16), make(chan int)
	for range 64 {
		go func() {
			sum := 0
			for n := range work {
				for i := range 200 {
					sum += n ^ i
				}
			}
			done <- sum
		}()
	}
	for b.Loop() {
		work <- 1
	}
	close(work)
	for range 64 {
		<-done
	}
}
