package grant_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/grant"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xentest"
)

func pair(t *testing.T) (guest, peer *xentest.Domain) {
	x := xentest.New(t)
	return x.Domain(7), x.Domain(0)
}

func pageOf(t *testing.T, d *xentest.Domain) []byte {
	t.Helper()
	page, err := d.AllocPages(1)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestGrantAndRevoke(t *testing.T) {
	guest, peer := pair(t)
	page := pageOf(t, guest)
	ref, err := guest.Grant(peer.ID, page, false)
	if err != nil {
		t.Fatal(err)
	}
	if ref < abi.GnttabReservedEntries {
		t.Errorf("reference %d is reserved", ref)
	}
	m, err := peer.Map(guest.ID, ref, false)
	if err != nil {
		t.Fatal(err)
	}
	m.Mem[5] = 42
	if err := guest.Revoke(ref); !errors.Is(err, grant.ErrInUse) {
		t.Errorf("revoking a mapped page: %v", err)
	}
	m.Unmap()
	if page[5] != 42 {
		t.Error("the other domain's write is lost")
	}
	if err := guest.Revoke(ref); err != nil {
		t.Error(err)
	}
	if _, err := peer.Map(guest.ID, ref, false); err == nil {
		t.Error("a revoked page can be mapped")
	}
	if err := guest.Revoke(ref); !errors.Is(err, grant.ErrNotGranted) {
		t.Errorf("revoking twice: %v", err)
	}
	guest.FreePages(page)
	guest.CheckClean()
}

func TestReadOnlyAndOtherDomain(t *testing.T) {
	x := xentest.New(t)
	guest, peer, other := x.Domain(1), x.Domain(0), x.Domain(2)
	page := pageOf(t, guest)
	ref, err := guest.Grant(peer.ID, page, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Map(guest.ID, ref, false); err == nil {
		t.Error("a read-only grant can be mapped for writing")
	}
	if _, err := other.Map(guest.ID, ref, true); err == nil {
		t.Error("a third domain can map the page")
	}
	m, err := peer.Map(guest.ID, ref, true)
	if err != nil {
		t.Fatal(err)
	}
	m.Unmap()
	guest.Release(ref, page)
	guest.CheckClean()
}

func TestReservedAndUnknownReferences(t *testing.T) {
	guest, _ := pair(t)
	for _, ref := range []hv.GrantRef{0, 1, 7, 8, 511, 512, 1 << 31} {
		if err := guest.Revoke(ref); !errors.Is(err, grant.ErrNotGranted) {
			t.Errorf("Revoke(%d) = %v", ref, err)
		}
	}
}

// The table grows to its limit, no reference is given out twice, and all of
// them can be had again.
func TestGrowToLimit(t *testing.T) {
	guest, peer := pair(t)
	guest.GrantFrames = 2
	page := pageOf(t, guest)
	const want = 2*512 - abi.GnttabReservedEntries
	for range 2 {
		seen := map[hv.GrantRef]bool{}
		for {
			ref, err := guest.Grant(peer.ID, page, false)
			if err != nil {
				if !errors.Is(err, grant.ErrFull) {
					t.Fatal(err)
				}
				break
			}
			if seen[ref] {
				t.Fatalf("reference %d was given out twice", ref)
			}
			seen[ref] = true
		}
		if len(seen) != want {
			t.Fatalf("%d references, want %d", len(seen), want)
		}
		for ref := range seen {
			if err := guest.Revoke(ref); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A page that the peer keeps mapped is not freed before the peer lets go.
func TestReleaseDeferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guest, peer := pair(t)
		var maps []*xentest.Mapping
		for range 3 {
			page := pageOf(t, guest)
			ref, err := guest.Grant(peer.ID, page, false)
			if err != nil {
				t.Fatal(err)
			}
			m, err := peer.Map(guest.ID, ref, false)
			if err != nil {
				t.Fatal(err)
			}
			maps = append(maps, m)
			guest.Release(ref, page)
		}
		for i, m := range maps {
			time.Sleep(200 * time.Second)
			if got, want := guest.PagesUsed(), len(maps)-i; got != want || guest.Deferred() != want {
				t.Fatalf("%d pages in use, %d deferred, want %d", got, guest.Deferred(), want)
			}
			m.Mem[0] = 1
			m.Unmap()
		}
		time.Sleep(200 * time.Second)
		guest.CheckClean()
		if guest.Deferred() != 0 {
			t.Errorf("%d pages are still deferred", guest.Deferred())
		}
	})
}

// Pages of one allocation are freed together, when the peer has let go of the
// last.
func TestReleaseAllDeferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guest, peer := pair(t)
		mem, err := guest.AllocPages(3)
		if err != nil {
			t.Fatal(err)
		}
		var refs []hv.GrantRef
		var maps []*xentest.Mapping
		for i := range 3 {
			ref, err := guest.Grant(peer.ID, mem[i*hv.PageSize:], false)
			if err != nil {
				t.Fatal(err)
			}
			refs = append(refs, ref)
			if i == 1 {
				continue // one that is free at once
			}
			m, err := peer.Map(guest.ID, ref, false)
			if err != nil {
				t.Fatal(err)
			}
			maps = append(maps, m)
		}
		guest.ReleaseAll(refs, mem)
		for i, m := range maps {
			if used, granted := guest.PagesUsed(), guest.ActiveGrants(); used != 3 || granted != 2-i || guest.Deferred() != 3 {
				t.Fatalf("%d pages in use, %d granted, %d deferred", used, granted, guest.Deferred())
			}
			m.Unmap()
			time.Sleep(200 * time.Second)
		}
		guest.CheckClean()
	})
}

func TestFrameTooHigh(t *testing.T) {
	table := grant.New(nil, nil, nil)
	if _, err := table.Grant(0, 1<<32, false); !errors.Is(err, grant.ErrFrame) {
		t.Errorf("Grant of frame 2³² = %v", err)
	}
}

func TestConcurrent(t *testing.T) {
	guest, peer := pair(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 300 {
				page, err := guest.AllocPages(1)
				if err != nil {
					t.Error(err)
					return
				}
				ref, err := guest.Grant(peer.ID, page, false)
				if err != nil {
					t.Error(err)
					return
				}
				m, err := peer.Map(guest.ID, ref, false)
				if err != nil {
					t.Error(err)
					return
				}
				m.Unmap()
				guest.Release(ref, page)
			}
		})
	}
	wg.Wait()
	guest.CheckClean()
}
