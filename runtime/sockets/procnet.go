package sockets

import (
	"encoding/binary"
	"fmt"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/socket"
)

// Files of /proc/net about sockets and tables. What the stack does not count or know is left out where the format lets it,
// and zero elsewhere.

// An endpoint is a line of /proc/net/tcp and its like.
type endpoint struct {
	ep    tcpip.Endpoint
	inode uint64 // 0: no descriptor leads to it
	six   bool
}

// open returns the program's sockets of a type, in the order in which they were made.
func open(st *netstack.Stack, typ int) []endpoint {
	var list []endpoint
	for _, fd := range fdtable.Open() {
		f, err := fdtable.Get(fd)
		if err != 0 {
			continue // closed meanwhile
		}
		if s, ok := f.Desc.(*inet); ok && s.Type == typ && s.st == st {
			list = append(list, endpoint{s.ep, s.ID(), s.Family == socket.AF_INET6})
		}
		f.Put()
	}
	slices.SortFunc(list, func(a, b endpoint) int { return int(a.inode) - int(b.inode) })
	return slices.CompactFunc(list, func(a, b endpoint) bool { return a.inode == b.inode })
}

// streams returns all TCP endpoints, also those that wait to be accepted or were closed by the program and still have something to do.
func streams(st *netstack.Stack) []endpoint {
	list := open(st, socket.SOCK_STREAM)
	seen := map[tcpip.Endpoint]bool{} // there may be thousands
	for _, e := range list {
		seen[e.ep] = true
	}
	for _, t := range append(st.RegisteredEndpoints(), st.CleanupEndpoints()...) {
		ep, ok := t.(*tcp.Endpoint)
		if !ok || seen[ep] {
			continue
		}
		seen[ep] = true
		a, err := ep.GetLocalAddress()
		list = append(list, endpoint{ep, 0, err == nil && a.Addr.Len() == header.IPv6AddressSize})
	}
	return list
}

// state returns that of a TCP endpoint as Linux numbers it, 0 if Linux would not show it.
func (e *endpoint) state() uint32 {
	if s := tcp.EndpointState(e.ep.State()); s <= tcp.StateClosing {
		return uint32(s)
	}
	return 0
}

// socketTable is /proc/net/tcp and udp, in the format of Linux 6.16 net/ipv4/tcp_ipv4.c and udp.c; six: tcp6 and udp6.
func socketTable(st *netstack.Stack, typ int, six bool) []byte {
	list := streams
	if typ != socket.SOCK_STREAM {
		list = func(st *netstack.Stack) []endpoint { return open(st, typ) }
	}
	b := []byte("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")
	n := 0
	for _, e := range list(st) {
		local, remote, state := e.addresses(typ)
		if state == 0 || e.six != six {
			continue
		}
		sent, _ := e.ep.GetSockOptInt(tcpip.SendQueueSizeOption) // not of all types
		received, _ := e.ep.GetSockOptInt(tcpip.ReceiveQueueSizeOption)
		b = fmt.Appendf(b, "%4d: %s %s %02X %08X:%08X 00:00000000 00000000     0        0 %d 1 0000000000000000\n",
			n, hexAddress(local, six), hexAddress(remote, six), state, sent, received, e.inode)
		n++
	}
	return b
}

// addresses returns both ends and the state, 0 if there is nothing to show.
func (e *endpoint) addresses(typ int) (local, remote tcpip.FullAddress, state uint32) {
	local, err := e.ep.GetLocalAddress()
	if err != nil {
		return local, remote, 0
	}
	remote, err = e.ep.GetRemoteAddress()
	switch {
	case typ == socket.SOCK_STREAM:
		state = e.state()
	case local.Port == 0:
	case err == nil:
		state = uint32(tcp.StateEstablished)
	default:
		state = uint32(tcp.StateClose)
	}
	return local, remote, state
}

// hexAddress formats an address as words of the machine.
func hexAddress(a tcpip.FullAddress, six bool) string {
	raw := make([]byte, header.IPv4AddressSize, header.IPv6AddressSize)
	if six {
		raw = raw[:header.IPv6AddressSize]
	}
	switch from := a.Addr.AsSlice(); {
	case len(from) < len(raw) && len(from) > 0:
		raw[10], raw[11] = 0xff, 0xff // an IPv4 address in IPv6
		copy(raw[12:], from)
	default:
		copy(raw, from)
	}
	s := ""
	for ; len(raw) > 0; raw = raw[4:] {
		s += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(raw))
	}
	return fmt.Sprintf("%s:%04X", s, a.Port)
}

// sockstat is /proc/net/sockstat; six: sockstat6.
func sockstat(st *netstack.Stack, six bool) []byte {
	inUse, timeWait := 0, 0
	for _, e := range streams(st) {
		switch {
		case tcp.EndpointState(e.ep.State()) == tcp.StateTimeWait:
			timeWait++
		case e.six == six && e.state() != 0:
			inUse++
		}
	}
	count := func(typ int) (n int) {
		for _, e := range open(st, typ) {
			if e.six == six {
				n++
			}
		}
		return n
	}
	if six {
		return fmt.Appendf(nil, "TCP6: inuse %d\nUDP6: inuse %d\nRAW6: inuse %d\n", inUse, count(socket.SOCK_DGRAM), count(socket.SOCK_RAW))
	}
	return fmt.Appendf(nil, "sockets: used %d\nTCP: inuse %d tw %d\nUDP: inuse %d\nRAW: inuse %d\n",
		len(open(st, socket.SOCK_STREAM))+len(open(st, socket.SOCK_DGRAM))+len(open(st, socket.SOCK_RAW)),
		inUse, timeWait, count(socket.SOCK_DGRAM), count(socket.SOCK_RAW))
}

// Flags of routes. Source: Linux 6.16 include/uapi/linux/route.h.
const (
	routeUp      = 1
	routeGateway = 2
	routeHost    = 4
)

// routeTable is /proc/net/route, in the format of Linux 6.16 net/ipv4/fib_trie.c.
func routeTable(st *netstack.Stack) []byte {
	b := []byte("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n")
	names := st.NICInfo()
	for _, r := range st.GetRouteTable() {
		to := r.Destination.ID()
		if to.Len() != header.IPv4AddressSize || header.IsV4MulticastAddress(to) || names[r.NIC].Flags.Loopback {
			continue
		}
		flags, gateway := routeUp, make([]byte, header.IPv4AddressSize)
		if r.Gateway.Len() == header.IPv4AddressSize {
			flags |= routeGateway
			gateway = r.Gateway.AsSlice()
		}
		mask := r.Destination.Mask()
		if r.Destination.Prefix() == 32 {
			flags |= routeHost
		}
		b = fmt.Appendf(b, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0\n", names[r.NIC].Name, binary.NativeEndian.Uint32(to.AsSlice()),
			binary.NativeEndian.Uint32(gateway), flags, binary.NativeEndian.Uint32(mask.AsSlice()))
	}
	return b
}

// addresses6 is /proc/net/if_inet6, in the format of Linux 6.16 net/ipv6/addrconf.c.
func addresses6(st *netstack.Stack) []byte {
	var b []byte
	for _, l := range links(st) {
		for _, a := range l.addresses(header.IPv6AddressSize) {
			scope := 0x00
			switch {
			case l.loopback():
				scope = 0x10
			case header.IsV6LinkLocalUnicastAddress(a.Address):
				scope = 0x20
			}
			b = fmt.Appendf(b, "%x %02x %02x %02x %02x %8s\n", a.Address.AsSlice(), l.id, a.PrefixLen, scope, ifaPermanent, l.info.Name)
		}
	}
	return b
}
