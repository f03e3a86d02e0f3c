package speed

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func BenchmarkGoroutineSwitch(b *testing.B) {
	done := make(chan bool)
	go func() {
		for range b.N {
			runtime.Gosched()
		}
		done <- true
	}()
	for range b.N {
		runtime.Gosched()
	}
	<-done
}

// pingPong sends b.N times to another goroutine, which sends back; thread has
// each of the two on a thread of its own.
func pingPong(b *testing.B, thread bool) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		if thread {
			runtime.LockOSThread()
		}
		for n := range ping {
			pong <- n
		}
		close(pong)
	}()
	if thread {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	for b.Loop() {
		ping <- 1
		<-pong
	}
	close(ping)
	<-pong
}

func BenchmarkChannelRoundTrip(b *testing.B) { pingPong(b, false) }

func BenchmarkThreadRoundTrip(b *testing.B) { pingPong(b, true) }

func BenchmarkSpawn(b *testing.B) {
	var wg sync.WaitGroup
	for b.Loop() {
		wg.Go(func() {})
		wg.Wait()
	}
}

// BenchmarkThreadSpawn starts a thread and ends it.
func BenchmarkThreadSpawn(b *testing.B) {
	done := make(chan bool)
	for b.Loop() {
		go func() {
			runtime.LockOSThread() // and no unlock: the thread ends with the goroutine
			done <- true
		}()
		<-done
	}
}

// BenchmarkMutexHandoff has goroutines that give a mutex to one another.
func BenchmarkMutexHandoff(b *testing.B) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range b.N / 4 {
				mu.Lock()
				runtime.Gosched()
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func BenchmarkTimerReset(b *testing.B) {
	t := time.NewTimer(time.Hour)
	for b.Loop() {
		t.Reset(time.Hour)
	}
	t.Stop()
}

func BenchmarkTimerFires(b *testing.B) {
	for b.Loop() {
		<-time.After(0)
	}
}

// BenchmarkStopTheWorld does so after 30,000 instructions of work: what the end of one stop
// has woken is in the way of the next, where it has not run yet.
func BenchmarkStopTheWorld(b *testing.B) {
	var stats runtime.MemStats
	for b.Loop() {
		runtime.ReadMemStats(&stats)
		spin(10)
	}
}

// BenchmarkQueueTimeout hands items to a goroutine that queues them and waits for
// each with a timeout, as servers do: all timers are still there at the end.
func BenchmarkQueueTimeout(b *testing.B) {
	in, out := make(chan int), make(chan int)
	go func() {
		defer close(out)
		var q []int
		for {
			var to chan<- int
			var first int
			if len(q) > 0 {
				to, first = out, q[0]
			}
			select {
			case to <- first:
				q = q[1:]
			case n, ok := <-in:
				if !ok {
					return
				}
				q = append(q, n)
			}
		}
	}()
	for b.Loop() {
		const batch = 20
		for n := range batch {
			in <- n
		}
		for range batch {
			select {
			case <-out:
			case <-time.After(5 * time.Second):
				b.Fatal("nothing came")
			}
		}
	}
	close(in)
	<-out
}

// BenchmarkSleep reports how late a sleeper is.
func BenchmarkSleep(b *testing.B) {
	const nap = 100 * time.Microsecond
	for b.Loop() {
		time.Sleep(nap)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)-float64(nap), "ns/op")
}

func BenchmarkTimeNow(b *testing.B) {
	for b.Loop() {
		time.Now()
	}
}

func BenchmarkGetppid(b *testing.B) {
	for b.Loop() {
		unix.Getppid()
	}
}
