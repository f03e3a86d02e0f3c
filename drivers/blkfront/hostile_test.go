package blkfront

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"internal/xengo/drivers/blkfront/blkback"
	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/ring"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest"
)

// one is what offers one queue, so that a test knows where a request is.
var one = with("multi-queue-max-queues", "1")

// busy starts n reads of a page that a silent backend leaves unanswered, and returns
// when the backend has them. wait returns their errors.
func busy(d *Device, back *blkback.Backend, p hv.Clock, n int) (wait func() []error) {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = d.ReadAt(make([]byte, 4096), int64(i)*4096) })
	}
	for back.Outstanding() < n {
		p.Sleep(1e6)
	}
	return func() []error {
		wg.Wait()
		return errs
	}
}

// Whatever the backend does to a ring, the device closes with an error that is
// said once, every caller gets one, and everything is given back.
func TestHostileBackend(t *testing.T) {
	const requests = 3
	start := uint32(math.MaxUint32 - 10) // a variable, so that sums wrap
	response := func(change func(*abi.BlkifResponse)) func(*blkback.Ring) {
		return func(r *blkback.Ring) {
			slot := r.Get()
			rsp := abi.BlkifResponse{ID: slot.ID, Operation: slot.Operation}
			change(&rsp)
			r.Put(rsp)
			r.Push()
		}
	}
	for name, tt := range map[string]struct {
		attack func(*blkback.Ring)
		want   error
	}{
		"producer over-advanced": {func(r *blkback.Ring) { r.Forge(start + 129) }, ring.ErrOverrun},
		"producer just beyond":   {func(r *blkback.Ring) { r.Forge(start + requests + 1) }, ring.ErrOverrun},
		"producer backwards":     {func(r *blkback.Ring) { r.Forge(start - 1) }, ring.ErrOverrun},
		"unknown slot":           {response(func(r *abi.BlkifResponse) { r.ID = r.ID&^0xffff | 77 }), errID},
		"slot out of range":      {response(func(r *abi.BlkifResponse) { r.ID |= 0xffff }), errID},
		"id of the past":         {response(func(r *abi.BlkifResponse) { r.ID -= 1 << idShift }), errID},
		"id of the future":       {response(func(r *abi.BlkifResponse) { r.ID += 1 << 40 }), errID},
		"no id":                  {response(func(r *abi.BlkifResponse) { r.ID = 0 }), errID},
		"wrong operation":        {response(func(r *abi.BlkifResponse) { r.Operation = abi.BlkifOpWrite }), errOperation},
		"unknown operation":      {response(func(r *abi.BlkifResponse) { r.Operation = 255 }), errOperation},
		"twice": {func(r *blkback.Ring) {
			slot := r.Get()
			r.Get()
			for range 2 {
				r.Put(abi.BlkifResponse{ID: slot.ID})
			}
			r.Push()
		}, errID},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			d, back := b.connect(t, blkback.Config{Offer: one, Silent: true, Index: start})
			wait := busy(d, back, b.Guest, requests)
			back.Attack(0, tt.attack)
			<-d.Done()
			check(t, "Err", d.Err(), tt.want)
			if lines := b.Guest.Lines(); len(lines) != 1 || !strings.Contains(lines[0], tt.want.Error()) {
				t.Errorf("printed %q", lines)
			}
			answered := 0
			for _, err := range wait() {
				if err == nil {
					answered++
				} else if err != ErrIO {
					t.Errorf("ReadAt = %v", err)
				}
			}
			if name == "twice" && answered != 1 || name != "twice" && answered != 0 {
				t.Errorf("%d reads have succeeded", answered)
			}
			check(t, "ReadAt after that", d.ReadAt(make([]byte, 1), 0), ErrClosed)
			check(t, "Flush after that", d.Flush(), ErrClosed)
			back.Wait()
		})
	}
}

