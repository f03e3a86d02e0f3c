package speed

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

const large = 16 << 20

// file makes a file in a file system in memory.
func file(b *testing.B, size int) *os.File {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	must(b, err)
	b.Cleanup(func() { f.Close() })
	_, err = f.Write(make([]byte, size))
	must(b, err)
	return f
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}

func BenchmarkFileOpenClose(b *testing.B) {
	name := file(b, 0).Name()
	for b.Loop() {
		f, err := os.Open(name)
		must(b, err)
		f.Close()
	}
}

func BenchmarkFileStat(b *testing.B) {
	name := file(b, 0).Name()
	for b.Loop() {
		_, err := os.Stat(name)
		must(b, err)
	}
}

func BenchmarkFileReadWhole(b *testing.B) {
	name := file(b, 4096).Name()
	for b.Loop() {
		_, err := os.ReadFile(name)
		must(b, err)
	}
}

func BenchmarkFileWriteWhole(b *testing.B) {
	name := file(b, 0).Name()
	data := make([]byte, 4096)
	for b.Loop() {
		must(b, os.WriteFile(name, data, 0o644))
	}
}

func BenchmarkFileCreateRemove(b *testing.B) {
	name := filepath.Join(b.TempDir(), "new")
	for b.Loop() {
		f, err := os.Create(name)
		must(b, err)
		f.Close()
		must(b, os.Remove(name))
	}
}

// at calls do with a buffer and offsets of a large file.
func at(b *testing.B, size int, random bool, do func(f *os.File, p []byte, off int64) (int, error)) {
	f, p := file(b, large), make([]byte, size)
	b.SetBytes(int64(size))
	off := 0
	for b.Loop() {
		_, err := do(f, p, int64(off))
		must(b, err)
		if off = (off + size) % large; random {
			off = rand.IntN(large/size) * size
		}
	}
}

func BenchmarkFileRead16(b *testing.B)    { at(b, 16, false, (*os.File).ReadAt) }
func BenchmarkFileWrite16(b *testing.B)   { at(b, 16, false, (*os.File).WriteAt) }
func BenchmarkFileRead4K(b *testing.B)    { at(b, 4<<10, true, (*os.File).ReadAt) }
func BenchmarkFileWrite4K(b *testing.B)   { at(b, 4<<10, true, (*os.File).WriteAt) }
func BenchmarkFileRead1M(b *testing.B)    { at(b, 1<<20, false, (*os.File).ReadAt) }
func BenchmarkFileWrite1M(b *testing.B)   { at(b, 1<<20, false, (*os.File).WriteAt) }
func BenchmarkPipeRoundTrip(b *testing.B) { roundTrips(b, 1, pipes(b)) }
func BenchmarkPipe64K(b *testing.B)       { throughput(b, 64<<10, pipes(b)) }

// wires are two ends that bytes go between.
type wires struct {
	here, there io.ReadWriter
}

func pipes(b *testing.B) wires {
	b.Helper()
	type end struct {
		io.Reader
		io.Writer
	}
	r1, w1, err := os.Pipe()
	must(b, err)
	r2, w2, err := os.Pipe()
	must(b, err)
	b.Cleanup(func() {
		for _, f := range []*os.File{r1, w1, r2, w2} {
			f.Close()
		}
	})
	return wires{end{r1, w2}, end{r2, w1}}
}

// roundTrips sends size bytes there and back.
func roundTrips(b *testing.B, size int, w wires) {
	go io.Copy(struct{ io.Writer }{w.there}, struct{ io.Reader }{w.there}) // until closed
	p := make([]byte, size)
	for b.Loop() {
		_, err := w.here.Write(p)
		must(b, err)
		_, err = io.ReadFull(w.here, p)
		must(b, err)
	}
}

// throughput sends in one direction, size bytes at a time.
func throughput(b *testing.B, size int, w wires) {
	b.SetBytes(int64(size))
	received := make(chan error)
	n := 0
	go func() {
		p := make([]byte, size)
		for {
			if _, err := io.ReadFull(w.there, p); err != nil || p[0] != 0 {
				received <- err
				return
			}
		}
	}()
	p := make([]byte, size)
	for b.Loop() {
		_, err := w.here.Write(p)
		must(b, err)
		n++
	}
	p[0] = 1 // the last
	_, err := w.here.Write(p)
	must(b, err)
	must(b, <-received)
}
