package fat

import (
	"unicode/utf16"
	"unicode/utf8"

	"internal/xengo/runtime/calls"
	"internal/xengo/xen/ascii"
)

// maxName is the longest long name, in units of UTF-16.
const maxName = 255

// checkName returns a name as it is stored: without dots at its end. Which names there cannot be, and what Linux says of them:
// Linux 6.16 fs/fat/namei_vfat.c (vfat_striptail_len, xlate_to_uni, vfat_is_used_badchars).
func checkName(name string) (string, calls.Errno) {
	for len(name) > 0 && name[len(name)-1] == '.' {
		name = name[:len(name)-1]
	}
	switch {
	case name == "":
		return "", calls.ENOENT
	case !utf8.ValidString(name), name[len(name)-1] == ' ':
		return "", calls.EINVAL
	}
	for i := range len(name) {
		if badChar(name[i]) {
			return "", calls.EINVAL
		}
	}
	units := 0
	for _, r := range name {
		units += utf16.RuneLen(r)
	}
	if units > maxName {
		return "", calls.ENAMETOOLONG
	}
	return name, 0
}

func badChar(c byte) bool {
	switch c {
	case '*', '?', '<', '>', '|', '"', ':', '/', '\\':
		return true
	}
	return c < ' '
}

// fold returns what names have in common that differ in case only.
func fold(name string) string {
	var buf [64]byte
	b, same := buf[:0], true
	for _, r := range name {
		u := upper(r)
		same = same && u == r
		b = utf8.AppendRune(b, u)
	}
	if same {
		return name
	}
	return string(b)
}

// upper knows the letters of Latin, Greek and Cyrillic; package unicode is not to be had here.
func upper(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z', 'à' <= r && r <= 'þ' && r != '÷', 'α' <= r && r <= 'ω' && r != 'ς', 'а' <= r && r <= 'я':
		return r - 32
	case 'ѐ' <= r && r <= 'џ':
		return r - 80
	case r == 'ÿ':
		return 'Ÿ'
	case 0x100 <= r && r <= 0x137 && r != 'ı', 0x14a <= r && r <= 0x177, 0x460 <= r && r <= 0x481, 0x48a <= r && r <= 0x4bf:
		return r &^ 1
	case 0x139 <= r && r <= 0x148 && r&1 == 0, 0x179 <= r && r <= 0x17e && r&1 == 0:
		return r - 1
	}
	return r
}

// A short is a name of eight characters and three behind a dot that is not stored, filled up with blanks.
type short [11]byte

var (
	dot    = short{'.', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '}
	dotDot = short{'.', '.', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '}
)

// shortChar returns a character as short names have it; exact if that is the same. Others than of ASCII are '_', as code
// pages differ.
func shortChar(c byte) (s byte, exact bool) {
	switch {
	case 'a' <= c && c <= 'z':
		return c - 32, false
	case c <= ' ' || c >= 0x7f || badChar(c):
		return '_', false
	}
	switch c {
	case '+', ',', ';', '=', '[', ']', '.':
		return '_', false
	}
	return c, true
}

// shorten returns the short name that a name begins as. exact says that it is the name.
func shorten(name string) (s short, exact bool) {
	base, ext := name, ""
	for i := len(name) - 1; i > 0; i-- {
		if name[i] == '.' {
			base, ext = name[:i], name[i+1:]
			break
		}
	}
	for i := range s {
		s[i] = ' '
	}
	n1, ok1 := fill(s[:8], base)
	_, ok2 := fill(s[8:], ext)
	if n1 == 0 {
		s[0], ok1 = '_', false
	}
	return s, ok1 && ok2
}

func fill(to []byte, from string) (n int, exact bool) {
	exact = true
	for i := range len(from) {
		if from[i] == ' ' || from[i] == '.' {
			exact = false
			continue
		}
		if from[i]&0xc0 == 0x80 { // within a character
			continue
		}
		if n == len(to) {
			return n, false
		}
		c, same := shortChar(from[i])
		to[n] = c
		n++
		exact = exact && same
	}
	return n, exact
}

// numbered returns s with ~n at the end of its first part.
func (s short) numbered(n int) short {
	tail := "~" + ascii.Itoa(int64(n))
	at := 0
	for at < 8-len(tail) && s[at] != ' ' {
		at++
	}
	for i := at; i < 8; i++ {
		s[i] = ' '
	}
	copy(s[at:8], tail)
	return s
}

// text is the name in lower case where the flags say so.
func (s short) text(flags byte) string {
	b := make([]byte, 0, 36)
	part := func(from []byte, lower bool) {
		for len(from) > 0 && from[len(from)-1] == ' ' {
			from = from[:len(from)-1]
		}
		for i, c := range from {
			switch {
			case i == 0 && c == 0x05 && &from[0] == &s[0]:
				c = 0xe5 // which is the mark of what is deleted
				fallthrough
			case c >= 0x80:
				b = utf8.AppendRune(b, 0xf000|rune(c)) // of a code page that is not known
				continue
			case c < ' ' || c == '/':
				c = '_'
			case lower && 'A' <= c && c <= 'Z':
				c += 32
			}
			b = append(b, c)
		}
	}
	part(s[:8], flags&lowerBase != 0)
	n := len(b)
	b = append(b, '.')
	if part(s[8:], flags&lowerExt != 0); len(b) == n+1 {
		b = b[:n]
	}
	return string(b)
}

// sum is the checksum that the parts of a long name have.
func (s short) sum() byte {
	var n byte
	for _, c := range s {
		n = n>>1 | n<<7
		n += c
	}
	return n
}
