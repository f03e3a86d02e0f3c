// Package ascii has the few text helpers that code under package syscall
// needs: numbers and paths as xenstore keeps them. Packages strings and
// strconv lie above it in the import order.
package ascii

// Utoa returns n in decimal. It would be inlined, to avoid an allocation that
// nearly all callers need.
//
//go:noinline
func Utoa(n uint64) string {
	var buf [20]byte // the longest uint64 has 20 digits
	i := len(buf)
	for {
		i--
		buf[i] = '0' + byte(n%10)
		n /= 10
		if n == 0 {
			return string(buf[i:])
		}
	}
}

// Itoa returns n in decimal.
func Itoa(n int64) string {
	if n < 0 {
		return "-" + Utoa(-uint64(n))
	}
	return Utoa(uint64(n))
}

// ParseUint parses the decimal digits of s. It fails on anything else, and if
// the number is larger than limit.
func ParseUint(s string, limit uint64) (n uint64, ok bool) {
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
		d := uint64(s[i] - '0')
		if d > 9 || n > (limit-d)/10 || d > limit {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// Cut slices s around the first sep.
func Cut(s string, sep byte) (before, after string, found bool) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// Fields splits s around each run of spaces.
func Fields(s string) []string {
	var fields []string
	for s != "" {
		var f string
		if f, s, _ = Cut(s, ' '); f != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// HasPrefix reports whether s begins with prefix.
func HasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == prefix
}
