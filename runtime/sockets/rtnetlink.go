package sockets

import (
	"encoding/binary"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/socket"
)

// Messages of netlink and rtnetlink. Source: Linux 6.16 include/uapi/linux/netlink.h, rtnetlink.h.
const (
	nlmsgHeader = 16
	nlmsgNoop   = 1
	nlmsgError  = 2
	nlmsgDone   = 3

	flagRequest = 0x1
	flagMulti   = 0x2
	flagAck     = 0x4
	flagDump    = 0x300

	rtmNewLink  = 16
	rtmGetLink  = 18
	rtmNewAddr  = 20
	rtmGetAddr  = 22
	rtmNewRoute = 24
	rtmGetRoute = 26
)

// Attributes. Source: Linux 6.16 include/uapi/linux/if_link.h, if_addr.h, rtnetlink.h.
const (
	iflaAddress   = 1
	iflaBroadcast = 2
	iflaName      = 3
	iflaMTU       = 4
	iflaTxQueue   = 13
	iflaOperState = 16
	iflaStats64   = 23

	ifaAddress   = 1
	ifaLocal     = 2
	ifaLabel     = 3
	ifaBroadcast = 4
	ifaFlags     = 8

	rtaDst     = 1
	rtaOif     = 4
	rtaGateway = 5
	rtaTable   = 15

	ifaPermanent = 0x80
	operUp       = 6
	operUnknown  = 0

	scopeUniverse = 0
	scopeLink     = 253
	scopeHost     = 254

	tableMain    = 254
	protoKernel  = 2
	protoBoot    = 3
	routeUnicast = 1
)

// maxDatagram is how large datagrams get that hold more than one message: what a page holds, which readers have room for.
const maxDatagram = 4096

