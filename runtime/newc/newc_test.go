package newc

import (
	"bytes"
	"strings"
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

// FuzzLikeCpio: what another reader makes of an archive is what this one does.
func FuzzLikeCpio(f *testing.F) {
	f.Add(archive(f, cpio.StaticFile("x", "yz", 0600), cpio.Directory("d", 0755), cpio.StaticFile("d/long-name", "0123456789", 0644)))
	f.Add([]byte("070701"))
	f.Fuzz(func(t *testing.T, a []byte) {
		theirs := cpio.Newc.Reader(bytes.NewReader(a))
		ours := New(a)
		for {
			got, ok, bad := ours.Next()
			if bad != "" {
				return // what we refuse, others may take
			}
			want, err := theirs.ReadRecord()
			if !ok {
				if err == nil && ours.Offset() < len(a) {
					t.Fatalf("%q comes after the end", want.Name)
				}
				return
			}
			if err != nil {
				return
			}
			data := make([]byte, len(got.Data))
			if n, _ := want.ReadAt(data, 0); n != len(data) || want.FileSize != uint64(len(data)) || !bytes.Equal(data, got.Data) {
				t.Fatalf("%q has %d bytes, there %d", got.Name, len(got.Data), want.FileSize)
			}
			if strings.Contains(want.Name, "\x00") { // they normalise what is behind it, too
				continue
			}
			if cpio.Normalize(string(got.Name)) != want.Name || uint64(got.Mode) != want.Mode {
				t.Fatalf("%q of mode %o is there %q of mode %o", got.Name, got.Mode, want.Name, want.Mode)
			}
		}
	})
}

// What Append writes is what Next reads, and others.
func TestAppend(t *testing.T) {
	var a []byte
	for _, name := range []string{"x", "dir/longer", "four"} {
		a = Append(a, name, 0o100644, 1e9, []byte("data of "+name))
	}
	a = AppendTrailer(a)
	r := New(a)
	theirs := cpio.Newc.Reader(bytes.NewReader(a))
	for _, name := range []string{"x", "dir/longer", "four"} {
		f, ok, bad := r.Next()
		require.Empty(t, bad)
		require.True(t, ok)
		require.Equal(t, name, string(f.Name))
		require.Equal(t, "data of "+name, string(f.Data))
		require.EqualValues(t, 0o100644, f.Mode)
		require.EqualValues(t, 1e9, f.Mtime)
		other, err := theirs.ReadRecord()
		require.NoError(t, err)
		require.Equal(t, name, other.Name)
		require.EqualValues(t, len(f.Data), other.FileSize)
	}
	_, ok, bad := r.Next()
	require.False(t, ok)
	require.Empty(t, bad)
}
