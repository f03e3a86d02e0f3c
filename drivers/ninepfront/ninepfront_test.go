package ninepfront

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"internal/xengo/drivers/ninepfront/flexring"
	"internal/xengo/drivers/ninepfront/ninepback"
	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest/split"
)

// bed is a guest with a connection to xenstore.
type bed struct{ *split.Bed }

func newBed(t testing.TB) *bed { return &bed{split.New(t)} }

// connect opens a device against a backend.
func (b *bed) connect(t testing.TB, cfg ninepback.Config) (*Device, *ninepback.Backend) {
	t.Helper()
	back := ninepback.New(t, b.Store, b.Dom0, b.Guest, cfg)
	d, err := open(b.Guest, b.XS, "0", cfg.Index)
	if err != nil {
		t.Fatal(err)
	}
	b.Clean(t, d, back)
	return d, back
}

// echo answers Twrite by an Rread of its data, several requests at a time and in
// any order.
func echo(r io.Reader, w io.Writer) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for {
		req, err := readMessage(r)
		if err != nil {
			break
		}
		all.Go(func() {
			var m p9.Twrite
			if err := p9.Parse(req, &m); err != nil {
				panic(err)
			}
			reply, _ := p9.Append(nil, p9.ParseHeader(req).Tag, &p9.Rread{Data: m.Data})
			mu.Lock()
			defer mu.Unlock()
			w.Write(reply)
		})
	}
	all.Wait()
}

func readMessage(r io.Reader) ([]byte, error) {
	m := make([]byte, p9.HeaderSize)
	if _, err := io.ReadFull(r, m); err != nil {
		return nil, err
	}
	m = append(m, make([]byte, p9.ParseHeader(m).Size-p9.HeaderSize)...)
	_, err := io.ReadFull(r, m[p9.HeaderSize:])
	return m, err
}

// send has n bytes echoed.
func send(d *Device, n int) error {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	req, err := p9.Append(make([]byte, 0, d.MaxMessage()), 0, &p9.Twrite{Data: data})
	if err != nil {
		return err
	}
	reply, err := d.Call(req, req[:0])
	if err != nil {
		return err
	}
	var m p9.Rread
	if err := p9.Parse(reply, &m); err != nil {
		return err
	}
	if !bytes.Equal(m.Data, data) {
		return errors.New("the reply is to another request")
	}
	return nil
}

