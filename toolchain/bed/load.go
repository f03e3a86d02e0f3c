package bed

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Load is how a bed's emulator got on with this machine's processors since it
// started. One that waits for them longer than it runs makes all its guests
// stand still for seconds, and Xen's own spin locks make that worse: the
// processor whose turn it is may be the one that does not run.
type Load struct {
	Ran    time.Duration // on a processor, all threads
	Waited time.Duration // ready, and for a processor
	Stolen time.Duration // from this machine by its hypervisor, since it booted
}

// Load reads the emulator's load. Of a bed that another process keeps, all but
// what is stolen is 0.
func (b *Bed) Load() (l Load, err error) {
	if b.qemu != nil {
		// Linux, Documentation/scheduler/sched-stats.rst: run time, run delay
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", b.qemu.cmd.Process.Pid))
		if err != nil {
			return l, err
		}
		for _, name := range threads {
			text, err := os.ReadFile(name)
			if err != nil {
				continue // the thread has ended
			}
			var ran, waited time.Duration
			if _, err := fmt.Sscan(string(text), &ran, &waited); err != nil {
				return l, fmt.Errorf("%s: %w", name, err)
			}
			l.Ran += ran
			l.Waited += waited
		}
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return l, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first) // proc(5): cpu user nice system idle iowait irq softirq steal
	if len(fields) < 9 {
		return l, fmt.Errorf("/proc/stat begins with %q", first)
	}
	const tick = time.Second / 100 // USER_HZ
	ticks, err := strconv.ParseInt(fields[8], 10, 64)
	l.Stolen = time.Duration(ticks) * tick
	return l, err
}

// Since is what came after an earlier look.
func (l Load) Since(before Load) Load {
	return Load{l.Ran - before.Ran, l.Waited - before.Waited, l.Stolen - before.Stolen}
}

func (l Load) String() string {
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
	return fmt.Sprintf("the bed ran for %v and waited %v for this machine's processors, from which %v were stolen",
		round(l.Ran), round(l.Waited), round(l.Stolen))
}
