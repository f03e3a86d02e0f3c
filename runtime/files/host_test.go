package files

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A hostThread is a thread of the host with a root directory, descriptors, umask and user that no other thread shares.
type hostThread struct {
	requests chan func() error
	results  chan error
	dir      string
	real     int // the real root directory
}

// startHost makes a thread whose root directory is to be a tmpfs over dir.
func startHost(dir string) (*hostThread, error) {
	h := &hostThread{requests: make(chan func() error), results: make(chan error), dir: dir}
	go func() {
		runtime.LockOSThread() // and never unlock: the thread is of no use to others
		for f := range h.requests {
			h.results <- f()
		}
	}()
	if err := h.do(h.separate); err != nil {
		close(h.requests)
		return nil, err
	}
	return h, nil
}

// do runs f on the thread.
func (h *hostThread) do(f func() error) error {
	h.requests <- f
	return <-h.results
}

// stop ends the thread. What it has open is closed before: files without an inode of their own share locks with its successor.
func (h *hostThread) stop() {
	h.do(func() error { return unix.CloseRange(firstFD, 1<<32-1, 0) })
	close(h.requests)
}

// separate gives the thread what it is not to share.
func (h *hostThread) separate() error {
	var u unix.Utsname
	var major, minor int
	if err := unix.Uname(&u); err != nil {
		return err
	}
	if fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); major < 6 || major == 6 && minor < 12 {
		return fmt.Errorf("Linux %d.%d answers some calls in another way than 6.12 and later", major, minor)
	}
	if os.Geteuid() != 0 {
		return os.ErrPermission
	}
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	var err error
	if h.real, err = unix.Open("/", unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return err
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR, 0)
	for null < firstFD-1 && err == nil {
		null, err = unix.Dup(null)
	}
	return err
}

// fresh closes what tests opened and starts with an empty root directory.
func (h *hostThread) fresh() error {
	// The thread alone changes its user: unix.Setresuid would change that of the whole process.
	const root = 0
	for _, nr := range []uintptr{unix.SYS_SETRESUID, unix.SYS_SETRESGID, unix.SYS_SETGROUPS} {
		if _, _, e := unix.RawSyscall(nr, root, root, root); e != 0 {
			return e
		}
	}
	if err := unix.CloseRange(firstFD, 1<<32-1, 0); err != nil {
		return err
	}
	if err := unix.Fchdir(h.real); err != nil {
		return err
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	unix.Unmount(h.dir, unix.MNT_DETACH) // the first time there is none
	if err := unix.Mount("tmpfs", h.dir, "tmpfs", 0, "mode=755,size=64m"); err != nil {
		return err
	}
	if err := unix.Chroot(h.dir); err != nil {
		return err
	}
	unix.Umask(0o022)
	return unix.Chdir("/")
}
