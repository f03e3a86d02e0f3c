package files

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/vfs"
)

func cpioOf(t testing.TB, records ...cpio.Record) []byte {
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	require.NoError(t, cpio.WriteRecords(w, records))
	require.NoError(t, cpio.WriteTrailer(w))
	return b.Bytes()
}

// member makes a record with all that an archive says of a file.
func member(name string, mode, ino, links, mtime uint64, contents string) cpio.Record {
	return cpio.StaticRecord([]byte(contents), cpio.Info{Name: name, Mode: mode, Ino: ino, NLink: links, MTime: mtime, UID: 3, GID: 4})
}

func statAt(t testing.TB, path string) (st fdtable.Stat) {
	t.Helper()
	loc, err := vfs.Walk(vfs.Root(), path, 0)
	require.Zero(t, err, path)
	require.Zero(t, loc.Inode.Stat(&st))
	return st
}

func contentsAt(t testing.TB, path string) string {
	t.Helper()
	loc, err := vfs.Walk(vfs.Root(), path, vfs.Follow)
	require.Zero(t, err, path)
	p := make([]byte, 1000)
	n, err := loc.Inode.(vfs.Regular).ReadAt(p, 0)
	require.Zero(t, err)
	return string(p[:n])
}

func TestUnpack(t *testing.T) {
	only(t)
	require.Zero(t, PutFile("/etc/hosts", 0o644, "of the guest"))
	makeDir("/bin", 0o755)
	const dir, file, link = cpio.S_IFDIR, cpio.S_IFREG, cpio.S_IFLNK
	require.Empty(t, unpack(cpioOf(t,
		member(".", dir|0o700, 1, 2, 5, ""),
		member("d", dir|0o2750, 2, 2, 1000, ""),
		member("d/f", file|0o4640, 3, 1, 2000, "hello"),
		member("first", file|0o644, 4, 2, 3000, "contents of the first"),
		member("sub/second", file|0o644, 4, 2, 3000, ""),
		member("a", file|0o600, 5, 2, 3000, ""),
		member("b", file|0o600, 5, 2, 3000, "contents of the last"),
		member("other", file|0o600, 4, 1, 3000, "not another name of the first"),
		member("etc/hosts", file|0o600, 6, 1, 3000, "of the archive"),
		member("bin", link|0o777, 7, 1, 3000, "d"),
		member("fifo", cpio.S_IFIFO|0o622, 8, 1, 3000, ""),
		member("device", cpio.S_IFCHR|0o622, 9, 1, 3000, ""),
		member(".xengo/args", file|0o622, 9, 1, 3000, "x"),
	)))
	st := statAt(t, "/d")
	require.EqualValues(t, dir|0o2750, st.Mode)
	require.Equal(t, fdtable.Timespec{Sec: 1000}, st.Mtime)
	st = statAt(t, "/d/f")
	require.EqualValues(t, file|0o4640, st.Mode)
	require.Equal(t, fdtable.Timespec{Sec: 2000}, st.Mtime)
	require.Equal(t, [2]uint32{3, 4}, [2]uint32{st.UID, st.GID})
	for _, same := range [][2]string{{"/first", "/sub/second"}, {"/a", "/b"}} {
		st := statAt(t, same[0])
		require.Equal(t, st, statAt(t, same[1]))
		require.EqualValues(t, 2, st.Nlink)
		require.Equal(t, fdtable.Timespec{Sec: 3000}, st.Mtime)
	}
	require.Equal(t, "contents of the first", contentsAt(t, "/sub/second"))
	require.Equal(t, "contents of the last", contentsAt(t, "/a"))
	require.Equal(t, "not another name of the first", contentsAt(t, "/other"))
	require.Equal(t, "of the archive", contentsAt(t, "/etc/hosts"))
	require.Equal(t, "hello", contentsAt(t, "/bin/f"))
	require.EqualValues(t, cpio.S_IFIFO|0o622, statAt(t, "/fifo").Mode)
	for _, absent := range []string{"/device", "/.xengo"} {
		_, err := vfs.Walk(vfs.Root(), absent, 0)
		require.Equal(t, calls.ENOENT, err)
	}
}

func TestUnpackProblems(t *testing.T) {
	only(t)
	good := cpioOf(t, member("f", cpio.S_IFREG|0o600, 1, 1, 0, "x"))
	for want, archive := range map[string][]byte{
		"at byte 0":                          []byte(strings.Repeat("not an archive", 20)),
		"ends in the middle of a file, at b": good[:len(good)-10],
		"/f/g, at byte 116: ENOTDIR":         cpioOf(t, member("f", cpio.S_IFREG|0o600, 1, 1, 0, "x"), member("f/g", cpio.S_IFREG|0o600, 2, 1, 0, "x")),
	} {
		require.Contains(t, unpack(archive), want)
	}
}

// compressors are what may have compressed a ramdisk.
var compressors = map[string]func(testing.TB, []byte) []byte{"gzip": gzipped, "zstd": zstdCompressed}

