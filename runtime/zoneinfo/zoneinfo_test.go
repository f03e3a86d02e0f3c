package zoneinfo

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// small is a table of two zones under three names.
const small Table = "\x00\x14" +
	"\x00\x03A/B\x00\x00\x00" +
	"\x02\x01C\x00\x00\x03" + // A/C
	"\x00\x01Z\x00\x00\x00" +
	"\x00\x00\x06" + "\x46\x00\x00" + "\x00\x00\x00" + // a text of one piece, one of none
	// A zone that begins with a time that is far away, and goes on with one 900 s later.
	"2\x00\x02\x02\x04\x04" + "\xbf\xff\xff\xff\xff" + "\x00\x01" + "\x01\x00" +
	"\x00\x00\x00\x00\x00\x00" + "\x00\x00\x0e\x10\x01\x00" + "UTC\x00" + "\n<>\n"

func TestEntries(t *testing.T) {
	list := func(dir string) map[string]int {
		entries := map[string]int{}
		small.Entries(dir, func(name string, zone int) { entries[name] = zone })
		return entries
	}
	require.Equal(t, map[string]int{"A": -1, "Z": 0}, list(""))
	require.Equal(t, map[string]int{"B": 0, "C": 3}, list("A/"))
	require.Empty(t, list("A"+"B/"))
	Table("").Entries("", func(string, int) { t.Error("an empty table has an entry") })
}

func TestFile(t *testing.T) {
	file := small.File(0)
	require.Equal(t, "TZif2"+zeros(15)+zeros(15)+"\x00"+"\x00\x00\x00\x01"+"\x00\x00\x00\x01"+zeros(7)+
		"TZif2"+zeros(15)+zeros(12)+"\x00\x00\x00\x02"+"\x00\x00\x00\x02"+"\x00\x00\x00\x04"+
		"\xff\xff\xff\xff\xff\xff\xff\xff"+"\x00\x00\x00\x00\x00\x00\x03\x83"+"\x01\x00"+
		"\x00\x00\x00\x00\x00\x00"+"\x00\x00\x0e\x10\x01\x00"+"UTC\x00"+"\n<>\n", string(file))

	loc, err := time.LoadLocationFromTZData("A/B", file)
	require.NoError(t, err)
	_, offset := time.Unix(0, 0).In(loc).Zone()
	require.Equal(t, 3600, offset)
	_, offset = time.Unix(899, 0).In(loc).Zone()
	require.Zero(t, offset)
}

func zeros(n int) string { return string(make([]byte, n)) }
