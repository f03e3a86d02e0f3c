package bed

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMerged(t *testing.T) {
	for in, want := range map[string]string{
		"./bin/sh": "usr/bin/sh", "/lib64/ld.so": "usr/lib64/ld.so", "lib": "usr/lib", "usr/lib/x": "usr/lib/x",
		"../../etc/passwd": "etc/passwd", "./": "", "library/x": "library/x",
	} {
		require.Equal(t, want, merged(in), in)
	}
}

func TestTree(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "./usr/lib/libx.so.1.2", Typeflag: tar.TypeReg, Mode: 0o644, Size: 1},
		{Name: "./lib/libx.so.1", Typeflag: tar.TypeSymlink, Linkname: "libx.so.1.2"},
		{Name: "./usr/lib/libx.so", Typeflag: tar.TypeSymlink, Linkname: "/lib/libx.so.1"},
		{Name: "./usr/lib/hard", Typeflag: tar.TypeLink, Linkname: "./usr/lib/libx.so.1.2"},
		{Name: "./usr/lib/loop", Typeflag: tar.TypeSymlink, Linkname: "loop"},
		{Name: "./usr/lib/dangling", Typeflag: tar.TypeSymlink, Linkname: "none"},
		{Name: "./usr/share/doc/x", Typeflag: tar.TypeReg, Size: 1},
	} {
		require.NoError(t, w.WriteHeader(&h))
		if h.Size > 0 {
			_, err := w.Write([]byte("x"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	tr := make(tree)
	require.NoError(t, tr.readTar(tar.NewReader(&b), keepUserland))
	require.NotContains(t, tr, "usr/share/doc/x")
	for _, name := range []string{"usr/lib/libx.so", "lib/libx.so.1", "/lib/hard"} {
		e, err := tr.find(name)
		require.NoError(t, err, name)
		require.Equal(t, "x", string(e.data))
		require.Equal(t, fs.FileMode(0o644), e.mode)
	}
	_, err := tr.find("lib/loop")
	require.ErrorContains(t, err, "too many symbolic links")
	_, err = tr.find("lib/dangling")
	require.ErrorContains(t, err, "no /usr/lib/none")

	var names []string
	for _, r := range tr.records() {
		names = append(names, r.Name)
	}
	require.Equal(t, "usr usr/lib usr/lib/dangling", strings.Join(names[:3], " "), "directories come before what is in them")
	require.Len(t, names, 8)
}

func TestModuleName(t *testing.T) {
	for in, want := range map[string]string{
		"lib/modules/6/kernel/drivers/virtio/virtio-ring.ko": "virtio_ring", "x/xen-evtchn.ko.xz": "xen-evtchn", "llc.ko": "llc",
	} {
		got, ok := moduleName(in)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	_, ok := moduleName("modules.builtin")
	require.False(t, ok)
}