func gzipped(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zstdCompressed(t testing.TB, data []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	return w.EncodeAll(data, nil)
}

// Ramdisks are archives one after the other, of which some are compressed.
func TestUnpackCompressed(t *testing.T) {
	for name, zip := range compressors {
		t.Run(name, func(t *testing.T) { testUnpackCompressed(t, zip) })
	}
}

func testUnpackCompressed(t *testing.T, zip func(testing.TB, []byte) []byte) {
	only(t)
	large := strings.Repeat("0123456789", 20000)
	const file = cpio.S_IFREG
	archives := [][]byte{
		cpioOf(t, member(".xengo/args", file|0o600, 1, 1, 0, "x"), member("plain", file|0o600, 2, 1, 0, "in place")),
		make([]byte, 512),
		zip(t, slices.Concat(cpioOf(t,
			member("d", cpio.S_IFDIR|0o750, 1, 2, 1000, ""),
			member("d/large", file|0o640, 2, 1, 2000, large),
			member("empty", file|0o644, 3, 1, 3000, ""),
			member("a", file|0o600, 5, 2, 3000, ""),
			member("b", file|0o600, 5, 2, 3000, "contents of the last"),
			member("link", cpio.S_IFLNK|0o777, 6, 1, 3000, "d/large"),
			member(".xengo/env", file|0o600, 7, 1, 0, "x"),
			member("plain", file|0o600, 8, 1, 0, "replaced"),
		), make([]byte, 200), cpioOf(t, member("second", file|0o600, 1, 1, 0, "archive")))),
		make([]byte, 7),
		cpioOf(t, member("last", file|0o600, 1, 1, 0, "of all")),
	}
	require.Empty(t, unpack(slices.Concat(archives...)))
	for path, want := range map[string]string{"/plain": "replaced", "/a": "contents of the last", "/link": large[:1000], "/second": "archive", "/last": "of all", "/empty": ""} {
		require.Equal(t, want, contentsAt(t, path), path)
	}
	st := statAt(t, "/d/large")
	require.EqualValues(t, len(large), st.Size)
	require.Equal(t, fdtable.Timespec{Sec: 2000}, st.Mtime)
	require.Equal(t, fdtable.Timespec{Sec: 1000}, statAt(t, "/d").Mtime)
	for _, absent := range []string{"/.xengo"} {
		_, err := vfs.Walk(vfs.Root(), absent, 0)
		require.Equal(t, calls.ENOENT, err)
	}
}

// Frames of zstd's that are to be skipped, as pzstd and others make them, are no archives.
func TestUnpackSkippable(t *testing.T) {
	only(t)
	skipped := []byte("\x53\x2a\x4d\x18\x05\x00\x00\x00words")
	archive := cpioOf(t, member("f", cpio.S_IFREG|0o600, 1, 1, 0, "x"))
	require.Empty(t, unpack(slices.Concat(skipped, zstdCompressed(t, archive), skipped, make([]byte, 5), skipped)))
	require.Equal(t, "x", contentsAt(t, "/f"))
}

// What is cut off or damaged is said with the file and where.
func TestUnpackCompressedProblems(t *testing.T) {
	for name, zip := range compressors {
		t.Run(name, func(t *testing.T) { testUnpackCompressedProblems(t, zip) })
	}
}

func testUnpackCompressedProblems(t *testing.T, zip func(testing.TB, []byte) []byte) {
	fs := only(t)
	fs.SetLimit(1 << 20)
	plain := cpioOf(t, member("f", cpio.S_IFREG|0o600, 1, 1, 0, strings.Repeat("some words ", 100)), member("g", cpio.S_IFREG|0o600, 2, 1, 0, "x"))
	whole := zip(t, plain)
	for n := range whole {
		if n > 1 {
			require.NotEmpty(t, unpack(whole[:n]), n)
		}
	}
	require.Contains(t, unpack(zip(t, plain[:200])), "f: the archive ends in the middle of a file, at byte 200 of the archive")
	require.Contains(t, unpack(whole[:40]), "the compressed data ends too early, at byte 40 of the compressed data")
	require.Contains(t, unpack(zip(t, []byte(strings.Repeat("not an archive", 20)))), "at byte 0 of the archive")
	big := zip(t, cpioOf(t, member("big", cpio.S_IFREG|0o600, 1, 1, 0, strings.Repeat("x", 2<<20))))
	require.Contains(t, unpack(big), "big: ENOSPC, at byte 0 of the archive")
}

// FuzzUnpack looks for ramdisks that are not refused, but worse.
func FuzzUnpack(f *testing.F) {
	plain := cpioOf(f, member("f", cpio.S_IFREG|0o600, 1, 1, 0, "x"), member("l", cpio.S_IFLNK|0o777, 2, 1, 0, "f"))
	f.Add(plain)
	for _, zip := range compressors {
		f.Add(zip(f, plain))
		f.Add(slices.Concat(plain, make([]byte, 8), zip(f, plain)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fs := memfs.New(0o755)
		fs.SetLimit(1 << 20)
		useRoot(fs.Root())
		defer furnished()
		unpack(data)
	})
}
