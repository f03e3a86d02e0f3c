package balloon_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"internal/xengo/drivers/balloon"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
	"internal/xengo/xen/xentest"
)

const home = "/local/domain/3/memory/"

// machine is a guest whose time passes when the test says so.
type machine struct {
	*xentest.Reservation
	sleeps chan int64    // how long somebody wants to sleep
	wake   chan struct{} // and may go on
}

func (m *machine) Nanotime() int64 { return 0 }

func (m *machine) Sleep(ns int64) {
	m.sleeps <- ns
	<-m.wake
}

// asleep waits until somebody sleeps, and returns for how long.
func (m *machine) asleep(t *testing.T) time.Duration {
	t.Helper()
	select {
	case ns := <-m.sleeps:
		return time.Duration(ns)
	case <-time.After(10 * time.Second):
		t.Fatal("nobody sleeps")
		return 0
	}
}

// passes ends that sleep.
func (m *machine) passes() { m.wake <- struct{}{} }

type bed struct {
	*machine
	t     *testing.T
	store *xentest.Store
	end   chan error
}

// newBed has a balloon serve a guest with used and free frames.
func newBed(t *testing.T, used, free int, prepare func(*bed)) *bed {
	x := xentest.New(t)
	guest := x.Domain(3)
	b := &bed{
		machine: &machine{xentest.NewReservation(t, used, free), make(chan int64, 1), make(chan struct{})},
		t:       t, store: xentest.NewStore(x.Domain(0)), end: make(chan error, 1),
	}
	page, port, conn := b.store.Connect(guest, 0)
	xs := xenstore.Open(guest, page, port)
	t.Cleanup(func() {
		guest.ClosePort(port)
		conn.Close()
	})
	if prepare != nil {
		prepare(b)
	}
	go func() { b.end <- balloon.Serve(xs, b.machine) }()
	return b
}

func (b *bed) set(node string, pages int) {
	b.store.Write(home+node, ascii.Itoa(int64(pages*hv.PageSize>>10)))
}

// becomes waits until the guest has n pages, none withheld, and was told so.
func (b *bed) becomes(n int) {
	b.t.Helper()
	b.until(func() bool {
		have, _, _, withheld := b.Count()
		return have == n && withheld == 0
	})
}

func (b *bed) until(ok func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			have, used, free, withheld := b.Count()
			b.t.Fatalf("%d pages: %d used, %d free, %d withheld", have, used, free, withheld)
		}
	}
}

func both(static, target int) func(*bed) {
	return func(b *bed) {
		b.set("static-max", static)
		b.set("target", target)
	}
}

func TestDownAndUp(t *testing.T) {
	b := newBed(t, 300, 1700, both(2000, 2000))
	for _, n := range []int{600, 1900, 301, 2000, 1999} {
		b.set("target", n)
		b.becomes(n)
		b.until(func() bool { return b.Aimed() == n })
	}
	b.set("target", 5000) // more than it can have
	b.becomes(2000)
	if n := b.Reclaims(); n != 0 {
		t.Errorf("reclaimed %d times with enough free", n)
	}
}

// A guest may be given more than it was made with.
func TestMoreThanAtFirst(t *testing.T) {
	b := newBed(t, 100, 400, both(1500, 500))
	b.set("target", 1400)
	b.becomes(1400)
	b.set("target", 450)
	b.becomes(450)
	b.set("target", 1500)
	b.becomes(1500)
}

// What the toolstack counts and the guest does not have is left out.
func TestOffset(t *testing.T) {
	b := newBed(t, 100, 1880, func(b *bed) {
		both(2000, 2000)(b)
		b.Do(func() { b.Fixed = true })
	})
	b.set("target", 1000)
	b.becomes(980)
	b.set("target", 2000)
	b.becomes(1980)
}

// A guest that has less free than is wanted gives what it can, and the rest when
// it can.
func TestNotEnoughFree(t *testing.T) {
	b := newBed(t, 900, 100, func(b *bed) {
		both(1000, 500)(b)
		b.Keep(20)
		b.Waste(200)
	})
	b.becomes(720)
	var delays []time.Duration
	for range 7 {
		delays = append(delays, b.asleep(t)/time.Second)
		b.passes()
	}
	if want := []time.Duration{1, 2, 4, 8, 16, 32, 32}; !slices.Equal(delays, want) {
		t.Errorf("tried again after %d s, want %d", delays, want)
	}
	b.asleep(t)
	b.becomes(720)
	b.Waste(1000)
	b.passes()
	b.becomes(500)
	b.set("target", 480)
	b.becomes(480)
}

// A new wish does not wait for the time of another try.
func TestNewTarget(t *testing.T) {
	b := newBed(t, 900, 100, both(1000, 500))
	b.becomes(900)
	b.set("target", 950)
	b.becomes(950)
	if n := b.Reclaims(); n == 0 {
		t.Error("did not reclaim")
	}
}

// Xen takes and gives some frames and no more.
func TestPartial(t *testing.T) {
	b := newBed(t, 100, 1900, func(b *bed) {
		both(2000, 1000)(b)
		b.Do(func() { b.Takes = 300 })
	})
	b.asleep(t)
	b.becomes(1700)
	b.Do(func() { b.Takes = -1 })
	b.passes()
	b.becomes(1000)
	b.Do(func() { b.Gives = 400 })
	b.set("target", 1800)
	b.asleep(t)
	b.becomes(1400)
	b.passes()
	b.asleep(t)
	b.becomes(1400)
	b.Do(func() { b.Gives = -1 })
	b.passes()
	b.becomes(1800)
}

// A guest without memory for its page tables gives back what it cannot use.
func TestNoTables(t *testing.T) {
	b := newBed(t, 100, 900, both(1000, 500))
	b.becomes(500)
	b.Do(func() { b.Restores = 10 })
	b.set("target", 900)
	b.asleep(t)
	b.becomes(510)
	b.Do(func() { b.Restores = -1 })
	b.passes()
	b.becomes(900)
}

// What Xen then does not take is lost, and nothing else.
func TestLost(t *testing.T) {
	b := newBed(t, 100, 900, both(1000, 500))
	b.becomes(500)
	b.Do(func() { b.Restores, b.Takes = 0, 6 })
	b.set("target", 510)
	b.until(func() bool {
		have, _, _, withheld := b.Count()
		return have == 504 && withheld == 4
	})
	b.asleep(t)
	b.Do(func() { b.Restores, b.Takes = -1, -1 })
	b.passes()
	b.until(func() bool {
		have, _, _, withheld := b.Count()
		return have == 510 && withheld == 4
	})
}

func TestNodes(t *testing.T) {
	b := newBed(t, 100, 900, nil)
	b.set("target", 500)
	b.store.Write(home+"static-max", "much")
	b.store.Write(home+"target", "-4")
	b.set("static-max", 1000)
	b.store.Write(home+"target", "99999999999999999999999")
	b.store.Write(home+"target", "")
	b.set("target", 600)
	b.becomes(600)
	b.store.Remove(home + "target")
	b.set("target", 700)
	b.becomes(700)
}

func TestUnreadable(t *testing.T) {
	b := newBed(t, 100, 900, func(b *bed) {
		b.store.Deny = func(typ uint32, path string) bool { return typ == abi.XSRead && strings.Contains(path, "static-max") }
	})
	if err := <-b.end; !errors.Is(err, hv.EACCES) {
		t.Errorf("Serve = %v", err)
	}
}
