package xenbus_test

import (
	"errors"
	"testing"

	"internal/xengo/xen/xenbus"
)

var (
	errClosed = errors.New("closed")
	errFirst  = errors.New("first")
	errSecond = errors.New("second")
)

// A life ends once, and the more telling reason counts.
func TestLife(t *testing.T) {
	for _, c := range []struct{ why, then, err, close error }{
		{errClosed, nil, errClosed, nil},
		{errClosed, errSecond, errSecond, errSecond},
		{errFirst, nil, errFirst, errFirst},
		{errFirst, errSecond, errFirst, errFirst},
	} {
		l := xenbus.NewLife(errClosed)
		go func() {
			<-l.Closing()
			l.End(c.why, c.then)
		}()
		for range 2 {
			if err := l.Close(); err != c.close {
				t.Errorf("%v, %v: Close says %v", c.why, c.then, err)
			}
		}
		<-l.Done()
		if l.Err() != c.err {
			t.Errorf("%v, %v: Err is %v", c.why, c.then, l.Err())
		}
	}
	l := xenbus.NewLife(errClosed)
	l.Fail(errFirst)
	l.Fail(errSecond)
	if err := <-l.Broken(); err != errFirst {
		t.Errorf("broken for %v", err)
	}
}

// Leaving waits for the other end, but not for ever, and a device that has gone is
// left already.
func TestOfferAndLeave(t *testing.T) {
	guest, store, xs := newBed(t)
	d, err := xenbus.Open(guest, xs, "device/vif/0")
	if err != nil {
		t.Fatal(err)
	}
	ring := func(set func(key, value string) error) error { return set("ring-ref", "8") }
	for state, want := range map[string]bool{"4": true, "5": false, "6": false} {
		store.Write(back+"/state", state)
		if connected, err := d.Offer(ring, xenbus.Initialised, 60e9); connected != want || err != nil {
			t.Errorf("state %s: connected %v, %v", state, connected, err)
		}
		if v, _ := store.Read(front + "/ring-ref"); v != "8" || d.State() != xenbus.Initialised {
			t.Errorf("ring-ref %q, state %v", v, d.State())
		}
	}
	store.Write(back+"/state", "2")
	if _, err := d.Offer(ring, xenbus.Initialised, 1e7); err != xenbus.ErrTimeout {
		t.Errorf("a backend that does nothing: %v", err)
	}
	if err := d.Leave(1e7); err != nil {
		t.Errorf("the same: %v", err)
	}
	if s := d.State(); s != xenbus.Closed {
		t.Errorf("left in state %v", s)
	}
	store.Remove(front)
	if err := d.Leave(60e9); err != nil {
		t.Errorf("a device that has gone: %v", err)
	}
}
