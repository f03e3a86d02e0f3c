package bed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"internal/xengo/toolchain/bed/mux"
)

// Shared describes a bed that its process keeps for others.
type Shared struct {
	Xen   string    // version
	PID   int       // of the process that keeps it
	Since time.Time // when it was there
	Dir   string    `json:"-"` // of sockets and logs
}

// ErrNone says that no bed is shared.
var ErrNone = errors.New("no bed is up")

const sharedFile = "shared.json"

// Dir is where the bed's sockets and logs are. In a child's environment, as Variable, it tells Attach which bed.
func (b *Bed) Dir() string { return b.dir }

// Offer lets Attach find the bed. There is one for each version of Xen.
func (b *Bed) Offer() error {
	if _, err := find(b.release.xen); err == nil {
		return fmt.Errorf("a bed with Xen %s is up already", b.release.xen)
	} else if !errors.Is(err, ErrNone) {
		return err
	}
	return writeJSON(filepath.Join(b.dir, sharedFile), Shared{Xen: b.release.xen, PID: os.Getpid(), Since: time.Now()})
}

// Offered returns the beds that can be attached to.
func Offered() ([]Shared, error) {
	base, err := runBase()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(base, "*", sharedFile))
	if err != nil {
		return nil, err
	}
	var all []Shared
	for _, file := range files {
		dir := filepath.Dir(file)
		alive, err := locked(dir + ".lock")
		if err != nil {
			return nil, err
		}
		b, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || !alive {
			continue
		}
		s := Shared{Dir: dir}
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func find(xen string) (Shared, error) {
	all, err := Offered()
	if err != nil {
		return Shared{}, err
	}
	for _, s := range all {
		if s.Xen == xen {
			return s, nil
		}
	}
	return Shared{}, ErrNone
}

// Variable names, in the environment, the directory of the bed that Attach takes; nobody need have offered it.
const Variable = "XENGO_BED"

// Attach returns the bed of o's version of Xen that another process keeps, or
// ErrNone; the environment can name one. When ctx is done, all that was asked of the bed through it ends.
func Attach(ctx context.Context, o Options) (*Bed, error) {
	r, err := o.release()
	if err != nil {
		return nil, err
	}
	s := Shared{Dir: os.Getenv(Variable)}
	if s.Dir == "" {
		if s, err = find(r.xen); err != nil {
			return nil, err
		}
	}
	conn, err := net.Dial("unix", filepath.Join(s.Dir, "bed.sock"))
	if err != nil {
		return nil, fmt.Errorf("attach to the bed: %w", err)
	}
	b := &Bed{release: r, dir: s.Dir, conn: conn}
	b.stop = context.AfterFunc(ctx, func() { b.Close() })
	if b.session, err = mux.Dial(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("attach to the bed: %w", err), b.Close())
	}
	b.open = func() (stream, error) { return b.session.Open() }
	return b, nil
}

// Down ends the bed and waits until it has.
func (s *Shared) Down(ctx context.Context) error {
	if err := syscall.Kill(s.PID, syscall.SIGTERM); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("end the bed of process %d: %w", s.PID, err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		alive, err := locked(s.Dir + ".lock")
		if err != nil || !alive {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// locked reports whether a process holds the lock.
func locked(name string) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
