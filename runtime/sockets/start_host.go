//go:build !xenpv

package sockets

import "internal/xengo/runtime/netstack"

func start() {}

// startStack returns a network that has only lo.
func startStack() *netstack.Stack {
	s := netstack.New()
	s.Hold()()
	return s
}
