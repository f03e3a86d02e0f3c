package sockets

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/netstack"
	"internal/xengo/runtime/socket"
	_ "internal/xengo/runtime/unixsock"
)

// theStack returns the guest's network, which it brings up when it is first asked for.
var theStack = sync.OnceValue(startStack)

func init() {
	registerFamilies(theStack)
	furnish(theStack)
	start()
}

// registerFamilies makes the sockets of IP available on the stack that st returns.
func registerFamilies(st func() *netstack.Stack) {
	for _, family := range []int{socket.AF_INET, socket.AF_INET6} {
		socket.Register(family, &socket.Family{New: func(typ, protocol int) (socket.Socket, calls.Errno) {
			return newInet(st(), family, typ, protocol)
		}})
	}
	socket.Register(socket.AF_NETLINK, &socket.Family{New: func(typ, protocol int) (socket.Socket, calls.Errno) {
		return newNetlink(st(), typ, protocol)
	}})
}
