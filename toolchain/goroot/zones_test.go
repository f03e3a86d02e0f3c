package goroot

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/zoneinfo"
)

// goZones returns the time zones of the Go that runs the test.
func goZones(t *testing.T) map[string]string {
	t.Helper()
	files, err := readZip(filepath.Join(goTree(t), "lib", "time", "zoneinfo.zip"))
	require.NoError(t, err)
	return files
}

func goTree(t *testing.T) string {
	t.Helper()
	root, err := stock(t.Context(), "local")
	require.NoError(t, err)
	return root
}

// TestZoneTable takes all zones of the Go that runs it through the table.
func TestZoneTable(t *testing.T) {
	files := goZones(t)
	require.Greater(t, len(files), 500)
	table, err := zoneTable(files)
	require.NoError(t, err)
	require.Less(t, len(table), 60_000, "the table has grown")
	again, err := zoneTable(files)
	require.NoError(t, err)
	require.Equal(t, table, again)

	got := map[string]string{}
	var list func(dir string)
	list = func(dir string) {
		zoneinfo.Table(table).Entries(dir, func(name string, zone int) {
			if zone < 0 {
				list(dir + name + "/")
				return
			}
			require.NotContains(t, got, dir+name, "twice")
			got[dir+name] = string(zoneinfo.Table(table).File(zone))
		})
	}
	list("")
	require.Equal(t, slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(got)))
	for name, data := range files {
		require.True(t, data == got[name], "%s differs", name)
	}
}

func TestZoneTableRefusals(t *testing.T) {
	files := goZones(t)
	good := files["Europe/Berlin"]
	change := func(at int, s string) string { return good[:at] + s + good[at+len(s):] }
	for name, test := range map[string]struct{ data, err string }{
		"empty":            {"", "unexpected EOF"},
		"no magic":         {change(51, "?"), "not a slim TZif file"},
		"cut off":          {good[:200], "not a slim TZif file"},
		"in version 1":     {change(47, "x"), "not of the form"},
		"with leap second": {change(51+31, "\x01"), "not of the form"},
		"far away":         {change(95, "\x80"), "too far away"},
	} {
		_, err := zoneTable(map[string]string{"A/B": test.data})
		require.ErrorContains(t, err, test.err, name)
	}
	_, err := zoneTable(map[string]string{strings.Repeat("x", 256): good})
	require.ErrorContains(t, err, "does not fit")
}

func TestZones(t *testing.T) {
	f, err := zones(goTree(t))
	require.NoError(t, err)
	require.Equal(t, "src/internal/xengo/runtime/zoneinfo/data_xenpv.go", f.to)
	_, err = importsOf(f)
	require.NoError(t, err)

	_, err = zones(t.TempDir())
	require.ErrorContains(t, err, "lib/time/zoneinfo.zip")
}

// TestKeyOfZones changes what makes the time zones' table.
func TestKeyOfZones(t *testing.T) {
	old := zonesSource
	t.Cleanup(func() { zonesSource = old })
	before := plan{version: "go1.27.4"}
	before.keys()
	zonesSource = append(slices.Clip(old), '\n')
	after := before
	after.keys()
	require.Equal(t, before.baseKey, after.baseKey)
	require.NotEqual(t, before.finalKey, after.finalKey)
}
