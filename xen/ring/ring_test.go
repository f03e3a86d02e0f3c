package ring

import (
	"errors"
	"math"
	"sync"
	"testing"
	"unsafe"

	"internal/xengo/xen/abi"
)

type (
	request  struct{ ID, Value uint32 }
	response struct{ ID uint32 }
)

func newPage() []byte {
	words := new([abi.PageSize / 8]uint64) // 8-byte aligned
	return unsafe.Slice((*byte)(unsafe.Pointer(words)), abi.PageSize)
}

// pair returns both sides of a ring whose indices begin at index.
func pair(index uint32) (*Front[request, response], *Back[request, response]) {
	p := newPage()
	return NewFrontAt[request, response](p, index), NewBackAt[request, response](p, index)
}

var starts = []uint32{0, 1, math.MaxInt32, math.MaxUint32 - 600, math.MaxUint32 - 3, math.MaxUint32}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		pages, slot uintptr
		want        uint32
	}{{1, 8, 256}, {1, 12, 256}, {1, 112, 32}, {1, 4032, 1}, {1, 2016, 2}, {2, 112, 64}, {4, 112, 128}, {16, 112, 512}, {2, 8, 512}} {
		if got := Size(tt.pages*abi.PageSize, tt.slot); got != tt.want {
			t.Errorf("Size(%d pages, %d) = %d, want %d", tt.pages, tt.slot, got, tt.want)
		}
	}
}

// Requests and responses keep their order through many times the ring's size,
// wherever the indices begin.
func TestRoundTrip(t *testing.T) {
	for _, start := range starts {
		f, b := pair(start)
		var sent, seen uint32
		for round := range 3 * f.Size() {
			for range 1 + round%f.Size() {
				if f.Free() == 0 {
					break
				}
				f.Put(request{sent, sent * 3})
				sent++
			}
			f.Push()
			n, err := b.Pending()
			if err != nil {
				t.Fatal(err)
			}
			for range n {
				r := b.Get()
				b.Put(response{r.ID + r.Value})
			}
			b.Push()
			if n, err = f.Pending(); err != nil {
				t.Fatal(err)
			}
			for range n {
				if r := f.Get(); r.ID != seen*4 {
					t.Fatalf("start %#x: response %d is %d", start, seen, r.ID)
				}
				seen++
			}
		}
		if sent != seen || f.Free() != f.Size() {
			t.Fatalf("start %#x: sent %d, seen %d, free %d", start, sent, seen, f.Free())
		}
	}
}

// A side is notified when the index it waits for is crossed, and not again
// before it asks.
func TestNotify(t *testing.T) {
	for _, start := range starts {
		f, b := pair(start)
		f.Put(request{})
		if !f.Push() {
			t.Errorf("start %#x: the first request does not notify", start)
		}
		f.Put(request{})
		if f.Push() {
			t.Errorf("start %#x: a request notifies a peer that did not ask", start)
		}
		for range 2 {
			b.Put(response(struct{ ID uint32 }{b.Get().ID}))
		}
		if n, err := b.FinalCheck(); n != 0 || err != nil {
			t.Fatalf("FinalCheck = %d, %v", n, err)
		}
		if !b.Push() {
			t.Errorf("start %#x: the first response does not notify", start)
		}
		f.Put(request{})
		if !f.Push() {
			t.Errorf("start %#x: no notification after a final check", start)
		}
		f.Get()
		f.Get()
		for range 4 {
			f.Put(request{})
		}
		f.Push()
		if n, err := f.Arm(3); n != 0 || err != nil {
			t.Fatalf("Arm = %d, %v", n, err)
		}
		for i := range 4 {
			b.Put(response(struct{ ID uint32 }{b.Get().ID}))
			if got, want := b.Push(), i == 2; got != want {
				t.Errorf("start %#x: response %d after Arm(3) notifies: %v", start, i, got)
			}
		}
	}
}

func TestForgedProducer(t *testing.T) {
	for _, start := range starts {
		f, b := pair(start)
		for range 5 {
			f.Put(request{})
		}
		f.Push()
		for _, tt := range []struct {
			prod uint32
			want int
			err  error
		}{
			{start, 0, nil},
			{start + 5, 5, nil},
			{start + 6, 0, ErrOverrun}, // more than was asked for
			{start + 257, 0, ErrOverrun},
			{start - 1, 0, ErrOverrun}, // backwards
			{start + 1<<31, 0, ErrOverrun},
		} {
			b.Forge(tt.prod)
			if n, err := f.Pending(); n != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("start %#x, rsp_prod %#x: Pending = %d, %v", start, tt.prod, n, err)
			}
		}
	}
}

func TestForgedRequests(t *testing.T) {
	f, b := pair(0)
	for range f.Size() {
		f.Put(request{})
	}
	f.Push()
	b.Get()
	b.Get()
	f.hdr.ReqProd = uint32(f.Size()) + 1 // one slot is taken and not answered
	if _, err := b.Pending(); !errors.Is(err, ErrOverrun) {
		t.Errorf("Pending = %v, want ErrOverrun", err)
	}
	f.hdr.ReqProd = 1
	if _, err := b.Pending(); !errors.Is(err, ErrOverrun) {
		t.Errorf("req_prod went backwards: Pending = %v, want ErrOverrun", err)
	}
}

