package bench

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestIdle watches web servers that have nothing to do: they use less than a
// hundredth of a CPU.
func TestIdle(t *testing.T) {
	const watch = 30 * time.Second
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		c := bed.GuestConfig{Image: harness.Guest(t, "examples/web"), MemoryMB: 32}
		g := harness.Start(t, p, c, 0)
		g.Expect("^web: serving on ")
		conn, err := p.Bed(t).Dial(t.Context(), "tcp", g.IP()+":8080")
		require.NoError(t, err)
		defer conn.Close()
		time.Sleep(time.Second) // of settling: the dial is answered before the guest is done with it
		before := cpuTime(t, p, g.Name)
		time.Sleep(watch)
		used := cpuTime(t, p, g.Name) - before
		t.Logf("used %v of a CPU in %v", used, watch)
		require.Less(t, used, watch/100)
	})
}

// cpuTime is how long a guest has run, to a tenth of a second.
func cpuTime(t *testing.T, p harness.Platform, name string) time.Duration {
	t.Helper()
	fields := strings.Fields(harness.Dom0(t, p.Bed(t), "sh", "-c", "xl list "+name+" | tail -n 1"))
	require.NotEmpty(t, fields)
	s, err := strconv.ParseFloat(fields[len(fields)-1], 64)
	require.NoError(t, err)
	return time.Duration(s * float64(time.Second))
}
