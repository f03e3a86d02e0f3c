package tty

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
)

// Ctrl-C works while nobody reads, and that it might come keeps no program
// alive; a reader does, for as long as it is one.
func TestWatchKeys(t *testing.T) {
	tty, c := console(t, nil)
	signals := make(chan uint32, 1)
	kernel.Host.RaiseSignal = func(sig uint32) { signals <- sig }
	t.Cleanup(func() {
		c.Close()
		require.Eventually(t, func() bool {
			tty.mu.Lock()
			defer tty.mu.Unlock()
			return !tty.pumping[forInput]
		}, 5*time.Second, time.Millisecond)
		kernel.Host.RaiseSignal = nil
	})
	tty.WatchKeys()
	for range 3 {
		c.Input("\x03")
		require.Equal(t, uint32(sigINT), <-signals)
		require.False(t, c.KeepsAlive())
		cancel := tty.NotifyMask(fdtable.In, func(fdtable.Events) {})
		require.Eventually(t, c.KeepsAlive, 5*time.Second, time.Millisecond)
		c.Input("\x03")
		require.Equal(t, uint32(sigINT), <-signals)
		cancel()
		require.Eventually(t, func() bool { return !c.KeepsAlive() }, 5*time.Second, time.Millisecond)
	}
}
