package zoneinfo

import "sync"

// A Planter makes the files of a table, of which it gets the methods.
type Planter func(entries func(dir string, emit func(name string, zone int)), file func(zone int) []byte)

var (
	planter Planter
	planted sync.Once
)

// SetPlanter says what makes the files. It must be called before package time is used.
func SetPlanter(p Planter) { planter = p }

// Use has the files of Data made, once. Programs in which nothing calls it have neither Data nor what reads it.
func Use() {
	planted.Do(func() {
		if planter != nil {
			planter(Data.Entries, Data.File)
		}
	})
}
