package inflate

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func compress(t testing.TB, level int, parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w, err := gzip.NewWriterLevel(&b, level)
		require.NoError(t, err)
		w.Name, w.Comment, w.Extra = "name", "comment", []byte("extra")
		_, err = w.Write(p)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	return b.Bytes()
}

// all reads everything, in pieces of different sizes.
func all(data []byte) ([]byte, Problem) {
	r := New(data)
	var out []byte
	for size := 1; ; size = size*3%8191 + 1 {
		p := make([]byte, size)
		n, problem := r.Read(p)
		out = append(out, p[:n]...)
		if problem != "" || n < len(p) {
			return out, problem
		}
	}
}

func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 100000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	var mixed []byte
	for len(mixed) < 300000 {
		mixed = append(mixed, bytes.Repeat(random[r.IntN(90000):][:1+r.IntN(300)], 1+r.IntN(40))...)
	}
	return map[string][]byte{
		"empty": nil, "one": {7}, "text": []byte(strings.Repeat("to be or not to be, ", 5000)), "zeros": make([]byte, 1<<20),
		"random": random, "mixed": mixed,
	}
}

func TestRead(t *testing.T) {
	for name, data := range samples() {
		for _, level := range []int{gzip.NoCompression, gzip.BestSpeed, gzip.DefaultCompression, gzip.BestCompression, gzip.HuffmanOnly} {
			got, problem := all(compress(t, level, data))
			require.Empty(t, problem, name)
			require.True(t, bytes.Equal(data, got), "%s %d", name, level)
		}
	}
	got, problem := all(append(compress(t, 6, []byte("one "), nil, []byte("two")), 0, 0, 0))
	require.Empty(t, problem)
	require.Equal(t, "one two", string(got))
}

// What is cut or changed is found out.
func TestProblems(t *testing.T) {
	data := compress(t, 6, []byte(strings.Repeat("to be or not to be, ", 50)))
	for n := range data {
		_, problem := all(data[:n])
		require.NotEmpty(t, problem, n)
	}
	for i := 0; i < len(data)*8; i++ {
		bad := bytes.Clone(data)
		bad[i/8] ^= 1 << (i % 8)
		ours, problem := all(bad)
		theirs, err := gunzip(bad)
		if problem == "" {
			require.NoError(t, err, "bit %d", i)
			require.Equal(t, theirs, ours)
		}
	}
}

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// FuzzRead compares with compress/gzip: where that sees nothing wrong we see the same data.
func FuzzRead(f *testing.F) {
	for _, data := range samples() {
		f.Add(compress(f, 6, data[:min(len(data), 2000)]))
		f.Add(compress(f, gzip.HuffmanOnly, data[:min(len(data), 200)]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, problem := all(data)
		theirs, err := gunzip(data)
		if err == nil && problem == "" && !bytes.Equal(ours, theirs) {
			t.Errorf("%d bytes, not %d", len(ours), len(theirs))
		}
		if err == nil && problem != "" && problem != BadHeader {
			t.Errorf("nothing is wrong, but we say %q", problem)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := compress(b, 6, samples()["mixed"])
	p := make([]byte, 64<<10)
	for b.Loop() {
		r := New(data)
		for {
			n, _ := r.Read(p)
			b.SetBytes(300000)
			if n < len(p) {
				break
			}
		}
	}
}
