//go:build xenpv

package runtime

import (
	"internal/runtime/sys"
	"unsafe"
)

// A heap dump is made while the world is stopped, on the system stack: no system
// call can be made there. What it writes is kept outside of the heap until the
// world runs again, and then given to the file. So is the report of a panic.

// xenDump is the one under way; the semaphore of the stopped world guards it.
var xenDump struct {
	active      bool
	first, last *xenDumpChunk
}

const xenDumpChunkSize = 256 << 10

type xenDumpChunk struct {
	_    sys.NotInHeap
	next *xenDumpChunk
	used uintptr
	data [xenDumpChunkSize - 16]byte
}

// xenDumpBegin has xenDumpWrite keep what is written.
func xenDumpBegin() { xenDump.active = true }

// xenDumpWrite keeps a piece of a dump or of a panic's report. Nothing else in the
// runtime writes to files.
//
//go:nosplit
func xenDumpWrite(p unsafe.Pointer, n int32) int32 {
	if !xenDump.active {
		return -_EBADF
	}
	systemstack(func() { xenDumpAppend(unsafe.Slice((*byte)(p), n)) })
	return n
}

func xenDumpAppend(p []byte) {
	d := &xenDump
	for len(p) > 0 {
		if d.last == nil || d.last.used == uintptr(len(d.last.data)) {
			c := (*xenDumpChunk)(sysAlloc(xenDumpChunkSize, &memstats.other_sys, "heap dump"))
			if c == nil {
				throw("xengo: no memory to keep a heap dump in until it can be written")
			}
			if d.last == nil {
				d.first = c
			} else {
				d.last.next = c
			}
			d.last = c
		}
		n := copy(d.last.data[d.last.used:], p)
		d.last.used += uintptr(n)
		p = p[n:]
	}
}

// xenDumpEnd takes what was kept, before another dump can begin.
func xenDumpEnd() *xenDumpChunk {
	d := &xenDump
	c := d.first
	d.active, d.first, d.last = false, nil, nil
	return c
}

// xenDumpFlush writes what was kept to fd and frees it. As on Linux, an error
// ends the dump and nobody hears of it.
func xenDumpFlush(fd uintptr, c *xenDumpChunk) {
	const sysWrite = 1
	var failed bool
	for c != nil {
		for p := c.data[:c.used]; len(p) > 0 && !failed; {
			n, _, errno := xenSyscall6(sysWrite, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), 0, 0, 0)
			if failed = errno != 0; !failed {
				p = p[n:]
			}
		}
		next := c.next
		sysFree(unsafe.Pointer(c), xenDumpChunkSize, &memstats.other_sys)
		c = next
	}
}
