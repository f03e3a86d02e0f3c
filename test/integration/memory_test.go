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

// TestMemory changes a domain's memory, to less and to more than it was made with,
// under a program that uses much of it.
func TestMemory(t *testing.T) {
	harness.EachAlone(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "memory")
		c.MemoryMB, c.VCPUs, c.NativeTSC = 64, 2, true
		c.Lines = []string{"maxmem = 160"}
		g := harness.Start(t, p, c, 2*harness.DefaultTimeout)
		g.Expect("^memory: ready$")
		tell := func(line, answer string) []string {
			if _, err := fmt.Fprintln(g.Input, line); err != nil {
				t.Fatal(err)
			}
			return g.Expect(answer)
		}
		set := func(mb int) {
			harness.Dom0(t, p.Bed(t), "xl", "mem-set", strconv.Itoa(g.DomID()), strconv.Itoa(mb))
		}
		is := func(mb int) {
			t.Helper()
			for deadline := time.Now().Add(time.Minute); memoryMB(t, p, g.Name) != mb; time.Sleep(500 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("the domain has %d MB, want %d", memoryMB(t, p, g.Name), mb)
				}
			}
		}
		is(64)
		for _, mb := range []int{30, 160, 64} {
			set(mb)
			is(mb)
			// The program learns of it, to a MB and when the balloon is done.
			limit, total := number(t, tell("limit", `^memory: limit (\d+)$`)), number(t, g.Expect(`^memory: total (\d+)$`))
			if limit < mb*3/4 || limit >= mb || total < mb-1 || total > mb {
				t.Errorf("with %d MB the limit is %d MB of %d", mb, limit, total)
			}
		}
		set(160)
		tell("work", "^memory: working$")
		is(160)
		tell("hold 90", "^memory: holds 90$")
		set(150)
		is(150)
		set(50) // which cannot be
		time.Sleep(8 * time.Second)
		if mb := memoryMB(t, p, g.Name); mb <= 90 {
			t.Errorf("of %d MB the program holds 90", mb)
		}
		tell("hold 10", "^memory: holds 10$")
		is(50)
		tell("quit", "^verdict: ok$")
		harness.Ended(t, g.End(), bed.Poweroff, 0)
	})
}

// memoryMB is what xl says that a domain has.
func memoryMB(t *testing.T, p harness.Platform, name string) int {
	t.Helper()
	fields := strings.Fields(harness.Dom0(t, p.Bed(t), "sh", "-c", "xl list "+name+" | tail -n 1"))
	if len(fields) < 3 {
		t.Fatalf("xl list does not know %s", name)
	}
	return number(t, fields[1:])
}

// number is the first group of a match.
func number(t *testing.T, match []string) int {
	t.Helper()
	n, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
