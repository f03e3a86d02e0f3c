package files

import (
	"sync"

	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/ascii"
)

// Load averages are those of Linux 6.16 (kernel/sched/loadavg.c, include/linux/sched/loadavg.h), fixed-point numbers
// that a sample every 5 seconds moves. But nobody takes samples while nobody looks: who looks after a while takes the mean of that time
// for each of them. The load is how many virtual CPUs were at work.
const (
	loadPeriod = 5e9 // ns
	loadShift  = 11
	loadOne    = 1 << loadShift
)

// loadDecay is e to the power of -5 seconds over 1, 5 and 15 minutes.
var loadDecay = [3]uint64{1884, 2014, 2037}

var load struct {
	mu      sync.Mutex
	time    int64 // of the last sample, ns since the start
	work    int64 // ns of work until then
	average [3]uint64
}

// sampleLoad takes the samples up to now.
func sampleLoad(now, work int64) (average [3]uint64) {
	load.mu.Lock()
	defer load.mu.Unlock()
	if periods := (now - load.time) / loadPeriod; periods > 0 {
		mean := uint64(max(0, work-load.work)) * loadOne / uint64(now-load.time)
		for i := range load.average {
			keep := power(loadDecay[i], uint64(periods))
			load.average[i] = (load.average[i]*keep + mean*(loadOne-keep) + loadOne/2) >> loadShift
		}
		load.time, load.work = now, work
	}
	return load.average
}

// power returns x to the power of n, both x and the result over loadOne.
func power(x, n uint64) uint64 {
	result := uint64(loadOne)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result = (result*x + loadOne/2) >> loadShift
		}
		x = (x*x + loadOne/2) >> loadShift
	}
	return result
}

func loadAverages() []byte {
	s := ""
	for _, a := range sampleLoad(kernel.Nanotime(), kernel.CPUTime()) {
		s += hundredths(int64(a*1e9>>loadShift)) + " "
	}
	c := kernel.CountThreads()
	return []byte(s + ascii.Utoa(uint64(c.Running)) + "/" + ascii.Utoa(uint64(kernel.Threads())) + " 1\n")
}
