package bed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// rundir is the directory of one running bed: sockets, logs and a lock that its
// process holds, so that others know whether it lives.
type rundir struct {
	dir  string
	lock *os.File

	others int // beds that lived when this one began
}

// runBase is where the directories of this user's beds are. The path is short:
// names of sockets are.
func runBase() (string, error) {
	base := filepath.Join(os.TempDir(), "xengo-bed-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", err
	}
	info, err := os.Lstat(base)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s is open to other users", base)
	}
	return base, nil
}

// newRun makes a directory, and removes those of beds that died.
func newRun() (*rundir, error) {
	base, err := runBase()
	if err != nil {
		return nil, err
	}
	others, err := sweep(base)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		dir := filepath.Join(base, fmt.Sprintf("%d-%d", os.Getpid(), n))
		err := os.Mkdir(dir, 0o700)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f, err := tryLock(dir + ".lock")
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		return &rundir{dir, f, others}, nil
	}
}

func (r *rundir) remove() error {
	err := os.RemoveAll(r.dir)
	return errors.Join(err, os.Remove(r.dir+".lock"), r.lock.Close())
}

// sweep removes the directories whose lock nobody holds, and returns how many
// are in use. A directory is made just before its lock, so those without one
// may be young.
func sweep(base string) (living int, err error) {
	locks, err := filepath.Glob(filepath.Join(base, "*.lock"))
	if err != nil {
		return 0, err
	}
	for _, name := range locks {
		f, err := tryLock(name)
		if errors.Is(err, unix.EWOULDBLOCK) {
			living++
			continue
		}
		if err != nil {
			return living, err
		}
		dead := rundir{dir: name[:len(name)-len(".lock")], lock: f}
		if err := dead.remove(); err != nil && !errors.Is(err, os.ErrNotExist) {
			return living, err
		}
	}
	return living, nil
}

// tryLock takes a file's lock or fails with EWOULDBLOCK.
func tryLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}

// lock waits for a file's lock.
func lock(ctx context.Context, name string, logf func(string, ...any)) (unlock func(), err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for said := false; ; said = true {
		f, err := tryLock(name)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, err
		}
		if !said {
			logf("waiting for another process that makes the bed")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
