//go:build xenpv

package fdtable

import _ "unsafe" // for linkname

//go:linkname runtime_netpollOpen runtime.xenNetpollOpen
var runtime_netpollOpen func(fd int32, pd, seq uintptr) int32

//go:linkname runtime_netpollClose runtime.xenNetpollClose
var runtime_netpollClose func(fd int32) int32

func init() {
	runtime_netpollOpen = netpollOpen
	runtime_netpollClose = netpollClose
}
