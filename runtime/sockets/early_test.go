package sockets

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/netstack/wiretest"
	"internal/xengo/runtime/socket"
)

// peerStack is a stack with an address at one end of a wire.
func peerStack(t *testing.T, dev netstack.Device, addr string) *netstack.Stack {
	s := netstack.New()
	release := s.Hold()
	add(t, s, dev, addr)
	release()
	t.Cleanup(s.Destroy)
	return s
}

func add(t *testing.T, s *netstack.Stack, dev netstack.Device, addr string) {
	_, err := s.Add(dev, "eth0", netstack.Config{Addresses: []netip.Prefix{netip.MustParsePrefix(addr)}}, func(line string) { t.Log(line) })
	require.NoError(t, err)
}

func ipv4Socket(t *testing.T, s *netstack.Stack, typ int) socket.Socket {
	c, err := newInet(s, socket.AF_INET, typ, 0)
	require.Zero(t, err)
	t.Cleanup(func() { c.Release() })
	return c
}

func ready(s socket.Socket, ev fdtable.Events) func() bool {
	return func() bool { return s.Readiness()&ev != 0 }
}

const soon = 5 * time.Second

// TestEarlyConnect connects before there is an address.
func TestEarlyConnect(t *testing.T) {
	x, y := wiretest.New(1500)
	peer := peerStack(t, y, "10.0.0.3/24")
	l := ipv4Socket(t, peer, socket.SOCK_STREAM)
	addr := []byte{socket.AF_INET, 0, 0, 80, 10, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0}
	require.Zero(t, l.Bind(addr))
	require.Zero(t, l.Listen(1))

	s := netstack.New()
	t.Cleanup(s.Destroy)
	release := s.Hold()
	c := ipv4Socket(t, s, socket.SOCK_STREAM)
	assert.Equal(t, calls.EINPROGRESS, c.Connect(addr))
	assert.Equal(t, calls.EALREADY, c.Connect(addr))
	assert.Zero(t, c.Readiness())
	_, err := c.Write([]byte("x"))
	assert.Equal(t, calls.EAGAIN, err)
	edges := make(chan struct{}, 100)
	defer c.Notify(func(fdtable.Events) { edges <- struct{}{} })()

	add(t, s, x, "10.0.0.2/24")
	release()
	require.Eventually(t, ready(c, fdtable.Out), soon, time.Millisecond)
	assert.NotEmpty(t, edges)
	require.Eventually(t, ready(l, fdtable.In), soon, time.Millisecond)
	n, err := c.Write([]byte("x"))
	assert.Equal(t, 1, n, err)
}

// TestEarlyConnectFails has the configuration end without a route.
func TestEarlyConnectFails(t *testing.T) {
	s := netstack.New()
	t.Cleanup(s.Destroy)
	release := s.Hold()
	addr := []byte{socket.AF_INET, 0, 0, 80, 10, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0}
	c, gone := ipv4Socket(t, s, socket.SOCK_STREAM), ipv4Socket(t, s, socket.SOCK_STREAM)
	assert.Equal(t, calls.EINPROGRESS, c.Connect(addr))
	assert.Equal(t, calls.EINPROGRESS, gone.Connect(addr))
	assert.Zero(t, gone.Release())
	release()
	require.Eventually(t, ready(c, fdtable.Err), soon, time.Millisecond)
	var v [4]byte
	n, err := c.Option(socket.SOL_SOCKET, socket.SO_ERROR, v[:])
	require.Zero(t, err)
	assert.Equal(t, calls.ENETUNREACH, calls.Errno(v[0]), n)

	// Now it fails at once.
	d := ipv4Socket(t, s, socket.SOCK_STREAM)
	assert.Equal(t, calls.ENETUNREACH, d.Connect(addr))
	u := ipv4Socket(t, s, socket.SOCK_DGRAM)
	assert.Equal(t, calls.ENETUNREACH, u.Connect(addr))
	_, err = u.Send(&socket.Message{Data: [][]byte{{1}}, Addr: addr})
	assert.Equal(t, calls.ENETUNREACH, err)
}

// TestUnreachable has nobody answer for an address.
func TestUnreachable(t *testing.T) {
	x, _ := wiretest.New(1500)
	s := peerStack(t, x, "10.0.0.2/24")
	c := ipv4Socket(t, s, socket.SOCK_STREAM)
	addr := []byte{socket.AF_INET, 0, 0, 80, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0}
	assert.Equal(t, calls.EINPROGRESS, c.Connect(addr))
	require.Eventually(t, ready(c, fdtable.Err), 2*soon, 10*time.Millisecond)
	assert.Equal(t, calls.EHOSTUNREACH, c.Connect(addr))
}

// TestGroups joins groups and looks for them in /proc/net.
func TestGroups(t *testing.T) {
	x, _ := wiretest.New(1500)
	s := peerStack(t, x, "10.0.0.2/24")
	c := ipv4Socket(t, s, socket.SOCK_DGRAM)
	require.Zero(t, c.SetOption(socket.SOL_IP, ipAddMembership, []byte{224, 0, 0, 250, 10, 0, 0, 2}))
	assert.Equal(t, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"+
		"1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n"+
		"2\teth0      :     2      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n\t\t\t\tFA0000E0     1 0:00000000\t\t0\n", string(igmp(s)))
	assert.Equal(t, "1    lo              ff020000000000000000000000000001     1 0000000C 0\n"+
		"2    eth0            ff020000000000000000000000000001     1 0000000C 0\n", string(igmp6(s)))
	require.Zero(t, c.SetOption(socket.SOL_IP, ipDropMembership, []byte{224, 0, 0, 250, 10, 0, 0, 2}))
	assert.NotContains(t, string(igmp(s)), "FA0000E0")
}
