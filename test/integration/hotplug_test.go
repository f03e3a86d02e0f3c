package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestHotplug gives a program that works hard vCPUs and takes them away. It goes
// on, Go uses as many as there are, and none is busy while there is no work.
func TestHotplug(t *testing.T) {
	harness.EachAlone(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "hotplug")
		c.MemoryMB, c.VCPUs, c.NativeTSC = 128, 2, true
		c.Lines = []string{"maxvcpus = 4"}
		g := harness.Start(t, p, c, 2*harness.DefaultTimeout)
		g.Expect("^hotplug: ready, cpus 2$")
		set := func(n int) { // the host has fewer than the guest may have
			harness.Dom0(t, p.Bed(t), "xl", "vcpu-set", "--ignore-host", strconv.Itoa(g.DomID()), strconv.Itoa(n))
		}
		tell := func(line, answer string) {
			if _, err := fmt.Fprintln(g.Input, line); err != nil {
				t.Fatal(err)
			}
			g.Expect(answer)
		}
		for _, n := range []int{4, 1, 3, 2} {
			set(n)
			g.Expect(fmt.Sprintf("^hotplug: procs %d$", n))
			if online := vcpusOnline(t, p, g.Name); online != n {
				t.Errorf("%d vCPUs are online, want %d", online, n)
			}
		}
		for _, n := range []int{4, 1, 4, 1, 2, 4, 1, 3} { // whether it keeps up or not
			set(n)
		}
		g.Expect("^hotplug: procs 3$")
		tell("rest", "^hotplug: resting$")
		// Xen's own share of a vCPU that does something now and then counts
		// as the vCPU's: a quarter of one is far from a busy one of four.
		const watch = 8 * time.Second
		before := cpuTime(t, p, g.Name)
		time.Sleep(watch)
		if used := cpuTime(t, p, g.Name) - before; used > watch/4 {
			t.Errorf("used %v of a CPU in %v", used, watch)
		}
		set(1) // of vCPUs that sleep
		tell("work", "^hotplug: working$")
		g.Expect("^hotplug: procs 1$")
		tell("quit", "^verdict: ok$")
		harness.Ended(t, g.End(), bed.Poweroff, 0)
	})
}

// vcpusOnline is how many vCPUs xl says are not offline.
func vcpusOnline(t *testing.T, p harness.Platform, name string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(harness.Dom0(t, p.Bed(t), "xl", "vcpu-list", name)) {
		if f := strings.Fields(line); len(f) > 4 && f[0] == name && !strings.HasSuffix(f[4], "p") {
			n++
		}
	}
	return n
}

// cpuTime is how long a guest has run, to a tenth of a second.
func cpuTime(t *testing.T, p harness.Platform, name string) time.Duration {
	t.Helper()
	fields := strings.Fields(harness.Dom0(t, p.Bed(t), "sh", "-c", "xl list "+name+" | tail -n 1"))
	if len(fields) == 0 {
		t.Fatalf("xl list does not know %s", name)
	}
	s, err := strconv.ParseFloat(fields[len(fields)-1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(s * float64(time.Second))
}
