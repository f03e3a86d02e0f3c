package integration

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestSmall runs hello in as little memory as it should need. TestWeb does so
// for the web server.
func TestSmall(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "hello")
		c.MemoryMB = 16
		result, output := harness.Run(t, p, c, 0)
		harness.Ended(t, result, bed.Poweroff, 0)
		says(t, output, "hello, world\n")
	})
}

// TestTooSmall gives hello less and less memory: it runs, or the toolstack
// refuses to start it, or it says on the console that it lacks memory. It does
// not hang.
func TestTooSmall(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		for _, megabytes := range []int{4, 7, 8} {
			t.Run(strconv.Itoa(megabytes), func(t *testing.T) {
				c := program(t, "hello")
				c.MemoryMB = megabytes
				g, err := harness.TryStart(t, p.Bed(t), p, c, time.Minute)
				if err != nil {
					t.Log("refused:", err)
					return
				}
				result := g.End()
				output := g.Transcript()
				t.Logf("%v: %s", result, strings.TrimSpace(output))
				switch {
				case output == "hello, world\n" && result.Reason == bed.Poweroff && result.Status == 0:
				case strings.Contains(output, "memory") && result.Crashed():
				default:
					t.Error("it neither ran nor said why not")
				}
			})
		}
	})
}
