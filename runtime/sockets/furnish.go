package sockets

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/netstack"
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
	files.RegisterProc("self/net/igmp", func() []byte { return igmp(st()) })
	files.RegisterProc("self/net/igmp6", func() []byte { return igmp6(st()) })
	err := vfs.Make(vfs.Root(), "/etc/resolv.conf", vfs.S_IFLNK|0o777, 0, "/proc/net/pnp")
	if err != 0 && err != calls.EEXIST {
		panic("sockets: cannot make /etc/resolv.conf: " + err.Error())
	}
}
