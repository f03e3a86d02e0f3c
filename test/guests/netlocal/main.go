// Netlocal shows what of the network works inside of one system, whether it
// has a network card or not: the loopback interface, and sockets of package
// net as files. With the argument "none" it shows in addition how things fail
// that need a network card where there is none.
package main

import (
	"os"

	"example.com/guests/verdict"
)

func main() {
	all := []verdict.Property{
		{Name: "loopback", Check: loopback},
		{Name: "loopback-tcp", Check: func() error { return stream("tcp", "127.0.0.1:0") }},
		{Name: "loopback-tcp6", Check: func() error { return stream("tcp", "[::1]:0") }},
		{Name: "loopback-udp", Check: func() error { return datagram("127.0.0.1:0") }},
		{Name: "moving-buffers", Check: movingBuffers},
		{Name: "datagram-source", Check: source},
		{Name: "segments", Check: segments},
		{Name: "loopback-udp6", Check: func() error { return datagram("[::1]:0") }},
		{Name: "localhost", Check: localhost},
		{Name: "unix", Check: func() error { return stream("unix", "/tmp/netlocal.sock") }},
		{Name: "unix-abstract", Check: func() error { return stream("unix", "@netlocal") }},
		{Name: "unix-gone", Check: unixGone},
		{Name: "in-use", Check: inUse},
		{Name: "closed", Check: closed},
		{Name: "raw-conn", Check: rawConn},
		{Name: "file", Check: file},
		{Name: "many", Check: many},
	}
	names := os.Args[1:]
	if len(names) > 0 && names[0] == "none" {
		names = names[1:]
		all = append(all, verdict.Property{Name: "none-interfaces", Check: noneInterfaces},
			verdict.Property{Name: "none-dial", Check: noneDial}, verdict.Property{Name: "none-lookup", Check: noneLookup})
	}
	verdict.Exit(all, names...)
}
