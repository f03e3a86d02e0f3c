package netfront

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"internal/xengo/drivers/netfront/netback"
	"internal/xengo/drivers/netfront/netif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest/split"
)

// bed is a guest with a connection to xenstore.
type bed struct{ *split.Bed }

func newBed(t testing.TB) *bed { return &bed{split.New(t)} }

// linux is what the backend of Linux offers.
var linux = map[string]string{"feature-split-event-channels": "1", "feature-sg": "1"}

// connect opens a device against a backend.
func (b *bed) connect(t testing.TB, cfg netback.Config) (*Device, *netback.Backend) {
	t.Helper()
	back := netback.New(t, b.Store, b.Dom0, b.Guest, cfg)
	d, err := open(b.Guest, b.XS, "0", cfg.Index)
	if err != nil {
		t.Fatal(err)
	}
	b.Clean(t, d, back)
	return d, back
}

func TestConfiguration(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, netback.Config{
		Offer: map[string]string{"feature-sg": "1", "ip": "10.0.0.2 fe80::1"},
		Front: map[string]string{"mtu": "9000"},
	})
	if got := d.MAC(); got != [6]byte{0, 0x16, 0x3e, 1, 2, 3} {
		t.Errorf("MAC = %x", got)
	}
	if d.MTU() != 9000 || d.Name() != "0" {
		t.Errorf("MTU = %d, Name = %q", d.MTU(), d.Name())
	}
	if got := d.IPs(); !slices.Equal(got, []string{"10.0.0.2", "fe80::1"}) {
		t.Errorf("IPs = %q", got)
	}
	if _, ok := b.Store.Read("/local/domain/3/device/vif/0/event-channel"); !ok {
		t.Error("events are split though the backend did not offer it")
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	back.Wait()
	if v, _ := b.Store.Read("/local/domain/3/device/vif/0/state"); v != "6" {
		t.Errorf("after Close the state is %s", v)
	}
	if err := d.Send([][]byte{make([]byte, 60)}); !errors.Is(err, ErrClosed) {
		t.Errorf("Send after Close = %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestBadMAC(t *testing.T) {
	b := newBed(t)
	netback.New(t, b.Store, b.Dom0, b.Guest, netback.Config{Front: map[string]string{"mac": "nonsense"}})
	if _, err := Open(b.Guest, b.XS, "0"); !errors.Is(err, ErrMAC) {
		t.Errorf("Open = %v", err)
	}
	if v, _ := b.Store.Read("/local/domain/3/error/device/vif/0/error"); v != ErrMAC.Error() {
		t.Errorf("the error node is %q", v)
	}
}

// collector gathers frames.
type collector struct {
	mu     sync.Mutex
	frames [][]byte
	more   chan struct{}
}

func newCollector() *collector { return &collector{more: make(chan struct{}, 1)} }

func (c *collector) got(frame []byte) {
	c.mu.Lock()
	c.frames = append(c.frames, bytes.Clone(frame))
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// wait returns the first n frames.
func (c *collector) wait(n int) [][]byte {
	for {
		c.mu.Lock()
		frames := c.frames
		c.mu.Unlock()
		if len(frames) >= n {
			return frames
		}
		<-c.more
	}
}

// testFrames returns n frames of all kinds of sizes up to largest.
func testFrames(n, largest int) [][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	frames := make([][]byte, n)
	for i := range frames {
		size := netif.HeaderLen + rnd.IntN(largest-netif.HeaderLen+1)
		switch i {
		case 0:
			size = netif.HeaderLen
		case 1:
			size = largest
		case 2:
			size = min(largest, 4096)
		case 3:
			size = min(largest, 4097)
		}
		frames[i] = make([]byte, size)
		for j := range frames[i] {
			frames[i][j] = byte(rnd.Uint32())
		}
	}
	return frames
}

func compare(t *testing.T, what string, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d frames, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("%s: frame %d of %d bytes is not the one of %d bytes", what, i, len(got[i]), len(want[i]))
		}
	}
}

// Frames arrive whole and in order, both ways at once, wherever the indices
// begin, with one event channel and with two.
func TestBothWays(t *testing.T) {
	for _, index := range []uint32{0, math.MaxUint32 - 300} {
		for _, offer := range []map[string]string{nil, linux} {
			for _, mtu := range []string{"1500", "40000"} {
				t.Run(fmt.Sprintf("index %#x, offer %v, mtu %s", index, offer, mtu), func(t *testing.T) {
					b := newBed(t)
					sent, received := newCollector(), newCollector()
					d, back := b.connect(t, netback.Config{Index: index, Offer: offer, Front: map[string]string{"mtu": mtu}, Got: sent.got})
					frames := testFrames(500, d.MTU()+netif.HeaderLen)
					room := make(chan struct{}, 1)
					d.SetRoom(func() { room <- struct{}{} })
					d.SetReceiver(received.got)
					var wg sync.WaitGroup
					wg.Go(func() {
						for _, f := range frames {
							if !back.Deliver(f, 4096, 0) {
								t.Error("the device is gone")
							}
						}
					})
					for _, f := range frames {
						for {
							err := d.Send([][]byte{f[:5], nil, f[5:]})
							if err == nil {
								break
							}
							if err != ErrFull {
								t.Fatal(err)
							}
							<-room
						}
					}
					wg.Wait()
					compare(t, "sent", sent.wait(len(frames)), frames)
					compare(t, "received", received.wait(len(frames)), frames)
					want := Stats{RxFrames: uint64(len(frames)), TxFrames: uint64(len(frames))}
					if got := d.Stats(); got != want {
						t.Errorf("Stats = %+v", got)
					}
				})
			}
		}
	}
}

// Nothing that arrives before there is a receiver is lost.
func TestEarlyFrames(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, netback.Config{})
	frames := testFrames(20, 1514)
	for _, f := range frames {
		back.Deliver(f, 4096, 0)
	}
	c := newCollector()
	d.SetReceiver(c.got)
	compare(t, "received", c.wait(len(frames)), frames)
}

