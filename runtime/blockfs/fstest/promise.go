package fstest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// A promise is what holds from a point of the log on.
type promise struct {
	point   int
	name    string
	data    []byte // what the file begins with
	going   bool   // it may be gone
	gone    bool   // it is
	version int    // of the file "config", which is replaced again and again
}

type promises []promise

// config is what a version of "config" has.
func config(version int) []byte { return bytes.Repeat([]byte{byte(version)}, 1000+version) }

// check looks for what was promised up to a point.
func (all promises) check(t *testing.T, root vfs.Directory, point int) {
	t.Helper()
	due, version := map[string]promise{}, 0
	for _, p := range all {
		switch {
		case p.point > point:
		case p.version > 0:
			version = p.version
		case p.going:
			due[p.name] = promise{data: due[p.name].data, going: true}
		default:
			due[p.name] = p
		}
	}
	for name, p := range due {
		n, err := root.Lookup(name)
		if p.gone {
			require.Equal(t, calls.ENOENT, err, "%s at %d of the log", name, point)
			continue
		}
		if err == calls.ENOENT && p.going {
			continue
		}
		require.Zero(t, err, "%s at %d of the log", name, point)
		got := Contents(t, n)
		require.GreaterOrEqual(t, len(got), len(p.data), name)
		require.True(t, bytes.Equal(p.data, got[:len(p.data)]), name)
	}
	n, err := root.Lookup("config")
	if err == calls.ENOENT && version == 0 {
		return
	}
	require.Zero(t, err, "config, of which version %d is due at %d of the log", version, point)
	got := Contents(t, n)
	require.NotEmpty(t, got)
	require.GreaterOrEqual(t, len(got), len(config(version)))
	require.Equal(t, config(len(got)-1000), got)
}
