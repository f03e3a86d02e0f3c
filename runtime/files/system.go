package files

import (
	"sync"
	"sync/atomic"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

// rlimit is struct rlimit of Linux.
type rlimit struct{ Cur, Max uint64 }

const (
	rlimitStack   = 3
	rlimitCore    = 4
	rlimitNofile  = 7
	rlimitMemlock = 8
	rlimitAS      = 9
	rlimits       = 16
	unlimited     = ^uint64(0)
)

// limits are the resource limits of the program. Those on descriptors and on the address space, of what the program maps itself,
// have an effect.
var (
	limitsLock sync.Mutex
	limits     = func() (l [rlimits]rlimit) {
		for i := range l {
			l[i] = rlimit{unlimited, unlimited}
		}
		l[rlimitStack].Cur = 8 << 20
		l[rlimitCore].Cur = 0
		l[rlimitNofile] = rlimit{fdtable.MaxFiles, fdtable.MaxFiles}
		return l
	}()
)

// limitOf returns the limit on a resource.
func limitOf(resource int) uint64 {
	limitsLock.Lock()
	defer limitsLock.Unlock()
	return limits[resource].Cur
}

func prlimit(resource, newp, oldp uintptr) (uintptr, calls.Errno) {
	if resource >= rlimits {
		return 0, calls.EINVAL
	}
	next, err := calls.Optional[rlimit](newp)
	if err != 0 {
		return 0, err
	}
	prev, err := calls.Optional[rlimit](oldp)
	if err != 0 {
		return 0, err
	}
	limitsLock.Lock()
	defer limitsLock.Unlock()
	old := limits[resource]
	if next != nil {
		if err := setLimit(resource, *next); err != 0 {
			return 0, err
		}
	}
	if prev != nil {
		*prev = old
	}
	return 0, 0
}

func setLimit(resource uintptr, l rlimit) calls.Errno {
	if l.Cur > l.Max {
		return calls.EINVAL
	}
	if resource == rlimitNofile {
		if l.Max > fdtable.MaxFiles {
			return calls.EPERM
		}
		fdtable.SetLimit(int(l.Cur))
	}
	limits[resource] = l
	return 0
}

// rusage is struct rusage of Linux: two times and fourteen numbers.
type rusage struct {
	Utime, Stime timeval
	Maxrss       int64 // KiB
	_            [13]int64
}

const (
	rusageChildren = -1
	rusageSelf     = 0
	rusageThread   = 1
)

func getrusage(a calls.Args) (uintptr, calls.Errno) {
	who := int32(a.A1)
	if who != rusageSelf && who != rusageThread && who != rusageChildren {
		return 0, calls.EINVAL
	}
	out, err := calls.Pointer[rusage](a.A2)
	if err != 0 {
		return 0, err
	}
	*out = rusage{}
	if who != rusageChildren {
		ns := kernel.CPUTime()
		out.Utime = timeval{ns / 1e9, ns % 1e9 / 1e3}
		out.Maxrss = int64(usedMemory() >> 10)
	}
	return 0, 0
}

// usedMemory is how much of the memory of the domain is in use, in bytes.
func usedMemory() uint64 {
	total, free := kernel.MemTotal(), kernel.MemFree()
	if free > total {
		return 0
	}
	return total - free
}

// sysinfoBuf is struct sysinfo of Linux on amd64.
type sysinfoBuf struct {
	Uptime               int64
	Loads                [3]uint64
	Totalram, Freeram    uint64
	Sharedram, Bufferram uint64
	Totalswap, Freeswap  uint64
	Procs                uint16
	_                    uint16
	_                    uint32
	Totalhigh, Freehigh  uint64
	Unit                 uint32
	_                    uint32
}

func sysinfo(a calls.Args) (uintptr, calls.Errno) {
	out, err := calls.Pointer[sysinfoBuf](a.A1)
	if err != 0 {
		return 0, err
	}
	*out = sysinfoBuf{
		Uptime: kernel.Nanotime() / 1e9, Totalram: kernel.MemTotal(), Freeram: kernel.MemFree(), Procs: pid, Unit: 1,
	}
	return 0, 0
}

// What the system calls itself. The release is a version of Linux, since programs look there for what they may use.
const (
	sysname = "Linux"
	release = "6.1.0-xengo"
	version = "#1 xengo"
	machine = "x86_64"
)

// utsname is struct utsname of Linux.
type utsname [6][65]byte

func uname(a calls.Args) (uintptr, calls.Errno) {
	out, err := calls.Pointer[utsname](a.A1)
	if err != 0 {
		return 0, err
	}
	*out = utsname{}
	for i, s := range []string{sysname, hostname(), release, version, machine, "(none)"} {
		copy(out[i][:64], s)
	}
	return 0, 0
}

// Operations of prctl(2). Source: Linux 6.16 include/uapi/linux/prctl.h.
const (
	prSetPdeathsig  = 1
	prGetDumpable   = 3
	prSetDumpable   = 4
	prGetKeepCaps   = 7
	prSetKeepCaps   = 8
	prSetName       = 15
	prGetName       = 16
	prSetNoNewPrivs = 38
	prGetNoNewPrivs = 39
)

// keepCaps is what PR_SET_KEEPCAPS sets. Capabilities go by the user all the same.
var keepCaps atomic.Uint32

// noNewPrivs is what PR_SET_NO_NEW_PRIVS sets. Nothing is ever executed that could have more.
var noNewPrivs atomic.Uint32

// Versions of capget(2), by which its data is one or two words of each set. Source: Linux 6.16
// include/uapi/linux/capability.h.
const (
	capVersion1 = 0x19980330
	capVersion2 = 0x20071026
	capVersion3 = 0x20080522
	capLast     = 40
)

// capget says that root has all capabilities, and others none.
func capget(a calls.Args) (uintptr, calls.Errno) {
	head, err := calls.Pointer[struct {
		version uint32
		pid     int32
	}](a.A1)
	if err != 0 {
		return 0, err
	}
	words := 2
	switch head.version {
	case capVersion1:
		words = 1
	case capVersion2, capVersion3:
	default:
		head.version = capVersion3
		if a.A2 == 0 {
			return 0, 0
		}
		return 0, calls.EINVAL
	}
	if head.pid != 0 && head.pid != pid {
		return 0, calls.ESRCH
	}
	if a.A2 == 0 {
		return 0, 0
	}
	data, err := calls.Slice[struct{ effective, permitted, inheritable uint32 }](a.A2, uintptr(words))
	if err != 0 {
		return 0, err
	}
	var all uint64
	if vfs.CurrentCred().EUID == 0 {
		all = 1<<(capLast+1) - 1
	}
	for i := range data {
		set := uint32(all >> (32 * i))
		data[i].effective, data[i].permitted, data[i].inheritable = set, set, 0
	}
	return 0, 0
}

// threadName is the name that PR_SET_NAME sets, one for all threads.
var threadName atomic.Pointer[[16]byte]

func prctl(a calls.Args) (uintptr, calls.Errno) {
	switch a.A1 {
	case prSetName:
		s, err := calls.CString(a.A2, 16, 0)
		if err != 0 {
			return 0, err
		}
		var name [16]byte
		copy(name[:15], s)
		threadName.Store(&name)
		return 0, 0
	case prGetName:
		out, err := calls.Pointer[[16]byte](a.A2)
		if err != 0 {
			return 0, err
		}
		*out = [16]byte{}
		if name := threadName.Load(); name != nil {
			*out = *name
		} else {
			copy(out[:15], programName())
		}
		return 0, 0
	case prGetKeepCaps:
		return uintptr(keepCaps.Load()), 0
	case prSetKeepCaps:
		if a.A2 > 1 {
			return 0, calls.EINVAL
		}
		keepCaps.Store(uint32(a.A2))
		return 0, 0
	case prSetDumpable, prSetPdeathsig:
		return 0, 0 // no core is ever dumped, no parent dies
	case prGetDumpable:
		return 0, 0
	case prSetNoNewPrivs:
		if a.A2 != 1 || a.A3|a.A4|a.A5 != 0 {
			return 0, calls.EINVAL
		}
		noNewPrivs.Store(1)
		return 0, 0
	case prGetNoNewPrivs:
		return uintptr(noNewPrivs.Load()), 0
	}
	return 0, calls.EINVAL
}
