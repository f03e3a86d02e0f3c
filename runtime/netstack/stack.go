// Package netstack is the guest's network: gVisor's TCP/IP stack, its loopback interface, and an interface eth0,
// eth1, … for every network device of the domain, configured as follows.
//
// What the kernel command line says about an interface comes first (extra= in the domain's config):
//
//	ip=10.0.0.5/24,fd00::5/64   static addresses, of eth0; a word may be repeated
//	ip=eth1:10.1.0.5/24         of another interface
//	ip=dhcp  ip=off             DHCP for IPv4; no IPv4
//	ip=CLIENT:SERVER:GW:MASK:HOST:DEVICE:AUTOCONF:DNS0:DNS1
//	                            as Linux reads it (Documentation/admin-guide/nfs/nfsroot.rst)
//	gw=10.0.0.1,fe80::1         default gateways, gw=none for no gateway
//	dns=10.0.0.1,1.1.1.1        name servers
//
// Otherwise what the toolstack put into xenstore counts: addresses of xl's vif=['ip=…'], which may have a /prefix, with
// netmask and gateway beside them, or XAPI's static-ip-setting. Otherwise DHCP is asked. Hence a guest whose
// addresses are known is configured as soon as its device is connected.
//
// An IPv4 address without a prefix has /24, an IPv6 address /64. If addresses are given without a gateway, it
// is the first address of the subnet (10.0.0.1), unless that is the guest's own or the subnet is too small to have one; then
// the whole world is on the link, as with Xen's vif-route and proxy ARP.
//
// With XENGO_VERBOSE=1 in the environment interfaces say on the console how they are configured.
//
// IPv6 configures itself in all cases: a link-local address, and what routers announce.
package netstack

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/raw"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"internal/xengo/runtime/kernel"
)

// Loopback is the number of the interface lo.
const Loopback tcpip.NICID = 1

// A Stack is a network stack with its interfaces.
type Stack struct {
	*stack.Stack

	// Verbose has interfaces say on the console how they are configured.
	Verbose bool

	events  ndpEvents
	settled settled

	mu         sync.Mutex
	interfaces []*Interface
	servers    []nameServers
}

// New returns a stack that has only lo.
func New() *Stack {
	s := &Stack{}
	numbers := new(random)
	s.settled.init()
	s.events.init(s)
	s.Stack = stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			arp.NewProtocol,
			ipv4.NewProtocol,
			ipv6.NewProtocolWithOptions(ipv6.Options{
				NDPConfigs:       ipv6.DefaultNDPConfigurations(),
				AutoGenLinkLocal: true,
				NDPDisp:          &s.events,
				DADConfigs:       stack.DefaultDADConfigurations(),
			}),
		},
		TransportProtocols: []stack.TransportProtocolFactory{
			tcp.NewProtocolCUBIC, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6,
		},
		Clock:       clock{},
		HandleLocal: true,
		RawFactory:  raw.EndpointFactory{},
		SecureRNG:   numbers,
		RandSource:  numbers,
	})
	s.tune(kernel.MemTotal())
	s.addLoopback()
	return s
}

func (s *Stack) addLoopback() {
	must(s.CreateNICWithOptions(Loopback, loopback.New(), stack.NICOptions{Name: "lo"}))
	// Nobody else can have ::1, which is there at once.
	ep, err := s.GetNetworkEndpoint(Loopback, ipv6.ProtocolNumber)
	must(err)
	ep.(stack.DuplicateAddressDetector).SetDADConfigurations(stack.DADConfigurations{})
	for _, a := range []struct {
		protocol tcpip.NetworkProtocolNumber
		address  tcpip.AddressWithPrefix
	}{
		{ipv4.ProtocolNumber, tcpip.AddrFrom4([4]byte{127, 0, 0, 1}).WithPrefix()},
		{ipv6.ProtocolNumber, header.IPv6Loopback.WithPrefix()},
	} {
		if a.protocol == ipv4.ProtocolNumber {
			a.address.PrefixLen = 8
		}
		must(s.AddProtocolAddress(Loopback, tcpip.ProtocolAddress{Protocol: a.protocol, AddressWithPrefix: a.address}, stack.AddressProperties{}))
		s.AddRoute(tcpip.Route{Destination: a.address.Subnet(), NIC: Loopback})
	}
}

// must panics if err says that the stack does not know its own protocols and options.
func must(err tcpip.Error) {
	if err != nil {
		panic("netstack: " + err.String())
	}
}

// Limits of socket buffers, in bytes. The largest are Linux's where there is memory for them: tcp_wmem, tcp_rmem and
// core's rmem_max. Source: Linux 6.16 net/ipv4/tcp.c, include/net/sock.h.
const (
	minBuffer     = 4 << 10
	defaultBuffer = 208 << 10 // 212992
	maxSendTCP    = 4 << 20
	maxReceiveTCP = 6 << 20
	startSendTCP  = 16 << 10
	startRecvTCP  = 128 << 10
	// bufferShare is the part of memory that a single buffer may take.
	bufferShare = 64
)

// Linux's local port range and length of TIME_WAIT, in seconds, and a shorter one for small domains: a closed connection costs
// some kilobytes here. Source: Linux 6.16 net/ipv4/tcp_ipv4.c, include/net/tcp.h.
const (
	firstPort, lastPort = 32768, 60999

	timeWait, shortTimeWait = 60e9, 10e9 // ns
	smallMemory             = 512 << 20
)

// tune sets the stack's options for a domain with that many bytes of memory.
func (s *Stack) tune(memory uint64) {
	limit := func(n int) int { return max(256<<10, min(n, int(memory/bufferShare))) }
	must(s.SetOption(tcpip.SendBufferSizeOption{Min: minBuffer, Default: defaultBuffer, Max: limit(maxSendTCP)}))
	must(s.SetOption(tcpip.ReceiveBufferSizeOption{Min: minBuffer, Default: defaultBuffer, Max: limit(maxReceiveTCP)}))
	must(s.SetPortRange(firstPort, lastPort))

	wait := tcpip.TCPTimeWaitTimeoutOption(timeWait)
	if memory < smallMemory {
		wait = shortTimeWait
	}
	reuse := tcpip.TCPTimeWaitReuseGlobal
	// RACK's probe takes the place of the retransmission timer and does not give it back when the retransmission
	// itself is lost (gVisor of February 2026, tcp/rack.go, schedulePTO): the connection then stands still for good, which
	// TestTransfer shows. SACK recovery and the timer do without.
	rack := tcpip.TCPRecovery(0)
	sack, moderate := tcpip.TCPSACKEnabled(true), tcpip.TCPModerateReceiveBufferOption(true)
	// Nagle's algorithm is on until somebody sets TCP_NODELAY, as on Linux.
	delay := tcpip.TCPDelayEnabled(true)
	for _, o := range []tcpip.SettableTransportProtocolOption{
		&tcpip.TCPSendBufferSizeRangeOption{Min: minBuffer, Default: startSendTCP, Max: limit(maxSendTCP)},
		&tcpip.TCPReceiveBufferSizeRangeOption{Min: minBuffer, Default: startRecvTCP, Max: limit(maxReceiveTCP)},
		&sack, &rack, &moderate, &delay, &wait, &reuse,
	} {
		must(s.SetTransportProtocolOption(tcp.ProtocolNumber, o))
	}
}
