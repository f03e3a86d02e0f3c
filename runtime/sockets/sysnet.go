package sockets

import (
	"fmt"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/pseudo"
	"internal/xengo/runtime/vfs"
)

// classFiles are the files of an interface in /sys/class/net. Source: Linux 6.16 Documentation/ABI/testing/sysfs-class-net.
var classFiles = []struct {
	path  string
	value func(l *netLink) any
}{
	{"address", func(l *netLink) any { _, a := l.hardware(); return hardwareAddress(a) }},
	{"broadcast", func(l *netLink) any {
		if l.loopback() {
			return hardwareAddress(header.UnspecifiedEthernetAddress)
		}
		return hardwareAddress(header.EthernetBroadcastAddress)
	}},
	{"addr_len", func(*netLink) any { return header.EthernetAddressSize }},
	{"carrier", func(*netLink) any { return 1 }},
	{"flags", func(l *netLink) any { return fmt.Sprintf("0x%x", l.flags&0xffff) }},
	{"ifindex", func(l *netLink) any { return l.id }},
	{"iflink", func(l *netLink) any { return l.id }},
	{"mtu", func(l *netLink) any { return l.info.MTU }},
	{"operstate", func(l *netLink) any {
		if l.loopback() {
			return "unknown"
		}
		return "up"
	}},
	{"tx_queue_len", func(*netLink) any { return 1000 }},
	{"type", func(l *netLink) any { n, _ := l.hardware(); return n }},
	{"statistics/rx_bytes", func(l *netLink) any { return l.counters().rxBytes }},
	{"statistics/rx_packets", func(l *netLink) any { return l.counters().rxPackets }},
	{"statistics/rx_errors", func(l *netLink) any { return l.counters().rxErrors }},
	{"statistics/rx_dropped", func(l *netLink) any { return l.counters().rxDropped }},
	{"statistics/tx_bytes", func(l *netLink) any { return l.counters().txBytes }},
	{"statistics/tx_packets", func(l *netLink) any { return l.counters().txPackets }},
	{"statistics/tx_dropped", func(l *netLink) any { return l.counters().txDropped }},
}

func hardwareAddress[T ~string | ~[]byte](a T) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4], a[5])
}

// furnishClass makes /sys/class/net, a directory of interfaces as they are when one looks.
func furnishClass(st func() *netstack.Stack) {
	dir := files.Sys().Root().Sub("class").Sub("net")
	dir.List = func() (items []pseudo.Item) {
		for _, l := range links(st()) {
			items = append(items, pseudo.Item{Name: l.info.Name, Key: uint32(l.id), Mode: vfs.S_IFDIR})
		}
		return items
	}
	dir.Find = func(name string) (vfs.Inode, calls.Errno) {
		if linkNamed(st(), name) == nil {
			return nil, calls.ENOENT
		}
		return dir.Lasting(name, func(d *pseudo.Dir) {
			for _, f := range classFiles {
				in, base := d.Path(f.path)
				in.Add(base, files.Sys().NewFile(func() []byte {
					if l := linkNamed(st(), name); l != nil {
						return fmt.Appendln(nil, f.value(l))
					}
					return nil // it is gone
				}, nil))
			}
		}), 0
	}
}

// linkNamed returns the interface of that name, nil if there is none.
func linkNamed(st *netstack.Stack, name string) *netLink {
	for _, l := range links(st) {
		if l.info.Name == name {
			return l
		}
	}
	return nil
}
