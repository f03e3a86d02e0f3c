package ascii

import (
	"math"
	"slices"
	"strconv"
	"testing"
)

func FuzzNumbers(f *testing.F) {
	for _, n := range []int64{0, 1, 9, 10, -1, math.MaxInt64, math.MinInt64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		if got, want := Itoa(n), strconv.FormatInt(n, 10); got != want {
			t.Errorf("Itoa = %s, want %s", got, want)
		}
		if got, want := Utoa(uint64(n)), strconv.FormatUint(uint64(n), 10); got != want {
			t.Errorf("Utoa = %s, want %s", got, want)
		}
	})
}

func FuzzParseUint(f *testing.F) {
	for _, s := range []string{"", "0", "65535", "65536", "18446744073709551615", "18446744073709551616", "+1", "1 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for bits, limit := range map[int]uint64{8: math.MaxUint8, 16: math.MaxUint16, 32: math.MaxUint32, 64: math.MaxUint64} {
			n, ok := ParseUint(s, limit)
			want, err := strconv.ParseUint(s, 10, bits)
			if ok != (err == nil) || ok && n != want {
				t.Errorf("ParseUint(%q, %d) = %d, %v; want %d, %v", s, limit, n, ok, want, err)
			}
		}
	})
}

func TestParseUintSmallLimit(t *testing.T) {
	if n, ok := ParseUint("7", 6); ok {
		t.Errorf(`ParseUint("7", 6) = %d`, n)
	}
	if n, ok := ParseUint("6", 6); !ok || n != 6 {
		t.Errorf(`ParseUint("6", 6) = %d, %v`, n, ok)
	}
}

func TestCutAndFields(t *testing.T) {
	if b, a, ok := Cut("a/b/c", '/'); b != "a" || a != "b/c" || !ok {
		t.Errorf("Cut = %q, %q, %v", b, a, ok)
	}
	if b, a, ok := Cut("abc", '/'); b != "abc" || a != "" || ok {
		t.Errorf("Cut = %q, %q, %v", b, a, ok)
	}
	if got, want := Fields("  a bc  d "), []string{"a", "bc", "d"}; !slices.Equal(got, want) {
		t.Errorf("Fields = %q, want %q", got, want)
	}
}
