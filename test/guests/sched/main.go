// Sched shows that goroutines, timers and clocks are what they should be.
package main

import (
	"os"

	"example.com/guests/verdict"
)

func main() {
	verdict.Exit([]verdict.Property{
		{Name: "recovered", Check: recovered},
		{Name: "spin", Check: spin},
		{Name: "spin-gc", Check: spinGC},
		{Name: "goroutines", Check: goroutines},
		{Name: "threads", Check: threads},
		{Name: "fair", Check: fair},
		{Name: "stacks", Check: stacks},
		{Name: "timers", Check: timers},
		{Name: "clocks", Check: clocks},
		{Name: "float", Check: float},
		{Name: "affinity", Check: affinity},
		{Name: "heap-profile", Check: heapProfile},
		{Name: "goroutine-profile", Check: goroutineProfile},
		{Name: "waits-in-syscall", Check: waitsInSyscall},
		{Name: "tell-time", Check: tellTime},
		{Name: "tell-random", Check: tellRandom},
	}, os.Args[1:]...)
}
