package xswire

import "internal/xengo/xen/abi"

// Unsent counts the bytes that are missing from the request that the client
// (package xenstore) has begun to write and could not finish for lack of room.
// If the client is stopped for good in the middle of a message, LastWord has
// to supply as many before its own.
//
// There is one store ring in a domain, so there is one variable. It is written
// with atomic stores.
var Unsent uint32

// LastWord writes one key without a client: for the kernel's way out, after a
// panic, when goroutines have stopped and nothing may be allocated.
//
// page is the ring page. msg is a complete request, made ahead of time by
// AppendMessage(nil, abi.XSWrite, 0, 0, "data/exit-status", "\x00", "2").
// notify sends an event to xenstored. again is called between looks at the
// ring and says whether to go on waiting; it is where the caller bounds the
// time. Replies are not read: nobody is left to care.
//
// It reports whether xenstored has taken the request. It neither allocates nor
// splits the stack deeply; every function it calls is one of m's, notify and
// again. Only one processor may be in it, and the client must not run.
func LastWord(page *abi.XenstoreDomainInterface, m Mem, msg []byte, notify func(), again func() bool) bool {
	r := Requests(page)
	var zero [64]byte
	for Unsent > 0 {
		n, ok := r.Write(m, zero[:min(int(Unsent), len(zero))])
		if !ok {
			return false
		}
		Unsent -= uint32(n)
		if n == 0 {
			notify()
			if !again() {
				return false
			}
		}
	}
	for len(msg) > 0 {
		n, ok := r.Write(m, msg)
		if !ok {
			return false
		}
		msg = msg[n:]
		notify()
		if n == 0 && !again() {
			return false
		}
	}
	for {
		used, ok := r.Used(m)
		if !ok {
			return false
		}
		if used == 0 {
			return true
		}
		if !again() {
			return false
		}
	}
}
