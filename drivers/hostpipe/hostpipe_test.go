package hostpipe

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/drivers/ninepfront/flexring"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xentest"
	"internal/xengo/xen/xentest/split"
)

// end is the other end, in dom0.
type end struct {
	dom0 *xentest.Domain
	maps []*xentest.Mapping
	port hv.Port
	in   *flexring.Writer
	out  *flexring.Reader
}

func attach(t *testing.T, b *split.Bed, index uint32) *end {
	value, ok := b.Store.Read("/local/domain/3/" + Path)
	require.True(t, ok)
	var ref, port uint32
	_, err := fmt.Sscanf(value, "%d %d", &ref, &port)
	require.NoError(t, err)
	e := &end{dom0: b.Dom0}
	page := func(ref uint32) []byte {
		m, err := b.Dom0.Map(b.Guest.ID, hv.GrantRef(ref), false)
		require.NoError(t, err)
		e.maps = append(e.maps, m)
		return m.Mem
	}
	intf := flexring.Interface(page(ref))
	var pages [][]byte
	for _, ref := range flexring.Refs(e.maps[0].Mem, 1<<intf.RingOrder) {
		pages = append(pages, page(ref))
	}
	e.in = flexring.NewWriter(&intf.InProd, &intf.InCons, pages[:len(pages)/2], index)
	e.out = flexring.NewReader(&intf.OutProd, &intf.OutCons, pages[len(pages)/2:], index)
	e.port, err = b.Dom0.Bind(b.Guest.ID, hv.Port(port))
	require.NoError(t, err)
	return e
}

func (e *end) detach() {
	for _, m := range e.maps {
		m.Unmap()
	}
	e.dom0.ClosePort(e.port)
}

// echo sends back what comes, until n bytes have.
func (e *end) echo(t *testing.T, n int) {
	for n > 0 {
		have, err := e.out.Available()
		if err != nil {
			t.Error(err)
			return
		}
		room, err := e.in.Room()
		if err != nil {
			t.Error(err)
			return
		}
		p := make([]byte, min(have, room))
		if len(p) == 0 {
			if !e.dom0.Wait(e.port) {
				return
			}
			continue
		}
		e.out.Read(p)
		e.out.Release()
		e.in.Write(p)
		e.in.Publish()
		e.dom0.Notify(e.port)
		n -= len(p)
	}
}

// Bytes come back, through the end of the indices, whether dom0 is there from the start or not.
func TestEcho(t *testing.T) {
	b := split.New(t)
	const index = math.MaxUint32 - 1000
	p, err := open(b.Guest, b.XS, index)
	require.NoError(t, err)
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	var all sync.WaitGroup
	all.Go(func() {
		for rest := data; len(rest) > 0; {
			n := min(1+rand.IntN(100_000), len(rest))
			if _, err := p.Write(rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	})
	e := attach(t, b, index)
	all.Go(func() { e.echo(t, len(data)) })
	got := make([]byte, len(data))
	_, err = io.ReadFull(p, got)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))
	all.Wait()
	e.detach()
	p.close()
}

// Who writes more than there is room for counts as one that waits for something from outside: a program whose other
// goroutines all wait for that one is not deadlocked.
func TestFull(t *testing.T) {
	b := split.New(t)
	p, err := open(b.Guest, b.XS, 0)
	require.NoError(t, err)
	e := attach(t, b, 0)
	data := make([]byte, p.out.Size()+1)
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := p.Write(data); err != nil {
			t.Error(err)
		}
	})
	for b.Guest.Held() == 0 {
		b.Guest.Sleep(1e6)
	}
	all.Go(func() { e.echo(t, len(data)) })
	_, err = io.ReadFull(p, make([]byte, len(data)))
	require.NoError(t, err)
	all.Wait()
	require.Zero(t, b.Guest.Held())
	e.detach()
	p.close()
}

// Indices that cannot be are an error.
func TestHostile(t *testing.T) {
	start := uint32(math.MaxUint32 - 10) // a variable, so that sums wrap
	for name, attack := range map[string]func(e *end){
		"in producer beyond":     func(e *end) { e.in.Forge(start + uint32(e.in.Size()) + 1) },
		"in producer backwards":  func(e *end) { e.in.Forge(start - 1) },
		"out consumer beyond":    func(e *end) { e.out.Forge(start + 1<<20) },
		"out consumer backwards": func(e *end) { e.out.Forge(start - 1<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			b := split.New(t)
			p, err := open(b.Guest, b.XS, start)
			require.NoError(t, err)
			e := attach(t, b, start)
			attack(e)
			e.dom0.Notify(e.port)
			if name[0] == 'i' {
				_, err = p.Read(make([]byte, 1))
			} else {
				_, err = p.Write(make([]byte, 1))
			}
			require.ErrorIs(t, err, flexring.ErrOverrun)
			e.detach()
			p.close()
			b.Settle()
		})
	}
}

// Where memory runs out, Open fails and gives back what it had.
func TestNoMemory(t *testing.T) {
	for _, pages := range []int{1, 2, 30} {
		b := split.New(t)
		b.Guest.MaxPages = pages
		_, err := Open(b.Guest, b.XS)
		require.ErrorIs(t, err, hv.ENOMEM)
	}
}
