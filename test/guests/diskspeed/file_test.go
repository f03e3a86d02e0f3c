package diskspeed

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
)

// fileSize is more than a log or a small database has, and less than the disk.
const fileSize = 16 << 20

// file makes a file below /data whose contents are on the disk.
func file(b *testing.B) *os.File {
	b.Helper()
	f, err := os.Create("/data/file")
	must(b, err)
	b.Cleanup(func() {
		must(b, f.Close())
		must(b, os.Remove(f.Name()))
	})
	for off := int64(0); off < fileSize; off += large {
		_, err := f.WriteAt(make([]byte, large), off)
		must(b, err)
	}
	must(b, f.Sync())
	return f
}

func BenchmarkFileReadSequential(b *testing.B) { sequence(b, fileSize, file(b).ReadAt) }
func BenchmarkFileRead(b *testing.B)           { random(b, fileSize, file(b).ReadAt) }

// What writes to files cost until they are durable: a sync for every 16 MiB.
func BenchmarkFileWriteSequential(b *testing.B) { sequence(b, fileSize, synced(file(b))) }
func BenchmarkFileWrite(b *testing.B)           { random(b, fileSize, synced(file(b))) }

// synced returns a WriteAt that syncs what it has written each time that it is as much as the file has.
func synced(f *os.File) func(p []byte, off int64) (int, error) {
	var written atomic.Int64
	return func(p []byte, off int64) (int, error) {
		n, err := f.WriteAt(p, off)
		if now := written.Add(int64(n)); err == nil && now%fileSize == 0 {
			err = f.Sync()
		}
		return n, err
	}
}

// What a commit of a database costs that overwrites a page in place.
func BenchmarkFileWriteSync(b *testing.B) {
	f, p := file(b), make([]byte, page)
	for b.Loop() {
		_, err := f.WriteAt(p, rand.Int64N(fileSize/page)*page)
		must(b, err)
		must(b, f.Sync())
	}
}

// What a commit of a log costs, which appends to a file.
func BenchmarkFileAppendSync(b *testing.B) {
	f, p := file(b), make([]byte, 100)
	must(b, f.Truncate(0))
	off := int64(0)
	for b.Loop() {
		_, err := f.WriteAt(p, off)
		must(b, err)
		must(b, f.Sync())
		off += int64(len(p))
	}
}

func BenchmarkFileCreateRemove(b *testing.B) {
	i := 0
	for b.Loop() {
		name := fmt.Sprint("/data/new", i%100)
		f, err := os.Create(name)
		must(b, err)
		must(b, f.Close())
		must(b, os.Remove(name))
		i++
	}
}
