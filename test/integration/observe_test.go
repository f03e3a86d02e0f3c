package integration

import (
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestProfile compares a CPU profile with the one that Linux makes of the same
// program, and has it read its execution trace.
func TestProfile(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), harness.Linux(t, "guests/profile")).Output()
	if err != nil {
		t.Fatalf("on Linux: %v\n%s", err, out)
	}
	linux := shares(t, string(out))
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "profile")
		c.MemoryMB, c.VCPUs = 128, 2
		result, output := harness.Run(t, p, c, harness.DefaultTimeout)
		harness.Ended(t, result, bed.Poweroff, 0)
		says(t, output, "verdict: ok\n")
		guest := shares(t, output)
		t.Log("Linux:", linux, "guest:", guest)
		for what, percent := range linux {
			// A half of 400 samples is within 8 % in 999 of 1000 profiles, here and there.
			if math.Abs(guest[what]-percent) > 16 {
				t.Errorf("%s is %.1f %%, on Linux %.1f %%", what, guest[what], percent)
			}
		}
	})
}

// shares are the figures that the program prints.
func shares(t *testing.T, output string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^(share of \w+): ([\d.]+) %`).FindAllStringSubmatch(output, -1) {
		percent, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		all[m[1]] = percent
	}
	if len(all) != 3 {
		t.Fatalf("%d figures, not 3, in\n%s", len(all), output)
	}
	return all
}

// TestGODEBUG has the runtime say what it does.
func TestGODEBUG(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "gc", "-for", "2s", "-live", "16")
		c.MemoryMB, c.VCPUs = 64, 2
		c.Env = append(c.Env, "GODEBUG=gctrace=1,schedtrace=200,scheddetail=1")
		result, output := harness.Run(t, p, c, harness.DefaultTimeout)
		harness.Ended(t, result, bed.Poweroff, 0)
		says(t, output, "gc 1 @", "SCHED ", "gomaxprocs=2", "\n  P1: status=", "\n  M0: p=", "verdict: ok\n")
	})
}
