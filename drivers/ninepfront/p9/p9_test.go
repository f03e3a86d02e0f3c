package p9

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// all are messages of every type.
func all() (m []Message) {
	for typ := range 256 {
		if one := New(uint8(typ)); one != nil {
			m = append(m, one)
		}
	}
	return m
}

// fill sets all fields to random values.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString(strings.Repeat("é\x00x", rand.IntN(20)))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+rand.IntN(5), 5))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	default:
		v.SetUint(rand.Uint64() >> (64 - v.Type().Bits()))
	}
}

// Every message comes back as it was, and no part of one is taken for a whole.
func TestRoundTrip(t *testing.T) {
	if n := len(all()); n != 64 {
		t.Fatalf("%d types of messages", n)
	}
	for range 20 {
		for _, m := range all() {
			fill(reflect.ValueOf(m))
			b, err := Append([]byte("before"), 0x1234, m)
			if err != nil {
				t.Fatal(err)
			}
			b = b[len("before"):]
			if h := ParseHeader(b); h != (Header{uint32(len(b)), m.Type(), 0x1234}) {
				t.Fatalf("%T: header %+v", m, h)
			}
			got := New(m.Type())
			err = Parse(b, got)
			if s, ok := got.(*Rstat); ok {
				s.Stat.size = 0
			}
			if err != nil || !reflect.DeepEqual(m, got) {
				t.Fatalf("%+v comes back as %+v, %v", m, got, err)
			}
			for n := range b[:len(b)-1] {
				part := bytes.Clone(b[:n])
				if n >= HeaderSize {
					part[0], part[1], part[2], part[3] = byte(n), byte(n>>8), byte(n>>16), 0
				}
				if err := Parse(part, New(m.Type())); !errors.Is(err, ErrShort) && !errors.Is(err, ErrLong) {
					t.Fatalf("%d of %d bytes of %T: %v", n, len(b), m, err)
				}
			}
			long := append(bytes.Clone(b), 0)
			long[0], long[1] = byte(len(long)), byte(len(long)>>8)
			if err := Parse(long, New(m.Type())); !errors.Is(err, ErrLong) {
				t.Fatalf("%T and a byte: %v", m, err)
			}
		}
	}
}

// Layouts of the protocol's description, byte for byte.
func TestBytes(t *testing.T) {
	for _, tt := range []struct {
		m    Message
		want string
	}{
		{&Tversion{0x2000, VersionL}, "\x15\x00\x00\x00\x64\x01\x00" + "\x00\x20\x00\x00" + "\x08\x009P2000.L"},
		{&Twalk{1, 2, []string{"a", "bc"}}, "\x18\x00\x00\x00\x6e\x01\x00" + "\x01\x00\x00\x00" + "\x02\x00\x00\x00" + "\x02\x00" + "\x01\x00a" + "\x02\x00bc"},
		{&Rlerror{2}, "\x0b\x00\x00\x00\x07\x01\x00" + "\x02\x00\x00\x00"},
		{&Twrite{1, 0x123456789, []byte("x")}, "\x18\x00\x00\x00\x76\x01\x00" + "\x01\x00\x00\x00" + "\x89\x67\x45\x23\x01\x00\x00\x00" + "\x01\x00\x00\x00x"},
		{&Ropen{Opened{QID{QTDir, 7, 8}, 9}}, "\x18\x00\x00\x00\x71\x01\x00" + "\x80\x07\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00" + "\x09\x00\x00\x00"},
	} {
		if got, err := Append(nil, 1, tt.m); err != nil || string(got) != tt.want {
			t.Errorf("%+v is %q, %v; want %q", tt.m, got, err, tt.want)
		}
	}
	b, _ := Append(nil, 1, &Twrite{Data: []byte("12345")})
	if len(b) != WriteOverhead+5 {
		t.Errorf("Twrite of 5 bytes has %d", len(b))
	}
	b, _ = Append(nil, 1, &Rread{Data: []byte("12345")})
	if len(b) != ReadOverhead+5 {
		t.Errorf("Rread of 5 bytes has %d", len(b))
	}
	SetTag(b, 0x0203)
	if h := ParseHeader(b); h.Tag != 0x0203 {
		t.Errorf("tag %#x", h.Tag)
	}
}