// An answer to a request that has had one is found out, even if its slot is in
// use again.
func TestRepeatedID(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Offer: one, Silent: true})
	wait := busy(d, back, b.Guest, 1)
	var old uint64
	back.Attack(0, func(r *blkback.Ring) {
		old = r.Get().ID
		r.Put(abi.BlkifResponse{ID: old})
		r.Push()
	})
	if err := wait()[0]; err != nil {
		t.Fatal(err)
	}
	wait = busy(d, back, b.Guest, 1)
	back.Attack(0, func(r *blkback.Ring) {
		if id := r.Get().ID; id == old || id&0xffff != old&0xffff {
			t.Errorf("ids are %#x and %#x: not the same slot", old, id)
		}
		r.Put(abi.BlkifResponse{ID: old})
		r.Push()
	})
	<-d.Done()
	check(t, "Err", d.Err(), errID)
	check(t, "ReadAt", wait()[0], ErrIO)
}

// A device whose backend closes finishes what is under way; one that has gone
// has it fail.
func TestBackendCloses(t *testing.T) {
	const requests = 5
	for name, tt := range map[string]struct {
		end  func(*blkback.Backend)
		want error
	}{
		"closing": {func(b *blkback.Backend) { b.SetState(xenbus.Closing); b.Flush() }, nil},
		"closed":  {func(b *blkback.Backend) { b.SetState(xenbus.Closed) }, ErrIO},
		"vanish":  {func(b *blkback.Backend) { b.Vanish() }, ErrIO},
		"jumps":   {func(b *blkback.Backend) { b.SetState(99) }, ErrIO},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			d, back := b.connect(t, blkback.Config{Offer: blkback.Full, Silent: true})
			wait := busy(d, back, b.Guest, requests)
			tt.end(back)
			<-d.Done()
			check(t, "Err", d.Err(), ErrClosed)
			for _, err := range wait() {
				check(t, "ReadAt", err, tt.want)
			}
			check(t, "WriteAt after that", d.WriteAt(make([]byte, 512), 0), ErrClosed)
			if lines := b.Guest.Lines(); len(lines) != 0 {
				t.Errorf("printed %q", lines)
			}
		})
	}
}

// Callers that wait for room are let go as well.
func TestClosesWhileFull(t *testing.T) {
	const callers = 100
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Silent: true}) // 32 slots
	errs := make(chan error, callers)
	for range callers {
		go func() { errs <- d.ReadAt(make([]byte, 4096), 0) }()
	}
	for back.Outstanding() < 32 {
		b.Guest.Sleep(1e6)
	}
	back.Vanish()
	count := map[error]int{}
	for range callers {
		count[<-errs]++
	}
	if count[ErrIO] != 32 || count[ErrClosed] != callers-32 {
		t.Errorf("errors: %v", count)
	}
}

// A size that makes no sense closes the device.
func TestImpossibleSize(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Offer: blkback.Full})
	back.SetNode("sectors", "18446744073709551615")
	<-d.Done()
	check(t, "Err", d.Err(), ErrDevice)
}

// Pages that the backend keeps mapped after the end are not freed while it does.
func TestBackendKeepsPages(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Offer: one, Silent: true})
	wait := busy(d, back, b.Guest, 2)
	var kept []*xentest.Mapping
	back.Attack(0, func(r *blkback.Ring) {
		for range 2 {
			req, err := blkif.Decode(r.Get())
			if err != nil {
				t.Error(err)
				return
			}
			m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(req.Segments[0].Gref), false)
			if err != nil {
				t.Error(err)
				return
			}
			kept = append(kept, m)
		}
	})
	back.SetState(xenbus.Closed)
	<-d.Done()
	for _, err := range wait() {
		check(t, "ReadAt", err, ErrIO)
	}
	back.Wait()
	for b.Guest.Deferred() > 2 { // the ring, if the device was faster than the backend
		b.Guest.Sleep(1e7)
	}
	if b.Guest.PagesUsed() != 2 || b.Guest.Deferred() != 2 {
		t.Errorf("%d pages in use, %d deferred, want 2", b.Guest.PagesUsed(), b.Guest.Deferred())
	}
	for _, m := range kept {
		m.Mem[0] = 1
		m.Unmap()
	}
	for b.Guest.Deferred() > 0 {
		b.Guest.Sleep(1e8)
	}
}

// recorder is a Handler.
type recorder struct {
	found  chan *Device
	lost   chan *Device
	failed chan string
}

