// Package integration boots the programs of test/guests and test/examples on
// real Xen and says whether each of their properties holds, as PV and as PVH.
// Package harness says what it needs and what can be set.
package integration

import (
	"strings"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

func TestMain(m *testing.M) { harness.Main(m) }

// program makes the config of a guest that is one of test/guests. It has no
// network device.
func program(t *testing.T, name string, args ...string) bed.GuestConfig {
	t.Helper()
	return bed.GuestConfig{Image: harness.Guest(t, "guests/"+name), Args: args, Vifs: []string{}}
}

// holds runs a program whose output has a verdict on each of its properties.
func holds(t *testing.T, p harness.Platform, c bed.GuestConfig, properties ...string) string {
	t.Helper()
	result, output := harness.Run(t, p, c, 0)
	harness.Verdicts(t, output, properties...)
	harness.Ended(t, result, bed.Poweroff, 0)
	return output
}

// says fails the test if the output does not contain every one of the words.
func says(t *testing.T, output string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(output, w) {
			t.Errorf("does not say %q", w)
		}
	}
}
