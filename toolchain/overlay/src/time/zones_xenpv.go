package time

import zones "internal/xengo/runtime/zoneinfo"

// plantZones has the files of the time zones made. Only programs that can read
// them, which is what open is for, have the zones in them.
func plantZones() { zones.Use() }
