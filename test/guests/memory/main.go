// Memory has as much memory in use as it is told on standard input, and says how
// much it may use:
//
//	hold N	have N MB of live heap, whose contents are known: "memory: holds N"
//	work	make garbage all the time from now on: "memory: working"
//	limit	"memory: limit N", the MB of the memory limit, and "memory: total N", those of the machine
//	quit	check all contents: the verdict
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	fmt.Println("memory: ready")
	var h hoard
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var n int
		switch line := in.Text(); {
		case scan(line, "hold %d", &n):
			if err := h.hold(n); err != nil {
				fail(err)
			}
			fmt.Println("memory: holds", n)
		case line == "work":
			go work()
			fmt.Println("memory: working")
		case line == "limit":
			tell()
		case line == "quit":
			if err := h.check(); err != nil {
				fail(err)
			}
			fmt.Printf("memory: %d steps of work\nverdict: ok\n", steps.Load())
			os.Exit(0)
		}
	}
}

func scan(line, format string, n *int) bool {
	_, err := fmt.Sscanf(line, format, n)
	return err == nil
}

func fail(err error) {
	fmt.Println("verdict: FAIL", err)
	os.Exit(1)
}

func tell() {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		limit = 0
	}
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		fail(err)
	}
	fmt.Println("memory: limit", limit>>20)
	fmt.Println("memory: total", info.Totalram*uint64(info.Unit)>>20)
}

var steps atomic.Uint64

// work makes garbage and checks it.
func work() {
	for {
		var kept [32][]byte
		for i := range 1000 {
			b := make([]byte, 100+i*7)
			b[0], b[len(b)-1] = byte(i), byte(i)
			kept[i%len(kept)] = b
			if old := kept[(i*5)%len(kept)]; old != nil && old[0] != old[len(old)-1] {
				fail(fmt.Errorf("a piece of garbage is %d and %d", old[0], old[len(old)-1]))
			}
		}
		steps.Add(1)
		// As much as a busy program: on a machine that lends its processors to
		// others for long, a collector that has to keep up with more loses.
		time.Sleep(50 * time.Millisecond)
	}
}

// hoard is a live heap, in pieces of a MB.
type hoard struct{ pieces [][]uint64 }

const words = 1 << 20 / 8

func (h *hoard) hold(n int) error {
	if err := h.check(); err != nil {
		return err
	}
	for len(h.pieces) < n {
		piece := make([]uint64, words)
		for i := range piece {
			piece[i] = word(len(h.pieces), i)
		}
		h.pieces = append(h.pieces, piece)
	}
	clear(h.pieces[n:])
	h.pieces = h.pieces[:n]
	return nil
}

func word(piece, i int) uint64 { return uint64(piece+1)*0x9e3779b97f4a7c15 ^ uint64(i) }

func (h *hoard) check() error {
	for n, piece := range h.pieces {
		for i, w := range piece {
			if w != word(n, i) {
				return fmt.Errorf("piece %d has %#x for %#x at %d", n, w, word(n, i), i)
			}
		}
	}
	return nil
}
