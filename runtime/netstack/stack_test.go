package netstack

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"

	"internal/xengo/runtime/netstack/wiretest"
)

// stackOn returns a stack with dev as eth0.
func stackOn(t testing.TB, dev Device, cfg Config) *Stack {
	s := New()
	release := s.Hold()
	_, err := s.Add(dev, "eth0", cfg, func(line string) { t.Log(line) })
	require.NoError(t, err)
	release()
	t.Cleanup(s.Destroy)
	return s
}

func static(list ...string) Config { return Config{Addresses: prefixes(list...)} }

func endpoint(addr string, port uint16) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: 0, Addr: address(netip.MustParseAddr(addr)), Port: port}
}

// transfer sends data from a to b by TCP and compares what arrives.
func transfer(t *testing.T, a, b *Stack, addr string, data []byte) {
	t.Helper()
	protocol := ipv4.ProtocolNumber
	if strings.Contains(addr, ":") {
		protocol = ipv6.ProtocolNumber
	}
	l, err := gonet.ListenTCP(b.Stack, endpoint(addr, 80), protocol)
	require.NoError(t, err)
	defer l.Close()
	got := make(chan []byte, 1)
	go func() {
		c, err := l.Accept()
		if !assert.NoError(t, err) {
			got <- nil
			return
		}
		defer c.Close()
		all, err := io.ReadAll(c)
		assert.NoError(t, err)
		got <- all
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := gonet.DialContextTCP(ctx, a.Stack, endpoint(addr, 80), protocol)
	require.NoError(t, err)
	_, err = c.Write(data)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	assert.True(t, bytes.Equal(data, <-got), "what arrives")
}

func TestTransfer(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for name, set := range map[string]func(a, b *wiretest.End){
		"clean":      func(a, b *wiretest.End) {},
		"small ring": func(a, b *wiretest.End) { a.Ring, b.Ring = 4, 4 },
		"loss": func(a, b *wiretest.End) {
			a.Lose = func(n int, _ []byte) bool { return n > 10 && n%50 == 0 }
			b.Lose = func(n int, _ []byte) bool { return n > 10 && n%70 == 0 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			x, y := wiretest.New(1500)
			set(x, y)
			a, b := stackOn(t, x, static("10.0.0.2/24")), stackOn(t, y, static("10.0.0.3/24"))
			transfer(t, a, b, "10.0.0.3", data)
			transfer(t, b, a, "10.0.0.2", data[:1000])
		})
	}
}

func TestTransferIPv6(t *testing.T) {
	x, y := wiretest.New(9000)
	a, b := stackOn(t, x, static("fd00::2/64")), stackOn(t, y, static("fd00::3/64"))
	addr := tcpip.AddrFrom16(netip.MustParseAddr("fd00::3").As16())
	require.Eventually(t, func() bool { // until duplicate addresses were looked for
		return b.CheckLocalAddress(2, header.IPv6ProtocolNumber, addr) == 2
	}, 5*time.Second, 10*time.Millisecond)
	time.Sleep(1100 * time.Millisecond)
	transfer(t, a, b, "fd00::3", bytes.Repeat([]byte("jumbo"), 1<<16))
}

// TestAnnouncements looks for what a new address makes known.
func TestAnnouncements(t *testing.T) {
	x, y := wiretest.New(1500)
	frames := make(chan []byte, 100)
	y.SetRoom(func() {})
	y.SetReceiver(func(f []byte) { frames <- append([]byte(nil), f...) })
	stackOn(t, x, static("10.0.0.2/24", "fd00::2/64"))
	arp, na := false, false
	for deadline := time.After(5 * time.Second); !arp || !na; {
		select {
		case f := <-frames:
			switch header.Ethernet(f).Type() {
			case header.ARPProtocolNumber:
				a := header.ARP(f[header.EthernetMinimumSize:])
				arp = arp || bytes.Equal(a.ProtocolAddressSender(), []byte{10, 0, 0, 2}) && bytes.Equal(a.ProtocolAddressTarget(), []byte{10, 0, 0, 2})
			case header.IPv6ProtocolNumber:
				ip := header.IPv6(f[header.EthernetMinimumSize:])
				icmp := header.ICMPv6(ip.Payload())
				na = na || ip.TransportProtocol() == header.ICMPv6ProtocolNumber && icmp.Type() == header.ICMPv6NeighborAdvert
			}
		case <-deadline:
			t.Fatalf("ARP announcement %v, neighbour advertisement %v", arp, na)
		}
	}
}

// TestRemoval takes the device away.
func TestRemoval(t *testing.T) {
	x, _ := wiretest.New(1500)
	s := stackOn(t, x, Config{Addresses: prefixes("10.0.0.2/24"), Servers: addresses("10.0.0.1")})
	assert.Equal(t, "nameserver 10.0.0.1\n", string(s.ResolvConf()))
	x.Close()
	require.Eventually(t, func() bool { return len(s.NICInfo()) == 1 }, 5*time.Second, time.Millisecond)
	assert.Empty(t, s.ResolvConf())
	for _, r := range s.GetRouteTable() {
		assert.Equal(t, Loopback, r.NIC)
	}
}

// TestReplacement has a device come in the place of one that goes.
func TestReplacement(t *testing.T) {
	x, _ := wiretest.New(1500)
	s := stackOn(t, x, static("10.0.0.2/24"))
	for range 20 {
		y, _ := wiretest.New(1500)
		_, err := s.Add(y, "eth0", static("10.0.0.3/24"), func(string) {})
		require.Error(t, err, "two of one name")
		x.Close()
		i, err := s.Add(y, "eth0", static("10.0.0.2/24"), func(string) {})
		require.NoError(t, err)
		assert.Equal(t, "eth0", s.FindNICNameFromID(i.ID))
		x = y
	}
	assert.True(t, hasAddress(s, "10.0.0.2/24"))
}

// A server answers DHCP at the end of a wire.
type server struct {
	*testing.T
	end    *wiretest.End
	lease  uint32
	answer func(request *dhcpv4.DHCPv4, n int) dhcpv4.MessageType // none: no answer
	n      int
}

func (s *server) start() {
	s.end.SetRoom(func() {})
	s.end.SetReceiver(func(frame []byte) {
		eth := header.Ethernet(frame)
		if eth.Type() != header.IPv4ProtocolNumber {
			return
		}
		ip := header.IPv4(frame[header.EthernetMinimumSize:])
		assert.True(s, ip.IsChecksumValid())
		if ip.TransportProtocol() != header.UDPProtocolNumber {
			return
		}
		udp := header.UDP(ip.Payload())
		request, err := dhcpv4.FromBytes(udp.Payload())
		if !assert.NoError(s, err) {
			return
		}
		s.n++
		if typ := s.answer(request, s.n); typ != dhcpv4.MessageTypeNone {
			s.reply(request, typ)
		}
	})
}

func (s *server) reply(request *dhcpv4.DHCPv4, typ dhcpv4.MessageType) {
	d, err := dhcpv4.NewReplyFromRequest(request,
		dhcpv4.WithMessageType(typ), dhcpv4.WithYourIP(net.IPv4(10, 0, 0, 77)), dhcpv4.WithServerIP(net.IPv4(10, 0, 0, 1)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 0, 0, 1))),
		dhcpv4.WithNetmask(net.CIDRMask(25, 32)), dhcpv4.WithRouter(net.IPv4(10, 0, 0, 1)), dhcpv4.WithDNS(net.IPv4(10, 0, 0, 2)),
		dhcpv4.WithOption(dhcpv4.OptDomainName("example.org")), dhcpv4.WithLeaseTime(s.lease))
	require.NoError(s, err)
	// What dhcpFrame makes is from a client: turn it around.
	mac := s.end.MAC()
	frame := dhcpFrame(tcpip.LinkAddress(mac[:]), netip.MustParseAddr("10.0.0.1"), d.ToBytes())
	udp := header.UDP(frame[header.EthernetMinimumSize+header.IPv4MinimumSize:])
	udp.SetSourcePort(67)
	udp.SetDestinationPort(68)
	assert.NoError(s, s.end.Put([][]byte{frame}))
}

