package harness

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tries is how often a test may be run. Once in some hundred guests the emulator
// ends one.
const tries = 3

// running has, by its name, whether a test that Again runs is to be run again
// (*atomic.Bool).
var running sync.Map

// Again is t.Run of a test of guests. If the emulator has ended one of them with
// a triple fault (ARCHITECTURE.md, Limits of the emulated machine), which End and
// Expect find out, that run is skipped, and there is another one.
func Again(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	for range tries {
		var lost atomic.Bool
		t.Run(name, func(t *testing.T) {
			running.Store(t.Name(), &lost)
			defer running.Delete(t.Name())
			test(t)
		})
		if !lost.Load() {
			return
		}
	}
	t.Fatalf("%s: the emulator has ended a guest in each of %d runs", name, tries)
}

// again ends a test, or a part of one, that the innermost Again around it is to
// run again.
func again(t *testing.T) {
	t.Helper()
	const why = "the emulator has ended the guest with a triple fault"
	for name := t.Name(); name != ""; name = name[:max(0, strings.LastIndexByte(name, '/'))] {
		if lost, found := running.Load(name); found {
			lost.(*atomic.Bool).Store(true)
			t.Skip(why)
		}
	}
	t.Fatal(why)
}