// Two goroutines that only wake each other when Push says so never both wait.
func TestNoLostWakeup(t *testing.T) {
	const total = 20000
	f, b := pair(math.MaxUint32 - total/2)
	toBack, toFront := make(chan struct{}, 1), make(chan struct{}, 1)
	kick := func(c chan struct{}) {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for done := 0; done < total; {
			n, err := b.FinalCheck()
			if err != nil {
				t.Error(err)
				return
			}
			if n == 0 {
				<-toBack
				continue
			}
			for range n {
				b.Put(response(struct{ ID uint32 }{b.Get().ID}))
			}
			done += n
			if b.Push() {
				kick(toFront)
			}
		}
	})
	var sent, seen uint32
	for seen < total {
		for sent < total && f.Free() > 0 {
			f.Put(request{ID: sent})
			sent++
		}
		if f.Push() {
			kick(toBack)
		}
		n, err := f.FinalCheck()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			<-toFront
		}
		for range n {
			if r := f.Get(); r.ID != seen {
				t.Fatalf("response %d is %d", seen, r.ID)
			}
			seen++
		}
	}
	wg.Wait()
}

// Whatever the peer writes into the header, Pending never promises more than
// is outstanding.
func FuzzPending(f *testing.F) {
	f.Add(uint32(0), uint8(3), uint32(3))
	f.Add(uint32(math.MaxUint32), uint8(200), uint32(100))
	f.Fuzz(func(t *testing.T, start uint32, put uint8, prod uint32) {
		front, back := pair(start)
		for range put {
			front.Put(request{})
		}
		front.Push()
		back.Forge(prod)
		n, err := front.Pending()
		if n > int(put) || n < 0 || (err == nil) != (prod-start <= uint32(put)) {
			t.Errorf("start %#x, %d requests, rsp_prod %#x: %d, %v", start, put, prod, n, err)
		}
	})
}

// FuzzProtocol lets the bytes of code say what both sides do, wherever the indices begin. Requests and responses come in order,
// as they were sent, none is promised that is not there, and a side that was told "no event will come" was told so only when
// there was something to take.
func FuzzProtocol(f *testing.F) {
	f.Add(uint32(0), []byte{0, 0, 1, 2, 3, 4, 5, 6, 7})
	f.Add(uint32(math.MaxUint32-1), []byte{0, 1, 2, 3, 2, 3, 4, 5, 0, 0, 0, 1, 22, 31, 2, 2, 3, 4, 7, 6})
	f.Fuzz(func(t *testing.T, start uint32, code []byte) {
		front, back := pair(start)
		var put, pushed, got, answered, published, taken uint32 // requests and responses so far
		var frontArmed, backArmed = true, true                  // with the next one, as rings begin
		for _, c := range code {
			n := int(c>>3) + 1
			switch c & 7 {
			case 0:
				for range min(n, front.Free()) {
					front.Put(request{put, ^put})
					put++
				}
			case 1:
				if before := pushed; front.Push() != (backArmed && put != before) {
					t.Fatalf("start %#x: pushing %d requests notifies: %v", start, put-before, !backArmed)
				}
				backArmed = backArmed && put == pushed
				pushed = put
			case 2, 3:
				have, err := back.Pending()
				if err != nil || uint32(have) != pushed-got {
					t.Fatalf("%d requests are pending, %v; want %d", have, err, pushed-got)
				}
				for range min(n, have) {
					if r := back.Get(); r != (request{got, ^got}) {
						t.Fatalf("request %d is %+v", got, r)
					}
					got++
				}
			case 4:
				for ; n > 0 && answered < got; n-- {
					back.Put(response{answered})
					answered++
				}
			case 5:
				if back.Push() != (frontArmed && answered != published) {
					t.Fatalf("start %#x: publishing %d responses notifies: %v", start, answered-published, !frontArmed)
				}
				frontArmed = frontArmed && answered == published
				published = answered
			case 6:
				have, err := front.Pending()
				if err != nil || uint32(have) != published-taken {
					t.Fatalf("%d responses are pending, %v; want %d", have, err, published-taken)
				}
				for range min(n, have) {
					if r := front.Get(); r.ID != taken {
						t.Fatalf("response %d is %d", taken, r.ID)
					}
					taken++
				}
			case 7:
				// An event is only asked for when all was taken, as both sides do before they sleep.
				if have, err := front.Pending(); have == 0 && err == nil {
					if have, err = front.FinalCheck(); have != 0 || err != nil {
						t.Fatalf("FinalCheck = %d, %v", have, err)
					}
					frontArmed = true
				}
				if have, err := back.Pending(); have == 0 && err == nil {
					back.FinalCheck()
					backArmed = true
				}
			}
			if used := int(put - taken); front.Free() != front.Size()-used {
				t.Fatalf("%d slots are free with %d in use", front.Free(), used)
			}
		}
	})
}

// FuzzForgedRequests: whatever the front claims, a back never promises more than there are slots for.
func FuzzForgedRequests(f *testing.F) {
	f.Add(uint32(0), uint8(3), uint8(1), uint32(3))
	f.Add(uint32(math.MaxUint32), uint8(200), uint8(100), uint32(500))
	f.Fuzz(func(t *testing.T, start uint32, put, got uint8, prod uint32) {
		front, back := pair(start)
		for range put {
			front.Put(request{})
		}
		front.Push()
		taken := uint32(min(put, got))
		for range taken {
			back.Get()
		}
		front.hdr.ReqProd = prod
		n, err := back.Pending()
		possible := prod-(start+taken) <= uint32(front.Size())-taken
		if n < 0 || n+int(taken) > front.Size() || (err == nil) != possible {
			t.Errorf("start %#x, %d of %d taken, req_prod %#x: %d, %v", start, taken, put, prod, n, err)
		}
	})
}