func usual(request *dhcpv4.DHCPv4) dhcpv4.MessageType {
	if request.MessageType() == dhcpv4.MessageTypeDiscover {
		return dhcpv4.MessageTypeOffer
	}
	return dhcpv4.MessageTypeAck
}

func hasAddress(s *Stack, p string) bool {
	want := protocolAddress(netip.MustParsePrefix(p)).AddressWithPrefix
	for id, list := range s.AllAddresses() {
		for _, a := range list {
			if id != Loopback && a.AddressWithPrefix == want {
				return true
			}
		}
	}
	return false
}

func TestDHCP(t *testing.T) {
	x, y := wiretest.New(1500)
	(&server{T: t, end: y, lease: 3600, answer: func(r *dhcpv4.DHCPv4, n int) dhcpv4.MessageType {
		switch n {
		case 1:
			return dhcpv4.MessageTypeNone // as if it was lost
		case 3:
			return dhcpv4.MessageTypeNak
		}
		return usual(r)
	}}).start()
	s := stackOn(t, x, Config{DHCP: true})
	s.WaitSettled()
	require.True(t, s.Settled())
	assert.True(t, hasAddress(s, "10.0.0.77/25"))
	assert.Equal(t, "nameserver 10.0.0.2\nsearch example.org\n", string(s.ResolvConf()))
	r, err := s.FindRoute(0, tcpip.Address{}, tcpip.AddrFrom4([4]byte{192, 0, 2, 1}), ipv4.ProtocolNumber, false)
	require.Nil(t, err)
	assert.Equal(t, tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), r.NextHop())
	r.Release()
}

