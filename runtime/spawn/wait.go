package spawn

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/spawn/spawnwire"
)

// Options of wait4(2) and waitid(2). Source: Linux 6.16 include/uapi/linux/wait.h.
const (
	wNoHang  = 1
	wExited  = 4
	wNoWait  = 0x01000000
	idAll    = 0 // P_ALL
	idPID    = 1 // P_PID
	anyChild = -1
)

// await waits for a child to have ended, which it then forgets unless keep is set. With wait false it returns 0 if none has.
func (c *client) await(pid int, wait, keep bool) (*child, calls.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		found := false
		for n, ch := range c.children {
			if pid != anyChild && n != pid {
				continue
			}
			found = true
			if ch.over {
				if !keep {
					delete(c.children, n)
				}
				return ch, 0
			}
		}
		switch {
		case !found:
			return nil, calls.ECHILD
		case !wait:
			return nil, 0
		}
		c.changed.Wait()
	}
}

// wait4 is the system call. Other times than none are not known.
func (c *client) wait4(a calls.Args) (uintptr, calls.Errno) {
	pid := int(int32(a.A1))
	if pid == 0 || pid < anyChild {
		return 0, calls.ECHILD // there are no process groups
	}
	ch, err := c.await(pid, a.A3&wNoHang == 0, false)
	if ch == nil {
		return 0, err
	}
	if a.A2 != 0 {
		status, err := calls.Pointer[uint32](a.A2)
		if err != 0 {
			return 0, err
		}
		*status = ch.status
	}
	if a.A4 != 0 {
		usage, err := calls.Pointer[[18]int64](a.A4) // struct rusage
		if err != 0 {
			return 0, err
		}
		*usage = [18]int64{}
	}
	return uintptr(ch.pid), 0
}

// waitid is the system call.
func (c *client) waitid(a calls.Args) (uintptr, calls.Errno) {
	pid := anyChild
	switch a.A1 {
	case idAll:
	case idPID:
		pid = int(int32(a.A2))
	default:
		return 0, calls.EINVAL
	}
	if a.A4&wExited == 0 {
		return 0, calls.EINVAL
	}
	ch, err := c.await(pid, a.A4&wNoHang == 0, a.A4&wNoWait != 0)
	if err != 0 || a.A3 == 0 {
		return 0, err
	}
	info, err := calls.Pointer[[32]int32](a.A3) // siginfo_t
	if err != 0 {
		return 0, err
	}
	*info = [32]int32{}
	if ch != nil {
		const exited, killed = 1, 2 // CLD_EXITED, CLD_KILLED
		info[0], info[2], info[4], info[6] = sigCHLD, exited, int32(ch.pid), int32(ch.status>>8)
		if sig := ch.status & 0x7f; sig != 0 {
			info[2], info[6] = killed, int32(sig)
		}
	}
	return 0, 0
}

// lastSignal is the highest signal's number.
const lastSignal = 64

// kill sends a signal to a child. It returns false if there is none of that number.
func (c *client) kill(pid int, sig uint32) (bool, calls.Errno) {
	c.mu.Lock()
	ch := c.children[pid]
	over := ch != nil && ch.over
	c.mu.Unlock()
	switch {
	case ch == nil:
		return false, 0
	case sig > lastSignal:
		return true, calls.EINVAL
	case sig != 0 && !over:
		c.send(spawnwire.NewFrame(spawnwire.Signal, uint32(pid), sig))
	}
	return true, 0
}

// register makes the system calls know of children.
func (c *client) register() {
	calls.Replace(calls.SYS_WAIT4, func(calls.Handler) calls.Handler { return c.wait4 })
	calls.Replace(calls.SYS_WAITID, func(calls.Handler) calls.Handler { return c.waitid })
	calls.Replace(calls.SYS_KILL, func(old calls.Handler) calls.Handler {
		return func(a calls.Args) (uintptr, calls.Errno) {
			if ok, err := c.kill(int(int32(a.A1)), uint32(a.A2)); ok {
				return 0, err
			}
			return old(a)
		}
	})
	calls.StartProgram = c.start
}
