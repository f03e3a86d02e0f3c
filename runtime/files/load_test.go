package files

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The averages approach a load that lasts, the shorter ones faster, and come down from one that ends.
func TestLoad(t *testing.T) {
	old := load.average
	load.time, load.work, load.average = 0, 0, [3]uint64{}
	defer func() { load.time, load.work, load.average = 0, 0, old }()
	now, work := int64(0), int64(0)
	pass := func(seconds, busy int64) [3]uint64 {
		now += seconds * 1e9
		work += seconds * busy * 1e9
		return sampleLoad(now, work)
	}
	require.Zero(t, pass(4, 2), "no sample yet")
	a := pass(56, 2)
	require.InDelta(t, 2*0.632*loadOne, a[0], 0.05*loadOne)
	require.InDelta(t, 2*0.181*loadOne, a[1], 0.05*loadOne)
	for range 720 {
		a = pass(5, 2)
	}
	require.InDelta(t, 2*loadOne, a[0], 0.02*loadOne)
	require.InDelta(t, 2*loadOne, a[2], 0.1*loadOne)
	a = pass(3600, 0)
	require.Less(t, a[0], uint64(loadOne/100))
	require.Less(t, a[0], a[2])
	require.Len(t, strings.Fields(string(loadAverages())), 5)
}
