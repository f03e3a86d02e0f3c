package dns

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

const hosts = `# comment
10.0.0.1 dom0 Gate.Way # both
fd00::1	dom0
10.0.0.9 multi
10.0.0.10 multi
bad line
`

// Go's own resolver is the judge.
func TestResolver(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer c.Close()
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if r := Answer(buf[:n], Hosts(hosts)); r != nil {
				c.WriteTo(r, from)
			}
		}
	}()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", c.LocalAddr().String())
	}}
	look := func(network, name string) []string {
		t.Helper()
		ips, err := resolver.LookupNetIP(t.Context(), network, name)
		require.NoError(t, err)
		var all []string
		for _, ip := range ips {
			all = append(all, ip.String())
		}
		return all
	}
	require.ElementsMatch(t, []string{"10.0.0.1", "fd00::1"}, look("ip", "DOM0."))
	require.Equal(t, []string{"10.0.0.1"}, look("ip4", "gate.way."))
	require.Equal(t, []string{"fd00::1"}, look("ip6", "dom0."))
	require.Equal(t, []string{"10.0.0.9", "10.0.0.10"}, look("ip4", "multi."))
	_, err = resolver.LookupNetIP(t.Context(), "ip", "nobody.")
	var dnsErr *net.DNSError
	require.ErrorAs(t, err, &dnsErr)
	require.True(t, dnsErr.IsNotFound)
}

func FuzzAnswer(f *testing.F) {
	query := []byte{1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, 'd', 'o', 'm', '0', 0, 0, 1, 0, 1}
	f.Add(query)
	f.Add(query[:14])
	f.Fuzz(func(t *testing.T, query []byte) {
		r := Answer(query, func(name string) ([]netip.Addr, bool) {
			if len(name) > 255 {
				t.Errorf("a name of %d bytes", len(name))
			}
			return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.IPv6Loopback()}, true
		})
		if r == nil {
			return
		}
		require.GreaterOrEqual(t, len(r), headerSize)
		require.Equal(t, query[:2], r[:2])
		require.NotZero(t, binary.BigEndian.Uint16(r[2:])&flagResponse)
		require.Less(t, len(r), len(query)+100)
	})
}
