// Package bench measures guests. The machine is emulated and shared, so that
// only what was measured in the same run can be compared.
package bench

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

func TestMain(m *testing.M) { harness.Main(m) }

// boots is how often each guest is booted, in turn; the fastest boot counts, for
// others use the machine too.
const boots = 3

// TestBootTime compares the time from the kernel's entry to the first line of
// main with that of Debian's kernel, which runs the same program as its init.
func TestBootTime(t *testing.T) {
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		kernel, err := bed.LinuxKernel(t.Context(), bed.Options{Xen: p.Xen, Log: os.Stderr})
		require.NoError(t, err)
		linux := bed.GuestConfig{
			Image: kernel.Kernel, Name: "linux", Ramdisk: archive(t, initIs(t, harness.Linux(t, "guests/boottime"))),
			Cmdline: "console=hvc0 quiet -- poweroff", MemoryMB: 256, Vifs: []string{}, NativeTSC: true,
		}
		times := inTurn(t, p, linux, boottime(t, 256))
		t.Logf("entry to main: Debian's kernel %v, this one %v: %.0f times faster", times[0], times[1], ratio(times[0], times[1]))
		require.GreaterOrEqual(t, ratio(times[0], times[1]), 20.0)
	})
}

// TestBootTimeBySize compares a large domain with a small one: nothing at boot
// may grow with the memory.
func TestBootTimeBySize(t *testing.T) {
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		times := inTurn(t, p, boottime(t, 2048), boottime(t, 64))
		t.Logf("entry to main: with 2 GB %v, with 64 MB %v: %.2f times", times[0], times[1], ratio(times[0], times[1]))
		require.LessOrEqual(t, ratio(times[0], times[1]), 1.5)
	})
}

// boottime makes the config of a guest that tells its boot's time.
func boottime(t *testing.T, megabytes int) bed.GuestConfig {
	t.Helper()
	return bed.GuestConfig{Image: harness.Guest(t, "guests/boottime"), MemoryMB: megabytes, Vifs: []string{}, NativeTSC: true}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// inTurn boots guests in turn and returns the shortest time that each tells.
func inTurn(t *testing.T, p harness.Platform, configs ...bed.GuestConfig) []time.Duration {
	t.Helper()
	all := make([][]time.Duration, len(configs))
	for range boots {
		for i, c := range configs {
			all[i] = append(all[i], boot(t, p, c))
		}
	}
	var shortest []time.Duration
	for i := range all {
		t.Logf("all: %v", all[i])
		shortest = append(shortest, slices.Min(all[i]))
	}
	return shortest
}

var told = regexp.MustCompile(`boottime: (\d+) ns`)

// boot boots a guest and returns the time that it tells.
func boot(t *testing.T, p harness.Platform, c bed.GuestConfig) (d time.Duration) {
	t.Helper()
	t.Run("boot", func(t *testing.T) { // so that the guest goes when it has told
		result, output := harness.Run(t, p, c, 0)
		require.Equal(t, bed.Poweroff, result.Reason)
		m := told.FindStringSubmatch(output)
		require.NotNil(t, m, "no time in:\n%s", output)
		n, err := strconv.ParseInt(m[1], 10, 64)
		require.NoError(t, err)
		d = time.Duration(n)
	})
	if t.Failed() {
		t.FailNow()
	}
	return d
}