// answer returns the datagrams that answer a sequence of requests.
func answer(st *netstack.Stack, port uint32, b []byte) [][]byte {
	var out [][]byte
	for len(b) >= nlmsgHeader {
		size := int(binary.NativeEndian.Uint32(b))
		if size < nlmsgHeader || size > len(b) {
			return out
		}
		r := &response{
			st: st, port: port, request: b[:size],
			typ: binary.NativeEndian.Uint16(b[4:]), flags: binary.NativeEndian.Uint16(b[6:]), seq: binary.NativeEndian.Uint32(b[8:]),
		}
		if r.flags&flagRequest != 0 && r.typ > nlmsgDone {
			r.answer()
			out = append(out, r.datagrams...)
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return out
}

// A response is what answers one request.
type response struct {
	st         *netstack.Stack
	port, seq  uint32
	typ, flags uint16
	request    []byte

	datagrams [][]byte
	current   []byte // a datagram that has room for more
}

func (r *response) answer() {
	var err calls.Errno
	dump := r.flags&flagDump == flagDump
	body := r.request[nlmsgHeader:]
	switch {
	case r.typ == rtmGetLink && dump:
		r.links(0)
	case r.typ == rtmGetLink && len(body) >= 16:
		if index := binary.NativeEndian.Uint32(body[4:]); index == 0 || !r.links(tcpip.NICID(index)) {
			err = calls.ENODEV
		}
	case r.typ == rtmGetAddr && dump:
		r.addresses(family(body))
	case r.typ == rtmGetRoute && dump:
		r.routes(family(body))
	case r.typ == rtmGetLink:
		err = calls.EINVAL
	default:
		err = calls.EOPNOTSUPP
	}
	switch {
	case err == 0 && dump:
		r.put(nlmsgDone, make([]byte, 4))
	case err != 0 || r.flags&flagAck != 0:
		r.flush()
		r.put(nlmsgError, append(words(nil, uint32(-int32(err))), r.request...))
	}
	r.flush()
}

// family returns the address family that a request is for, 0 for all.
func family(body []byte) int {
	if len(body) == 0 {
		return 0
	}
	return int(body[0])
}

// put adds a message.
func (r *response) put(typ uint16, body []byte) {
	size := nlmsgHeader + len(body)
	if len(r.current)+size > maxDatagram {
		r.flush()
	}
	var flags uint16
	if r.flags&flagDump == flagDump && typ != nlmsgError {
		flags = flagMulti
	}
	b := words(r.current, uint32(size), pair(typ, flags), r.seq, r.port)
	r.current = padded(append(b, body...))
}

// flush ends a datagram.
func (r *response) flush() {
	if len(r.current) > 0 {
		r.datagrams, r.current = append(r.datagrams, r.current), nil
	}
}

// words appends numbers of 32 bits. It is called so often that inlined it would be the larger part of this file.
//
//go:noinline
func words(b []byte, numbers ...uint32) []byte {
	for _, n := range numbers {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}

// pair returns the word that two numbers are in memory, on a little-endian machine.
func pair(first, second uint16) uint32 {
	return uint32(first) | uint32(second)<<16
}

// padded appends zeros up to a whole number of words.
func padded(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

// attribute appends one to the body of a message.
//
//go:noinline
func attribute(b []byte, typ uint16, value []byte) []byte {
	return padded(append(words(b, pair(uint16(4+len(value)), typ)), value...))
}

func attribute32(b []byte, typ uint16, v uint32) []byte { return attribute(b, typ, words(nil, v)) }

// links describes the interface with that number, all for 0, and reports whether there is one.
func (r *response) links(only tcpip.NICID) bool {
	found := false
	for _, l := range links(r.st) {
		if only != 0 && l.id != only {
			continue
		}
		found = true
		hardware, address := l.hardware()
		b := words(nil, pair(socket.AF_UNSPEC, hardware), uint32(l.id), l.flags, 0) // struct ifinfomsg
		b = attribute(b, iflaName, append([]byte(l.info.Name), 0))
		b = attribute32(b, iflaMTU, l.info.MTU)
		b = attribute32(b, iflaTxQueue, 1000)
		broadcast, state := header.EthernetBroadcastAddress, byte(operUp)
		if l.loopback() {
			broadcast, state = header.UnspecifiedEthernetAddress, operUnknown
		}
		b = attribute(b, iflaOperState, []byte{state})
		b = attribute(b, iflaAddress, address)
		b = attribute(b, iflaBroadcast, []byte(broadcast))
		b = attribute(b, iflaStats64, statistics(l))
		r.put(rtmNewLink, b)
	}
	return found
}

// statistics returns the beginning of struct rtnl_link_stats64, and zeros for what is not counted.
func statistics(l *netLink) []byte {
	const size = 25 * 8
	b := make([]byte, 0, size)
	s := &l.info.Stats
	for _, v := range []*tcpip.StatCounter{s.Rx.Packets, s.Tx.Packets, s.Rx.Bytes, s.Tx.Bytes} {
		b = binary.NativeEndian.AppendUint64(b, v.Value())
	}
	return b[:size]
}

// addressSize returns the size of addresses of a family, 0 for all.
func addressSize(family int) int {
	switch family {
	case socket.AF_UNSPEC:
		return 0
	case socket.AF_INET:
		return 4
	case socket.AF_INET6:
		return 16
	}
	return -1
}

func familyOf(a tcpip.Address) byte {
	if a.Len() == 4 {
		return socket.AF_INET
	}
	return socket.AF_INET6
}

// scope returns how far an address is valid.
func scope(a tcpip.Address) byte {
	switch {
	case isLoopback(a):
		return scopeHost
	case header.IsV6LinkLocalUnicastAddress(a), header.IsV4LinkLocalUnicastAddress(a):
		return scopeLink
	}
	return scopeUniverse
}

func (r *response) addresses(family int) {
	for _, l := range links(r.st) {
		for _, a := range l.addresses(addressSize(family)) {
			raw := a.Address.AsSlice()
			b := []byte{familyOf(a.Address), byte(a.PrefixLen), ifaPermanent, scope(a.Address)} // struct ifaddrmsg
			b = attribute(words(b, uint32(l.id)), ifaAddress, raw)
			if len(raw) == 4 {
				b = attribute(b, ifaLocal, raw)
				if !l.loopback() {
					to := broadcast(a)
					b = attribute(b, ifaBroadcast, to.AsSlice())
				}
				b = attribute(b, ifaLabel, append([]byte(l.info.Name), 0))
			}
			b = attribute32(b, ifaFlags, ifaPermanent)
			r.put(rtmNewAddr, b)
		}
	}
}

// broadcast returns the broadcast address of a subnet.
func broadcast(a tcpip.AddressWithPrefix) tcpip.Address {
	s := a.Subnet()
	return s.Broadcast()
}

func (r *response) routes(family int) {
	for _, route := range r.st.GetRouteTable() {
		to := route.Destination.ID()
		if n := addressSize(family); n != 0 && n != to.Len() || header.IsV4MulticastAddress(to) || header.IsV6MulticastAddress(to) {
			continue
		}
		protocol, reach := byte(protoKernel), byte(scopeLink)
		if route.Gateway.Len() > 0 {
			protocol, reach = protoBoot, scopeUniverse
		}
		b := []byte{familyOf(to), byte(route.Destination.Prefix()), 0, 0, tableMain, protocol, reach, routeUnicast} // struct rtmsg
		b = attribute32(words(b, 0), rtaTable, tableMain)
		if route.Destination.Prefix() > 0 {
			b = attribute(b, rtaDst, to.AsSlice())
		}
		if route.Gateway.Len() > 0 {
			b = attribute(b, rtaGateway, route.Gateway.AsSlice())
		}
		b = attribute32(b, rtaOif, uint32(route.NIC))
		r.put(rtmNewRoute, b)
	}
}
