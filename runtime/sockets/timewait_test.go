package sockets

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/kernel"
)

// Connections that the program closes first wait for their minute, as many as there is memory for.
func TestTimeWaitLimit(t *testing.T) {
	kernel.Host.MemTotal = 16 << 20
	defer func() { kernel.Host.MemTotal = 0 }()
	limit := timeWaitLimit()
	require.Equal(t, 64, limit)

	l, addr := listener(t)
	defer l.Release()
	for range 4 * limit {
		endedByServer(t, l, addr)
	}
	var used, inUse, timeWait int
	_, scanned := fmt.Sscanf(contents(t, "/proc/net/sockstat"), "sockets: used %d\nTCP: inuse %d tw %d", &used, &inUse, &timeWait)
	require.NoError(t, scanned)
	require.LessOrEqual(t, timeWait, limit+limit/8+1, "the last may be on its way yet when the stack is asked")
	require.Greater(t, timeWait, limit/2)
}
