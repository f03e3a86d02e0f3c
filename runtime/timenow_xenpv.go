//go:build xenpv && !faketime

package runtime

import _ "unsafe" // for go:linkname

// time_now is time.Now's clocks, read at once: RDTSC may trap.
//
//go:linkname time_now time.now
func time_now() (sec int64, nsec int32, mono int64) {
	now := xenSystemTime()
	sec, nsec = xenWallTime(now)
	return sec, nsec, now - xenEntryTime
}
