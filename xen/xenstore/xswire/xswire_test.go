package xswire

import (
	"bytes"
	"math"
	"sync/atomic"
	"testing"

	"internal/xengo/xen/abi"
)

var mem = Mem{atomic.LoadUint32, atomic.StoreUint32}

func FuzzHeader(f *testing.F) {
	f.Add(uint32(abi.XSRead), uint32(1), uint32(0), "a\x00")
	f.Fuzz(func(t *testing.T, typ, id, tx uint32, payload string) {
		b := AppendMessage([]byte("x"), typ, id, tx, payload, "!")[1:]
		want := Header{typ, id, tx, uint32(len(payload) + 1)}
		if got := ParseHeader(b); got != want {
			t.Errorf("header is %+v, want %+v", got, want)
		}
		if string(b[HeaderSize:]) != payload+"!" {
			t.Errorf("payload is %q", b[HeaderSize:])
		}
	})
}

// Whatever is written comes out again, in order, for all starting indices.
func FuzzRing(f *testing.F) {
	f.Add(uint32(0), []byte("hello"), uint16(1))
	f.Add(uint32(math.MaxUint32-2), bytes.Repeat([]byte("0123456789"), 200), uint16(700))
	f.Fuzz(func(t *testing.T, start uint32, data []byte, chunk uint16) {
		page := new(abi.XenstoreDomainInterface)
		page.ReqProd, page.ReqCons = start, start
		r := Requests(page)
		var out []byte
		buf := make([]byte, int(chunk)+1)
		for in := data; len(out) < len(data); {
			n, ok := r.Write(mem, in)
			if !ok {
				t.Fatal("Write: impossible indices")
			}
			in = in[n:]
			n, ok = r.Read(mem, buf)
			if !ok {
				t.Fatal("Read: impossible indices")
			}
			out = append(out, buf[:n]...)
		}
		if !bytes.Equal(out, data) {
			t.Error("the bytes that came out are not those that went in")
		}
	})
}

// With any indices at all, nothing is read or written out of bounds, and the
// impossible is reported.
func FuzzForgedIndices(f *testing.F) {
	f.Add(uint32(0), uint32(1025))
	f.Add(uint32(5), uint32(4))
	f.Fuzz(func(t *testing.T, cons, prod uint32) {
		page := new(abi.XenstoreDomainInterface)
		page.RspCons, page.RspProd = cons, prod
		buf := make([]byte, 4096)
		n, ok := Responses(page).Read(mem, buf)
		if possible := prod-cons <= 1024; ok != possible || n > 1024 || !ok && n != 0 {
			t.Errorf("Read with cons %#x, prod %#x: %d, %v", cons, prod, n, ok)
		}
		page.RspCons, page.RspProd = cons, prod
		if n, ok = Responses(page).Write(mem, buf); n > 1024 || !ok && n != 0 {
			t.Errorf("Write with cons %#x, prod %#x: %d, %v", cons, prod, n, ok)
		}
	})
}

// drain is an again function that plays xenstored: it takes at most n bytes
// at each call and gives up after calls calls.
func drain(r Ring, n, calls int, got *[]byte) func() bool {
	return func() bool {
		buf := make([]byte, n)
		n, _ := r.Read(mem, buf)
		*got = append(*got, buf[:n]...)
		calls--
		return calls >= 0
	}
}

func TestLastWord(t *testing.T) {
	defer func() { Unsent = 0 }()
	msg := AppendMessage(nil, abi.XSWrite, 0, 0, "data/exit-status", "\x00", "2")
	for _, tt := range []struct {
		name   string
		before int // bytes in the ring already
		unsent uint32
	}{
		{"empty", 0, 0},
		{"full", 1024, 0},
		{"interrupted", 1000, 1500},
		{"interrupted and full", 1024, 3},
	} {
		page := new(abi.XenstoreDomainInterface)
		page.ReqCons = math.MaxUint32 - 100
		page.ReqProd = page.ReqCons + uint32(tt.before)
		Unsent = tt.unsent
		notified := 0
		var got []byte
		ok := LastWord(page, mem, msg, func() { notified++ }, drain(Requests(page), 100, 1000, &got))
		want := append(make([]byte, tt.before+int(tt.unsent)), msg...)
		if !ok || notified == 0 || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %d notifications, xenstored got %d bytes, want %d", tt.name, ok, notified, len(got), len(want))
		}
	}
}

func TestLastWordGivesUp(t *testing.T) {
	msg := AppendMessage(nil, abi.XSWrite, 0, 0, "k", "\x00", "v")
	page := new(abi.XenstoreDomainInterface)
	calls := 3
	if LastWord(page, mem, msg, func() {}, func() bool { calls--; return calls > 0 }) {
		t.Error("nobody took the request, yet LastWord says so")
	}
	page.ReqProd = page.ReqCons + 1025
	if LastWord(page, mem, msg, func() {}, func() bool { return true }) {
		t.Error("LastWord believes impossible indices")
	}
}

func TestLastWordAllocatesNothing(t *testing.T) {
	msg := AppendMessage(nil, abi.XSWrite, 0, 0, "k", "\x00", "v")
	page := new(abi.XenstoreDomainInterface)
	r := Requests(page)
	notify, again := func() {}, func() bool { r.Discard(mem); return true }
	if n := testing.AllocsPerRun(100, func() { LastWord(page, mem, msg, notify, again) }); n != 0 {
		t.Errorf("LastWord allocates %v times", n)
	}
}
