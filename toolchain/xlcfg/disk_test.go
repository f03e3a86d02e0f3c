package xlcfg

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDisk(t *testing.T) {
	for from, want := range map[string]string{
		"/srv/a.img":       "format=raw, vdev=xvdc, access=rw, target=/srv/a.img",
		"/srv/a, b.img,ro": "format=raw, vdev=xvdc, access=ro, target=/srv/a, b.img",
	} {
		d, err := ParseDisk(from)
		require.NoError(t, err)
		require.Equal(t, want, d.Spec(2))
	}
	for _, s := range []string{"", ",ro"} {
		_, err := ParseDisk(s)
		require.Error(t, err)
	}
}
