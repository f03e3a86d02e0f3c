package blockfs

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
)

// A countingDisk is a disk in memory.
type countingDisk struct {
	mu            sync.Mutex
	data          []byte
	reads, writes int
	busy          map[int64]int // units that are being written
	overlaps      atomic.Int64  // writes of what was being written
	fail          calls.Errno
}

func newCountingDisk(size int) *countingDisk {
	return &countingDisk{data: make([]byte, size), busy: map[int64]int{}}
}

func (d *countingDisk) ReadAt(p []byte, off int64) calls.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	if d.fail != 0 {
		return d.fail
	}
	copy(p, d.data[off:off+int64(len(p))])
	return 0
}

func (d *countingDisk) WriteAt(p []byte, off int64) calls.Errno {
	d.mark(off, len(p), 1)
	defer d.mark(off, len(p), -1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.fail != 0 {
		return d.fail
	}
	copy(d.data[off:off+int64(len(p))], p)
	return 0
}

func (d *countingDisk) mark(off int64, n, by int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for u := off / unit; u < (off+int64(n)+unit-1)/unit; u++ {
		if d.busy[u] += by; d.busy[u] > 1 {
			d.overlaps.Add(1)
		}
	}
}

func (d *countingDisk) Flush() calls.Errno { return d.fail }
func (d *countingDisk) Size() int64        { return int64(len(d.data)) }
func (d *countingDisk) SectorSize() int    { return unit }
func (d *countingDisk) ReadOnly() bool     { return false }

func (d *countingDisk) counts() (reads, writes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads, d.writes
}

// Goroutines read and write a disk each has a part of, larger than the cache in all; what they read is what they wrote,
// and what was written is on the disk after Flush. Parts end in the middle of pages, so that neighbours share some.
func TestCache(t *testing.T) {
	const workers, each, rounds = 6, 300*unit + 100, 2000
	d := newCountingDisk((workers*each/unit+3)*unit + unit)
	rand.NewChaCha8([32]byte{1}).Read(d.data)
	want := bytes.Clone(d.data)
	c := newCache(d, 0)
	c.limit = 40
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 2))
			from := 50 + w*each
			mine := want[from : from+each]
			for range rounds {
				off := r.IntN(each)
				n := min(each-off, 1+r.IntN(1<<r.IntN(16)))
				switch r.IntN(10) {
				case 0:
					if err := c.Flush(); err != 0 {
						t.Error(err)
					}
					got := make([]byte, n)
					if err := d.ReadAt(got, int64(from+off)); err != 0 || !bytes.Equal(got, mine[off:off+n]) {
						t.Errorf("%d bytes at %d are not what was flushed (%v)", n, from+off, err)
					}
				case 1, 2, 3, 4:
					for i := off; i < off+n; i++ {
						mine[i] = byte(r.Uint32())
					}
					if err := c.WriteAt(mine[off:off+n], int64(from+off)); err != 0 {
						t.Error(err)
					}
				default:
					got := make([]byte, n)
					if err := c.ReadAt(got, int64(from+off)); err != 0 || !bytes.Equal(got, mine[off:off+n]) {
						t.Errorf("%d bytes at %d are not what was written (%v)", n, from+off, err)
					}
				}
			}
		})
	}
	all.Wait()
	require.Zero(t, c.Flush())
	require.True(t, bytes.Equal(want, d.data))
	require.Zero(t, d.overlaps.Load(), "writes of what was being written")
	c.mu.Lock() // the timer may be due
	defer c.mu.Unlock()
	require.Empty(t, c.dirty)
	require.LessOrEqual(t, len(c.all), c.limit+workers*most)
	for _, pg := range c.all {
		require.Zero(t, pg.pins)
	}
}

func TestCacheCounts(t *testing.T) {
	d := newCountingDisk(1 << 20)
	c := newCache(d, 0)
	p := make([]byte, 64)
	for i := range 1000 { // a log in small pieces
		require.Zero(t, c.WriteAt(p, 8192+int64(i*64)))
	}
	reads, writes := d.counts()
	require.Equal(t, 0, writes)
	require.NotZero(t, reads, "of what a piece has a part of")
	require.Zero(t, c.Flush())
	_, writes = d.counts()
	require.Equal(t, 1, writes, "what is next to each other")
	require.Zero(t, c.Flush())
	_, writes = d.counts()
	require.Equal(t, 1, writes, "what is clean")

	before, _ := d.counts()
	for off := int64(512 << 10); off < 1<<20; off += 512 {
		require.Zero(t, c.ReadAt(p, off))
	}
	reads, _ = d.counts()
	require.Equal(t, 1+(128-1+ahead-1)/ahead, reads-before, "a sequential reader")
}

func TestCacheFails(t *testing.T) {
	d := newCountingDisk(1 << 20)
	c := newCache(d, 0)
	p := make([]byte, 4096)
	require.Zero(t, c.WriteAt(p, 0))
	d.fail = calls.EIO
	require.Equal(t, calls.EIO, c.ReadAt(p, 8192))
	require.Equal(t, calls.EIO, c.Flush())
	d.fail = 0
	require.Equal(t, calls.EIO, c.Flush(), "what was lost stays lost")
	require.Equal(t, calls.EIO, c.WriteAt(p, 0))
	require.Zero(t, c.ReadAt(p, 8192))
	for _, off := range []int64{-1, 1<<20 - 4095, 1 << 40} {
		require.Equal(t, calls.EIO, c.ReadAt(p, off))
	}
}

func FuzzEachPiece(f *testing.F) {
	f.Add([]byte{0xff, 0x0f, 0, 0x81})
	f.Fuzz(func(t *testing.T, masks []byte) {
		got := make([]byte, len(masks))
		last := -1
		require.Zero(t, eachPiece(masks, func(from, to int) calls.Errno {
			require.Greater(t, from, last, "pieces that touch")
			for u := from / unit; u < to/unit; u++ {
				got[u/8] |= 1 << (u % 8)
			}
			last = to
			return 0
		}))
		require.True(t, bytes.Equal(masks, got))
	})
}