func newRecorder() *recorder {
	return &recorder{make(chan *Device, 9), make(chan *Device, 9), make(chan string, 9)}
}

func (r *recorder) Found(d *Device)               { r.found <- d }
func (r *recorder) Lost(d *Device)                { r.lost <- d }
func (r *recorder) Failed(name string, err error) { r.failed <- name + ": " + err.Error() }

// probe looks for devices until the test ends.
func (b *bed) probe(t *testing.T) *recorder {
	t.Helper()
	r := newRecorder()
	stop, err := Probe(b.Guest, b.XS, Options{}, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		check(t, "stop", stop(), nil)
		b.Settle()
	})
	return r
}

// Devices come and go, and come again, by the toolstack's doing and the backend's.
func TestProbe(t *testing.T) {
	b := newBed(t)
	blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Name: "51728"})
	back := blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Reopen: true})
	r := b.probe(t)
	devices := map[string]*Device{}
	for range 2 { // both are there when Probe returns
		select {
		case d := <-r.found:
			devices[d.Name()] = d
		default:
			t.Fatalf("found %v", devices)
		}
	}
	late := blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Name: "51744"})
	xvdc := <-r.found
	if name, _ := xvdc.Node(); name != "xvdc" {
		t.Errorf("found %s", name)
	}

	back.SetState(xenbus.Closing) // and the backend opens once more
	if d := <-r.lost; d != devices[xvda] {
		t.Errorf("lost %s", d.Name())
	}
	for back.FrontState() != xenbus.Closed {
		b.Guest.Sleep(1e6)
	}
	back.SetState(xenbus.InitWait)
	again := <-r.found
	if again.Name() != xvda || again == devices[xvda] {
		t.Errorf("found %s", again.Name())
	}
	check(t, "WriteAt", again.WriteAt(make([]byte, 512), 0), nil)

	late.SetState(xenbus.Closing) // as block-detach
	if d := <-r.lost; d != xvdc {
		t.Errorf("lost %s", d.Name())
	}
	late.Wait()
	late.Vanish()
	late = blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Name: "51744"}) // as block-attach
	xvdc = <-r.found
	check(t, "ReadAt", xvdc.ReadAt(make([]byte, 512), 0), nil)

	for _, d := range []*Device{devices["51728"], again, xvdc} {
		check(t, "Close", d.Close(), nil)
		if lost := <-r.lost; lost != d {
			t.Errorf("lost %s", lost.Name())
		}
	}
	select {
	case f := <-r.failed:
		t.Errorf("failed: %s", f)
	default:
	}
}

// A backend by which something went wrong is not tried again for its own asking,
// but for the toolstack's.
func TestProbeHostile(t *testing.T) {
	b := newBed(t)
	r := b.probe(t)
	back := blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Reopen: true, Silent: true})
	d := <-r.found
	back.SetNode("sectors", "nonsense")
	<-r.lost
	<-d.Done()
	check(t, "Err", d.Err(), ErrDevice)
	back.SetNode("sectors", "2048")
	for back.FrontState() != xenbus.Closed {
		b.Guest.Sleep(1e6)
	}
	for range 3 {
		back.SetState(xenbus.InitWait)
		b.Guest.Sleep(1e7)
	}
	if s := back.FrontState(); s != xenbus.Closed {
		t.Errorf("the frontend is %v", s)
	}
	b.Store.Write("/local/domain/3/device/vbd/51712/state", "1")
	check(t, "Close", (<-r.found).Close(), nil)
	<-r.lost
}

// A device that cannot be opened is said once, and opened when it is offered anew.
func TestProbeFailure(t *testing.T) {
	b := newBed(t)
	r := b.probe(t)
	back := blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Offer: map[string]string{"sector-size": "100"}, Reopen: true})
	if f := <-r.failed; !strings.Contains(f, ErrDevice.Error()) {
		t.Errorf("failed: %s", f)
	}
	back.SetNode("sector-size", "512")
	for back.FrontState() != xenbus.Closed {
		b.Guest.Sleep(1e6)
	}
	b.Guest.Sleep(5e7)
	if n := len(r.failed) + len(r.found); n > 0 {
		t.Errorf("it was tried %d times more", n)
	}
	b.Store.Write("/local/domain/3/device/vbd/51712/state", "1")
	check(t, "Close", (<-r.found).Close(), nil)
	<-r.lost
}

