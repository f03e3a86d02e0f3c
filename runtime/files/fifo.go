package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// fifos are the named pipes that are open, wherever their names are. What is in one is lost when nobody has it open.
// The lock comes before those of the rings.
var fifos struct {
	mu    sync.Mutex
	rings map[vfs.Inode]*pipeRing
}

// openFifo opens a named pipe. As fifo(7) says, opening for reading waits for a writer and the other way
// round; with O_NONBLOCK a reader does not wait and a writer gets ENXIO.
func openFifo(loc vfs.Location, flags uint32) (fdtable.Description, calls.Errno) {
	mode := flags & fdtable.O_ACCMODE
	read, write := mode != fdtable.O_WRONLY, mode != fdtable.O_RDONLY
	nonblock := flags&fdtable.O_NONBLOCK != 0
	fifos.mu.Lock()
	ring := fifos.rings[loc.Inode]
	if write && !read && nonblock && (ring == nil || ring.readers == 0) {
		fifos.mu.Unlock()
		return nil, calls.ENXIO
	}
	if ring == nil {
		ring = newPipeRing()
		if fifos.rings == nil {
			fifos.rings = map[vfs.Inode]*pipeRing{}
		}
		fifos.rings[loc.Inode] = ring
	}
	ring.mu.Lock()
	defer ring.mu.Unlock()
	e := ring.join(read, write)
	e.loc = &loc
	fifos.mu.Unlock()
	seen := ring.comings
	switch {
	case read && write:
	case nonblock:
		if ring.writers == 0 {
			e.since = seen[1]
		}
	case read && ring.writers == 0:
		for ring.comings[1] == seen[1] {
			ring.opened.Wait()
		}
	case write && ring.readers == 0:
		for ring.comings[0] == seen[0] {
			ring.opened.Wait()
		}
	}
	return e, 0
}

// leaveFifo closes an end of a named pipe.
func (e *pipeEnd) leaveFifo() {
	fifos.mu.Lock()
	defer fifos.mu.Unlock()
	if e.ring.leave(e) {
		delete(fifos.rings, e.loc.Inode)
	}
}