// TestLease renews a short lease, and loses it when the server says so.
func TestLease(t *testing.T) {
	x, y := wiretest.New(1500)
	renewed := make(chan struct{}, 10)
	(&server{T: t, end: y, lease: 2, answer: func(r *dhcpv4.DHCPv4, n int) dhcpv4.MessageType {
		switch {
		case n == 4:
			assert.Equal(t, "10.0.0.77", r.ClientIPAddr.String())
			renewed <- struct{}{}
			return dhcpv4.MessageTypeNak
		case n > 4:
			return dhcpv4.MessageTypeNone
		case n == 3:
			renewed <- struct{}{}
		}
		return usual(r)
	}}).start()
	s := stackOn(t, x, Config{DHCP: true})
	s.WaitSettled()
	assert.True(t, hasAddress(s, "10.0.0.77/25"))
	<-renewed
	assert.True(t, hasAddress(s, "10.0.0.77/25"))
	<-renewed
	require.Eventually(t, func() bool { return !hasAddress(s, "10.0.0.77/25") }, 5*time.Second, time.Millisecond)
}

// TestNoServer has nobody answer: programs get to run all the same.
func TestNoServer(t *testing.T) {
	x, _ := wiretest.New(1500)
	s := stackOn(t, x, Config{DHCP: true})
	assert.False(t, s.Settled())
	start := time.Now()
	s.WaitSettled()
	assert.Less(t, time.Since(start), maxSettling+time.Second)
}

func FuzzFrame(f *testing.F) {
	f.Add(dhcpFrame("\x00\x16\x3e\x00\x00\x01", netip.MustParseAddr("10.0.0.1"), []byte("payload")))
	f.Add(announcement("\x00\x16\x3e\x00\x00\x01", netip.MustParseAddr("10.0.0.1")))
	x, _ := wiretest.New(1500)
	s := New()
	i, err := s.Add(x, "eth0", static("10.0.0.2/24", "fd00::2/64"), func(string) {})
	require.NoError(f, err)
	i.link.setTap(func(frame []byte) bool { return dhcpPayload(frame) != nil })
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) >= 6 {
			mac := x.MAC()
			copy(frame, mac[:])
		}
		i.link.receive(frame)
	})
}
