//go:build unix

package goroot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// inUse are the files whose locks keep trees from being removed while this
// process lives, by tree.
var inUse sync.Map

// use keeps prune from removing a tree as long as this process lives. It reports
// whether the tree is there.
func use(tree string) bool {
	if _, ok := inUse.Load(tree); ok {
		return isDone(tree)
	}
	f, err := os.Open(filepath.Join(tree, done))
	if err != nil {
		return false
	}
	// That it cannot be locked only makes prune believe it unused.
	_ = unix.Flock(int(f.Fd()), unix.LOCK_SH)
	inUse.Store(tree, f)
	return isDone(tree)
}

// unused reports whether no process uses a tree.
func unused(tree string) bool {
	f, err := os.Open(filepath.Join(tree, done))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// lock takes the file lock at path, waiting for other processes until ctx is
// done. The kernel drops the lock when its holder dies.
func lock(ctx context.Context, path string, logf func(string, ...any)) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for said := false; ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if !said {
			logf("waiting for another process that builds the toolchain")
			said = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}
