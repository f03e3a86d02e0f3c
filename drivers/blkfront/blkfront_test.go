package blkfront

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"internal/xengo/drivers/blkfront/blkback"
	"internal/xengo/drivers/blkfront/blkif"
	"internal/xengo/xen/abi"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest/split"
)

const xvda = "51712"

// bed is a guest with a connection to xenstore.
type bed struct{ *split.Bed }

func newBed(t testing.TB) *bed { return &bed{split.New(t)} }

// connect opens a device against a backend.
func (b *bed) connect(t testing.TB, cfg blkback.Config) (*Device, *blkback.Backend) {
	t.Helper()
	back := blkback.New(t, b.Store, b.Dom0, b.Guest, cfg)
	d, err := Open(b.Guest, b.XS, xvda, Options{Queues: 8, index: cfg.Index})
	if err != nil {
		t.Fatal(err)
	}
	b.Clean(t, d, back)
	return d, back
}

// with returns what Linux's backend offers, changed by pairs of keys and values.
func with(pairs ...string) map[string]string {
	offer := map[string]string{}
	for k, v := range blkback.Full {
		offer[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		offer[pairs[i]] = pairs[i+1]
	}
	return offer
}

// noise returns n bytes that do not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	fill(p, rand.New(rand.NewPCG(uint64(n), 2)))
	return p
}

func fill(p []byte, rnd *rand.Rand) {
	for ; len(p) >= 8; p = p[8:] {
		binary.NativeEndian.PutUint64(p, rnd.Uint64())
	}
	for i := range p {
		p[i] = byte(rnd.Uint32())
	}
}

func check(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want %v", what, err, want)
	}
}

func TestProperties(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{
		Disk:  make([]byte, 1<<20+512),
		Offer: with("sector-size", "1024", "physical-sector-size", "4096", "info", "2", "discard-granularity", "8192"),
	})
	if name, minor := d.Node(); name != "xvda" || minor != 0 || d.Name() != xvda {
		t.Errorf("Node = %q, %d, Name = %q", name, minor, d.Name())
	}
	if d.Size() != 1<<20 || d.SectorSize() != 1024 || d.PhysicalSectorSize() != 4096 || d.ReadOnly() || !d.Removable() || d.DiscardGranularity() != 8192 {
		t.Errorf("size %d, sectors of %d and %d, read-only %v, removable %v, discard by %d",
			d.Size(), d.SectorSize(), d.PhysicalSectorSize(), d.ReadOnly(), d.Removable(), d.DiscardGranularity())
	}
	check(t, "Close", d.Close(), nil)
	back.Wait()
	if s := back.FrontState(); s != xenbus.Closed {
		t.Errorf("after Close the state is %v", s)
	}
	check(t, "ReadAt after Close", d.ReadAt(make([]byte, 512), 0), ErrClosed)
	check(t, "Flush after Close", d.Flush(), ErrClosed)
	check(t, "closing twice", d.Close(), nil)
}

// What the backend offers, and what becomes of it.
func TestNegotiation(t *testing.T) {
	for name, tt := range map[string]struct {
		offer    map[string]string
		queues   int
		slots    int
		segments int
	}{
		"all":          {blkback.Full, 2, 128, maxSegments},
		"nothing":      {nil, 1, 32, blkif.MaxDirect},
		"old pages":    {map[string]string{"max-ring-pages": "2"}, 1, 64, blkif.MaxDirect},
		"many queues":  {with("multi-queue-max-queues", "100", "max-ring-page-order", "0"), maxQueues, 32, maxSegments},
		"few segments": {with("feature-max-indirect-segments", "5", "multi-queue-max-queues", "1"), 1, 128, blkif.MaxDirect},
		"nonsense":     {with("max-ring-page-order", "-1", "multi-queue-max-queues", "0", "feature-max-indirect-segments", "x"), 1, 32, blkif.MaxDirect},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			d, _ := b.connect(t, blkback.Config{Offer: tt.offer})
			q := d.queues[0]
			if len(d.queues) != tt.queues || len(q.requests) != tt.slots || q.segments != tt.segments {
				t.Errorf("%d queues of %d slots, %d segments", len(d.queues), len(q.requests), q.segments)
			}
			for range tt.queues {
				check(t, "WriteAt", d.WriteAt(noise(300<<10), 4096), nil)
			}
			p := make([]byte, 300<<10)
			check(t, "ReadAt", d.ReadAt(p, 4096), nil)
			if !bytes.Equal(p, noise(300<<10)) {
				t.Error("other data was read than was written")
			}
		})
	}
}

