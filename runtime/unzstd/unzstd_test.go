package unzstd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// encoder returns what makes frames, with checksums.
func encoder(t testing.TB, options ...zstd.EOption) *zstd.Encoder {
	w, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))...)
	require.NoError(t, err)
	return w
}

// compress makes a frame.
func compress(t testing.TB, data []byte, options ...zstd.EOption) []byte {
	return encoder(t, options...).EncodeAll(data, nil)
}

// command returns what the zstd command makes of data: a frame, if the options say nothing else.
func command(t testing.TB, data []byte, options ...string) []byte {
	path, err := exec.LookPath("zstd")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := exec.Command(path, append(options, "-q", "-c", "-T1")...)
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	require.NoError(t, err, "%v", options)
	return out
}

// all reads everything, in pieces of different sizes.
func all(data []byte) ([]byte, Problem) {
	r := New(data)
	var out []byte
	for size := 1; ; size = size*3%81919 + 1 {
		p := make([]byte, size)
		n, problem := r.Read(p)
		out = append(out, p[:n]...)
		if problem != "" || n < len(p) {
			return out, problem
		}
	}
}

func requireSame(t testing.TB, want, compressed []byte, args ...any) {
	got, problem := all(compressed)
	require.Empty(t, problem, args...)
	require.True(t, bytes.Equal(want, got), args...)
}

// samples are data of different kinds; large is how much of each there is.
func samples(large int) map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, large)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	skewed := make([]byte, large)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 20)
	}
	var mixed, words []byte
	for len(mixed) < large {
		from := r.IntN(len(random))
		mixed = append(mixed, bytes.Repeat(random[from:][:min(len(random)-from, 1+r.IntN(300))], 1+r.IntN(40))...)
	}
	for len(words) < large {
		words = fmt.Appendf(words, "%s %d ", []string{"to be", "or not", "that is", "the question", "whether"}[r.IntN(5)], r.IntN(1000)*r.IntN(3))
	}
	return map[string][]byte{
		"zeros": make([]byte, large), "random": random, "skewed": skewed, "mixed": mixed, "words": words[:large],
		"text": []byte(strings.Repeat("to be or not to be, ", large/20)),
	}
}

func TestRead(t *testing.T) {
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression} {
		for _, options := range [][]zstd.EOption{{}, {zstd.WithWindowSize(1 << 10)}, {zstd.WithWindowSize(64 << 10), zstd.WithEncoderCRC(false)}} {
			w := encoder(t, append(options, zstd.WithEncoderLevel(level))...)
			for name, data := range samples(300000) {
				for _, size := range []int{0, 1, 5, 100, 255, 256, 1000, 70000, len(data)} {
					requireSame(t, data[:size], w.EncodeAll(data[:size], nil), name, size, level)
				}
			}
		}
	}
}

// What the zstd command makes at each level, of a stream and of what has a known size.
func TestCommand(t *testing.T) {
	for name, data := range samples(150000) {
		for level := 1; level <= 22; level++ {
			size := len(data) >> (level % 8)
			requireSame(t, data[:size], command(t, data[:size], "--ultra", fmt.Sprint("-", level), fmt.Sprint("--stream-size=", size)), name, level)
		}
		for _, option := range []string{"-1", "--fast=5", "--no-check", "--long=20", "--no-compress-literals", "--zstd=wlog=10", "-12 --zstd=wlog=16",
			"-9 --target-compressed-block-size=2000"} {
			requireSame(t, data, command(t, data, strings.Fields(option)...), name, option)
		}
	}
	requireSame(t, []byte("x"), command(t, []byte("x"), "--ultra", "-22"))
}

// Windows that are wrapped around many times.
func TestLarge(t *testing.T) {
	var data []byte
	for _, more := range samples(3 << 20) {
		data = append(data, more...)
	}
	for _, option := range []string{"-1", "-3", "-9", "--zstd=wlog=18", "--long=27"} {
		requireSame(t, data, command(t, data, option), option)
	}
}

// skip makes a frame that is to be skipped.
func skip(n int) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{0x5a, 0x2a, 0x4d, 0x18}, uint32(n)), make([]byte, n)...)
}

