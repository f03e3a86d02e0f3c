package ramdisk

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/runtime/newc"
	"internal/xengo/runtime/unzstd"
)

// files makes a directory with files of all kinds that can go into an archive.
func files(t *testing.T) string {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.MkdirAll(at("a/b"), 0o750))
	require.NoError(t, os.WriteFile(at("a/f"), []byte("contents"), 0o640))
	require.NoError(t, os.Chmod(at("a/f"), 0o640|os.ModeSetuid))
	require.NoError(t, os.WriteFile(at("a/empty"), nil, 0o600))
	require.NoError(t, os.Link(at("a/f"), at("link")))
	require.NoError(t, os.Symlink("../x", at("a/symlink")))
	require.NoError(t, os.Chtimes(at("a/f"), time.Time{}, time.Unix(1e9, 0)))
	require.NoError(t, os.Chtimes(at("a"), time.Time{}, time.Unix(1e9+1, 0)))
	return dir
}

// members reads an archive as a guest does.
func members(t *testing.T, archive []byte) map[string]newc.File {
	all := map[string]newc.File{}
	r := newc.New(archive)
	for {
		f, ok, bad := r.Next()
		require.Empty(t, bad)
		if !ok {
			return all
		}
		all[string(f.Name)] = f
	}
}

func TestDirectory(t *testing.T) {
	s, err := Open(files(t))
	require.NoError(t, err)
	require.False(t, s.IsArchive())
	r := Reader([]cpio.Record{cpio.StaticFile(".xengo/args", "x\x00", 0o444)}, s)
	archive, err := io.ReadAll(r)
	require.NoError(t, err)
	all := members(t, archive)
	require.Len(t, all, 8)
	f, link := all["a/f"], all["link"]
	require.Equal(t, "contents", string(f.Data)+string(link.Data))
	require.EqualValues(t, cpio.S_IFREG|0o4640, f.Mode)
	require.EqualValues(t, 1e9, f.Mtime)
	require.EqualValues(t, 2, f.Links)
	require.Equal(t, f.ID, link.ID)
	require.Zero(t, f.UID)
	require.EqualValues(t, 1e9+1, all["a"].Mtime)
	require.EqualValues(t, cpio.S_IFDIR|0o750, all["a/b"].Mode)
	require.Equal(t, "../x", string(all["a/symlink"].Data))
	require.Empty(t, all["a/empty"].Data)
	require.Equal(t, "x\x00", string(all[".xengo/args"].Data))
}

func TestArchive(t *testing.T) {
	s, err := Open(files(t))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, Write(&b, nil, s))
	file := filepath.Join(t.TempDir(), "root.cpio")
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o644))
	s, err = Open(file)
	require.NoError(t, err)
	require.True(t, s.IsArchive())
	var same, more bytes.Buffer
	require.NoError(t, Write(&same, nil, s))
	require.Equal(t, b.Bytes(), same.Bytes())
	require.NoError(t, Write(&more, []cpio.Record{cpio.StaticFile("first", "1", 0o444)}, s))
	require.Len(t, members(t, more.Bytes()), 8)
}

// A compressed archive stays as it is, behind another one.
func TestCompressedArchive(t *testing.T) {
	for name, open := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
			require.NoError(t, err)
			return z
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(files(t))
			require.NoError(t, err)
			var b bytes.Buffer
			w := open(&b)
			require.NoError(t, Write(w, nil, s))
			require.NoError(t, w.Close())
			file := filepath.Join(t.TempDir(), "root.cpio.compressed")
			require.NoError(t, os.WriteFile(file, b.Bytes(), 0o644))
			s, err = Open(file)
			require.NoError(t, err)
			var same, more bytes.Buffer
			require.NoError(t, Write(&same, nil, s))
			require.Equal(t, b.Bytes(), same.Bytes())
			require.NoError(t, Write(&more, []cpio.Record{cpio.StaticFile("first", "1", 0o444)}, s))
			before, found := bytes.CutSuffix(more.Bytes(), b.Bytes())
			require.True(t, found)
			require.Zero(t, len(before)%4)
			require.Len(t, members(t, before), 1)
		})
	}
}

// What Compress makes is the same archive, compressed, in which the contents of each file are frames of their own.
func TestCompress(t *testing.T) {
	dir := files(t)
	large := bytes.Repeat([]byte("some words "), 50000)
	for name, size := range map[string]int{"part": partSize, "parts": 2 * partSize, "large": len(large)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), large[:size], 0o600))
	}
	for i := range 3000 { // more names than there is room for in a frame
		require.NoError(t, os.Symlink("target", filepath.Join(dir, fmt.Sprint("symlink ", i))))
	}
	write := func(first []cpio.Record, pack bool) (b bytes.Buffer) {
		s, err := Open(dir)
		require.NoError(t, err)
		if pack {
			require.NoError(t, s.Compress())
		}
		require.NoError(t, Write(&b, first, s))
		return b
	}
	plain, packed := write(nil, false), write(nil, true)
	require.Less(t, packed.Len(), plain.Len()-len(large))
	z, err := zstd.NewReader(&packed)
	require.NoError(t, err)
	defer z.Close()
	unpacked, err := io.ReadAll(z)
	require.NoError(t, err)
	require.True(t, bytes.Equal(plain.Bytes(), unpacked))

	more := write([]cpio.Record{cpio.StaticFile("first", "1", 0o444)}, true)
	r := newc.New(more.Bytes())
	f, ok, _ := r.Next()
	require.True(t, ok)
	require.Equal(t, "first", string(f.Name))
	_, ok, bad := r.Next()
	require.False(t, ok)
	require.Empty(t, bad)
	require.True(t, unzstd.Is(more.Bytes()[r.Offset():]))

	file := filepath.Join(t.TempDir(), "root.cpio")
	require.NoError(t, os.WriteFile(file, plain.Bytes(), 0o644))
	s, err := Open(file)
	require.NoError(t, err)
	require.ErrorContains(t, s.Compress(), file+" is an archive already")
}

func TestNothing(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, []cpio.Record{cpio.StaticFile("first", "1", 0o444)}, nil))
	require.Len(t, members(t, b.Bytes()), 1)
}

func TestProblems(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte("not an archive"), 0o600))
	_, err := Open(text)
	require.ErrorContains(t, err, text+" is neither")
	_, err = Open(dir + "/absent")
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.Truncate(text, 5<<30))
	_, err = Open(dir)
	require.ErrorContains(t, err, text+" has 5368709120 bytes")
	require.NoError(t, os.Truncate(text, 0))
	require.NoError(t, os.Chtimes(text, time.Time{}, time.Unix(-1, 0)))
	_, err = Open(dir)
	require.ErrorContains(t, err, text+" was last changed before 1970")
	require.NoError(t, os.Remove(text))

	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	require.NoError(t, err)
	defer l.Close()
	_, err = Open(dir)
	require.ErrorContains(t, err, "socket is a socket")
}

// A file that changes while it is read is an error, and no archive that says something else.
func TestShrinking(t *testing.T) {
	dir := files(t)
	s, err := Open(dir)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(dir, "a/f"), 3))
	_, err = io.ReadAll(Reader(nil, s))
	require.ErrorContains(t, err, filepath.Join(dir, "a/f"))
}
