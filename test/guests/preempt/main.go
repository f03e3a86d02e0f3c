// Preempt is idle until a line comes on standard input. From then on a goroutine
// computes without a pause, and on one processor another one has to get its turn
// nevertheless.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// patience is far more than a slice of 10 ms, also on a machine that is slow, and
// less than the minute for which Go's own watch over goroutines may sleep.
const patience = 25 * time.Second

func main() {
	runtime.GOMAXPROCS(1)
	in := bufio.NewScanner(os.Stdin)
	fmt.Println("preempt: ready")
	if !in.Scan() {
		fmt.Println("verdict: FAIL no line came:", in.Err())
		os.Exit(1)
	}
	var steps atomic.Uint64
	go func() {
		for {
			steps.Add(1)
		}
	}()
	start := time.Now()
	for steps.Load() == 0 { // the other one has the processor now
		runtime.Gosched()
	}
	if took := time.Since(start); took > patience {
		fmt.Printf("verdict: FAIL no turn in %v and %d steps of another goroutine\n", took, steps.Load())
		os.Exit(1)
	}
	fmt.Println("verdict: ok")
}
