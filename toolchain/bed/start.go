package bed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"internal/xengo/toolchain/bed/forward"
	"internal/xengo/toolchain/bed/mux"
	"internal/xengo/toolchain/bed/proto"
)

// Bed is a running Xen with its dom0.
type Bed struct {
	client
	release release
	dir     string // of sockets and logs
	session *mux.Session
	conn    closer
	qemu    *qemu // nil if another process runs the bed
	rundir  *rundir
	listen  net.Listener
	stop    func() bool
	once    sync.Once
	err     error
}

// Start resumes a bed, making it first if it is not in the cache. When ctx is
// done the bed ends.
func Start(ctx context.Context, o Options) (*Bed, error) {
	image, err := o.image(ctx)
	if err != nil {
		return nil, err
	}
	r, err := o.release()
	if err != nil {
		return nil, err
	}
	b := &Bed{release: r}
	if b.rundir, err = newRun(); err != nil {
		return nil, err
	}
	if n := 1 + b.rundir.others; n > 1 && busy*n > runtime.NumCPU() { // ARCHITECTURE.md, Notes, has figures
		o.logf("with this bed %d run here, on %d processors: they would be done sooner one after the other", n, runtime.NumCPU())
	}
	b.dir = b.rundir.dir
	if err := b.resume(ctx, &o, image); err != nil {
		if b.qemu != nil {
			err = b.qemu.explain(err)
		}
		return nil, errors.Join(fmt.Errorf("resume the bed: %w", err), b.Close())
	}
	b.stop = context.AfterFunc(ctx, func() { b.Close() })
	return b, nil
}

func (b *Bed) resume(ctx context.Context, o *Options, image string) error {
	state, err := os.Open(filepath.Join(image, "state"))
	if err != nil {
		return err
	}
	defer state.Close()
	if b.qemu, err = startQEMU(o, image, b.dir, state); err != nil {
		return err
	}
	m, err := dialQMP(ctx, b.qemu.qmpSocket(), b.qemu.dead)
	if err != nil {
		return err
	}
	defer m.conn.Close()
	if err := m.waitFor(ctx, "query-status", func(s string) (bool, error) { return s != "inmigrate", nil }); err != nil {
		return err
	}
	if err := m.do("cont", nil, nil); err != nil {
		return err
	}
	if b.session, b.conn, err = connect(ctx, b.qemu); err != nil {
		return err
	}
	b.open = func() (stream, error) { return b.session.Open() }
	st, _, err := b.ask(ctx, proto.Request{Op: proto.Sync, Time: time.Now().Unix()})
	if err != nil {
		return err
	}
	st.Close()
	return b.share()
}

// share lets other processes of this user talk to the agent.
func (b *Bed) share() error {
	l, err := net.Listen("unix", filepath.Join(b.dir, "bed.sock"))
	if err != nil {
		return err
	}
	b.listen = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go b.relay(c)
		}
	}()
	return nil
}

// relay makes the streams that another process opens streams of the agent. The
// end of that process resets them.
func (b *Bed) relay(c net.Conn) {
	defer c.Close()
	session, err := mux.NewServer(c).Serve()
	if err != nil {
		return // gone before it said a word
	}
	for {
		from, err := session.Accept()
		if err != nil {
			return // the process is done
		}
		go func() {
			defer from.Close()
			to, err := b.session.Open()
			if err != nil {
				return
			}
			defer to.Close()
			forward.Join(from, to)
		}()
	}
}

// Close ends the bed. One that another process runs goes on.
func (b *Bed) Close() error {
	b.once.Do(func() {
		if b.stop != nil {
			b.stop()
		}
		var errs []error
		if b.listen != nil {
			errs = append(errs, b.listen.Close())
		}
		if b.conn != nil {
			errs = append(errs, b.conn.Close())
		}
		if b.qemu != nil {
			errs = append(errs, b.qemu.kill())
		}
		if b.rundir != nil {
			errs = append(errs, b.rundir.remove())
		}
		b.err = errors.Join(errs...)
	})
	return b.err
}

// Done is closed when the bed is gone, or no longer attached to.
func (b *Bed) Done() <-chan struct{} {
	if b.qemu == nil {
		return b.session.Done()
	}
	return b.qemu.dead
}

// XenLog returns what Xen, dom0's kernel and, through Xen's console, guests
// have logged since the bed resumed.
func (b *Bed) XenLog() (string, error) {
	log, err := os.ReadFile(filepath.Join(b.dir, "xen.log"))
	return string(log), err
}
