package files

import (
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/zoneinfo"
)

// furnishZones puts the time zones where package time looks for them.
func furnishZones() {
	if err := Plant("/usr/share", memfs.Seed{Name: "zoneinfo", Entries: zonesIn("")}); err != 0 {
		panic("files: cannot make the time zones: " + err.Error())
	}
}

// zonesIn returns what lists a directory of the time zones; dir is as for zoneinfo.Table.Entries.
func zonesIn(dir string) func() []memfs.Seed {
	return func() (seeds []memfs.Seed) {
		zoneinfo.Data.Entries(dir, func(name string, zone int) {
			if zone < 0 {
				seeds = append(seeds, memfs.Seed{Name: name, Entries: zonesIn(dir + name + "/")})
				return
			}
			seeds = append(seeds, memfs.Seed{Name: name, Contents: func() string { return string(zoneinfo.Data.File(zone)) }})
		})
		return seeds
	}
}
