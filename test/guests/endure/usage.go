package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// usage is what the program has after a round.
type usage struct {
	heap       uint64 // bytes that are live
	used       uint64 // bytes of the machine's memory that are not free
	goroutines int
	threads    int
	files      int // descriptors
}

func (u usage) String() string {
	return fmt.Sprintf("heap %d KiB, memory %d KiB, %d goroutines, %d threads, %d descriptors", u.heap>>10, u.used>>10, u.goroutines, u.threads, u.files)
}

// measure waits for what the workers started to end, and looks.
func measure() (u usage, err error) {
	transport.CloseIdleConnections()
	for last := -1; last != runtime.NumGoroutine(); time.Sleep(time.Second) {
		last = runtime.NumGoroutine()
	}
	for range 3 { // finalizers, then what they held
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u = usage{heap: m.HeapAlloc, goroutines: runtime.NumGoroutine()}
	total, err := number("/proc/meminfo", "MemTotal:")
	if err != nil {
		return u, err
	}
	free, err := number("/proc/meminfo", "MemFree:")
	if err != nil {
		return u, err
	}
	u.used = (total - free) << 10
	threads, err := number("/proc/self/status", "Threads:")
	if err != nil {
		return u, err
	}
	u.threads = int(threads)
	names, err := os.ReadDir("/proc/self/fd")
	u.files = len(names)
	return u, err
}

// number returns the number after a word in a file.
func number(file, word string) (uint64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(text, []byte(word))
	fields := bytes.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0, fmt.Errorf("%s: no %s", file, word)
	}
	return strconv.ParseUint(string(fields[0]), 10, 64)
}

// notMoreThan compares with what was used before, a little being allowed for
// what comes and goes by itself.
func (u usage) notMoreThan(before usage) error {
	switch {
	case u.goroutines > before.goroutines:
		return fmt.Errorf("there are more goroutines: %v, and before %v", u, before)
	case u.files > before.files:
		return fmt.Errorf("there are more descriptors: %v, and before %v", u, before)
	case u.threads > before.threads+16:
		return fmt.Errorf("there are more threads: %v, and before %v", u, before)
	case u.heap > before.heap+4<<20: // pools
		return fmt.Errorf("more of the heap is live: %v, and before %v", u, before)
	case xen && u.used > before.used+before.used/8+4<<20:
		return fmt.Errorf("less memory is free: %v, and before %v", u, before)
	}
	return nil
}

// xen says that memory is this program's alone.
const xen = runtime.GOOS == "xenpv"
