package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

// openFifo opens a named pipe. As fifo(7) says, opening for reading waits for a writer and the other way
// round; with O_NONBLOCK a reader does not wait and a writer gets ENXIO.
func openFifo(loc vfs.Location, key *memfs.Special, flags uint32) (fdtable.Description, calls.Errno) {
	ring := key.Value(func() any { return newPipeRing() }).(*pipeRing)
	mode := flags & fdtable.O_ACCMODE
	read, write := mode != fdtable.O_WRONLY, mode != fdtable.O_RDONLY
	nonblock := flags&fdtable.O_NONBLOCK != 0
	ring.mu.Lock()
	defer ring.mu.Unlock()
	if write && !read && nonblock && ring.readers == 0 {
		return nil, calls.ENXIO
	}
	e := ring.join(read, write)
	e.loc = &loc
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
