package netstack

import (
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// ndpEvents is told what routers announce. The stack calls it with its locks held, so what is to be done
// about it is done by a goroutine.
type ndpEvents struct {
	stack *Stack
	queue chan func()
	turn  sync.Mutex // of who takes from the queue: events stay in order
}

var _ ipv6.NDPDispatcher = (*ndpEvents)(nil)

// maxEvents is how many events may be under way. Routers cannot fill memory: what is more is lost, and announced again.
const maxEvents = 64

func (e *ndpEvents) init(s *Stack) {
	e.stack, e.queue = s, make(chan func(), maxEvents)
}

// later queues what is to be done. The goroutine that does it exists while there is something to do.
func (e *ndpEvents) later(f func()) {
	select {
	case e.queue <- f:
		go func() {
			e.turn.Lock()
			defer e.turn.Unlock()
			(<-e.queue)()
		}()
	default:
	}
}

func (e *ndpEvents) OnOffLinkRouteUpdated(id tcpip.NICID, to tcpip.Subnet, router tcpip.Address, _ header.NDPRoutePreference) {
	e.later(func() { e.stack.ReplaceRoute(tcpip.Route{Destination: to, Gateway: router, NIC: id}) })
}

func (e *ndpEvents) OnOffLinkRouteInvalidated(id tcpip.NICID, to tcpip.Subnet, router tcpip.Address) {
	e.later(func() {
		e.stack.RemoveRoutes(func(r tcpip.Route) bool { return r.NIC == id && r.Destination == to && r.Gateway == router })
	})
}

func (e *ndpEvents) OnOnLinkPrefixDiscovered(id tcpip.NICID, prefix tcpip.Subnet) {
	e.later(func() { e.stack.ReplaceRoute(tcpip.Route{Destination: prefix, NIC: id}) })
}

func (e *ndpEvents) OnOnLinkPrefixInvalidated(id tcpip.NICID, prefix tcpip.Subnet) {
	e.later(func() {
		e.stack.RemoveRoutes(func(r tcpip.Route) bool {
			return r.NIC == id && r.Destination == prefix && r.Gateway == (tcpip.Address{})
		})
	})
}

// OnRecursiveDNSServerOption takes name servers. They are kept when their lifetime is over, until others are announced: wrong ones
// are no worse than none.
func (e *ndpEvents) OnRecursiveDNSServerOption(id tcpip.NICID, servers []tcpip.Address, life time.Duration) {
	if life == 0 {
		return
	}
	e.later(func() {
		name := e.stack.FindNICNameFromID(id)
		var list []netip.Addr
		for _, s := range servers {
			a := netip.AddrFrom16(s.As16())
			if a.IsLinkLocalUnicast() {
				a = a.WithZone(name)
			}
			list = append(list, a)
		}
		e.stack.AddServers(name+"/ra", list, nil)
	})
}

func (e *ndpEvents) OnDNSSearchListOption(id tcpip.NICID, search []string, life time.Duration) {
	if life != 0 {
		e.later(func() { e.stack.AddServers(e.stack.FindNICNameFromID(id)+"/search", nil, search) })
	}
}

// What else there is happens by itself.

func (e *ndpEvents) OnDuplicateAddressDetectionResult(tcpip.NICID, tcpip.Address, stack.DADResult) {}
func (e *ndpEvents) OnAutoGenAddress(tcpip.NICID, tcpip.AddressWithPrefix) stack.AddressDispatcher {
	return nil
}
func (e *ndpEvents) OnAutoGenAddressDeprecated(tcpip.NICID, tcpip.AddressWithPrefix)      {}
func (e *ndpEvents) OnAutoGenAddressInvalidated(tcpip.NICID, tcpip.AddressWithPrefix)     {}
func (e *ndpEvents) OnDHCPv6Configuration(tcpip.NICID, ipv6.DHCPv6ConfigurationFromNDPRA) {}
