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

// Guests are booted in turn, and of each the fastest boot counts, for others use
// the machine too: boots times, and up to maxBoots times while what is wanted has
// not been seen, since one slow boot of a few tells nothing.
const (
	boots    = 3
	maxBoots = 12
)

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
		times, ok := inTurn(t, p, linux, boottime(t, 256), func(linux, this time.Duration) bool { return ratio(linux, this) >= 20 })
		t.Logf("entry to main: Debian's kernel %v, this one %v: %.0f times faster", times[0], times[1], ratio(times[0], times[1]))
		require.True(t, ok, "less than 20 times faster")
	})
}

// TestBootTimeBySize compares a large domain with a small one: nothing at boot
// may grow with the memory.
func TestBootTimeBySize(t *testing.T) {
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		times, ok := inTurn(t, p, boottime(t, 2048), boottime(t, 64), func(large, small time.Duration) bool { return ratio(large, small) <= 1.5 })
		t.Logf("entry to main: with 2 GB %v, with 64 MB %v: %.2f times", times[0], times[1], ratio(times[0], times[1]))
		require.True(t, ok, "more than 1.5 times")
	})
}

// boottime makes the config of a guest that tells its boot's time.
func boottime(t *testing.T, megabytes int) bed.GuestConfig {
	t.Helper()
	return bed.GuestConfig{Image: harness.Guest(t, "guests/boottime"), MemoryMB: megabytes, Vifs: []string{}, NativeTSC: true}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// inTurn boots two guests in turn and returns the shortest time that each tells,
// and whether these are as wanted.
func inTurn(t *testing.T, p harness.Platform, a, b bed.GuestConfig, wanted func(a, b time.Duration) bool) (shortest [2]time.Duration, ok bool) {
	t.Helper()
	var all [2][]time.Duration
	for n := 1; n <= boots || !ok && n <= maxBoots; n++ {
		for i, c := range []bed.GuestConfig{a, b} {
			all[i] = append(all[i], boot(t, p, c))
			shortest[i] = slices.Min(all[i])
		}
		ok = wanted(shortest[0], shortest[1])
	}
	t.Logf("all: %v", all)
	return shortest, ok
}

// told and free are what a guest says.
var (
	told = regexp.MustCompile(`boottime: (\d+) ns`)
	free = regexp.MustCompile(`free: (\d+) bytes`)
)

// boot boots a guest and returns the time that it tells.
func boot(t *testing.T, p harness.Platform, c bed.GuestConfig) (d time.Duration) {
	t.Helper()
	t.Run("boot", func(t *testing.T) { // so that the guest goes when it has told
		result, output := harness.Run(t, p, c, 0)
		require.Equal(t, bed.Poweroff, result.Reason)
		d = time.Duration(number(t, told, output))
	})
	if t.Failed() {
		t.FailNow()
	}
	return d
}

// number returns what a guest says.
func number(t *testing.T, where *regexp.Regexp, output string) int64 {
	t.Helper()
	m := where.FindStringSubmatch(output)
	require.NotNil(t, m, "no number in:\n%s", output)
	n, err := strconv.ParseInt(m[1], 10, 64)
	require.NoError(t, err)
	return n
}