// A backend that takes longer than anybody waits is no failure for good, and said
// once.
func TestProbeSlow(t *testing.T) {
	b := newBed(t)
	r := newRecorder()
	back := blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Reopen: true})
	back.SetState(xenbus.Initialising)
	stop, err := Probe(b.Guest, b.XS, Options{timeout: 5e8}, r)
	if err != nil {
		t.Fatal(err)
	}
	if f := <-r.failed; !strings.Contains(f, xenbus.ErrTimeout.Error()) {
		t.Errorf("failed: %s", f)
	}
	b.Guest.Sleep(7e8)
	back.SetState(xenbus.InitWait)
	check(t, "Close", (<-r.found).Close(), nil)
	<-r.lost
	check(t, "stop", stop(), nil)
	if len(r.failed) > 0 {
		t.Errorf("failed: %s", <-r.failed)
	}
}

// fuzzDevice attacks a device and checks that it stays sane: it ends, or goes on
// as if nothing had been.
func fuzzDevice(t *testing.T, index uint32, attack func(*blkback.Ring)) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Offer: one, Silent: true, Index: index, Disk: bytes.Repeat([]byte{7}, 1<<20)})
	wait := busy(d, back, b.Guest, 3)
	back.Attack(0, attack)
	back.SetState(xenbus.Closed) // what has no answer fails
	<-d.Done()
	for _, err := range wait() {
		if err != nil && !errors.Is(err, ErrIO) {
			t.Errorf("ReadAt = %v", err)
		}
	}
	if lines := b.Guest.Lines(); len(lines) > 1 {
		t.Errorf("printed %q", lines)
	}
}

func FuzzResponses(f *testing.F) {
	f.Add(uint32(0), []byte{1, 0, 0, 0, 2, 1, 0, 0}, uint32(2))
	f.Add(uint32(math.MaxUint32), []byte{1, 127, 0, 255, 1, 127, 0, 255, 9, 9, 9, 9}, uint32(3))
	f.Fuzz(func(t *testing.T, index uint32, b []byte, ahead uint32) {
		fuzzDevice(t, index, func(r *blkback.Ring) {
			for range min(len(b)/4, 3) {
				r.Get()
				r.Put(abi.BlkifResponse{
					ID: uint64(b[0])<<idShift | uint64(b[1]), Operation: b[2],
					Status: int16(binary.LittleEndian.Uint16([]byte{b[3], b[3]})),
				})
				b = b[4:]
			}
			r.Forge(index + ahead)
		})
	})
}

// FuzzTransfer: any range is read and written as it is, or refused.
func FuzzTransfer(f *testing.F) {
	f.Add(int64(0), uint32(4096), byte(0))
	f.Add(int64(513), uint32(300000), byte(3))
	f.Fuzz(func(t *testing.T, off int64, n uint32, kind byte) {
		offers := []map[string]string{nil, one, with("sector-size", "4096"), with("feature-max-indirect-segments", "13")}
		b := newBed(t)
		disk := noise(1 << 19)
		d, back := b.connect(t, blkback.Config{Offer: offers[int(kind)%len(offers)], Disk: bytes.Clone(disk)})
		n %= 1 << 19
		p := make([]byte, n)
		inside := off >= 0 && off <= int64(len(disk))-int64(n)
		err := d.ReadAt(p, off)
		if (err == nil) != inside || inside && !bytes.Equal(p, disk[off:][:n]) {
			t.Errorf("a read of %d bytes at %d: %v", n, off, err)
		}
		for i := range p {
			p[i] = ^p[i]
		}
		err = d.WriteAt(p, off)
		sector := int64(d.SectorSize() - 1)
		if (err == nil) != (inside && (off|int64(n))&sector == 0) {
			t.Errorf("a write of %d bytes at %d: %v", n, off, err)
		}
		if err == nil {
			copy(disk[off:], p)
		}
		if now, _ := back.Disk(); !bytes.Equal(now, disk) {
			t.Errorf("after %d bytes at %d the disk is another", n, off)
		}
	})
}
