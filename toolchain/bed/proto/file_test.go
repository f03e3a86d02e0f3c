package proto

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestFile(t *testing.T) {
	page, zeros := bytes.Repeat([]byte("x"), filePage), make([]byte, filePage)
	for name, want := range map[string][]byte{
		"empty":          {},
		"short":          []byte("abc"),
		"zeros":          make([]byte, 3*filePart+5),
		"hole at first":  append(make([]byte, 2*filePart), 'x'),
		"hole at last":   append([]byte("x"), make([]byte, 2*filePart)...),
		"pages":          bytes.Join([][]byte{page, zeros, page, page, zeros, zeros, page[:7]}, nil),
		"part":           bytes.Repeat(page, filePart/filePage),
		"parts and more": bytes.Repeat([]byte("0123456"), filePart),
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, WriteFile(&b, iotest.HalfReader(bytes.NewReader(want))))
			whole := bytes.Clone(b.Bytes())
			b.WriteString("rest")
			var got Contents
			size, err := ReadFile(&b, &got)
			require.NoError(t, err)
			require.EqualValues(t, len(want), size)
			require.True(t, bytes.Equal(want, got))
			require.Equal(t, "rest", b.String())
			for _, cut := range []int{0, 1, len(whole) - 12, len(whole) - 1} {
				_, err := ReadFile(bytes.NewReader(whole[:cut]), new(Contents))
				require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes of %d", cut, len(whole))
			}
		})
	}
}

// TestFileHoles has a file that is too large for any disk but for its holes.
func TestFileHoles(t *testing.T) {
	dir := t.TempDir()
	from, err := os.Create(filepath.Join(dir, "from"))
	require.NoError(t, err)
	defer from.Close()
	const size, at = 8 << 40, 3<<40 + 12345
	if err := from.Truncate(size); err != nil {
		t.Skip(err) // a file system for small files
	}
	first := noise(1, 300_001) // in parts that end anywhere
	for at, p := range map[int64][]byte{0: first, at: []byte("here")} {
		_, err = from.WriteAt(p, at)
		require.NoError(t, err)
	}

	var b bytes.Buffer
	require.NoError(t, WriteFile(&b, from))
	require.Less(t, b.Len(), len(first)+2*filePage+100*placeSize)
	to, err := os.Create(filepath.Join(dir, "to"))
	require.NoError(t, err)
	defer to.Close()
	got, err := ReadFile(&b, to)
	require.NoError(t, err)
	require.EqualValues(t, size, got)
	var p [6]byte
	_, err = to.ReadAt(p[:], at-1)
	require.NoError(t, err)
	require.Equal(t, "\x00here\x00", string(p[:]))
	var st unix.Stat_t
	require.NoError(t, unix.Fstat(int(to.Fd()), &st))
	require.EqualValues(t, size, st.Size)
	require.Less(t, st.Blocks*512, int64(1<<20))
}

func TestWriteFileError(t *testing.T) {
	require.ErrorIs(t, WriteFile(io.Discard, iotest.ErrReader(iotest.ErrTimeout)), iotest.ErrTimeout)
}

func FuzzReadFile(f *testing.F) {
	for _, contents := range []string{"", "abc", string(make([]byte, filePart)) + "x"} {
		var b bytes.Buffer
		require.NoError(f, WriteFile(&b, bytes.NewReader([]byte(contents))))
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		bounded := &bound{most: 1 << 20}
		size, err := ReadFile(bytes.NewReader(encoded), bounded)
		if err != nil {
			return
		}
		require.EqualValues(t, len(bounded.Contents), size)
		var b bytes.Buffer
		require.NoError(t, WriteFile(&b, bytes.NewReader(bounded.Contents)))
		again := new(Contents)
		_, err = ReadFile(&b, again)
		require.NoError(t, err)
		require.True(t, bytes.Equal(bounded.Contents, *again))
	})
}

// bound is a File that is full at some size.
type bound struct {
	Contents
	most int64
}

func (b *bound) Truncate(size int64) error {
	if size > b.most {
		return unix.ENOSPC
	}
	return b.Contents.Truncate(size)
}

func (b *bound) WriteAt(p []byte, at int64) (int, error) {
	if at > b.most-int64(len(p)) {
		return 0, unix.ENOSPC
	}
	return b.Contents.WriteAt(p, at)
}
