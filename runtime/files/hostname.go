package files

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

// maxHostname is the longest host name, in bytes. Source: Linux 6.16 include/uapi/linux/utsname.h, __NEW_UTS_LEN.
const maxHostname = 64

// setName is the host name that was set while running.
var setName atomic.Pointer[string]

// hostname returns what was set last, else the first name.
func hostname() string {
	if s := setName.Load(); s != nil {
		return *s
	}
	return firstName()
}

// firstName returns the host name at the start: hostname= of the kernel's command line, else the domain's name if
// it can be one. Xenstore is asked when it is first wanted, for most programs never want it.
var firstName = sync.OnceValue(func() string {
	if s := kernel.Option("hostname"); s != "" {
		return s
	}
	if s := domainName(); isHostname(s) {
		return s
	}
	return "xengo"
})

// isHostname reports whether s has the form of a host name (RFC 1123, section 2.1), underscores included, which
// toolstacks allow in a domain's name and Linux in a host's.
func isHostname(s string) bool {
	if s == "" || len(s) > maxHostname || s[0] == '-' || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

func setHostname(a calls.Args) (uintptr, calls.Errno) {
	if int(a.A2) < 0 || a.A2 > maxHostname {
		return 0, calls.EINVAL
	}
	b, err := calls.Bytes(a.A1, a.A2)
	if err != 0 {
		return 0, err
	}
	if vfs.CurrentCred().EUID != 0 {
		return 0, calls.EPERM
	}
	s := string(b)
	setName.Store(&s)
	return 0, 0
}

// writeHostname is writing to /proc/sys/kernel/hostname.
func writeHostname(p []byte) calls.Errno {
	for len(p) > 0 && p[len(p)-1] == '\n' {
		p = p[:len(p)-1]
	}
	s := string(p)
	setName.Store(&s)
	return 0
}
