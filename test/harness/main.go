package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"

	"internal/xengo/toolchain/bed"
)

// Main runs a package's tests; its TestMain calls it and nothing else.
func Main(m *testing.M) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	shared.ctx = ctx
	// The beds end with ctx, and with them whatever a test waits for.
	status := m.Run()
	if err := errors.Join(shared.close(), programs.close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = max(status, 1)
	}
	cancel()
	os.Exit(status)
}

// Context is that of t, and also ends when the tests are interrupted.
func Context(t *testing.T) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := context.AfterFunc(shared.ctx, func() { cancel(errors.New("interrupted")) })
	t.Cleanup(func() {
		stop()
		cancel(nil)
	})
	return ctx
}

// beds are those that the tests of this process share, by Xen's version.
type beds struct {
	ctx  context.Context
	mu   sync.Mutex
	beds map[string]*bed.Bed
	errs map[string]error
}

var shared beds

// get starts a bed the first time. If that fails it is not tried again.
func (s *beds) get(xen string) (*bed.Bed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, err := s.beds[xen], s.errs[xen]; b != nil || err != nil {
		return b, err
	}
	if s.beds == nil {
		s.beds, s.errs = map[string]*bed.Bed{}, map[string]error{}
	}
	s.beds[xen], s.errs[xen] = bed.Start(s.ctx, options(xen))
	return s.beds[xen], s.errs[xen]
}

func (s *beds) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, b := range s.beds {
		if b != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

// options are those of all beds for tests.
func options(xen string) bed.Options {
	return bed.Options{Xen: xen, Log: os.Stderr, Serial: os.Getenv("XENGO_SERIAL") != ""}
}

// OwnBed starts a bed that a test shares with no other, for it breaks dom0.
func OwnBed(t *testing.T, xen string) *bed.Bed {
	return startBed(t, options(xen))
}

// CountingBed starts a bed whose time is a count of instructions.
func CountingBed(t *testing.T, xen string) *bed.Bed {
	o := options(xen)
	o.Counting = true
	return startBed(t, o)
}

// SharingBed starts a bed that can mount directories of the host.
func SharingBed(t *testing.T, xen string, dirs ...string) *bed.Bed {
	o := options(xen)
	o.Shares = dirs
	return startBed(t, o)
}

func startBed(t *testing.T, o bed.Options) *bed.Bed {
	t.Helper()
	need(t)
	b, err := bed.Start(shared.ctx, o) // t.Context ends before the guests are cleaned away
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
