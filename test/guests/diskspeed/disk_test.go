package diskspeed

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"unsafe"
)

const (
	disk  = "/dev/xvda"
	page  = 4096
	large = 1 << 20
	depth = 32 // requests at once
)

// open opens the raw disk past the cache that Linux has for it, and returns how
// long it is.
func open(b *testing.B) (*os.File, int64) {
	b.Helper()
	f, err := os.OpenFile(disk, os.O_RDWR|syscall.O_DIRECT, 0)
	must(b, err)
	b.Cleanup(func() { must(b, f.Close()) })
	size, err := f.Seek(0, 2)
	must(b, err)
	return f, size
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}

// aligned returns a buffer as O_DIRECT wants it.
func aligned(size int) []byte {
	p := make([]byte, size+page)
	skip := -uintptr(unsafe.Pointer(&p[0])) % page
	return p[skip:][:size]
}

// sequence moves all of a file of some size, 1 MiB after the other.
func sequence(b *testing.B, size int64, do func(p []byte, off int64) (int, error)) {
	p := aligned(large)
	b.SetBytes(large)
	off := int64(0)
	for b.Loop() {
		_, err := do(p, off)
		must(b, err)
		if off += large; off+large > size {
			off = 0
		}
	}
}

// random moves pages of a file, one at a time or many.
func random(b *testing.B, size int64, do func(p []byte, off int64) (int, error)) {
	b.Run("depth=1", func(b *testing.B) {
		p := aligned(page)
		b.SetBytes(page)
		for b.Loop() {
			_, err := do(p, rand.Int64N(size/page)*page)
			must(b, err)
		}
	})
	b.Run("depth=32", func(b *testing.B) {
		b.SetBytes(page)
		b.SetParallelism(depth)
		b.RunParallel(func(next *testing.PB) {
			p := aligned(page)
			for next.Next() {
				if _, err := do(p, rand.Int64N(size/page)*page); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkRawReadSequential(b *testing.B) {
	f, size := open(b)
	sequence(b, size, f.ReadAt)
}

func BenchmarkRawWriteSequential(b *testing.B) {
	f, size := open(b)
	sequence(b, size, f.WriteAt)
}

func BenchmarkRawRead(b *testing.B) {
	f, size := open(b)
	random(b, size, f.ReadAt)
}

func BenchmarkRawWrite(b *testing.B) {
	f, size := open(b)
	random(b, size, f.WriteAt)
}

func BenchmarkRawSync(b *testing.B) {
	f, size := open(b)
	p := aligned(page)
	for b.Loop() {
		_, err := f.WriteAt(p, rand.Int64N(size/page)*page)
		must(b, err)
		must(b, f.Sync())
	}
}
