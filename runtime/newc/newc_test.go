package newc

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"
)

func archive(t testing.TB, files ...cpio.Record) []byte {
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	require.NoError(t, cpio.WriteRecords(w, files))
	require.NoError(t, cpio.WriteTrailer(w))
	return b.Bytes()
}

func TestFind(t *testing.T) {
	a := archive(t,
		cpio.Directory(".xengo", 0755),
		cpio.StaticFile(".xengo/args", "a\x00b\x00", 0644),
		cpio.StaticFile("empty", "", 0644),
		cpio.StaticFile("x", "yz", 0600),
	)
	require.Equal(t, "a\x00b\x00", string(Find(a, ".xengo/args")))
	require.Equal(t, "yz", string(Find(a, "x")))
	require.NotNil(t, Find(a, "empty"))
	require.Nil(t, Find(a, "nope"))
}

func TestProblems(t *testing.T) {
	a := archive(t, cpio.StaticFile("x", "0123456789", 0600))
	for _, c := range []struct {
		archive []byte
		want    Problem
	}{
		{a[:50], Short},
		{a[:120], Short},
		{append([]byte("070707"), a[6:]...), BadMagic},
		{append([]byte("070701zz"), a[8:]...), BadNumber},
	} {
		r := New(c.archive)
		_, ok, bad := r.Next()
		require.False(t, ok)
		require.Equal(t, c.want, bad)
	}
}

// FuzzReader: any bytes end after finitely many members that lie in them.
func FuzzReader(f *testing.F) {
	f.Add(archive(f, cpio.StaticFile("x", "yz", 0600), cpio.Directory("d", 0755)))
	f.Fuzz(func(t *testing.T, a []byte) {
		r := New(a)
		for last := -1; ; {
			_, ok, _ := r.Next()
			if !ok {
				break
			}
			if r.Offset() <= last || r.Offset() > len(a) {
				t.Fatalf("offset %d after %d of %d", r.Offset(), last, len(a))
			}
			last = r.Offset()
		}
	})
}
