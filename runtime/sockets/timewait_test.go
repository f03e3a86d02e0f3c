package sockets

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/kernel"
)

// Connections that the program closes first wait for their minute, as many as there is memory for.
func TestTimeWaitLimit(t *testing.T) {
	kernel.Host.MemTotal = 2 << 20
	defer func() { kernel.Host.MemTotal = 0 }()
	limit := timeWaitLimit()
	require.Equal(t, 8, limit)

	timeWait := timeWaitAfter(t, 4*limit)
	require.LessOrEqual(t, timeWait, limit+limit/8+1, "the last may be on its way yet when the stack is asked")
	require.Greater(t, timeWait, limit/2)
}

// Those that have both ends here do not, but for the last.
func TestTimeWaitWithin(t *testing.T) {
	kernel.Host.MemTotal = 1 << 30
	defer func() { kernel.Host.MemTotal = 0 }()
	const most = len(within.last)

	timeWait := timeWaitAfter(t, 8*most)
	require.LessOrEqual(t, timeWait, most+1)
	require.Positive(t, timeWait)
}

// timeWaitAfter returns how many are in TIME_WAIT when so many have been connected and closed.
func timeWaitAfter(t *testing.T, connections int) int {
	l, addr := listener(t)
	defer l.Release()
	for range connections {
		endedByServer(t, l, addr)
	}
	var used, inUse, timeWait int
	_, err := fmt.Sscanf(contents(t, "/proc/net/sockstat"), "sockets: used %d\nTCP: inuse %d tw %d", &used, &inUse, &timeWait)
	require.NoError(t, err)
	return timeWait
}
