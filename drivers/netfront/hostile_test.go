package netfront

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"internal/xengo/drivers/netfront/netback"
	"internal/xengo/drivers/netfront/netif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/ring"
	"internal/xengo/xen/xentest"
)

type (
	txBack = ring.Back[abi.NetifTxRequest, abi.NetifTxResponse]
	rxBack = ring.Back[abi.NetifRxRequest, abi.NetifRxResponse]
)

// Whatever the backend does to the rings, the device closes with an error that
// is said once, and everything is given back.
func TestHostileBackend(t *testing.T) {
	hostileIndex := uint32(math.MaxUint32 - 10) // slot 245; a variable, so that sums wrap
	rx := func(rsp ...abi.NetifRxResponse) func(*txBack, *rxBack) {
		return func(_ *txBack, b *rxBack) {
			for _, r := range rsp {
				b.Get()
				b.Put(r)
			}
			b.Push()
		}
	}
	for name, tt := range map[string]struct {
		attack func(*txBack, *rxBack)
		want   error
	}{
		"rx producer over-advanced": {func(_ *txBack, b *rxBack) { b.Forge(hostileIndex + 257) }, ring.ErrOverrun},
		"rx producer just beyond":   {func(_ *txBack, b *rxBack) { b.Forge(hostileIndex + 33) }, ring.ErrOverrun},
		"rx producer backwards":     {func(_ *txBack, b *rxBack) { b.Forge(hostileIndex - 1) }, ring.ErrOverrun},
		"tx producer over-advanced": {func(b *txBack, _ *rxBack) { b.Forge(hostileIndex + 2) }, ring.ErrOverrun},
		"tx producer backwards":     {func(b *txBack, _ *rxBack) { b.Forge(hostileIndex - 1) }, ring.ErrOverrun},
		"tx unknown id": {func(b *txBack, _ *rxBack) {
			b.Get()
			b.Put(abi.NetifTxResponse{ID: 7})
			b.Push()
		}, netif.ErrID},
		"tx id out of range": {func(b *txBack, _ *rxBack) {
			b.Get()
			b.Put(abi.NetifTxResponse{ID: 0xFFFF})
			b.Push()
		}, netif.ErrID},
		"rx wrong id":      {rx(abi.NetifRxResponse{ID: 100, Status: 60}), netif.ErrID},
		"rx beyond page":   {rx(abi.NetifRxResponse{ID: 245, Offset: 4090, Status: 7}), netif.ErrBounds},
		"rx largest":       {rx(abi.NetifRxResponse{ID: 245, Offset: 65535, Status: 32767}), netif.ErrBounds},
		"rx unknown extra": {rx(abi.NetifRxResponse{ID: 245, Flags: abi.NetRxFExtraInfo, Status: 60}, abi.NetifRxResponse{ID: 9}), netif.ErrExtra},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			d, back := b.connect(t, netback.Config{Offer: linux, Silent: true, Index: hostileIndex})
			d.SetReceiver(func([]byte) { t.Error("a frame was delivered") })
			if err := d.Send([][]byte{make([]byte, 60)}); err != nil {
				t.Fatal(err)
			}
			back.Attack(tt.attack)
			<-d.Done()
			if !errors.Is(d.Err(), tt.want) {
				t.Errorf("Err = %v, want %v", d.Err(), tt.want)
			}
			if lines := b.Guest.Lines(); len(lines) != 1 || !strings.Contains(lines[0], tt.want.Error()) {
				t.Errorf("printed %q", lines)
			}
			if err := d.Send([][]byte{make([]byte, 60)}); err == nil {
				t.Error("Send works after that")
			}
		})
	}
}

// A backend that answers a request twice is found out at the second time.
func TestRepeatedID(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, netback.Config{Offer: linux, Silent: true})
	d.SetReceiver(func([]byte) {})
	for range 2 {
		if err := d.Send([][]byte{make([]byte, 60)}); err != nil {
			t.Fatal(err)
		}
	}
	back.Attack(func(tx *txBack, _ *rxBack) {
		id := tx.Get().ID
		tx.Get()
		tx.Put(abi.NetifTxResponse{ID: id})
		tx.Put(abi.NetifTxResponse{ID: id})
		tx.Push()
	})
	<-d.Done()
	if !errors.Is(d.Err(), netif.ErrID) {
		t.Errorf("Err = %v", d.Err())
	}
}

