package xenstore_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
	"internal/xengo/xen/xenstore/xswire"
	"internal/xengo/xen/xentest"
)

// bed is a guest with a connection to a simulated xenstored.
type bed struct {
	guest *xentest.Domain
	store *xentest.Store
	conn  *xentest.Conn
	page  *abi.XenstoreDomainInterface
	port  hv.Port
	xs    *xenstore.Client
}

func newBed(t *testing.T, index uint32) *bed {
	x := xentest.New(t)
	b := &bed{guest: x.Domain(3), store: xentest.NewStore(x.Domain(0))}
	b.page, b.port, b.conn = b.store.Connect(b.guest, index)
	b.xs = xenstore.Open(b.guest, b.page, b.port)
	t.Cleanup(func() {
		b.guest.ClosePort(b.port) // a test may have closed it
		b.conn.Close()
		b.guest.CheckClean()
	})
	return b
}

func TestOperations(t *testing.T) {
	for _, index := range []uint32{0, 1000, math.MaxUint32 - 50} {
		b := newBed(t, index)
		if err := b.xs.Write("data/a", "1"); err != nil {
			t.Fatal(err)
		}
		if v, ok := b.store.Read("/local/domain/3/data/a"); v != "1" || !ok {
			t.Errorf("the store has %q, %v", v, ok)
		}
		if v, err := b.xs.Read("/local/domain/3/data/a"); v != "1" || err != nil {
			t.Errorf("Read = %q, %v", v, err)
		}
		if err := b.xs.Mkdir("data/dir"); err != nil {
			t.Error(err)
		}
		if names, err := b.xs.List("data"); !slices.Equal(names, []string{"a", "dir"}) || err != nil {
			t.Errorf("List = %q, %v", names, err)
		}
		if names, err := b.xs.List("data/dir"); len(names) != 0 || err != nil {
			t.Errorf("List of an empty directory = %q, %v", names, err)
		}
		if err := b.xs.Remove("data"); err != nil {
			t.Error(err)
		}
		_, err := b.xs.Read("data/a")
		if !errors.Is(err, hv.ENOENT) || err.Error() != "xenstore: read data/a: xen: ENOENT" {
			t.Errorf("reading what was removed: %v", err)
		}
	}
}

func TestErrorsByName(t *testing.T) {
	b := newBed(t, 0)
	b.store.Deny = func(typ uint32, path string) bool { return typ == abi.XSWrite }
	if err := b.xs.Write("x", "1"); !errors.Is(err, hv.EACCES) {
		t.Errorf("a denied write: %v", err)
	}
	for _, path := range []string{"", "a\x00b"} {
		if _, err := b.xs.Read(path); !errors.Is(err, hv.EINVAL) {
			t.Errorf("Read(%q) = %v", path, err)
		}
		if _, err := b.xs.Watch(path); !errors.Is(err, hv.EINVAL) {
			t.Errorf("Watch(%q) = %v", path, err)
		}
	}
	if err := b.xs.Write("x", strings.Repeat("x", 4096)); !errors.Is(err, hv.E2BIG) {
		t.Errorf("a payload of more than 4096 bytes: %v", err)
	}
}

// Values that are larger than the ring go through it in pieces.
func TestLargeValues(t *testing.T) {
	b := newBed(t, math.MaxUint32-10)
	for _, size := range []int{0, 1000, 1024, 1025, 4000, 4096 - len("big") - 1} {
		value := strings.Repeat("v", size)
		if err := b.xs.Write("big", value); err != nil {
			t.Fatal(err)
		}
		if got, err := b.xs.Read("big"); got != value || err != nil {
			t.Errorf("%d bytes: read %d, %v", size, len(got), err)
		}
	}
	if atomic.LoadUint32(&xswire.Unsent) != 0 {
		t.Errorf("Unsent = %d", atomic.LoadUint32(&xswire.Unsent))
	}
}

