// Hotplug works hard in many ways at once and says how many processors Go uses,
// whenever that changes. Lines on standard input steer it:
//
//	rest	the work stops: "hotplug: resting"
//	work	it goes on: "hotplug: working"
//	quit	the verdict
//
// It fails if a worker computes something wrong or makes no progress.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"time"
)

// patience is how long a worker may stand still. Machines of tests are slow.
const patience = 20 * time.Second

func main() {
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		close(lines)
	}()
	all := startAll()
	fmt.Println("hotplug: ready, cpus", runtime.NumCPU())
	procs := 0
	for tick := time.Tick(50 * time.Millisecond); ; {
		select {
		case <-tick:
		case line, ok := <-lines:
			switch {
			case line == "rest":
				all.rest()
				fmt.Println("hotplug: resting")
				tick = nil
			case line == "work":
				all.work()
				fmt.Println("hotplug: working")
				procs = 0
				tick = time.Tick(50 * time.Millisecond)
			case line == "quit" || !ok:
				all.work()
				all.verdict()
			}
			continue
		}
		if n := runtime.GOMAXPROCS(0); n != procs {
			procs = n
			fmt.Println("hotplug: procs", n)
		}
		all.check()
	}
}
