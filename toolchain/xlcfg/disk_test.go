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
	d, err := ParseDisk("data.img:/var/data,ro")
	require.NoError(t, err)
	require.Equal(t, Disk{"data.img", true, "/var/data", "ext4"}, d)
	require.Equal(t, "mount=xvdb:/var/data:ext4,ro", d.MountOption(1))
	d, err = ParseDisk("/srv/data.img:/data:ext4")
	require.NoError(t, err)
	require.Equal(t, "mount=xvda:/data:ext4", d.MountOption(0))
	d, err = ParseDisk("boot.img:/boot:vfat")
	require.NoError(t, err)
	require.Equal(t, "mount=xvda:/boot:vfat", d.MountOption(0))
	for _, s := range []string{"", ",ro", ":/data", "a.img:/data:xfs", "a.img:/data:"} {
		_, err := ParseDisk(s)
		require.Error(t, err)
	}
}
