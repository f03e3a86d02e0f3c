package integration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestSched runs the scheduler, timers and clocks.
func TestSched(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "sched")
		c.MemoryMB = 128 // 10,000 goroutines have stacks
		holds(t, p, c, "recovered", "spin", "spin-gc", "goroutines", "threads", "fair", "stacks", "timers", "clocks", "float", "affinity",
			"heap-profile", "goroutine-profile", "waits-in-syscall", "tell-time", "tell-random")
	})
}

// TestVCPUs runs on more than one vCPU what can go wrong there. The domain could
// have more than it has.
func TestVCPUs(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		properties := []string{"recovered", "spin", "threads", "fair", "clocks", "float", "affinity"}
		c := program(t, "sched", properties...)
		c.MemoryMB, c.VCPUs, c.NativeTSC = 128, 3, true
		c.Lines = []string{"maxvcpus = 5"}
		holds(t, p, c, properties...)
	})
}

// TestVector holds values in vector registers while all sorts of things happen.
// QEMU lets a PVH guest change XCR0 behind Xen's back, so that there is no AVX
// for those in the bed; a PV guest must have it.
func TestVector(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		output := holds(t, p, program(t, "vector"), "sse", "avx")
		if p.Type == "pv" {
			says(t, output, "\nok avx ")
		}
	})
}

// TestJIT makes machine code and runs it, on two vCPUs.
func TestJIT(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "jit")
		c.MemoryMB, c.VCPUs = 96, 2
		holds(t, p, c, "code", "protected", "wasm", "wasm-many")
	})
}

// TestMapping maps more than there is, and touches it, on two vCPUs.
func TestMapping(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "mapping")
		c.MemoryMB, c.VCPUs = 64, 2
		holds(t, p, c, "touched", "overcommit", "reserved", "discarded", "calls", "rights", "moved", "fixed", "file", "together", "exhausted")
	})
}

// TestGC has half of a small domain's memory live and makes garbage.
func TestGC(t *testing.T) {
	duration := 5 * time.Second
	if harness.Long() {
		duration = time.Minute
	}
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "gc", "-for", duration.String(), "-live", "16")
		c.MemoryMB = 32
		result, output := harness.Run(t, p, c, harness.DefaultTimeout+10*duration)
		harness.Ended(t, result, bed.Poweroff, 0)
		says(t, output, "verdict: ok\n")
		t.Log(regexp.MustCompile("gc: .*").FindString(output))
	})
}

// TestFiles uses files, devices and pipes.
func TestFiles(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		holds(t, p, program(t, "files"), "write-read", "rename", "readdir", "links", "truncate", "append", "mapped", "metadata", "errors", "root",
			"large", "notify", "attributes", "devices", "etc", "proc", "tzdata", "roots", "pipe", "pipe-deadline")
	})
}

// TestCalls makes system calls in all ways. One that does not exist is named on
// the console, once; other programs cannot be run, and the error says so.
func TestCalls(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		output := holds(t, p, program(t, "calls"), "moving-stacks", "assembler", "unimplemented", "bad-address", "exec", "blocking")
		if n := len(regexp.MustCompile(`(?m)^.*\b4095\b.*$`).FindAllString(output, -1)); n != 1 {
			t.Errorf("the unknown call is named %d times", n)
		}
		exec := regexp.MustCompile("(?m)^exec: (.*)$").FindStringSubmatch(output)
		if exec == nil || !strings.Contains(exec[1], "fork/exec") {
			t.Errorf("a program cannot be run: %q", exec)
		}
	})
}

// TestWallClock compares a guest's clock with dom0's, before and after.
func TestWallClock(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, program(t, "echo"), 0)
		g.Expect("^echo: ready$")
		for range 3 {
			before := dom0Time(t, p)
			if _, err := fmt.Fprintln(g.Input, "time"); err != nil {
				t.Fatal(err)
			}
			ms, err := strconv.ParseInt(g.Expect(`^time: (\d+) ms$`)[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			after := dom0Time(t, p)
			if now := time.UnixMilli(ms); now.Before(before.Add(-time.Second)) || now.After(after.Add(2*time.Second)) {
				t.Errorf("the guest says %v, dom0 %v before and %v after", now, before, after)
			}
		}
	})
}

// dom0Time is dom0's time, rounded down to a second.
func dom0Time(t *testing.T, p harness.Platform) time.Time {
	t.Helper()
	s, err := strconv.ParseInt(strings.TrimSpace(harness.Dom0(t, p.Bed(t), "date", "+%s")), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(s, 0)
}

// TestRandom boots guests that should have nothing in common, with and without
// the processor's own random numbers.
func TestRandom(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]string{}
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		for name, lines := range map[string][]string{"1": nil, "2": nil, "no-rdrand": {`cpuid = "host,rdrand=0,rdseed=0"`}} {
			t.Run(name, func(t *testing.T) {
				c := program(t, "sched", "tell-random")
				c.Lines = lines
				bytes := regexp.MustCompile("(?m)^random: ([0-9a-f]{64})$").FindString(holds(t, p, c, "tell-random"))
				mu.Lock()
				defer mu.Unlock()
				if bytes == "" || seen[bytes] != "" {
					t.Errorf("%q, the same as of %q", bytes, seen[bytes])
				}
				seen[bytes] = t.Name()
			})
		}
	})
}
