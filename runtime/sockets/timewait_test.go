package sockets

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/socket"
)

// Connections that the program closes first wait for their minute, as many as there is memory for.
func TestTimeWaitLimit(t *testing.T) {
	kernel.Host.MemTotal = 16 << 20
	defer func() { kernel.Host.MemTotal = 0 }()
	limit := timeWaitLimit()
	require.Equal(t, 64, limit)

	l, err := newInet(theStack(), socket.AF_INET, socket.SOCK_STREAM, 0)
	require.Zero(t, err)
	defer l.Release()
	require.Zero(t, l.Bind([]byte{socket.AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}))
	require.Zero(t, l.Listen(1))
	addr, err := l.LocalAddr()
	require.Zero(t, err)
	for range 4 * limit {
		client, err := newInet(theStack(), socket.AF_INET, socket.SOCK_STREAM, 0)
		require.Zero(t, err)
		client.Connect(addr)
		wait(l, fdtable.In)
		server, _, err := l.Accept()
		require.Zero(t, err)
		require.Zero(t, server.Release())
		_, err = client.Read(make([]byte, 1))
		for err == calls.EAGAIN {
			wait(client, fdtable.In)
			_, err = client.Read(make([]byte, 1))
		}
		require.Zero(t, err)
		require.Zero(t, client.Release())
	}
	var used, inUse, timeWait int
	_, scanned := fmt.Sscanf(contents(t, "/proc/net/sockstat"), "sockets: used %d\nTCP: inuse %d tw %d", &used, &inUse, &timeWait)
	require.NoError(t, scanned)
	require.LessOrEqual(t, timeWait, limit+limit/8+1, "the last may be on its way yet when the stack is asked")
	require.Greater(t, timeWait, limit/2)
}
