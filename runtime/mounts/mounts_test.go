package mounts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/cmdline"
)

func TestMount(t *testing.T) {
	var opened []cmdline.Mount
	roots := map[string]vfs.Directory{}
	types["mem"] = func(m cmdline.Mount) (vfs.Directory, error) {
		if m.Source == "bad" {
			return nil, problem("there is nothing")
		}
		opened = append(opened, m)
		roots[m.Point] = memfs.New(0o755).Root()
		return roots[m.Point], nil
	}
	defer delete(types, "mem")
	require.NoError(t, mountAll([]string{"a:/tmp:mem", "b:/made/for/it:mem,option", "c:/tmp/deeper:mem"}))
	require.Len(t, opened, 3)
	require.Equal(t, cmdline.Mount{Source: "b", Point: "/made/for/it", Type: "mem", Options: "option"}, opened[1])
	for point, root := range roots {
		loc, err := vfs.Walk(vfs.Root(), point, 0)
		require.Zero(t, err)
		require.True(t, loc.Inode == vfs.Inode(root), point)
		path, _ := vfs.PathOf(root)
		require.Equal(t, point, path)
	}
	for value, want := range map[string]string{
		"nonsense":         "mount=nonsense: it is SOURCE:/POINT:TYPE",
		"a:/b:zfs":         "mount=a:/b:zfs: there is no file system zfs",
		"a:/b:vfat":        "mount=a:/b:vfat: the program was built without -tags xengo_vfat",
		"a:/b:auto":        "mount=a:/b:auto: the program was built without -tags xengo_ext4 or xengo_vfat, as what is on the disk",
		"bad:/b:mem":       "mount=bad:/b:mem: there is nothing",
		"a:/etc/hosts:mem": "mount=a:/etc/hosts:mem: ENOTDIR",
		"a:/proc/x:mem":    "mount=a:/proc/x:mem: EPERM",
		"a:/:mem":          "mount=a:/:mem: EBUSY",
	} {
		require.EqualError(t, mountAll([]string{value}), want)
	}
}

func TestPick(t *testing.T) {
	name, err := pick(map[string]string{"0": "a", "1": "b", "2": "b"}, "b")
	require.NoError(t, err)
	require.Equal(t, "1", name)
	_, err = pick(map[string]string{"0": "b"}, "c")
	require.EqualError(t, err, "no shared directory has this tag; there are: b")
	_, err = pick(nil, "c")
	require.ErrorContains(t, err, "no shared directories")
}
