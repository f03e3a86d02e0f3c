package sockets

import (
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"internal/xengo/runtime/netstack"
)

// A netLink is an interface as Linux describes it.
type netLink struct {
	id    tcpip.NICID
	info  stack.NICInfo
	flags uint32
}

// Flags and hardware types of interfaces. Source: Linux 6.16 include/uapi/linux/if.h, if_arp.h.
const (
	iffUp        = 0x1
	iffBroadcast = 0x2
	iffLoopback  = 0x8
	iffRunning   = 0x40
	iffMulticast = 0x1000
	iffLowerUp   = 0x10000

	arphrdEther    = 1
	arphrdLoopback = 772
)

// links returns the interfaces of st by their numbers.
func links(st *netstack.Stack) []*netLink {
	var list []*netLink
	for id, info := range st.NICInfo() {
		l := &netLink{id: id, info: info, flags: iffUp | iffRunning | iffLowerUp}
		if l.loopback() {
			l.flags |= iffLoopback
		} else {
			l.flags |= iffBroadcast | iffMulticast
		}
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *netLink) int { return int(a.id - b.id) })
	return list
}

func (l *netLink) loopback() bool { return l.info.Flags.Loopback }

// hardware returns the interface's ARPHRD number and its address.
func (l *netLink) hardware() (uint16, []byte) {
	if l.loopback() {
		return arphrdLoopback, make([]byte, header.EthernetAddressSize)
	}
	return arphrdEther, []byte(l.info.LinkAddress)
}

// addresses returns those of a family: 4 or 16 bytes, 0 for both; IPv4 comes first.
func (l *netLink) addresses(size int) []tcpip.AddressWithPrefix {
	var list []tcpip.AddressWithPrefix
	for _, want := range []int{4, 16} {
		for _, a := range l.info.ProtocolAddresses {
			if n := a.AddressWithPrefix.Address.Len(); n == want && (size == 0 || size == n) {
				list = append(list, a.AddressWithPrefix)
			}
		}
	}
	return list
}

// first returns the first IPv4 address, unspecified if there is none.
func (l *netLink) first() tcpip.AddressWithPrefix {
	for _, a := range l.addresses(4) {
		return a
	}
	return tcpip.AddressWithPrefix{Address: tcpip.AddrFrom4([4]byte{}), PrefixLen: 32}
}
