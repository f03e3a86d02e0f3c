// Package fstest is what the tests of file systems on disks have in common: a disk in memory that shows what a power cut may
// leave, random calls whose answers are compared with those of a file system in memory, and the programs that make and check
// file systems.
package fstest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"

	"internal/xengo/runtime/calls"
)

const sector = 512

// A Disk is a disk in memory. Accesses beyond its end panic.
type Disk struct {
	Data    []byte
	Sealed  bool // nothing can be written
	Failing bool // all is EIO

	mu        sync.Mutex
	recording bool
	log       []written
}

// written is a write, or a flush if p is nil.
type written struct {
	p   []byte
	off int64
}

// Clone returns another disk with the same on it.
func (d *Disk) Clone() *Disk { return &Disk{Data: bytes.Clone(d.Data)} }

func (d *Disk) Size() int64     { return int64(len(d.Data)) }
func (d *Disk) SectorSize() int { return sector }
func (d *Disk) ReadOnly() bool  { return d.Sealed }

func (d *Disk) ReadAt(p []byte, off int64) calls.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.check(p, off)
	if d.Failing {
		return calls.EIO
	}
	copy(p, d.Data[off:])
	return 0
}

func (d *Disk) WriteAt(p []byte, off int64) calls.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.check(p, off)
	if d.Failing || d.Sealed {
		return calls.EIO
	}
	copy(d.Data[off:], p)
	if d.recording {
		d.log = append(d.log, written{bytes.Clone(p), off})
	}
	return 0
}

func (d *Disk) check(p []byte, off int64) {
	if off < 0 || off+int64(len(p)) > d.Size() {
		panic(fmt.Sprintf("%d bytes at %d of %d", len(p), off, d.Size()))
	}
}

func (d *Disk) Flush() calls.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Failing {
		return calls.EIO
	}
	if d.recording {
		d.log = append(d.log, written{})
	}
	return 0
}

// record begins a log of what is written and flushed, and returns the disk as it is.
func (d *Disk) record() (start []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recording = true
	return bytes.Clone(d.Data)
}

// recorded is the log up to now.
func (d *Disk) recorded() []written {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log
}

// after returns a disk as a power cut at the end of a log may leave it: what was flushed is there, of what was written since,
// any sectors may be.
func after(start []byte, log []written, rng *rand.Rand) *Disk {
	data := bytes.Clone(start)
	flushed := 0
	for i, w := range log {
		if w.p == nil {
			flushed = i
		}
	}
	chance := []int{0, 1, 5, 9, 10}[rng.IntN(5)] // of ten
	for i, w := range log {
		whole := rng.IntN(2) == 0
		keep := i < flushed || rng.IntN(10) < chance
		for at := int64(0); at < int64(len(w.p)); {
			next := min(int64(len(w.p)), (w.off+at)/sector*sector+sector-w.off)
			if i >= flushed && !whole {
				keep = rng.IntN(10) < chance
			}
			if keep {
				copy(data[w.off+at:], w.p[at:next])
			}
			at = next
		}
	}
	return &Disk{Data: data}
}
