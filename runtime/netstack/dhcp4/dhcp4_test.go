package dhcp4

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The library github.com/insomniacslk/dhcp is the oracle.

var mac = [6]byte{0, 0x16, 0x3e, 1, 2, 3}

func TestAppend(t *testing.T) {
	m := &Message{
		Type: Request, XID: 0x12345678, Seconds: 3, MAC: mac, Client: netip.MustParseAddr("10.0.0.9"),
		Wanted: netip.MustParseAddr("10.0.0.5"), Server: netip.MustParseAddr("10.0.0.1"), Hostname: "guest",
	}
	b := m.Append([]byte("before"))[len("before"):]
	assert.GreaterOrEqual(t, len(b), minLen)
	d, err := dhcpv4.FromBytes(b)
	require.NoError(t, err)
	assert.Equal(t, dhcpv4.MessageTypeRequest, d.MessageType())
	assert.Equal(t, dhcpv4.TransactionID{0x12, 0x34, 0x56, 0x78}, d.TransactionID)
	assert.Equal(t, uint16(3), d.NumSeconds)
	assert.Equal(t, iana.HWTypeEthernet, d.HWType)
	assert.Equal(t, net.HardwareAddr(mac[:]), d.ClientHWAddr)
	assert.Equal(t, "10.0.0.9", d.ClientIPAddr.String())
	assert.Equal(t, "10.0.0.5", d.RequestedIPAddress().String())
	assert.Equal(t, "10.0.0.1", d.ServerIdentifier().String())
	assert.Equal(t, "guest", d.HostName())
	for _, o := range []dhcpv4.OptionCode{dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionClasslessStaticRoute} {
		assert.True(t, d.IsOptionRequested(o), o.String())
	}

	again, err := Parse(b)
	require.NoError(t, err)
	assert.Equal(t, m, again)
}

func reply(t testing.TB, modifiers ...dhcpv4.Modifier) []byte {
	d, err := dhcpv4.New(append([]dhcpv4.Modifier{func(d *dhcpv4.DHCPv4) {
		d.OpCode, d.ClientHWAddr, d.YourIPAddr = dhcpv4.OpcodeBootReply, mac[:], net.IPv4(10, 0, 0, 5)
	}, dhcpv4.WithMessageType(dhcpv4.MessageTypeAck)}, modifiers...)...)
	require.NoError(t, err)
	return d.ToBytes()
}

func TestParse(t *testing.T) {
	_, elsewhere, err := net.ParseCIDR("192.168.4.0/22")
	require.NoError(t, err)
	m, err := Parse(reply(t,
		dhcpv4.WithNetmask(net.CIDRMask(20, 32)),
		dhcpv4.WithRouter(net.IPv4(10, 0, 0, 1), net.IPv4(10, 0, 0, 2)),
		dhcpv4.WithDNS(net.IPv4(10, 0, 0, 3), net.IPv4(8, 8, 8, 8)),
		dhcpv4.WithOption(dhcpv4.OptDomainName("example.org")),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 0, 0, 1))),
		dhcpv4.WithLeaseTime(3600),
		dhcpv4.WithOption(dhcpv4.OptRenewTimeValue(1800*time.Second)),
		dhcpv4.WithOption(dhcpv4.OptRebindingTimeValue(3000*time.Second)),
		dhcpv4.WithGeneric(dhcpv4.OptionInterfaceMTU, []byte{0x05, 0x78}),
		dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(
			&dhcpv4.Route{Dest: elsewhere, Router: net.IPv4(10, 0, 0, 4)},
			&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}, Router: net.IPv4(10, 0, 0, 1)})),
	))
	require.NoError(t, err)
	assert.True(t, m.Reply)
	assert.Equal(t, ACK, m.Type)
	assert.Equal(t, mac, m.MAC)
	assert.Equal(t, netip.MustParseAddr("10.0.0.5"), m.Yours)
	assert.Equal(t, 20, m.Mask)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}, m.Routers)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("8.8.8.8")}, m.Servers)
	assert.Equal(t, netip.MustParseAddr("10.0.0.1"), m.Server)
	assert.Equal(t, "example.org", m.Domain)
	assert.Equal(t, 1400, m.MTU)
	assert.Equal(t, [3]uint32{3600, 1800, 3000}, [3]uint32{m.Lease, m.Renewal, m.Rebinding})
	assert.Equal(t, []Route{
		{netip.MustParsePrefix("192.168.4.0/22"), netip.MustParseAddr("10.0.0.4")},
		{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("10.0.0.1")},
	}, m.Routes)
}

// TestOverload has options in the fields for names (RFC 2132, 9.3).
func TestOverload(t *testing.T) {
	b := reply(t)[:headerLen]
	b = append(b, optType, 1, byte(Offer), optOverload, 1, 3, optEnd)
	copy(b[108:], []byte{optRouter, 4, 10, 0, 0, 1, optEnd})
	copy(b[44:], []byte{optPad, optServers, 4, 10, 0, 0, 2, optEnd})
	m, err := Parse(b)
	require.NoError(t, err)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.1")}, m.Routers)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.2")}, m.Servers)
}

func TestMalformed(t *testing.T) {
	good := reply(t)
	for name, b := range map[string][]byte{
		"empty":             nil,
		"no cookie":         append(append([]byte{}, good[:fixedLen]...), 0, 0, 0, 0, optType, 1, 2, optEnd),
		"no type":           append(append([]byte{}, good[:headerLen]...), optEnd),
		"long option":       append(append([]byte{}, good[:headerLen]...), optType, 9, 1),
		"short option":      append(append([]byte{}, good[:headerLen]...), optType),
		"mask with holes":   append(append([]byte{}, good[:headerLen]...), optType, 1, 5, optMask, 4, 255, 0, 255, 0),
		"half an address":   append(append([]byte{}, good[:headerLen]...), optType, 1, 5, optRouter, 3, 10, 0, 0),
		"route without end": append(append([]byte{}, good[:headerLen]...), optType, 1, 5, optRoutes, 3, 24, 10, 0),
		"long prefix":       append(append([]byte{}, good[:headerLen]...), optType, 1, 5, optRoutes, 9, 33, 1, 2, 3, 4, 10, 0, 0, 1),
	} {
		_, err := Parse(b)
		assert.ErrorIs(t, err, ErrFormat, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(reply(f, dhcpv4.WithRouter(net.IPv4(10, 0, 0, 1))))
	f.Add((&Message{Type: Discover, MAC: mac}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		assert.LessOrEqual(t, m.Mask, 32)
		for _, r := range m.Routes {
			assert.True(t, r.To.IsValid() && r.Gateway.Is4())
		}
		_, err = Parse(m.Append(nil))
		assert.NoError(t, err)
	})
}
