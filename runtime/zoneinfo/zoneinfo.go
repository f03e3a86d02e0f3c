// Package zoneinfo holds the time zones that come with Go, from which the files of /usr/share/zoneinfo are made.
//
// The files are TZif of version 2 or later as RFC 9636 describes it, in the "slim" form: nothing in the block of version
// 1, no leap seconds. Of these, and of all that is the same everywhere, a Table has nothing; it has each content once,
// however many names a zone has.
package zoneinfo

import "internal/xengo/runtime/pieces"

// A Table is a directory of zones. Numbers in it are big-endian.
//
// It begins with the length of the names in 2 bytes. Names are sorted; each is the number of bytes it has in common
// with the one before, the number of the others, these, and in 3 bytes which text of the rest of the table its zone is;
// the rest is a pieces.Store.
//
// A zone is its version, the number of transitions in 2 bytes, those of types, of bytes of designations and of bytes of
// the footer, in 1 byte each; then these: transitions, the type after each, types, designations and footer, all but the
// transitions as they are in a file. A transition is the time since the one before in units of 900 s if that is
// possible in 15 bits; else seconds since 1970, plus bias, in 39 bits after a bit that is set.
type Table string

// Data is the table of the time zones that the Go which the guest's is made of has. On a host it is empty.
const Data Table = data

const (
	unit = 900     // seconds: what nearly all transitions are apart by a multiple of
	bias = 1 << 38 // makes times positive
)

// Sizes of parts of a file. Source: RFC 9636, section 3.
const (
	headerSize = 44
	timeSize   = 8
	typeSize   = 6
	emptySize  = typeSize + 1 // the block of version 1: one type, one byte of designations
)

func (t Table) number(at, size int) int {
	n := 0
	for ; size > 0; size-- {
		n = n<<8 | int(t[at])
		at++
	}
	return n
}

// Entries calls emit for each name in the directory dir, which is "" or ends in a slash, with its zone for File, or
// a negative number if it is a directory.
func (t Table) Entries(dir string, emit func(name string, zone int)) {
	if t == "" {
		return
	}
	var name []byte
	last := "" // directory that was emitted
	for at, end := 2, 2+t.number(0, 2); at < end; {
		common, rest := int(t[at]), int(t[at+1])
		at += 2
		name = append(name[:common], t[at:at+rest]...)
		zone := t.number(at+rest, 3)
		at += rest + 3
		if len(name) < len(dir) || string(name[:len(dir)]) != dir {
			continue
		}
		entry := name[len(dir):]
		if i := index(entry, '/'); i < 0 {
			emit(string(entry), zone)
		} else if string(entry[:i]) != last {
			last = string(entry[:i])
			emit(last, -1)
		}
	}
}

func index(s []byte, c byte) int {
	for i := range s {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// File returns the file of a zone.
func (t Table) File(zone int) []byte {
	t = Table(pieces.Store(t[2+t.number(0, 2):]).Text(zone))
	version, transitions, types, letters, footer := t[0], t.number(1, 2), int(t[3]), int(t[4]), int(t[5])
	t = t[6:]
	rest := transitions + types*typeSize + letters + footer
	file := make([]byte, 0, 2*headerSize+emptySize+transitions*timeSize+rest)
	file = appendHeader(file, version, 0, 1, 1)
	file = append(file, make([]byte, emptySize)...)
	file = appendHeader(file, version, transitions, types, letters)
	now := int64(0)
	for range transitions {
		if n := t.number(0, 2); n < 1<<15 {
			now += int64(n) * unit
			t = t[2:]
		} else {
			now = int64(t.number(0, 5)&(1<<39-1)) - bias
			t = t[5:]
		}
		file = appendNumber(file, uint64(now), timeSize)
	}
	return append(file, t[:rest]...)
}

// appendHeader appends the header of a block without leap seconds and without indicators of standard time and UT.
func appendHeader(p []byte, version byte, transitions, types, letters int) []byte {
	p = append(p, "TZif"...)
	p = append(p, version)
	p = append(p, make([]byte, 15)...)
	for _, n := range []int{0, 0, 0, transitions, types, letters} {
		p = appendNumber(p, uint64(n), 4)
	}
	return p
}

func appendNumber(p []byte, n uint64, size int) []byte {
	for size--; size >= 0; size-- {
		p = append(p, byte(n>>(8*size)))
	}
	return p
}
