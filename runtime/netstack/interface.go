package netstack

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// An Interface is an Ethernet interface of the stack.
type Interface struct {
	Name string
	ID   tcpip.NICID

	stack *Stack
	link  *link
	cfg   Config
	log   func(line string)
	gone  chan struct{} // closed when the interface is no more
}

// Add makes dev an interface of that name and configures it: at once, or in the background with DHCP. The stack does
// not count as settled before that has succeeded or taken too long. log is told what cannot be returned. An interface is returned
// even if an address of it is impossible.
func (s *Stack) Add(dev Device, name string, cfg Config, log func(line string)) (*Interface, error) {
	s.awaitRemoval(name)
	i := &Interface{Name: name, ID: tcpip.NICID(s.NextNICID()), stack: s, link: newLink(dev), cfg: cfg, log: log, gone: make(chan struct{})}
	if i.ID == Loopback {
		i.ID = tcpip.NICID(s.NextNICID())
	}
	if err := s.CreateNICWithOptions(i.ID, i.link, stack.NICOptions{Name: name}); err != nil {
		return nil, i.error("creating", err)
	}
	// Link-local neighbours are reachable without an address of any other kind.
	s.AddRoute(tcpip.Route{Destination: header.IPv6LinkLocalPrefix.Subnet(), NIC: i.ID})
	s.AddRoute(tcpip.Route{Destination: ipv4Multicast, NIC: i.ID})
	s.AddRoute(tcpip.Route{Destination: ipv6Multicast, NIC: i.ID})
	s.mu.Lock()
	s.interfaces = append(s.interfaces, i)
	s.mu.Unlock()
	s.AddServers(name, cfg.Servers, cfg.Search)
	i.verbose("connected, MTU " + strconv.Itoa(dev.MTU()))
	var errs []error
	for _, p := range cfg.Addresses {
		errs = append(errs, i.addStatic(p))
	}
	if cfg.DHCP {
		release := s.Hold()
		go i.lease(release)
	}
	go i.watch(dev.Done())
	return i, errors.Join(errs...)
}

var (
	ipv4Multicast = subnet(netip.MustParsePrefix("224.0.0.0/4"))
	ipv6Multicast = subnet(netip.MustParsePrefix("ff00::/8"))
	defaultRoute4 = subnet(netip.MustParsePrefix("0.0.0.0/0"))
	defaultRoute6 = subnet(netip.MustParsePrefix("::/0"))
)

// An interfaceError is an error of the stack.
type interfaceError struct{ what, name, why string }

func (e *interfaceError) Error() string { return "netstack: " + e.what + " " + e.name + ": " + e.why }

func (i *Interface) error(what string, err tcpip.Error) error {
	return &interfaceError{what, i.Name, err.String()}
}

// awaitRemoval waits until an interface of that name whose device has ended, so that another comes in its place, is gone.
func (s *Stack) awaitRemoval(name string) {
	var old *Interface
	s.mu.Lock()
	for _, i := range s.interfaces {
		if i.Name == name {
			old = i
		}
	}
	s.mu.Unlock()
	if old == nil {
		return
	}
	select {
	case <-old.link.dev.Done():
		<-old.gone
	default: // a second one of that name, which the stack refuses
	}
}

// watch removes the interface when its device has gone.
func (i *Interface) watch(done <-chan struct{}) {
	<-done
	defer close(i.gone)
	s := i.stack
	s.RemoveServers(i.Name)
	s.RemoveRoutes(func(r tcpip.Route) bool { return r.NIC == i.ID })
	if err := s.RemoveNIC(i.ID); err != nil {
		i.log(i.error("removing", err).Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interfaces = slices.DeleteFunc(s.interfaces, func(other *Interface) bool { return other == i })
}

// addStatic adds a configured address and the routes that come with it.
func (i *Interface) addStatic(p netip.Prefix) error {
	if err := i.addAddress(p); err != nil {
		return err
	}
	gateway, ok := i.cfg.gateway(p)
	if ok {
		i.addDefault(gateway)
	}
	return nil
}

// addAddress adds an address, the route to its subnet, and tells the network.
func (i *Interface) addAddress(p netip.Prefix) error {
	if err := i.stack.AddProtocolAddress(i.ID, protocolAddress(p), stack.AddressProperties{}); err != nil {
		return i.error("adding "+p.String()+" to", err)
	}
	i.stack.ReplaceRoute(tcpip.Route{Destination: subnet(p), NIC: i.ID})
	i.verbose("address " + p.String())
	i.announce(p.Addr())
	return nil
}

// removeAddress undoes addAddress and removes the routes through IPv4 gateways.
func (i *Interface) removeAddress(p netip.Prefix) error {
	net := subnet(p)
	i.stack.RemoveRoutes(func(r tcpip.Route) bool {
		return r.NIC == i.ID && (r.Destination == net || r.Gateway.Len() == header.IPv4AddressSize)
	})
	if err := i.stack.RemoveAddress(i.ID, address(p.Addr())); err != nil {
		return i.error("removing "+p.String()+" from", err)
	}
	return nil
}

// addDefault makes gateway the default route of its family; the unspecified one stands for the link.
func (i *Interface) addDefault(gateway netip.Addr) {
	i.addRoute(netip.PrefixFrom(unspecified(gateway), 0), gateway)
}

func (i *Interface) addRoute(to netip.Prefix, gateway netip.Addr) {
	r := tcpip.Route{Destination: subnet(to), NIC: i.ID}
	if !gateway.IsUnspecified() {
		r.Gateway = address(gateway)
	}
	i.stack.ReplaceRoute(r)
	i.verbose("route to " + to.String() + " by " + gateway.String())
}

// verbose says what was configured to those who want to know.
func (i *Interface) verbose(line string) {
	if i.stack.Verbose {
		i.log("xengo: " + i.Name + ": " + line)
	}
}

// announce tells the network which hardware address an address has now, so that caches and bridges that knew
// another learn. A lost announcement costs them time only.
func (i *Interface) announce(a netip.Addr) {
	frame := announcement
	if a.Is6() {
		frame = advertisement
	}
	if err := i.link.sendFrame(frame(i.link.mac, a)); err != nil {
		i.log("netstack: announcing " + a.String() + ": " + err.Error())
	}
}

// address converts an address, to 4 or 16 bytes.
func address(a netip.Addr) tcpip.Address { return tcpip.AddrFromSlice(a.AsSlice()) }

// unspecified returns the unspecified address of the family of a.
func unspecified(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// subnet converts a prefix.
func subnet(p netip.Prefix) tcpip.Subnet {
	return tcpip.AddressWithPrefix{Address: address(p.Masked().Addr()), PrefixLen: p.Bits()}.Subnet()
}

func protocolAddress(p netip.Prefix) tcpip.ProtocolAddress {
	protocol := header.IPv4ProtocolNumber
	if p.Addr().Is6() {
		protocol = header.IPv6ProtocolNumber
	}
	return tcpip.ProtocolAddress{
		Protocol:          protocol,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address(p.Addr()), PrefixLen: p.Bits()},
	}
}
