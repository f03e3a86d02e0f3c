package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/zoneinfo"
)

// zoneDir is where package time looks for time zones.
const zoneDir = "/usr/share/zoneinfo"

// furnishZones has the time zones made when package time looks for one.
func furnishZones() {
	zoneinfo.SetPlanter(func(entries func(string, func(string, int)), file func(int) []byte) {
		makeDir(zoneDir, 0o755)
		z := zones{entries, file}
		z.plant("")
	})
}

// zones are the methods of a zoneinfo.Table.
type zones struct {
	entries func(dir string, emit func(name string, zone int))
	file    func(zone int) []byte
}

// in returns what is in a directory of the time zones; dir is as for zoneinfo.Table.Entries.
func (z zones) in(dir string) (seeds []memfs.Seed) {
	z.entries(dir, func(name string, zone int) {
		s := memfs.Seed{Name: name, Contents: func() string { return string(z.file(zone)) }}
		if zone < 0 {
			s = memfs.Seed{Name: name, Entries: func() []memfs.Seed { return z.in(dir + name + "/") }}
		}
		seeds = append(seeds, s)
	})
	return seeds
}

// plant makes the files of a directory, but for those that are there already: the ramdisk's.
func (z zones) plant(dir string) {
	for _, s := range z.in(dir) {
		err := Plant(zoneDir+"/"+dir, s)
		if err == calls.EEXIST && s.Entries != nil {
			z.plant(dir + s.Name + "/")
		}
	}
}
