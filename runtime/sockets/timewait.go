package sockets

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"internal/xengo/runtime/kernel"
)

// Who closes a connection first keeps its ports for a minute more, in TIME_WAIT. The stack keeps all else, too,
// 5 KiB for each: a small server whose clients come anew for each request would be out of memory before the minute is
// over. So there is a limit, as on Linux (Documentation/networking/ip-sysctl.rst, tcp_max_tw_buckets), and what is
// above it is over at once.

// timeWaitLimit is how many connections may be in TIME_WAIT, Linux's default: half as many as it has hash buckets,
// one for 128 KiB. Source: Linux 6.16 net/ipv4/tcp.c, tcp_init; net/ipv4/tcp_ipv4.c, tcp_set_hashinfo.
func timeWaitLimit() int { return int(kernel.MemTotal() >> 17 / 2) }

// released counts streams that the program has closed.
var released atomic.Int64

// limitTimeWait is called when a stream has been closed. It looks now and then, so that the limit may be exceeded by
// an eighth. The peer gets a reset, which says nothing to it: its end is over already.
func limitTimeWait() {
	limit := timeWaitLimit()
	if released.Add(1)%int64(max(1, limit/8)) != 0 {
		return
	}
	for _, e := range tcpip.GetDanglingEndpoints() {
		ep, ok := e.(*tcp.Endpoint)
		if !ok || ep.EndpointState() != tcp.StateTimeWait {
			continue
		}
		if limit--; limit < 0 {
			ep.Abort()
		}
	}
}

// within has the streams between ends of this domain that the program has closed last. Nothing of such a connection
// can be under way for long, so that TIME_WAIT does not have to last either; and what the collector has to mark for
// the rest of the minute costs more than the connection did.
var within struct {
	sync.Mutex
	last [16]*tcp.Endpoint
	next int
}

// endTimeWaitWithin is called with a socket that is about to be closed.
func endTimeWaitWithin(e tcpip.Endpoint) {
	ep, ok := e.(*tcp.Endpoint)
	if !ok {
		return
	}
	id := ep.Info().(*stack.TransportEndpointInfo).ID
	if id.RemotePort == 0 || id.LocalAddress != id.RemoteAddress {
		return
	}
	within.Lock()
	oldest := within.last[within.next]
	within.last[within.next] = ep
	within.next = (within.next + 1) % len(within.last)
	within.Unlock()
	if oldest != nil && oldest.EndpointState() == tcp.StateTimeWait {
		oldest.Abort()
	}
}