func TestConcurrentRequests(t *testing.T) {
	b := newBed(t, math.MaxUint32-5000)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				path, value := fmt.Sprintf("g%d/%d", g, i), strings.Repeat("x", g*200+i)
				if err := b.xs.Write(path, value); err != nil {
					t.Error(err)
					return
				}
				if got, err := b.xs.Read(path); got != value || err != nil {
					t.Errorf("Read(%s) = %d bytes, %v", path, len(got), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTransaction(t *testing.T) {
	b := newBed(t, 0)
	tries := 0
	err := b.xs.Transact(func(tx *xenstore.Tx) error {
		if tries++; tries < 3 {
			b.store.Write("/other", fmt.Sprint(tries)) // a conflict
		}
		if err := tx.Write("a", "1"); err != nil {
			return err
		}
		if _, ok := b.store.Read("/local/domain/3/a"); ok {
			t.Error("a write shows before the transaction ends")
		}
		if v, err := tx.Read("a"); v != "1" || err != nil {
			t.Errorf("inside, Read = %q, %v", v, err)
		}
		return tx.Write("b", "2")
	})
	if err != nil || tries != 3 {
		t.Errorf("Transact: %v after %d tries, want 3", err, tries)
	}
	if v, err := b.xs.Read("b"); v != "2" || err != nil {
		t.Errorf("Read = %q, %v", v, err)
	}
	failure := errors.New("no")
	err = b.xs.Transact(func(tx *xenstore.Tx) error {
		if err := tx.Write("c", "3"); err != nil {
			return err
		}
		return failure
	})
	if err != failure {
		t.Errorf("Transact = %v", err)
	}
	if _, err := b.xs.Read("c"); !errors.Is(err, hv.ENOENT) {
		t.Errorf("after an abandoned transaction, Read: %v", err)
	}
}

func TestTransactionNeverWins(t *testing.T) {
	b := newBed(t, 0)
	n := 0
	err := b.xs.Transact(func(tx *xenstore.Tx) error {
		n++
		b.store.Write("/other", fmt.Sprint(n))
		return tx.Write("a", "1")
	})
	if !errors.Is(err, hv.EAGAIN) {
		t.Errorf("Transact = %v", err)
	}
}

// await returns the next events of a watch.
func await(w *xenstore.Watch) []string {
	for range w.C {
		if e := w.Events(); len(e) > 0 {
			return e
		}
	}
	return nil
}

func TestWatch(t *testing.T) {
	b := newBed(t, 0)
	rel, err := b.xs.Watch("device/vif")
	if err != nil {
		t.Fatal(err)
	}
	abs, err := b.xs.Watch("/backend")
	if err != nil {
		t.Fatal(err)
	}
	if e := await(rel); !slices.Equal(e, []string{"device/vif"}) {
		t.Errorf("first event %q", e)
	}
	if e := await(abs); !slices.Equal(e, []string{"/backend"}) {
		t.Errorf("first event %q", e)
	}
	b.store.Write("/local/domain/3/device/vif/0/state", "1")
	if e := await(rel); !slices.Equal(e, []string{"device/vif/0/state"}) {
		t.Errorf("event %q", e)
	}
	b.store.Write("/backend/x", "1")
	if e := await(abs); !slices.Equal(e, []string{"/backend/x"}) {
		t.Errorf("event %q", e)
	}
	b.store.Write("/backendx", "1") // not below
	if err := rel.Close(); err != nil {
		t.Error(err)
	}
	if _, open := <-rel.C; open {
		t.Error("C is open after Close")
	}
	if err := rel.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	b.store.Write("/local/domain/3/device/vif/1", "1")
	if _, err := b.xs.Read("device/vif/1"); err != nil { // orders what came before
		t.Error(err)
	}
	if e := abs.Events(); len(e) != 0 {
		t.Errorf("unexpected events %q", e)
	}
	if err := abs.Close(); err != nil {
		t.Error(err)
	}
}

// A flood of events costs bounded memory and ends up as one.
func TestWatchFlood(t *testing.T) {
	b := newBed(t, 0)
	w, err := b.xs.Watch("/flood")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		b.store.Write(fmt.Sprintf("/flood/%d", i), "x")
	}
	if _, err := b.xs.Read("/flood/999"); err != nil {
		t.Fatal(err)
	}
	if e := w.Events(); len(e) == 0 || len(e) > 64 || e[0] != "/flood" {
		t.Errorf("%d paths, beginning %q", len(e), e[:min(1, len(e))])
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestReconnect(t *testing.T) {
	b := newBed(t, 0)
	w, err := b.xs.Watch("w")
	if err != nil {
		t.Fatal(err)
	}
	await(w)
	b.store.Reply = func(xswire.Header, []byte) ([]byte, bool) { return nil, true } // silence
	result := make(chan error)
	go func() {
		_, err := b.xs.Read("a")
		result <- err
	}()
	for b.guest.Held() == 0 { // the request is under way
	}
	b.guest.ClosePort(b.port)
	if err := <-result; !errors.Is(err, xenstore.ErrDisconnected) {
		t.Errorf("a request under way ended with %v", err)
	}
	if err := b.xs.Write("a", "b"); !errors.Is(err, xenstore.ErrDisconnected) {
		t.Errorf("without connection, Write = %v", err)
	}
	b.conn.Close()
	b.store.Reply = nil
	b.page, b.port, b.conn = b.store.Connect(b.guest, 77)
	if err := b.xs.Reconnect(b.page, b.port); err != nil {
		t.Fatal(err)
	}
	if e := await(w); !slices.Equal(e, []string{"w"}) {
		t.Errorf("after reconnecting the watch says %q", e)
	}
	b.store.Write("/local/domain/3/w/x", "1")
	if e := await(w); !slices.Equal(e, []string{"w/x"}) {
		t.Errorf("the watch says %q", e)
	}
}

// The connection begins when xenstored says so, and old replies are dropped.
func TestWaitsForConnection(t *testing.T) {
	x := xentest.New(t)
	guest, store := x.Domain(3), xentest.NewStore(x.Domain(0))
	store.Write("/k", "v")
	page, port, conn := store.Connect(guest, 0)
	conn.Inject(xswire.AppendMessage(nil, abi.XSRead, 1, 0, "stale"))
	for atomic.LoadUint32(&page.RspProd) == 0 {
	}
	atomic.StoreUint32(&page.Connection, abi.XenstoreReconnect)
	opened := make(chan *xenstore.Client)
	go func() { opened <- xenstore.Open(guest, page, port) }()
	select {
	case <-opened:
		t.Fatal("Open did not wait for the connection")
	default:
	}
	atomic.StoreUint32(&page.Connection, abi.XenstoreConnected)
	xs := <-opened
	if v, err := xs.Read("/k"); v != "v" || err != nil {
		t.Errorf("Read = %q, %v", v, err)
	}
	guest.ClosePort(port)
	conn.Close()
}

func TestNoStore(t *testing.T) {
	xs := xenstore.Open(nil, nil, 0)
	if _, err := xs.Read("x"); !errors.Is(err, xenstore.ErrDisconnected) {
		t.Errorf("Read = %v", err)
	}
	if _, err := xs.Watch("x"); !errors.Is(err, xenstore.ErrDisconnected) {
		t.Errorf("Watch = %v", err)
	}
}
