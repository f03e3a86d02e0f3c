// Gc keeps the garbage collector busy for a while, with a live heap that changes
// all the time and whose contents it checks.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

func main() {
	duration := flag.Duration("for", 5*time.Second, "how long")
	live := flag.Int("live", 16, "MB of live heap")
	flag.Parse()

	h := newHeap(*live << 20)
	end := time.Now().Add(*duration)
	for time.Now().Before(end) {
		for range 100 {
			if err := h.replace(); err != nil {
				fmt.Println("verdict: FAIL", err)
				os.Exit(1)
			}
		}
	}
	if err := h.check(); err != nil {
		fmt.Println("verdict: FAIL", err)
		os.Exit(1)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("gc: %d collections, %d MB allocated, %d MB live, %d MB from the system, longest pause %v\n",
		m.NumGC, m.TotalAlloc>>20, m.HeapAlloc>>20, m.Sys>>20, longest(&m))
	if m.NumGC < 2 {
		fmt.Println("verdict: FAIL the collector had nothing to do")
		os.Exit(1)
	}
	fmt.Println("verdict: ok")
}

func longest(m *runtime.MemStats) time.Duration {
	var d uint64
	for _, p := range m.PauseNs {
		d = max(d, p)
	}
	return time.Duration(d)
}