// Whatever is done by many at once is what the disk has, by direct and indirect
// requests, with all numbers of queues and pages, wherever the indices begin.
func TestTransfers(t *testing.T) {
	for _, index := range []uint32{0, math.MaxUint32 - 20} {
		for _, offer := range []map[string]string{
			nil, blkback.Full, with("feature-persistent", "0"), with("multi-queue-max-queues", "1", "max-ring-page-order", "0"),
			with("sector-size", "4096"),
		} {
			t.Run(fmt.Sprintf("index %#x, offer %v", index, offer), func(t *testing.T) {
				const size, share = 4 << 20, 1 << 19
				b := newBed(t)
				d, back := b.connect(t, blkback.Config{Index: index, Offer: offer, Disk: make([]byte, size)})
				want := make([]byte, size)
				sector := d.SectorSize()
				var wg sync.WaitGroup
				for i := range size / share {
					wg.Go(func() {
						rnd := rand.New(rand.NewPCG(uint64(i), uint64(index)))
						mine := want[i*share:][:share]
						base := int64(i * share)
						for range 15 {
							off := rnd.IntN(share/sector) * sector
							n := min((1+rnd.IntN(share/sector))*sector, share-off)
							p := mine[off:][:n]
							fill(p, rnd)
							check(t, "WriteAt", d.WriteAt(p, base+int64(off)), nil)
							off = rnd.IntN(share)
							got := make([]byte, rnd.IntN(share-off))
							check(t, "ReadAt", d.ReadAt(got, base+int64(off)), nil)
							if !bytes.Equal(got, mine[off:][:len(got)]) {
								t.Errorf("%d bytes at %d are others", len(got), off)
							}
						}
					})
				}
				wg.Wait()
				if now, _ := back.Disk(); !bytes.Equal(now, want) {
					t.Error("the disk is not what was written")
				}
			})
		}
	}
}

func TestRanges(t *testing.T) {
	b := newBed(t)
	d, _ := b.connect(t, blkback.Config{Offer: with("sector-size", "1024")})
	p := make([]byte, 2048)
	for _, off := range []int64{-1, 1 << 20, 1<<20 - 2047, math.MaxInt64} {
		check(t, "ReadAt", d.ReadAt(p, off), ErrRange)
	}
	for _, off := range []int64{-1024, 512, 1 << 20, 1<<20 - 1024} {
		check(t, "WriteAt", d.WriteAt(p, off), ErrRange)
	}
	check(t, "a write of half a sector", d.WriteAt(p[:512], 0), ErrRange)
	check(t, "Discard", d.Discard(1<<20-512, 1024), ErrRange)
	check(t, "an empty read at the end", d.ReadAt(nil, 1<<20), nil)
	check(t, "the last byte", d.ReadAt(p[:1], 1<<20-1), nil)
}

func TestReadOnly(t *testing.T) {
	for _, info := range []string{"4", "1"} { // VDISK_READONLY, VDISK_CDROM
		b := newBed(t)
		d, _ := b.connect(t, blkback.Config{Offer: with("info", info), Disk: noise(1 << 16)})
		p := make([]byte, 1<<16)
		check(t, "ReadAt", d.ReadAt(p, 0), nil)
		if !d.ReadOnly() || !bytes.Equal(p, noise(1<<16)) {
			t.Errorf("ReadOnly = %v, or other data", d.ReadOnly())
		}
		check(t, "WriteAt", d.WriteAt(p[:512], 0), ErrReadOnly)
		check(t, "Discard", d.Discard(0, 4096), ErrReadOnly)
	}
}

func TestFlush(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Offer: blkback.Full})
	check(t, "WriteAt", d.WriteAt(noise(4096), 0), nil)
	if _, stable := back.Disk(); bytes.Equal(stable[:4096], noise(4096)) {
		t.Error("a write is stable before Flush")
	}
	check(t, "Flush", d.Flush(), nil)
	if _, stable := back.Disk(); !bytes.Equal(stable[:4096], noise(4096)) {
		t.Error("a write is not stable after Flush")
	}
}

// A backend that turns out not to know flushes or discards is asked once.
func TestNotSupported(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Offer: blkback.Full, Status: func(r blkif.Request) int16 {
		if r.Op == abi.BlkifOpFlushDiskcache || r.Op == abi.BlkifOpDiscard {
			return abi.BlkifRspEOpNotSupp
		}
		return abi.BlkifRspOkay
	}})
	for range 3 {
		check(t, "Flush", d.Flush(), nil)
		check(t, "Discard", d.Discard(0, 4096), ErrUnsupported)
	}
	if n, _ := back.Counts(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	if d.DiscardGranularity() != 0 {
		t.Error("DiscardGranularity says that it works")
	}
	b = newBed(t)
	d, back = b.connect(t, blkback.Config{})
	check(t, "Flush", d.Flush(), nil)
	check(t, "Discard", d.Discard(0, 4096), ErrUnsupported)
	if n, _ := back.Counts(); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

func TestDiscard(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{
		Offer: with("discard-granularity", "4096", "discard-alignment", "1536"), Disk: make([]byte, 1<<16),
	})
	want := make([]byte, 1<<16)
	for _, tt := range []struct{ off, n, first, end int }{
		{0, 512, 0, 0},
		{0, 1536 + 4095, 0, 0},
		{0, 1536 + 4096, 1536, 1536 + 4096},
		{8192, 4096, 0, 0},
		{8192, 12288, 1536 + 8192, 1536 + 16384},
		{0, 1 << 16, 1536, 1536 + 15*4096},
	} {
		check(t, "Discard", d.Discard(int64(tt.off), int64(tt.n)), nil)
		for i := tt.first; i < tt.end; i++ {
			want[i] = 0xDC
		}
		if now, _ := back.Disk(); !bytes.Equal(now, want) {
			t.Errorf("Discard(%d, %d) did not discard from %d to %d", tt.off, tt.n, tt.first, tt.end)
		}
	}
}