// Requests of all sizes come back, many at a time, through rings of all sizes,
// across the end of the indices.
func TestCalls(t *testing.T) {
	for name, cfg := range map[string]ninepback.Config{
		"large ring": {},
		"pieces":     {Piece: 5, Index: math.MaxUint32 - 5},
		"small ring": {Offer: map[string]string{"versions": "3,1,2", "max-rings": "1", "max-ring-page-order": "1"}, Index: math.MaxUint32 - 20_000},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Serve = echo
			d, _ := newBed(t).connect(t, cfg)
			most := d.MaxMessage() - p9.WriteOverhead
			var all sync.WaitGroup
			for range 2 * maxCalls {
				all.Go(func() {
					for range 20 {
						if err := send(d, rand.IntN(min(most, 1<<(1+rand.IntN(16)))+1)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			if err := send(d, most); err != nil {
				t.Error(err)
			}
			if err := send(d, most+1); !errors.Is(err, ErrSize) {
				t.Errorf("a request that is too long: %v", err)
			}
		})
	}
}

// Requests of a goroutine arrive in order, whether somebody waits for the reply or not.
func TestOrder(t *testing.T) {
	got := make(chan uint32, 100)
	d, _ := newBed(t).connect(t, ninepback.Config{Serve: func(r io.Reader, w io.Writer) {
		for {
			req, err := readMessage(r)
			if err != nil {
				return
			}
			var m p9.Tclunk
			p9.Parse(req, &m)
			got <- m.Fid
			reply, _ := p9.Append(nil, p9.ParseHeader(req).Tag, &p9.Rclunk{})
			w.Write(reply)
		}
	}})
	var all sync.WaitGroup
	for i := range uint32(100) {
		req, _ := p9.Append(nil, 0, &p9.Tclunk{Fid: i})
		all.Add(1)
		d.Start(req, nil, func(_ []byte, err error) {
			if err != nil {
				t.Error(err)
			}
			all.Done()
		})
	}
	all.Wait()
	for i := range uint32(100) {
		if fid := <-got; fid != i {
			t.Fatalf("request %d came as number %d", fid, i)
		}
	}
}

func TestHandshake(t *testing.T) {
	for want, offer := range map[error]map[string]string{
		ErrVersion: {"versions": "2,11", "max-rings": "1", "max-ring-page-order": "1"},
		ErrRings:   {"versions": "1", "max-rings": "1", "max-ring-page-order": "0"},
		hv.ENOENT:  {},
	} {
		b := newBed(t)
		ninepback.New(t, b.Store, b.Dom0, b.Guest, ninepback.Config{Offer: offer})
		if _, err := Open(b.Guest, b.XS, "0"); !errors.Is(err, want) {
			t.Errorf("Open = %v, want %v", err, want)
		}
		if v, _ := b.Store.Read("/local/domain/3/error/device/9pfs/0/error"); v == "" {
			t.Error("no error node")
		}
	}
}

func TestTags(t *testing.T) {
	b := newBed(t)
	if tags, err := Tags(b.XS); err != nil || len(tags) != 0 {
		t.Errorf("%v, %v", tags, err)
	}
	for name, tag := range map[string]string{"0": "data", "7": "other"} {
		ninepback.New(t, b.Store, b.Dom0, b.Guest, ninepback.Config{Name: name, Tag: tag})
	}
	if tags, err := Tags(b.XS); err != nil || len(tags) != 2 || tags["0"] != "data" || tags["7"] != "other" {
		t.Errorf("%v, %v", tags, err)
	}
}

// However the device ends, requests under way and later ones fail, and all is given
// back.
func TestEnds(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(d *Device, b *ninepback.Backend)
		want error
	}{
		"Close":            {func(d *Device, b *ninepback.Backend) { go d.Close() }, ErrClosed},
		"backend closes":   {func(d *Device, b *ninepback.Backend) { b.SetState(xenbus.Closing) }, ErrClosed},
		"state jumps":      {func(d *Device, b *ninepback.Backend) { b.SetState(xenbus.InitWait) }, ErrClosed},
		"server is killed": {func(d *Device, b *ninepback.Backend) { b.Detach() }, ErrServerGone},
		"device vanishes":  {func(d *Device, b *ninepback.Backend) { b.Vanish() }, ErrClosed},
		"Break":            {func(d *Device, b *ninepback.Backend) { d.Break(io.ErrNoProgress) }, io.ErrNoProgress},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			d, back := b.connect(t, ninepback.Config{}) // nobody answers
			var all sync.WaitGroup
			for range 2 * maxCalls {
				all.Go(func() {
					if err := send(d, 10_000); err == nil {
						t.Error("a reply from nobody")
					}
				})
			}
			for b.Guest.Held() < maxCalls {
				b.Guest.Sleep(1e6)
			}
			end.do(d, back)
			all.Wait()
			<-d.Done()
			if !errors.Is(d.Err(), end.want) {
				t.Errorf("Err = %v, want %v", d.Err(), end.want)
			}
			if err := send(d, 1); !errors.Is(err, end.want) {
				t.Errorf("a request afterwards: %v", err)
			}
		})
	}
}

