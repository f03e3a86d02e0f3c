package fdtable

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// What each direction of the network poller waits for, as Go's netpoll on epoll has it.
const (
	readEvents  = In | RdHup | Hup | Err
	writeEvents = Out | Hup | Err
)

// netpollOpen registers the descriptor fd with the runtime's network poller, which names it pd and seq.
// From then on every edge is passed to kernel.NetpollReady, and the readiness of now as the first one.
// EPERM for files that are always ready. Package runtime calls it by way of a variable.
func netpollOpen(fd int32, pd, seq uintptr) (errno int32) {
	f, err := Get(int(fd))
	if err != 0 {
		return int32(err)
	}
	defer f.Put()
	ready := func(ev Events) {
		var mode int32
		if ev&readEvents != 0 {
			mode += 'r'
		}
		if ev&writeEvents != 0 {
			mode += 'w'
		}
		if mode != 0 {
			kernel.NetpollReady(pd, seq, mode)
		}
	}
	cancel := f.Desc.Notify(ready)
	if cancel == nil {
		return int32(calls.EPERM)
	}
	if err := setPoller(int(fd), f, cancel); err != 0 {
		cancel()
		return int32(err)
	}
	ready(f.Desc.Readiness())
	return 0
}

// setPoller notes the registration of fd, unless it has one or is no longer f.
func setPoller(fd int, f *File, cancel func()) calls.Errno {
	fds.mu.Lock()
	defer fds.mu.Unlock()
	if fd >= len(fds.slots) || fds.slots[fd].file != f {
		return calls.EBADF
	}
	if fds.slots[fd].cancel != nil {
		return calls.EEXIST
	}
	fds.slots[fd].cancel = cancel
	return 0
}

// netpollClose ends the registration of fd. ENOENT if it has none. Package runtime calls it by way of a variable.
func netpollClose(fd int32) (errno int32) {
	fds.mu.Lock()
	if uint(fd) >= uint(len(fds.slots)) || fds.slots[fd].file == nil {
		fds.mu.Unlock()
		return int32(calls.EBADF)
	}
	cancel := fds.slots[fd].cancel
	fds.slots[fd].cancel = nil
	fds.mu.Unlock()
	if cancel == nil {
		return int32(calls.ENOENT)
	}
	cancel()
	return 0
}