func TestFrames(t *testing.T) {
	one, two := compress(t, []byte("one ")), compress(t, []byte("two"))
	none := compress(t, nil)
	frames := bytes.Join([][]byte{skip(0), one, skip(1000), none, two, skip(3)}, nil)
	require.True(t, Is(frames) && Is(one) && !Is(one[1:]) && !Is(one[:3]))
	r := New(append(bytes.Clone(frames), 0, 0, 0, 0, 0))
	p := make([]byte, 100)
	n, problem := r.Read(p)
	require.Empty(t, problem)
	require.Equal(t, "one two", string(p[:n]))
	require.Equal(t, len(frames), r.Offset())
	n, problem = r.Read(p)
	require.Zero(t, n)
	require.Empty(t, problem)
}

// Frames are passed if they are what is wanted, and else read as others are.
func TestWholes(t *testing.T) {
	single := func(data string) []byte { return compress(t, []byte(data), zstd.WithSingleSegment(true)) }
	head, one, two, none := single("head"), single("one"), single(strings.Repeat("two", 1000)), single("")
	streamed := command(t, []byte("streamed")) // says no size
	const twos = 3000
	for name, c := range map[string]struct {
		frames  [][]byte
		size    uint64
		largest int
		want    int
	}{
		"one":               {[][]byte{one, two}, 3, 100, 1},
		"several":           {[][]byte{one, none, two, head}, 3 + twos, twos, 3},
		"too large":         {[][]byte{one, two}, 3 + twos, twos - 1, 0},
		"end elsewhere":     {[][]byte{one, two}, 3 + 1, twos, 0},
		"too few":           {[][]byte{one}, 4, 100, 0},
		"no size":           {[][]byte{streamed}, 8, 100, 0},
		"to be skipped":     {[][]byte{skip(5), one}, 3, 100, 0},
		"cut":               {[][]byte{one, two[:len(two)-1]}, 3 + twos, twos, 0},
		"impossible block":  {[][]byte{[]byte("\x28\xb5\x2f\xfd\x20\x01\x0f\x00\x00x")}, 1, 100, 0},
		"with a dictionary": {[][]byte{[]byte("\x28\xb5\x2f\xfd\x21\x01\x01\x09\x00\x00x")}, 1, 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(slices.Concat(head, slices.Concat(c.frames...)))
			p := make([]byte, 1)
			r.Read(p)
			require.Nil(t, r.Wholes(c.size, c.largest), "in the middle of a frame")
			p = make([]byte, 3)
			r.Read(p)
			require.Equal(t, "ead", string(p))
			frames := r.Wholes(c.size, c.largest)
			require.Len(t, frames, c.want)
			for i, f := range frames {
				require.Equal(t, c.frames[i], f.In)
				got, problem := new(Reader).Unpack(f)
				require.Empty(t, problem)
				want, _ := all(c.frames[i])
				require.Equal(t, string(want), string(got))
			}
			rest, problem := all(slices.Concat(c.frames[c.want:]...))
			p = make([]byte, len(rest)+1)
			n, same := r.Read(p)
			require.Equal(t, string(rest), string(p[:n]))
			if c.want < len(c.frames) {
				require.Equal(t, problem, same)
			}
		})
	}
}

// A frame that does not have what it says is found out when it is decompressed, and the Reader can be used again.
func TestUnpackDamaged(t *testing.T) {
	good := compress(t, []byte("some words, and some more words"), zstd.WithSingleSegment(true))
	r := new(Reader)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		if frames := New(bad).Wholes(31, 100); frames != nil {
			got, problem := r.Unpack(frames[0])
			if problem == "" { // a bit that means nothing
				require.Equal(t, "some words, and some more words", string(got))
			}
		}
		got, problem := r.Unpack(Whole{In: good, Size: 31})
		require.Empty(t, problem)
		require.Equal(t, "some words, and some more words", string(got))
	}
}