// Errors of single requests are the caller's, and harm nothing else.
func TestErrors(t *testing.T) {
	b := newBed(t)
	bad := uint64(1<<19) / blkif.SectorSize
	d, _ := b.connect(t, blkback.Config{Offer: blkback.Full, Status: func(r blkif.Request) int16 {
		switch {
		case r.Op == abi.BlkifOpFlushDiskcache:
			return abi.BlkifRspError
		case r.Sector <= bad && bad < r.Sector+64*blkif.PageSectors && r.Op == abi.BlkifOpRead:
			return abi.BlkifRspError
		case r.Op == abi.BlkifOpWrite && r.Sector == 0:
			return abi.BlkifRspEOpNotSupp
		case r.Op == abi.BlkifOpWrite && r.Sector == 8:
			return 77
		}
		return abi.BlkifRspOkay
	}})
	p := make([]byte, 1<<20)
	for range 300 { // more than there are slots
		check(t, "ReadAt", d.ReadAt(p, 0), ErrIO)
	}
	check(t, "ReadAt elsewhere", d.ReadAt(p[:4096], 0), nil)
	check(t, "Flush", d.Flush(), ErrIO)
	check(t, "an operation the backend does not know", d.WriteAt(p[:512], 0), ErrIO)
	check(t, "an unknown status", d.WriteAt(p[:512], 4096), ErrIO)
	check(t, "WriteAt", d.WriteAt(p[:512], 512), nil)
	if lines := b.Guest.Lines(); len(lines) != 0 {
		t.Errorf("printed %q", lines)
	}
}

// With hardly any memory transfers are slow, and nothing else.
func TestNoMemory(t *testing.T) {
	for _, pages := range []int{1, 2, 3, 14} {
		b := newBed(t)
		b.Guest.MaxPages = pages
		back := blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Offer: with("max-ring-page-order", "0", "multi-queue-max-queues", "1")})
		d, err := Open(b.Guest, b.XS, xvda, Options{})
		if pages < 2 {
			check(t, "Open", err, hv.ENOMEM)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Clean(t, d, back)
		var wg sync.WaitGroup
		for i := range int64(4) {
			wg.Go(func() {
				want, got := noise(100<<10), make([]byte, 100<<10)
				check(t, "WriteAt", d.WriteAt(want, i<<18), nil)
				check(t, "ReadAt", d.ReadAt(got, i<<18), nil)
				if !bytes.Equal(got, want) {
					t.Error("other data was read than was written")
				}
			})
		}
		wg.Wait()
	}
}

func TestResize(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, blkback.Config{Offer: blkback.Full})
	for _, size := range []int{2 << 20, 512, 1 << 20} {
		back.Resize(size)
		for d.Size() != int64(size) {
			b.Guest.Sleep(1e6)
		}
		check(t, "the last sector", d.WriteAt(noise(512), int64(size)-512), nil)
		check(t, "beyond", d.ReadAt(make([]byte, 1), int64(size)), ErrRange)
	}
	back.SetNode("sectors", "4") // not all backends write their state then
	for d.Size() != 2048 {
		b.Guest.Sleep(1e6)
	}
}

func TestImpossibleDevices(t *testing.T) {
	for _, offer := range []map[string]string{
		{"sector-size": "0"}, {"sector-size": "511"}, {"sector-size": "8192"}, {"sector-size": "768"}, {"sector-size": ""},
	} {
		b := newBed(t)
		back := blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{Offer: offer})
		_, err := Open(b.Guest, b.XS, xvda, Options{})
		check(t, fmt.Sprint("Open with ", offer), err, ErrDevice)
		back.Wait()
		b.Settle()
	}
	b := newBed(t)
	blkback.New(t, b.Store, b.Dom0, b.Guest, blkback.Config{})
	b.Store.Write("/local/domain/3/device/vbd/51712/virtual-device", "536870912")
	_, err := Open(b.Guest, b.XS, xvda, Options{})
	check(t, "Open", err, blkif.ErrVirtualDevice)
	if v, _ := b.Store.Read("/local/domain/3/error/device/vbd/51712/error"); v != blkif.ErrVirtualDevice.Error() {
		t.Errorf("the error node is %q", v)
	}
}
