package flexring

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"internal/xengo/xen/abi"
)

func newPages(n int) (pages [][]byte) {
	for range n {
		pages = append(pages, make([]byte, abi.PageSize))
	}
	return pages
}

// What is written is read, across the ends of pages, of the ring and of the
// indices.
func TestStream(t *testing.T) {
	for _, start := range []uint32{0, 5000, ^uint32(0) - 9000} {
		var prod, cons = start, start
		pages := newPages(4)
		w, r := NewWriter(&prod, &cons, pages, start), NewReader(&prod, &cons, pages, start)
		if w.Size() != 16384 || r.Size() != 16384 {
			t.Fatal("size")
		}
		var sent, got []byte
		for len(got) < 200_000 {
			room, err := w.Room()
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, rand.IntN(room+1))
			for i := range p {
				p[i] = byte(rand.Uint32())
			}
			w.Write(p)
			if n, _ := r.Available(); n != len(sent)-len(got) {
				t.Fatalf("%d bytes are there before they were published", n)
			}
			w.Publish()
			sent = append(sent, p...)
			n, err := r.Available()
			if err != nil || n != len(sent)-len(got) {
				t.Fatalf("%d bytes are available, %v; want %d", n, err, len(sent)-len(got))
			}
			p = make([]byte, rand.IntN(n+1))
			r.Read(p)
			got = append(got, p...)
			r.Release()
		}
		if !bytes.Equal(got, sent[:len(got)]) {
			t.Fatal("read something else than what was written")
		}
	}
}

func TestInterface(t *testing.T) {
	page := make([]byte, abi.PageSize)
	Interface(page).RingOrder = 1
	copy(Refs(page, 2), []uint32{3, 4})
	if page[128] != 1 || page[132] != 3 || page[136] != 4 {
		t.Errorf("% x", page[128:140])
	}
}

// FuzzIndices: whatever the peer's indices are, there is an error or no more than
// the ring holds, and nothing is accessed outside.
func FuzzIndices(f *testing.F) {
	f.Add(uint32(0), uint32(1), uint32(0))
	f.Add(^uint32(0), uint32(4095), uint32(8193))
	f.Fuzz(func(t *testing.T, start, theirProd, theirCons uint32) {
		pages := newPages(2)
		prod, cons := theirProd, start
		r := NewReader(&prod, &cons, pages, start)
		switch n, err := r.Available(); {
		case n < 0 || n > r.Size():
			t.Fatalf("%d bytes are available", n)
		case err != nil && !errors.Is(err, ErrOverrun):
			t.Fatal(err)
		case err == nil:
			r.Read(make([]byte, n))
		}
		prod, cons = start, theirCons
		w := NewWriter(&prod, &cons, pages, start)
		switch n, err := w.Room(); {
		case n < 0 || n > w.Size():
			t.Fatalf("there is room for %d bytes", n)
		case err != nil && !errors.Is(err, ErrOverrun):
			t.Fatal(err)
		case err == nil:
			w.Write(make([]byte, n))
		}
	})
}