// Errors of single packets are counted and harm nothing else.
func TestPacketErrors(t *testing.T) {
	b := newBed(t)
	c := newCollector()
	d, back := b.connect(t, netback.Config{Offer: linux, Silent: true})
	d.SetReceiver(c.got)
	if err := d.Send([][]byte{make([]byte, 60)}); err != nil {
		t.Fatal(err)
	}
	back.Attack(func(tx *txBack, rx *rxBack) {
		tx.Put(abi.NetifTxResponse{ID: tx.Get().ID, Status: abi.NetifRspError})
		tx.Push()
		rx.Put(abi.NetifRxResponse{ID: rx.Get().ID, Status: abi.NetifRspDropped})
		rx.Push()
	})
	back.Deliver(make([]byte, 60), 4096, 0)
	c.wait(1)
	back.Flush()
	for range 300 { // makes the sender look at its responses
		if err := d.Send([][]byte{make([]byte, 60)}); err == ErrFull {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if st := d.Stats(); st.RxErrors != 1 || st.RxFrames != 1 {
		t.Errorf("Stats = %+v", st)
	}
}

// Pages that the backend keeps mapped after the end are not freed while it
// does.
func TestBackendKeepsPages(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, netback.Config{Offer: linux})
	var kept []*xentest.Mapping
	back.Attack(func(_ *txBack, rx *rxBack) {
		for range 3 {
			m, err := b.Dom0.Map(b.Guest.ID, b.refOf(rx.Get()), false)
			if err != nil {
				t.Error(err)
				return
			}
			kept = append(kept, m)
		}
	})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Guest.PagesUsed() != 3 || b.Guest.Deferred() != 3 {
		t.Errorf("%d pages in use, %d deferred, want 3", b.Guest.PagesUsed(), b.Guest.Deferred())
	}
	for _, m := range kept {
		m.Mem[0] = 1
		m.Unmap()
	}
	for b.Guest.Deferred() > 0 {
		b.Guest.Sleep(1e8)
	}
}

// fuzzDevice attacks a device and checks that it stays sane: it ends, or goes
// on as if nothing had been.
func fuzzDevice(t *testing.T, index uint32, attack func(*txBack, *rxBack)) {
	b := newBed(t)
	d, back := b.connect(t, netback.Config{Offer: linux, Silent: true, Index: index})
	d.SetReceiver(func(frame []byte) {
		if len(frame) < netif.HeaderLen || len(frame) > netif.MaxPacket {
			t.Errorf("a frame of %d bytes", len(frame))
		}
	})
	for range 3 {
		if err := d.Send([][]byte{make([]byte, 60)}); err != nil {
			t.Fatal(err)
		}
	}
	back.Attack(attack)
	d.Close()
	if lines := b.Guest.Lines(); len(lines) > 1 {
		t.Errorf("printed %q", lines)
	}
}

func FuzzRxResponses(f *testing.F) {
	f.Add(uint32(0), []byte{0, 0, 0, 0, 4, 0, 60, 0, 1, 0, 0, 0, 0, 0, 9, 0}, uint32(2))
	f.Add(uint32(math.MaxUint32), []byte{255, 0, 0, 0, 8, 0, 60, 0, 1, 0, 0, 0, 0, 0, 9, 0}, uint32(2))
	f.Fuzz(func(t *testing.T, index uint32, b []byte, ahead uint32) {
		fuzzDevice(t, index, func(_ *txBack, rx *rxBack) {
			for range min(len(b)/8, rxFirstBuffers) {
				rx.Get()
				le := binary.LittleEndian
				rx.Put(abi.NetifRxResponse{ID: le.Uint16(b), Offset: le.Uint16(b[2:]), Flags: le.Uint16(b[4:]), Status: int16(le.Uint16(b[6:]))})
				b = b[8:]
			}
			rx.Forge(index + ahead)
		})
	})
}

func FuzzTxResponses(f *testing.F) {
	f.Add(uint32(0), []byte{0, 0, 0, 0, 1, 0, 0, 0}, uint32(2))
	f.Add(uint32(math.MaxUint32), []byte{0, 0, 255, 255, 0, 0, 0, 0}, uint32(3))
	f.Fuzz(func(t *testing.T, index uint32, b []byte, ahead uint32) {
		fuzzDevice(t, index, func(tx *txBack, _ *rxBack) {
			for range min(len(b)/4, 3) {
				tx.Get()
				tx.Put(abi.NetifTxResponse{ID: binary.LittleEndian.Uint16(b), Status: int16(binary.LittleEndian.Uint16(b[2:]))})
				b = b[4:]
			}
			tx.Forge(index + ahead)
		})
	})
}
