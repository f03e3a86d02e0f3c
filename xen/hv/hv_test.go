package hv

import (
	"errors"
	"testing"

	"internal/xengo/xen/abi"
)

func TestErrnoNames(t *testing.T) {
	if got := EINVAL.Error(); got != "xen: EINVAL" {
		t.Errorf("EINVAL.Error() = %q", got)
	}
	if got := Errno(4095).Name(); got != "errno 4095" {
		t.Errorf("Errno(4095).Name() = %q", got)
	}
	if got := Errno(0).Name(); got != "errno 0" {
		t.Errorf("Errno(0).Name() = %q", got)
	}
	for _, e := range []Errno{EPERM, ENOENT, EAGAIN, E2BIG, ENOSYS, abi.EISCONN} {
		if got := ErrnoByName(e.Name()); got != e {
			t.Errorf("ErrnoByName(%s) = %v", e.Name(), got)
		}
	}
	for _, name := range []string{"", "EWHATEVER"} {
		if got := ErrnoByName(name); got != EINVAL {
			t.Errorf("ErrnoByName(%q) = %v, want EINVAL", name, got)
		}
	}
}

func TestResult(t *testing.T) {
	minus := func(n uintptr) uintptr { return -n }
	for _, tt := range []struct {
		in   uintptr
		want uintptr
		err  error
	}{
		{0, 0, nil},
		{7, 7, nil},
		{minus(1), 0, EPERM},
		{minus(abi.EINVAL), 0, EINVAL},
		{minus(4095), 0, Errno(4095)},
		{minus(4096), minus(4096), nil},
	} {
		got, err := result(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("result(%#x) = %#x, %v; want %#x, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestGrantStatus(t *testing.T) {
	if got := GrantStatus(abi.GNTSTBadPage).Error(); got != "xen: grant table: bad page" {
		t.Errorf("GNTST_bad_page is %q", got)
	}
	for _, s := range []GrantStatus{-14, 1, -32768} {
		if got := s.Error(); got == "xen: grant table: " {
			t.Errorf("status %d has no text", int(s))
		}
	}
}

// Off Xen every hypercall is refused, none pretends to have worked.
func TestHostRefusesHypercalls(t *testing.T) {
	if _, err := AllocUnbound(0); err != ENOSYS {
		t.Errorf("AllocUnbound: %v", err)
	}
	if err := Send(1); err != ENOSYS {
		t.Errorf("Send: %v", err)
	}
	if _, _, err := QueryGrantSize(); err != ENOSYS {
		t.Errorf("QueryGrantSize: %v", err)
	}
	if err := SetupGrantTable(make([]Frame, 1)); err != ENOSYS {
		t.Errorf("SetupGrantTable: %v", err)
	}
	if _, err := PopulatePhysmap(make([]Frame, 1)); err != ENOSYS {
		t.Errorf("PopulatePhysmap: %v", err)
	}
}
