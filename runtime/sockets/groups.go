package sockets

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"

	"internal/xengo/runtime/netstack"
)

// A group is a multicast group on an interface.
type group struct {
	nic  tcpip.NICID
	addr tcpip.Address
}

// members counts the sockets that are in groups, by stack: the stack itself does not tell.
var members struct {
	sync.Mutex
	count map[*netstack.Stack]map[group]int
}

// groups are those that a socket is in. members' lock guards them.
type groups []group

func (g *groups) add(st *netstack.Stack, v group) {
	members.Lock()
	defer members.Unlock()
	*g = append(*g, v)
	if members.count == nil {
		members.count = map[*netstack.Stack]map[group]int{}
	}
	if members.count[st] == nil {
		members.count[st] = map[group]int{}
	}
	members.count[st][v]++
}

func (g *groups) remove(st *netstack.Stack, v group) {
	members.Lock()
	defer members.Unlock()
	if i := slices.Index(*g, v); i >= 0 {
		*g = slices.Delete(*g, i, i+1)
		leave(st, v)
	}
}

func (g *groups) removeAll(st *netstack.Stack) {
	members.Lock()
	defer members.Unlock()
	for _, v := range *g {
		leave(st, v)
	}
	*g = nil
}

// leave counts one socket less. members' lock is held.
func leave(st *netstack.Stack, v group) {
	if members.count[st][v]--; members.count[st][v] == 0 {
		delete(members.count[st], v)
	}
}

// allHosts are the groups that every host is in.
var allHosts = map[int]tcpip.Address{
	4:  tcpip.AddrFrom4([4]byte{224, 0, 0, 1}),
	16: tcpip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 1}),
}

// A member is a group with the number of sockets that are in it.
type member struct {
	addr  tcpip.Address
	users int
}

// membersOf returns the groups of an interface whose addresses have that size, in the order of these.
func membersOf(st *netstack.Stack, id tcpip.NICID, size int) []*member {
	list := []*member{{allHosts[size], 1}}
	members.Lock()
	for v, n := range members.count[st] {
		switch {
		case v.nic != id || v.addr.Len() != size:
		case v.addr == allHosts[size]:
			list[0].users += n
		default:
			list = append(list, &member{v.addr, n})
		}
	}
	members.Unlock()
	slices.SortFunc(list, func(a, b *member) int { return slices.Compare(a.addr.AsSlice(), b.addr.AsSlice()) })
	return list
}

// igmp is /proc/net/igmp, in the format of Linux 6.16 net/ipv4/igmp.c.
func igmp(st *netstack.Stack) []byte {
	b := []byte("Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n")
	for _, l := range links(st) {
		list := membersOf(st, l.id, 4)
		b = fmt.Appendf(b, "%d\t%-10s: %5d %7s\n", l.id, l.info.Name, len(list), "V3")
		for _, m := range list {
			b = fmt.Appendf(b, "\t\t\t\t%08X %5d 0:00000000\t\t0\n", binary.NativeEndian.Uint32(m.addr.AsSlice()), m.users)
		}
	}
	return b
}

// igmp6 is /proc/net/igmp6, in the format of Linux 6.16 net/ipv6/mcast.c.
func igmp6(st *netstack.Stack) []byte {
	var b []byte
	for _, l := range links(st) {
		for _, m := range membersOf(st, l.id, 16) {
			b = fmt.Appendf(b, "%-4d %-15s %x %5d 0000000C 0\n", l.id, l.info.Name, m.addr.AsSlice(), m.users)
		}
	}
	return b
}
