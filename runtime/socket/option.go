package socket

import (
	"internal/xengo/runtime/calls"
)

// Options of SOL_SOCKET. Source: Linux 6.16 include/uapi/asm-generic/socket.h.
const (
	SO_DEBUG        = 1
	SO_REUSEADDR    = 2
	SO_TYPE         = 3
	SO_ERROR        = 4
	SO_DONTROUTE    = 5
	SO_BROADCAST    = 6
	SO_SNDBUF       = 7
	SO_RCVBUF       = 8
	SO_KEEPALIVE    = 9
	SO_OOBINLINE    = 10
	SO_NO_CHECK     = 11
	SO_PRIORITY     = 12
	SO_LINGER       = 13
	SO_REUSEPORT    = 15
	SO_PASSCRED     = 16
	SO_PEERCRED     = 17
	SO_RCVLOWAT     = 18
	SO_SNDLOWAT     = 19
	SO_RCVTIMEO     = 20
	SO_SNDTIMEO     = 21
	SO_BINDTODEVICE = 25
	SO_TIMESTAMP    = 29
	SO_ACCEPTCONN   = 30
	SO_SNDBUFFORCE  = 32
	SO_RCVBUFFORCE  = 33
	SO_TIMESTAMPNS  = 35
	SO_MARK         = 36
	SO_PROTOCOL     = 38
	SO_DOMAIN       = 39
	SO_RXQ_OVFL     = 40
	SO_BUSY_POLL    = 46
	SO_INCOMING_CPU = 49
	SO_COOKIE       = 57
	SO_ZEROCOPY     = 60
	SO_RCVTIMEO_NEW = 66
	SO_SNDTIMEO_NEW = 67
)

// maxOption is how many bytes of an option's value are looked at.
const maxOption = 4096

func setsockopt(a calls.Args) (uintptr, calls.Errno) {
	return with(a.A1, func(s Socket) calls.Errno {
		if int32(a.A5) < 0 {
			return calls.EINVAL
		}
		value, err := calls.Bytes(a.A4, min(uintptr(uint32(a.A5)), maxOption))
		if err != 0 {
			return err
		}
		level, name := int(int32(a.A2)), int(int32(a.A3))
		if level == SOL_SOCKET {
			if done, err := s.Info().setOption(name, value); done {
				return err
			}
		}
		return s.SetOption(level, name, value)
	})
}

func getsockopt(a calls.Args) (uintptr, calls.Errno) {
	return with(a.A1, func(s Socket) calls.Errno {
		size, err := calls.Pointer[int32](a.A5)
		if err != 0 {
			return err
		}
		if *size < 0 {
			return calls.EINVAL
		}
		value, err := calls.Bytes(a.A4, min(uintptr(*size), maxOption))
		if err != 0 {
			return err
		}
		level, name := int(int32(a.A2)), int(int32(a.A3))
		n, done := 0, false
		if level == SOL_SOCKET {
			n, done = s.Info().option(name, value)
		}
		if !done {
			if n, err = s.Option(level, name, value); err != 0 {
				return err
			}
		}
		*size = int32(n)
		return 0
	})
}

// setOption sets an option that is the same for all families. done is false for others.
func (c *Common) setOption(name int, value []byte) (done bool, err calls.Errno) {
	timeout := &c.receiveTimeout
	switch name {
	case SO_SNDTIMEO, SO_SNDTIMEO_NEW:
		timeout = &c.sendTimeout
	case SO_RCVTIMEO, SO_RCVTIMEO_NEW:
	case SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN, SO_PEERCRED, SO_COOKIE:
		return true, calls.ENOPROTOOPT
	default:
		return false, 0
	}
	ns, err := timeval(value)
	if err == 0 {
		timeout.Store(ns)
	}
	return true, err
}

// option gets such an option.
func (c *Common) option(name int, value []byte) (n int, done bool) {
	switch name {
	case SO_TYPE:
		return PutInt(value, c.Type), true
	case SO_DOMAIN:
		return PutInt(value, c.Family), true
	case SO_PROTOCOL:
		return PutInt(value, c.Protocol), true
	case SO_RCVTIMEO, SO_RCVTIMEO_NEW:
		return putTimeval(value, c.receiveTimeout.Load()), true
	case SO_SNDTIMEO, SO_SNDTIMEO_NEW:
		return putTimeval(value, c.sendTimeout.Load()), true
	case SO_COOKIE:
		var b [8]byte
		put64(b[:], c.id)
		return copy(value, b[:]), true
	}
	return 0, false
}

// maxSeconds is the longest timeout that is told from none, in seconds.
const maxSeconds = 1 << 32

// timeval turns a struct timeval into nanoseconds, 0 for no timeout.
func timeval(b []byte) (int64, calls.Errno) {
	if len(b) < 16 {
		return 0, calls.EINVAL
	}
	sec, usec := int64(le64(b)), int64(le64(b[8:]))
	if usec < 0 || usec >= 1e6 {
		return 0, calls.EDOM
	}
	if sec < 0 {
		return 1, 0 // gives up at once, as on Linux
	}
	if sec >= maxSeconds {
		return 0, 0
	}
	return sec*1e9 + usec*1e3, 0
}

func putTimeval(b []byte, ns int64) int {
	var v [16]byte
	put64(v[:], uint64(ns/1e9))
	put64(v[8:], uint64(ns%1e9/1e3))
	return copy(b, v[:])
}

// PutInt writes the value of an option that is an int.
func PutInt(b []byte, v int) int {
	var raw [4]byte
	put32(raw[:], uint32(int32(v)))
	return copy(b, raw[:])
}

// Int reads the value of an option that is an int. EINVAL if it is too short.
func Int(b []byte) (int, calls.Errno) {
	if len(b) < 4 {
		return 0, calls.EINVAL
	}
	return int(int32(le32(b))), 0
}

// Bool returns 1 or 0.
func Bool(on bool) int {
	if on {
		return 1
	}
	return 0
}
