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

// Workers are looked at every interval, and one may stand still for patience of
// these looks. They are counted rather than the time measured, for all the guest
// stands still if its host gives it no processor: then nobody looks either.
const (
	interval = 50 * time.Millisecond
	patience = 400
)

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
	for tick := time.Tick(interval); ; {
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
				tick = time.Tick(interval)
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