func TestFrameSizes(t *testing.T) {
	b := newBed(t)
	d, _ := b.connect(t, netback.Config{})
	for _, size := range []int{0, 13, 1500 + 14 + 4 + 1, 65536} {
		if err := d.Send([][]byte{make([]byte, size)}); !errors.Is(err, ErrSize) {
			t.Errorf("Send of %d bytes = %v", size, err)
		}
	}
}

// A full ring says so, and the callback comes when it is worth trying again.
func TestFull(t *testing.T) {
	b := newBed(t)
	c := newCollector()
	d, back := b.connect(t, netback.Config{Offer: linux, Silent: true, Got: c.got})
	room := make(chan struct{}, 1)
	d.SetRoom(func() { room <- struct{}{} })
	d.SetReceiver(func([]byte) {})
	n := 0
	for ; ; n++ {
		if err := d.Send([][]byte{make([]byte, 60)}); err == ErrFull {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n != 256 {
		t.Errorf("%d frames fit, want 256", n)
	}
	select {
	case <-room:
		t.Error("room is announced though there is none")
	default:
	}
	back.Flush()
	<-room
	if err := d.Send([][]byte{make([]byte, 60)}); err != nil {
		t.Errorf("Send = %v", err)
	}
	c.wait(n + 1)
}

// The number of receive buffers follows the load, up to the ring's size.
func TestBuffersGrow(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, netback.Config{})
	before := b.Guest.PagesUsed()
	c := newCollector()
	for range 32 { // all that there are
		back.Deliver(make([]byte, 60), 4096, 0)
	}
	d.SetReceiver(c.got)
	c.wait(32)
	if !back.Deliver(make([]byte, 60*64), 60, 0) { // needs 64 buffers, and is too many slots
		t.Fatal("the device is gone")
	}
	<-d.Done()
	if !errors.Is(d.Err(), netif.ErrTooLong) {
		t.Errorf("Err = %v", d.Err())
	}
	if before != 32+2 {
		t.Errorf("at first %d pages are in use", before)
	}
}

func TestNoMemory(t *testing.T) {
	for limit := 1; limit <= 34; limit += 11 {
		b := newBed(t)
		b.Guest.MaxPages = limit
		back := netback.New(t, b.Store, b.Dom0, b.Guest, netback.Config{})
		d, err := Open(b.Guest, b.XS, "0")
		if limit < 34 {
			if !errors.Is(err, hv.ENOMEM) {
				t.Errorf("with %d pages, Open = %v", limit, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Send([][]byte{make([]byte, 60)}); !errors.Is(err, hv.ENOMEM) {
			t.Errorf("Send = %v", err)
		}
		c := newCollector() // receiving goes on with what there is
		d.SetReceiver(c.got)
		for range 200 {
			back.Deliver(make([]byte, 60), 4096, 0)
		}
		c.wait(200)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		back.Wait()
	}
}

func TestBlankChecksum(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, netback.Config{})
	c := newCollector()
	d.SetReceiver(c.got)
	frame := make([]byte, 14+20+8)
	frame[12], frame[13] = 8, 0
	copy(frame[14:], []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17})
	frame[14+20+5] = 8 // UDP length
	want := bytes.Clone(frame)
	netif.FillChecksum(want)
	back.Deliver(frame, 4096, abi.NetRxFCsumBlank|abi.NetRxFDataValidated)
	if got := c.wait(1)[0]; !bytes.Equal(got, want) || bytes.Equal(got, frame) {
		t.Errorf("frame %x, want %x", got, want)
	}
}

func TestBackendCloses(t *testing.T) {
	for name, end := range map[string]func(*netback.Backend){
		"closing":  func(b *netback.Backend) { b.SetState(xenbus.Closing) },
		"closed":   func(b *netback.Backend) { b.SetState(xenbus.Closed) },
		"vanished": func(b *netback.Backend) { b.Vanish() },
		"jumps":    func(b *netback.Backend) { b.SetState(99) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			d, back := b.connect(t, netback.Config{Offer: linux})
			d.SetReceiver(func([]byte) {})
			if err := d.Send([][]byte{make([]byte, 60)}); err != nil {
				t.Fatal(err)
			}
			end(back)
			<-d.Done()
			if !errors.Is(d.Err(), ErrClosed) {
				t.Errorf("Err = %v", d.Err())
			}
			if lines := b.Guest.Lines(); len(lines) != 0 {
				t.Errorf("printed %q", lines)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{"10", "2"} {
		netback.New(t, b.Store, b.Dom0, b.Guest, netback.Config{Name: name})
	}
	found, failed := make(chan *Device, 4), make(chan string, 4)
	stop, err := Probe(b.Guest, b.XS, func(d *Device) { found <- d }, func(name string, err error) { failed <- name })
	if err != nil {
		t.Fatal(err)
	}
	var devices []*Device
	for _, want := range []string{"2", "10"} {
		d := <-found
		devices = append(devices, d)
		if d.Name() != want {
			t.Errorf("found %q, want %q", d.Name(), want)
		}
	}
	netback.New(t, b.Store, b.Dom0, b.Guest, netback.Config{Name: "11", Front: map[string]string{"mac": "x"}})
	if name := <-failed; name != "11" {
		t.Errorf("failed: %q", name)
	}
	netback.New(t, b.Store, b.Dom0, b.Guest, netback.Config{Name: "12"}) // plugged in later
	d := <-found
	if devices = append(devices, d); d.Name() != "12" {
		t.Errorf("found %q", d.Name())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, d := range devices {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// refOf returns the grant reference of a request.
func (b *bed) refOf(req abi.NetifRxRequest) hv.GrantRef { return hv.GrantRef(req.Gref) }
