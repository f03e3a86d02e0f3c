package lifecycle_test

import (
	"errors"
	"strings"
	"testing"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/lifecycle"
	"internal/xengo/xen/xenstore"
	"internal/xengo/xen/xentest"
)

const home = "/local/domain/3/"

func newBed(t *testing.T) (store *xentest.Store, xs *xenstore.Client) {
	x := xentest.New(t)
	guest := x.Domain(3)
	store = xentest.NewStore(x.Domain(0))
	page, port, conn := store.Connect(guest, 0)
	xs = xenstore.Open(guest, page, port)
	t.Cleanup(func() {
		guest.ClosePort(port)
		conn.Close()
	})
	return store, xs
}

func TestRequests(t *testing.T) {
	store, xs := newBed(t)
	got := make(chan lifecycle.Request)
	go lifecycle.Serve(xs, func(r lifecycle.Request) { got <- r }) // until the end of the test
	for _, tt := range []struct {
		value string
		want  lifecycle.Request
	}{{"poweroff", lifecycle.Poweroff}, {"reboot", lifecycle.Reboot}, {"halt", lifecycle.Poweroff}} {
		store.Write(home+"control/shutdown", tt.value)
		if r := <-got; r != tt.want {
			t.Errorf("%s is request %d, want %d", tt.value, r, tt.want)
		}
		if v, _ := store.Read(home + "control/shutdown"); v != "" {
			t.Errorf("%s is not acknowledged: %q", tt.value, v)
		}
	}
	// What is not understood is neither acknowledged nor acted on.
	store.Write(home+"control/shutdown", "suspend")
	store.Write(home+"control/other", "x")
	store.Write(home+"control/shutdown", "poweroff")
	if r := <-got; r != lifecycle.Poweroff {
		t.Errorf("request %d", r)
	}
	for _, f := range []string{"feature-poweroff", "feature-reboot"} {
		if v, _ := store.Read(home + "control/" + f); v != "1" {
			t.Errorf("%s is %q", f, v)
		}
	}
	if _, ok := store.Read(home + "control/feature-suspend"); ok {
		t.Error("suspend is announced")
	}
	store.Write(home+"control/shutdown", "suspend")
	if _, err := xs.Read("control/shutdown"); err != nil {
		t.Fatal(err)
	}
	if v, _ := store.Read(home + "control/shutdown"); v != "suspend" {
		t.Error("suspend was acknowledged")
	}
}

func TestSysRq(t *testing.T) {
	store, xs := newBed(t)
	store.Write(home+"control/sysrq", "") // as the toolstack makes it
	got := make(chan byte)
	go lifecycle.ServeSysRq(xs, func(key byte) { got <- key }) // until the end of the test
	for _, key := range "tqtc" {
		store.Write(home+"control/sysrq", string(key))
		if k := <-got; k != byte(key) {
			t.Errorf("%c is key %q", key, k)
		}
		if v, _ := store.Read(home + "control/sysrq"); v != "" {
			t.Errorf("%c is not acknowledged: %q", key, v)
		}
	}
	// Of a longer request the first byte counts, as in Linux; one without any
	// is none.
	store.Remove(home + "control/sysrq")
	store.Write(home+"control/sysrq", "\xffoo")
	if k := <-got; k != 0xff {
		t.Errorf("key %q", k)
	}
}

func TestVCPUsThatCannotBeRead(t *testing.T) {
	store, xs := newBed(t)
	store.Deny = func(typ uint32, path string) bool { return strings.Contains(path, "cpu/2/") && typ == abi.XSRead }
	if err := lifecycle.ServeVCPUs(xs, 4, func(int, bool) {}); !errors.Is(err, hv.EACCES) {
		t.Errorf("ServeVCPUs = %v", err)
	}
}

func TestSysRqThatCannotBeRead(t *testing.T) {
	store, xs := newBed(t)
	store.Deny = func(typ uint32, path string) bool { return strings.Contains(path, "sysrq") && typ == abi.XSRead }
	if err := lifecycle.ServeSysRq(xs, func(byte) { t.Error("a key came") }); !errors.Is(err, hv.EACCES) {
		t.Errorf("ServeSysRq = %v", err)
	}
}

func TestVCPUs(t *testing.T) {
	store, xs := newBed(t)
	availability := func(id, state string) { store.Write(home+"cpu/"+id+"/availability", state) }
	for id, state := range map[string]string{"0": "offline", "1": "online", "2": "offline", "3": "later", "5": "online"} {
		availability(id, state)
	}
	type change struct {
		id     int
		online bool
	}
	got := make(chan change)
	go lifecycle.ServeVCPUs(xs, 5, func(id int, online bool) { got <- change{id, online} }) // until the end of the test
	// expect takes calls until each vCPU was last told what it is to be.
	expect := func(want ...bool) {
		t.Helper()
		last := map[int]bool{}
		for i := 1; i <= len(want); {
			c := <-got
			if c.id < 1 || c.id > len(want) {
				t.Fatalf("vCPU %d is told to be %v", c.id, c.online)
			}
			last[c.id] = c.online
			for i = 1; i <= len(want); i++ {
				if online, ok := last[i]; !ok || online != want[i-1] {
					break
				}
			}
		}
	}
	expect(true, false)
	availability("1", "offline")
	availability("2", "online")
	expect(false, true)
	availability("2", "offline")
	availability("2", "online")
	availability("3", "offline")
	expect(false, true, false)
}

func TestToolstackThatRefuses(t *testing.T) {
	store, xs := newBed(t)
	store.Deny = func(typ uint32, path string) bool {
		return typ == abi.XSWrite && strings.Contains(path, "feature-")
	}
	if err := lifecycle.Announce(xs); err != nil {
		t.Errorf("Announce = %v", err)
	}
	store.Deny = func(typ uint32, path string) bool { return typ == abi.XSWrite }
	if err := lifecycle.RecordExit(xs, 1); !errors.Is(err, hv.EACCES) {
		t.Errorf("RecordExit = %v", err)
	}
}

func TestRecordExit(t *testing.T) {
	store, xs := newBed(t)
	for status, want := range map[int32]string{0: "0", 2: "2", 143: "143", -1: "-1"} {
		if err := lifecycle.RecordExit(xs, status); err != nil {
			t.Error(err)
		}
		if v, _ := store.Read(home + "data/exit-status"); v != want {
			t.Errorf("exit status %d is recorded as %q", status, v)
		}
	}
}