func TestErrors(t *testing.T) {
	if _, err := Append(nil, 1, &Rreadlink{strings.Repeat("x", 1<<16)}); !errors.Is(err, ErrName) {
		t.Errorf("a long string: %v", err)
	}
	b, _ := Append(nil, 1, &Rclunk{})
	if err := Parse(b, &Rremove{}); !errors.Is(err, ErrType) {
		t.Errorf("another type: %v", err)
	}
	// Data goes where there is room for it, and nowhere else.
	b, _ = Append(nil, 1, &Rread{Data: []byte("abc")})
	room := make([]byte, 4)
	r := Rread{Data: room[:0]}
	if err := Parse(b, &r); err != nil || string(room) != "abc\x00" || len(r.Data) != 3 {
		t.Errorf("data %q, there %q, %v", r.Data, room, err)
	}
}

func TestLists(t *testing.T) {
	entries := []Entry{{QID{QTDir, 1, 2}, 3, 4, "."}, {QID{0, 1, 2}, 1 << 63, 8, "name"}}
	var data []byte
	for i := range entries {
		data = AppendEntry(data, &entries[i])
	}
	for _, want := range entries {
		e, rest, err := ParseEntry(data)
		if err != nil || e != want {
			t.Fatalf("entry %+v, %v", e, err)
		}
		data = rest
	}
	stats := []Stat{{Mode: DMDir | 0o755, Name: "d"}, {Length: 1 << 40, Name: "name", Extension: "x"}}
	for i := range stats {
		data = AppendStat(data, &stats[i])
	}
	got, err := ParseStats(data)
	if err != nil || !reflect.DeepEqual(got, stats) {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := ParseStats(data[:len(data)-1]); !errors.Is(err, ErrShort) {
		t.Fatal(err)
	}
	// As xen-9pfsd has it.
	data = nil
	for i := range stats {
		one := AppendStat(nil, &stats[i])
		size := len(one) - 2 + 10
		one[0] = byte(size)
		data = append(append(data, byte(size+2), 0), one...)
	}
	if got, err := ParseStats(append(data, make([]byte, 16)...)); err != nil || !reflect.DeepEqual(got, stats) {
		t.Fatalf("%+v, %v", got, err)
	}
}

// FuzzParse: whatever is taken for a message is that message.
func FuzzParse(f *testing.F) {
	for _, m := range all() {
		fill(reflect.ValueOf(m))
		b, err := Append(nil, 7, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < HeaderSize {
			return
		}
		h := ParseHeader(b)
		m := New(h.Type)
		if m == nil || Parse(b, m) != nil {
			return
		}
		again, err := Append(nil, h.Tag, m)
		if err != nil {
			t.Fatal(err)
		}
		if n := HeaderSize + 4; h.Type == new(Rstat).Type() {
			copy(again[HeaderSize:n], b[HeaderSize:n]) // its sizes are not relied on
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}

// FuzzEntries: lists end, and their parts are what they say.
func FuzzEntries(f *testing.F) {
	f.Add(AppendEntry(AppendEntry(nil, &Entry{Name: "a"}), &Entry{Name: "b"}))
	f.Add(AppendStat(AppendStat(nil, &Stat{Name: "a"}), &Stat{Name: "b"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for rest := data; len(rest) > 0; {
			e, next, err := ParseEntry(rest)
			if err != nil {
				break
			}
			if got := AppendEntry(nil, &e); !bytes.Equal(got, rest[:len(rest)-len(next)]) {
				t.Fatalf("%+v", e)
			}
			rest = next
		}
		list, err := ParseStats(data)
		if err == nil && len(list) > len(data) {
			t.Fatalf("%d entries in %d bytes", len(list), len(data))
		}
	})
}
