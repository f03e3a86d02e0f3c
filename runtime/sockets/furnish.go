package sockets

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/socket"
	"internal/xengo/runtime/vfs"
)

// furnish makes the files that say how the network is configured.
//
// Name servers are in /proc/net/pnp, as with Linux's own configuration (Documentation/admin-guide/nfs/nfsroot.rst), which is read as
// /etc/resolv.conf unless the guest's ramdisk has one. Who reads it early waits for the configuration.
func furnish(st func() *netstack.Stack) {
	files.RegisterProc("self/net/pnp", func() []byte {
		s := st()
		s.WaitSettled()
		return s.ResolvConf()
	})
	for _, f := range []struct {
		name     string
		generate func(*netstack.Stack) []byte
	}{
		{"igmp", igmp}, {"igmp6", igmp6}, {"dev", deviceTable}, {"route", routeTable}, {"if_inet6", addresses6},
		{"snmp", snmp}, {"snmp6", snmp6}, {"netstat", netstat},
		{"sockstat", func(st *netstack.Stack) []byte { return sockstat(st, false) }},
		{"sockstat6", func(st *netstack.Stack) []byte { return sockstat(st, true) }},
		{"tcp", func(st *netstack.Stack) []byte { return socketTable(st, socket.SOCK_STREAM, false) }},
		{"tcp6", func(st *netstack.Stack) []byte { return socketTable(st, socket.SOCK_STREAM, true) }},
		{"udp", func(st *netstack.Stack) []byte { return socketTable(st, socket.SOCK_DGRAM, false) }},
		{"udp6", func(st *netstack.Stack) []byte { return socketTable(st, socket.SOCK_DGRAM, true) }},
	} {
		files.RegisterProc("self/net/"+f.name, func() []byte { return f.generate(st()) })
	}
	furnishClass(st)
	err := vfs.Make(vfs.Root(), "/etc/resolv.conf", vfs.S_IFLNK|0o777, 0, "/proc/net/pnp")
	if err != 0 && err != calls.EEXIST {
		panic("sockets: cannot make /etc/resolv.conf: " + err.Error())
	}
}