func TestProblems(t *testing.T) {
	const magicNumber = "\x28\xb5\x2f\xfd"
	for data, want := range map[string]Problem{
		"":                                       Short,
		"\x28\xb5":                               Short,
		"\x1f\x8b\x08\x00":                       NotZstd,
		magicNumber:                              Short,
		magicNumber + "\x08\x00\x01\x00\x00":     BadHeader,
		magicNumber + "\x01\x00\x07\x01\x00":     NoDictionary,
		magicNumber + "\x01\x00\x00\x01\x00\x00": "",
		magicNumber + "\x00\x88\x01\x00\x00":     "",
		magicNumber + "\x00\x89\x01\x00\x00":     WindowTooLong,
		magicNumber + "\x00\xff\x01\x00\x00":     WindowTooLong,
		magicNumber + "\xe0\x01\x00\x00\x08\x00\x00\x00\x00\x01\x00\x00": WindowTooLong,
		magicNumber + "\x00\x00\x07\x00\x00":                             BadBlock,
		magicNumber + "\x00\x00\x03\x40\x00x":                            BadBlock,
		magicNumber + "\x20\x02\x0b\x00\x00x":                            BadSize,
		magicNumber + "\x20\x02\x13\x00\x00x":                            "",
		magicNumber + "\x20\x02\x1b\x00\x00x":                            BadBlock,
		magicNumber + "\x20\x02\x01\x00\x00":                             BadSize,
		magicNumber + "\x04\x00\x01\x00\x00\x99\xe9\xd8\x51":             "",
		magicNumber + "\x04\x00\x01\x00\x00\x99\xe9\xd8\x52":             BadSum,
		magicNumber + "\x04\x00\x01\x00\x00\x99\xe9\xd8":                 Short,
		"\x50\x2a\x4d\x18\x02\x00\x00":                                   Short,
		"\x50\x2a\x4d\x18\x02\x00\x00\x00x":                              Short,
	} {
		_, problem := all([]byte(data))
		require.Equal(t, want, problem, "%q", data)
	}
}

// A window that is too long, of a real compressor.
func TestTooLong(t *testing.T) {
	_, problem := all(command(t, make([]byte, 1000), "--long=28", "--ultra"))
	require.Equal(t, WindowTooLong, problem)
}

// A frame's claims take no memory.
func TestMemory(t *testing.T) {
	r := New([]byte("\x28\xb5\x2f\xfd\x00\x88\x02\x00\x10x\x03\x00\x10y"))
	n, problem := r.Read(make([]byte, 1<<20))
	require.Empty(t, problem)
	require.Equal(t, 256<<10, n)
	require.Less(t, len(r.out.buf), 600<<10)
}

// What is cut or changed is found out, or makes no difference to others either.
func TestDamaged(t *testing.T) {
	theirs, ours := decoder(t), make([]byte, 1<<20)
	for name, data := range samples(500) {
		for _, crc := range []bool{true, false} {
			good := compress(t, data, zstd.WithEncoderCRC(crc))
			for n := range good {
				_, problem := all(good[:n])
				require.Equal(t, Short, problem, "%s cut at %d", name, n)
			}
			for i := range good {
				for _, flip := range []byte{1, 0x10, 0x80, 0xff} {
					bad := bytes.Clone(good)
					bad[i] ^= flip
					r := New(bad)
					got, problem := r.Read(ours)
					if problem != "" {
						continue
					}
					want, err := theirs.DecodeAll(bad[:r.Offset()], nil)
					if err != nil { // of some codes it thinks otherwise than zstd
						want = command(t, bad[:r.Offset()], "-d")
					}
					require.True(t, bytes.Equal(want, ours[:got]), "%s byte %d", name, i)
				}
			}
		}
	}
}

func decoder(t testing.TB) *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(64<<20))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// FuzzRead compares with another decoder: where that sees nothing wrong we see the same data.
func FuzzRead(f *testing.F) {
	for _, data := range samples(2000) {
		f.Add(compress(f, data))
		f.Add(compress(f, data[:200], zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false)))
	}
	theirs := decoder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, problem := all(data)
		want, err := theirs.DecodeAll(data, nil)
		if err == nil && problem == "" && !bytes.Equal(ours, want) {
			t.Errorf("%d bytes, not %d", len(ours), len(want))
		}
		if frames := New(data).Wholes(uint64(len(ours)), 1<<20); frames != nil {
			var parts []byte
			for _, f := range frames {
				part, bad := new(Reader).Unpack(f)
				if bad != "" && problem == "" {
					t.Errorf("a frame by itself is said to be damaged: %s", bad)
				}
				parts = append(parts, part...)
			}
			if problem == "" && !bytes.Equal(parts, ours) {
				t.Error("frames by themselves have something else")
			}
		}
		if err == nil && problem != "" && len(data) > 0 {
			t.Errorf("nothing is wrong, but we say %q", problem)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for name, data := range samples(8 << 20) {
		compressed := compress(b, data)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			p := make([]byte, 64<<10)
			for b.Loop() {
				r := New(compressed)
				for n := len(p); n == len(p); {
					n, _ = r.Read(p)
				}
			}
		})
	}
}
