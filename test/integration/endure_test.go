package integration

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestEndure does everything at once on four vCPUs, for an hour if there is time,
// with the runtime's own checks on. Nothing may be left of it: not in the guest,
// which looks itself, and no more grants and event channels of it in Xen.
func TestEndure(t *testing.T) {
	duration, rounds := 10*time.Second, 4
	if harness.Long() {
		duration, rounds = time.Hour, 30
	}
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "endure", "-for", duration.String(), "-rounds", fmt.Sprint(rounds))
		c.MemoryMB, c.VCPUs, c.NativeTSC = 256, 4, true
		c.Env = append(c.Env, "GODEBUG=gccheckmark=1,clobberfree=1,invalidptr=1", "GOTRACEBACK=system")
		b := p.Bed(t)
		g := harness.StartIn(t, b, p, c, harness.DefaultTimeout+3*duration)
		g.Expect(`endure: round 2 of`)
		ports, grants := held(t, b, g)
		g.Expect(fmt.Sprintf(`endure: round %d of`, rounds-1))
		portsNow, grantsNow := held(t, b, g)
		if portsNow > ports || grantsNow > grants {
			t.Errorf("event channels: %d, then %d; grants: %d, then %d", ports, portsNow, grants, grantsNow)
		}
		harness.Ended(t, g.End(), bed.Poweroff, 0)
		says(t, g.Transcript(), "verdict: ok\n")
		for _, line := range regexp.MustCompile("endure: round .*").FindAllString(g.Transcript(), -1) {
			t.Log(line)
		}
	})
}

// keysLock is held while Xen answers keys.
var keysLock sync.Mutex

// held returns how many event channels a guest has, and how many pages it grants
// that others use, as Xen sees it (keys "e" and "g" of its console).
func held(t *testing.T, b *bed.Bed, g *harness.Running) (ports, grants int) {
	t.Helper()
	const end = "gnttab_usage_print_all ] done"
	keysLock.Lock() // another test's answers are not ours
	defer keysLock.Unlock()
	harness.Dom0(t, b, "xl", "dmesg", "--clear") // nor are those of last time
	harness.Dom0(t, b, "xl", "debug-keys", "e")
	harness.Dom0(t, b, "xl", "debug-keys", "g")
	text := ""
	require.Eventually(t, func() bool { // Xen says it some time after xl has asked
		text = harness.Dom0(t, b, "xl", "dmesg")
		return strings.Contains(text, end)
	}, time.Minute, 100*time.Millisecond, "no answer to the keys in xl dmesg")
	port, grant := regexp.MustCompile(`^\(XEN\) +\d+ \[`), regexp.MustCompile(`^\(XEN\) \[0x`)
	mine := false
	for line := range strings.Lines(text) {
		switch {
		case strings.Contains(line, "Event channel information for domain "):
			mine = strings.HasSuffix(strings.TrimSpace(line), fmt.Sprintf(" %d:", g.DomID()))
		case strings.Contains(line, "grant-table for remote d"):
			mine = strings.Contains(line, fmt.Sprintf(" remote d%d ", g.DomID()))
		case mine && port.MatchString(line):
			ports++
		case mine && grant.MatchString(line):
			grants++
		}
	}
	if ports == 0 || grants == 0 {
		t.Fatalf("%d event channels and %d grants of domain %d in\n%s", ports, grants, g.DomID(), text)
	}
	return ports, grants
}
