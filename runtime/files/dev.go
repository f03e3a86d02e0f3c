package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/tty"
	"internal/xengo/runtime/vfs"
)

// An OpenDevice opens a device. The description should embed the vfs.Base of loc.
type OpenDevice func(loc vfs.Location, flags uint32) (fdtable.Description, calls.Errno)

// A deviceKey is the type (vfs.S_IFCHR or vfs.S_IFBLK) and number of a device.
type deviceKey struct {
	kind uint32
	rdev uint64
}

var devices struct {
	mu   sync.RWMutex
	open map[deviceKey]OpenDevice
}

// RegisterDevice makes the device node /dev/name and lets open open it and all other nodes of that type and number.
// mode is the type and the permissions. EBUSY if there is a device of that number.
func RegisterDevice(name string, mode uint32, rdev uint64, open OpenDevice) calls.Errno {
	key := deviceKey{mode & vfs.S_IFMT, rdev}
	devices.mu.Lock()
	defer devices.mu.Unlock()
	if devices.open == nil {
		devices.open = make(map[deviceKey]OpenDevice)
	}
	if devices.open[key] != nil {
		return calls.EBUSY
	}
	// Not as the program, which may have become a user that cannot write there.
	n, err := devFS.Root().Create(name, &vfs.New{Mode: mode, Rdev: rdev})
	if err != 0 {
		return err
	}
	devices.open[key] = open
	vfs.Came(devFS.Root(), name, n)
	return 0
}

// UnregisterDevice undoes RegisterDevice. Descriptions that are open stay.
func UnregisterDevice(name string, mode uint32, rdev uint64) {
	devices.mu.Lock()
	defer devices.mu.Unlock()
	delete(devices.open, deviceKey{mode & vfs.S_IFMT, rdev})
	var st fdtable.Stat
	if n := devFS.Find(name); n != nil && n.Stat(&st) == 0 && st.Mode&vfs.S_IFMT == mode&vfs.S_IFMT && st.Rdev == rdev {
		if devFS.Root().Remove(name, false) == 0 { // else the program was faster
			vfs.Went(devFS.Root(), name, n)
		}
	}
}

// AwaitDevices makes f be called before /dev is said not to have a name, and with "" before it is listed: f returns
// when the device is there, if it is to be. With nil there is nothing more to wait for.
func AwaitDevices(f func(name string)) { devFS.SetLate(f) }

// MakeDev returns the number of a device.
func MakeDev(major, minor uint32) uint64 {
	return uint64(major&0xfff)<<8 | uint64(major&^0xfff)<<32 | uint64(minor&0xff) | uint64(minor&^0xff)<<12
}

func init() { vfs.SetOpenNode(openNode) }

// openNode opens named pipes and devices, on whatever file system their names are. A socket cannot be opened.
func openNode(loc vfs.Location, flags uint32) (fdtable.Description, calls.Errno) {
	var st fdtable.Stat
	if err := loc.Inode.Stat(&st); err != 0 {
		return nil, err
	}
	if st.Mode&vfs.S_IFMT == vfs.S_IFIFO {
		return openFifo(loc, flags)
	}
	devices.mu.RLock()
	open := devices.open[deviceKey{st.Mode & vfs.S_IFMT, st.Rdev}]
	devices.mu.RUnlock()
	if open == nil {
		return nil, calls.ENXIO
	}
	return open(loc, flags)
}

// furnishDev makes /dev. The numbers are those of Linux 6.16 Documentation/admin-guide/devices.txt.
func furnishDev() {
	devFS = memfs.New(0o755)
	mount("/dev", devFS.Root(), "devtmpfs")
	console = tty.New()
	type device struct {
		name         string
		major, minor uint32
		perm         uint32
		open         OpenDevice
	}
	for _, d := range []device{
		{"null", 1, 3, 0o666, simple(func([]byte) int { return 0 }, 0)},
		{"zero", 1, 5, 0o666, simple(zeros, 0)},
		{"full", 1, 7, 0o666, simple(zeros, calls.ENOSPC)},
		{"random", 1, 8, 0o666, openRandom},
		{"urandom", 1, 9, 0o666, openRandom},
		{"tty", 5, 0, 0o666, openTerminal},
		{"console", 5, 1, 0o600, openTerminal},
	} {
		if err := RegisterDevice(d.name, vfs.S_IFCHR|d.perm, MakeDev(d.major, d.minor), d.open); err != 0 {
			panic("files: cannot make /dev/" + d.name + ": " + err.Error())
		}
	}
	makeDir("/dev/shm", 0o777|vfs.S_ISVTX)
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		makeNode("/dev/"+name, vfs.S_IFLNK|0o777, 0, target)
	}
}

func zeros(p []byte) int {
	clear(p)
	return len(p)
}

func random(p []byte) int {
	kernel.Random(p)
	return len(p)
}

// A simpleDevice is the description of a device without state.
type simpleDevice struct {
	vfs.Base
	read func(p []byte) int
	err  calls.Errno // of writes; 0 lets them all succeed

	random bool
}

func openRandom(loc vfs.Location, _ uint32) (fdtable.Description, calls.Errno) {
	return &simpleDevice{Base: vfs.Base{Loc: loc}, read: random, random: true}, 0
}

func simple(read func(p []byte) int, err calls.Errno) OpenDevice {
	return func(loc vfs.Location, _ uint32) (fdtable.Description, calls.Errno) {
		return &simpleDevice{Base: vfs.Base{Loc: loc}, read: read, err: err}, 0
	}
}

func (d *simpleDevice) Read(p []byte) (int, calls.Errno) { return d.read(p), 0 }

func (d *simpleDevice) Write(p []byte) (int, calls.Errno) {
	if d.err != 0 && len(p) > 0 {
		return 0, d.err
	}
	return len(p), 0
}

func (d *simpleDevice) PRead(p []byte, _ int64) (int, calls.Errno)  { return d.Read(p) }
func (d *simpleDevice) PWrite(p []byte, _ int64) (int, calls.Errno) { return d.Write(p) }
func (d *simpleDevice) Lseek(int64, int) (int64, calls.Errno)       { return 0, 0 }

// rndGetEntCnt is RNDGETENTCNT. Source: Linux 6.16 include/uapi/linux/random.h.
const rndGetEntCnt = 0x80045200

// Ioctl tells how many bits of entropy there are: as many as can be, as on Linux once its generator is seeded.
func (d *simpleDevice) Ioctl(request, arg uintptr) (uintptr, calls.Errno) {
	if request != rndGetEntCnt || !d.random {
		return 0, calls.ENOTTY
	}
	bits, err := calls.Pointer[int32](arg)
	if err == 0 {
		*bits = 256
	}
	return 0, err
}

// A terminal is a description of the console.
type terminal struct {
	*tty.TTY
	loc vfs.Location
}

func openTerminal(loc vfs.Location, _ uint32) (fdtable.Description, calls.Errno) {
	return &terminal{console, loc}, 0
}

func (t *terminal) Location() vfs.Location            { return t.loc }
func (t *terminal) Name() string                      { return t.loc.Path() }
func (t *terminal) Stat(st *fdtable.Stat) calls.Errno { return t.loc.Inode.Stat(st) }
