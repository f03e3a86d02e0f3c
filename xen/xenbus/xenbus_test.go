package xenbus_test

import (
	"errors"
	"testing"

	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xenstore"
	"internal/xengo/xen/xentest"
)

const (
	front = "/local/domain/3/device/vif/0"
	back  = "/local/domain/0/backend/vif/3/0"
)

func newBed(t *testing.T) (*xentest.Domain, *xentest.Store, *xenstore.Client) {
	x := xentest.New(t)
	guest, store := x.Domain(3), xentest.NewStore(x.Domain(0))
	page, port, conn := store.Connect(guest, 0)
	xs := xenstore.Open(guest, page, port)
	t.Cleanup(func() {
		guest.ClosePort(port)
		conn.Close()
		guest.CheckClean()
	})
	store.Write(front+"/backend", back)
	store.Write(front+"/backend-id", "0")
	store.Write(front+"/state", "1")
	store.Write(back+"/state", "1")
	return guest, store, xs
}

func TestOpenAndStates(t *testing.T) {
	guest, store, xs := newBed(t)
	d, err := xenbus.Open(guest, xs, "device/vif/0")
	if err != nil {
		t.Fatal(err)
	}
	if d.Backend != back || d.BackendID != 0 {
		t.Errorf("backend %q in domain %d", d.Backend, d.BackendID)
	}
	if s := d.State(); s != xenbus.Initialising {
		t.Errorf("state %v", s)
	}
	if err := d.SetState(xenbus.Connected); err != nil {
		t.Fatal(err)
	}
	if v, _ := store.Read(front + "/state"); v != "4" {
		t.Errorf("state node is %q", v)
	}
	store.Write(back+"/state", "99")
	if s := d.BackendState(); s != xenbus.Unknown {
		t.Errorf("state 99 is %v", s)
	}
	store.Write(back+"/feature-sg", "1")
	store.Write(back+"/odd", "yes")
	if d.BackendFeature("feature-sg") != 1 || d.BackendFeature("odd") != 0 || d.BackendFeature("missing") != 0 {
		t.Error("features are not read as they are")
	}
	names, err := xenbus.Devices(xs, "vif")
	if len(names) != 1 || names[0] != "0" || err != nil {
		t.Errorf("Devices = %q, %v", names, err)
	}
	if names, err := xenbus.Devices(xs, "vbd"); len(names) != 0 || err != nil {
		t.Errorf("Devices of no class = %q, %v", names, err)
	}
	d.Fail(errors.New("reason"))
	if v, _ := store.Read("/local/domain/3/error/device/vif/0/error"); v != "reason" {
		t.Errorf("error node is %q", v)
	}
}

func TestOpenRefusesNonsense(t *testing.T) {
	for key, value := range map[string]string{"backend": "relative", "backend-id": "70000"} {
		guest, store, xs := newBed(t)
		store.Write(front+"/"+key, value)
		if _, err := xenbus.Open(guest, xs, "device/vif/0"); !errors.Is(err, xenbus.ErrValue) {
			t.Errorf("%s = %q: %v", key, value, err)
		}
	}
	guest, _, xs := newBed(t)
	if _, err := xenbus.Open(guest, xs, "device/vif/1"); !errors.Is(err, hv.ENOENT) {
		t.Errorf("a device that does not exist: %v", err)
	}
}

func TestRemovedDeviceStaysAway(t *testing.T) {
	guest, store, xs := newBed(t)
	d, err := xenbus.Open(guest, xs, "device/vif/0")
	if err != nil {
		t.Fatal(err)
	}
	store.Remove(front)
	if err := d.SetState(xenbus.Closed); !errors.Is(err, xenbus.ErrGone) {
		t.Errorf("SetState = %v", err)
	}
	if _, ok := store.Read(front + "/state"); ok {
		t.Error("the directory is back")
	}
}

func TestWaitBackend(t *testing.T) {
	guest, store, xs := newBed(t)
	d, err := xenbus.Open(guest, xs, "device/vif/0")
	if err != nil {
		t.Fatal(err)
	}
	connected := func(s xenbus.State) bool { return s == xenbus.Connected }
	go func() {
		for _, s := range []string{"2", "1", "3", "4"} {
			store.Write(back+"/state", s)
		}
	}()
	if s, err := d.WaitBackend(connected, 60e9); s != xenbus.Connected || err != nil {
		t.Errorf("WaitBackend = %v, %v", s, err)
	}
	store.Write(back+"/state", "2")
	if s, err := d.WaitBackend(connected, 1e6); s != xenbus.InitWait || !errors.Is(err, xenbus.ErrTimeout) {
		t.Errorf("WaitBackend = %v, %v", s, err)
	}
}

func TestStateNames(t *testing.T) {
	for s, want := range map[xenbus.State]string{0: "Unknown", xenbus.InitWait: "InitWait", 8: "Reconfigured", 9: "state 9"} {
		if got := s.String(); got != want {
			t.Errorf("state %d is %q, want %q", uint32(s), got, want)
		}
	}
}