// Whatever the backend does to the ring, the device closes with an error that is
// said once, and everything is given back.
func TestHostileBackend(t *testing.T) {
	start := uint32(math.MaxUint32 - 10) // a variable, so that sums wrap
	reply := func(size uint32, tag uint16, more int) func(*flexring.Writer, *flexring.Reader) {
		return func(in *flexring.Writer, _ *flexring.Reader) {
			b, _ := p9.Append(nil, tag, &p9.Rclunk{})
			b[0], b[1], b[2], b[3] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
			in.Write(append(b, make([]byte, more)...))
			in.Publish()
		}
	}
	twice := func(in *flexring.Writer, out *flexring.Reader) {
		reply(p9.HeaderSize, 0, 0)(in, out)
		reply(p9.HeaderSize, 0, 0)(in, out)
	}
	for name, tt := range map[string]struct {
		attack func(*flexring.Writer, *flexring.Reader)
		want   error
	}{
		"in producer beyond":     {func(in *flexring.Writer, _ *flexring.Reader) { in.Forge(start + uint32(in.Size()) + 1) }, flexring.ErrOverrun},
		"in producer backwards":  {func(in *flexring.Writer, _ *flexring.Reader) { in.Forge(start - 1) }, flexring.ErrOverrun},
		"out consumer beyond":    {func(_ *flexring.Writer, out *flexring.Reader) { out.Forge(start + 1<<20) }, flexring.ErrOverrun},
		"out consumer backwards": {func(_ *flexring.Writer, out *flexring.Reader) { out.Forge(start - 1<<20) }, flexring.ErrOverrun},
		"no size":                {reply(0, 0, 0), ErrSize},
		"size below header":      {reply(6, 0, 0), ErrSize},
		"size too large":         {reply(1<<16+1, 0, 0), ErrSize},
		"largest size":           {reply(1<<32-1, 0, 0), ErrSize},
		"unknown tag":            {reply(7, 17, 0), ErrTag},
		"tag out of range":       {reply(7, 0xFFFE, 0), ErrTag},
		"a reply twice":          {twice, ErrTag},
		"something behind it":    {reply(7, 0, 7), ErrSize},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			d, back := b.connect(t, ninepback.Config{Index: start})
			first := make(chan error)
			go func() { first <- send(d, 10) }()
			for b.Guest.Held() == 0 {
				b.Guest.Sleep(1e6)
			}
			b.Guest.Sleep(1e7) // the request is in the ring, most likely
			back.Attack(tt.attack)
			go send(d, 10) // finds out about the consumer
			<-d.Done()
			<-first // with whatever the backend said, or an error
			if !errors.Is(d.Err(), tt.want) {
				t.Errorf("Err = %v, want %v", d.Err(), tt.want)
			}
			if lines := b.Guest.Lines(); len(lines) != 1 || !strings.Contains(lines[0], tt.want.Error()) {
				t.Errorf("printed %q", lines)
			}
			if err := send(d, 10); !errors.Is(err, tt.want) {
				t.Errorf("a request afterwards: %v", err)
			}
		})
	}
}

// A reply before the request is whole is none: its memory may be that of the
// request.
func TestEarlyReply(t *testing.T) {
	b := newBed(t)
	d, back := b.connect(t, ninepback.Config{})
	var all sync.WaitGroup
	for range 3 { // more than the ring holds
		all.Go(func() {
			if err := send(d, d.MaxMessage()-p9.WriteOverhead); err == nil {
				t.Error("a reply that nobody sent")
			}
		})
	}
	for b.Guest.Held() < 3 {
		b.Guest.Sleep(1e6)
	}
	b.Guest.Sleep(1e7)
	back.Attack(func(in *flexring.Writer, _ *flexring.Reader) {
		for tag := range uint16(3) {
			m, _ := p9.Append(nil, tag, &p9.Rclunk{})
			in.Write(m)
		}
		in.Publish()
	})
	<-d.Done()
	all.Wait()
	if !errors.Is(d.Err(), ErrTag) {
		t.Errorf("Err = %v", d.Err())
	}
}

// Where memory runs out, Open fails and gives back what it had.
func TestNoMemory(t *testing.T) {
	for _, pages := range []int{1, 2, 40} {
		b := newBed(t)
		back := ninepback.New(t, b.Store, b.Dom0, b.Guest, ninepback.Config{})
		b.Guest.MaxPages = pages
		if _, err := Open(b.Guest, b.XS, "0"); !errors.Is(err, hv.ENOMEM) {
			t.Errorf("with %d pages Open = %v", pages, err)
		}
		back.Detach()
	}
}
