package fat

import (
	"unicode/utf16"

	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/runtime/fdtable"
)

// An entry of a directory.
const (
	entrySize = 32

	deAttr      = 11
	deCase      = 12
	deCreatedMs = 13 // hundredths of a second, up to 199
	deCreated   = 14
	deCreatedOn = 16
	deRead      = 18
	deHigh      = 20
	deTime      = 22
	deDate      = 24
	deLow       = 26
	deSize      = 28

	attrReadOnly = 0x01
	attrVolume   = 0x08
	attrDir      = 0x10
	attrArchive  = 0x20
	attrLong     = 0x0f
	attrMask     = 0x3f

	deleted   = 0xe5
	lowerBase = 0x08
	lowerExt  = 0x10
	// moved is in deCase of a name that a file got by a rename, until its old name is gone. Others do not look at it.
	moved = 0x40

	lastPart = 0x40 // in the number of the part of a long name that comes first
	perPart  = 13   // units of UTF-16
	maxParts = (maxName + perPart - 1) / perPart
)

// places are where a part has its units.
var places = [perPart]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}

// A slot is a name in a directory: entries first to last, of which the last is the file's, and those before it the parts of
// a long name.
type slot struct {
	name        string
	key         string // folded
	alias       short
	first, last int
	ino         uint64
	node        *node // once it was looked up
}

// parse calls emit for the names in a directory, and stray for parts of long names that belong to none.
func parse(raw []byte, emit func(s *slot), stray func(i int)) {
	var units [maxParts * perPart]uint16
	want, sum, begin := 0, byte(0), -1 // the part that has to be next
	drop := func(i int) {
		for ; begin >= 0 && begin < i; begin++ {
			stray(begin)
		}
		begin, want = -1, 0
	}
	var count int
	for i := 0; (i+1)*entrySize <= len(raw); i++ {
		e := raw[i*entrySize:][:entrySize]
		switch {
		case e[0] == 0:
			drop(i)
			return
		case e[0] == deleted:
			drop(i)
		case e[deAttr]&attrMask == attrLong:
			n := int(e[0] &^ lastPart)
			if e[0]&lastPart != 0 {
				drop(i)
				count, want, sum = n, n, e[deCreatedMs]
			}
			if n != want || n == 0 || n > maxParts || e[deCreatedMs] != sum {
				drop(i)
				stray(i)
				continue
			}
			if begin < 0 {
				begin = i
			}
			for k, at := range places {
				units[(n-1)*perPart+k] = le.U16(e, at)
			}
			if want--; want == 0 {
				want = -1 // the file's own
			}
		case e[deAttr]&attrVolume != 0:
			drop(i)
		default:
			s := &slot{first: i, last: i}
			copy(s.alias[:], e)
			if begin >= 0 && want == -1 && s.alias.sum() == sum {
				s.name, s.first = longName(units[:count*perPart]), begin
				begin = -1
			}
			drop(i)
			if s.alias == dot || s.alias == dotDot {
				continue
			}
			if s.name == "" {
				s.name = s.alias.text(e[deCase])
			}
			if s.name == "" || s.name == "." || s.name == ".." {
				continue
			}
			s.key = fold(s.name)
			emit(s)
		}
	}
	drop(len(raw) / entrySize)
}

// longName is the name of units up to a zero, "" if it cannot be a file's.
func longName(units []uint16) string {
	for i, u := range units {
		if u == 0 {
			units = units[:i]
			break
		}
		if u == '/' || u < ' ' {
			return ""
		}
	}
	if len(units) > maxName {
		return ""
	}
	return string(utf16.Decode(units))
}

// parts returns the entries of a long name, in their order on the disk.
func parts(name string, alias short) []byte {
	units := utf16.Encode([]rune(name))
	n := (len(units) + perPart - 1) / perPart
	b := make([]byte, n*entrySize)
	for i := range n {
		e := b[(n-1-i)*entrySize:][:entrySize]
		e[0], e[deAttr], e[deCreatedMs] = byte(i+1), attrLong, alias.sum()
		for k, at := range places {
			switch j := i*perPart + k; {
			case j < len(units):
				le.Put16(e, at, units[j])
			case j == len(units):
			default:
				le.Put16(e, at, 0xffff)
			}
		}
	}
	b[0] |= lastPart
	return b
}

// start is the first cluster of what an entry names.
func (g *geometry) start(e []byte) uint32 {
	c := uint32(le.U16(e, deLow))
	if g.bits == 32 {
		c |= uint32(le.U16(e, deHigh)) << 16
	}
	return c
}

func setStart(e []byte, c uint32) {
	le.Put16(e, deLow, uint16(c))
	le.Put16(e, deHigh, uint16(c>>16))
}

const day = 24 * 3600

// daysBefore is how many days a year has before a month, in years that are none with 29 days in February.
var daysBefore = [12]int64{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

// decodeTime returns a time, which is in UTC.
func decodeTime(date, clock uint16, hundredths byte) fdtable.Timespec {
	year, month, d := int64(date>>9), int64(date>>5&15), int64(date&31)
	month, d = min(max(month, 1), 12), max(d, 1)
	days := 3652 + year*365 + (year+3)/4 + daysBefore[month-1] + d - 1 // since 1970
	if month > 2 && leap(year) {
		days++
	}
	if year > 120 {
		days-- // 2100
	}
	sec := days*day + int64(clock>>11)*3600 + int64(clock>>5&63)*60 + int64(clock&31)*2 + int64(hundredths/100)
	return fdtable.Timespec{Sec: sec, Nsec: int64(hundredths%100) * 1e7}
}

// leap reports whether 1980+year has 29 days in February.
func leap(year int64) bool { return year%4 == 0 && year != 120 }

// encodeTime returns a time as it is stored, between 1980 and 2107.
func encodeTime(t fdtable.Timespec) (date, clock uint16, hundredths byte) {
	const first, end = 3652 * day, 50403 * day // 1 January 1980 and 2108
	sec := min(max(t.Sec, first), end-1)
	days, s := sec/day-3652, sec%day
	year := int64(0)
	for length := int64(366); days >= length; {
		days -= length
		year++
		if length = 365; leap(year) {
			length = 366
		}
	}
	month := 11
	for before := int64(0); month > 0; month-- {
		if before = daysBefore[month]; month > 1 && leap(year) {
			before++
		}
		if days >= before {
			days -= before
			break
		}
	}
	date = uint16(year<<9 | int64(month+1)<<5 | (days + 1))
	clock = uint16(s/3600<<11 | s/60%60<<5 | s%60/2)
	return date, clock, byte(s%2*100 + t.Nsec/1e7)
}
