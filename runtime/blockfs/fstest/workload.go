package fstest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

// A Workload changes a file system in many ways, and notes what it was promised by fsync.
type Workload struct {
	T    *testing.T
	Rand *rand.Rand
	Root vfs.Directory

	promises
	disk    *Disk
	fs      FS
	start   []byte
	log     vfs.Regular
	logged  []byte
	version int
	names   []string
	dirs    []vfs.Directory
}

// NewWorkload mounts the disk for a workload.
func NewWorkload(t *testing.T, d *Disk, mount func(*Disk) FS, rng *rand.Rand) *Workload {
	w := &Workload{T: t, Rand: rng, disk: d, start: d.record(), fs: mount(d)}
	w.Root = w.fs.Root()
	w.dirs = []vfs.Directory{w.Root}
	w.log = Create(t, w.Root, "log", nil)
	return w
}

// Run takes so many steps. more are steps that not all file systems have.
func (w *Workload) Run(steps int, more ...func(n int)) {
	all := append([]func(n int){w.stays, w.stays, w.replaced, w.grows, w.goes, w.filled, w.moved, w.reused, w.emptied}, more...)
	for n := range steps {
		all[w.Rand.IntN(len(all))](n)
		if w.Rand.IntN(20) == 0 {
			OK(w.T, w.fs.Sync()) // as the timer does
		}
	}
	require.Greater(w.T, len(w.promises), steps/4)
}

// some returns up to so many bytes.
func (w *Workload) some(c byte, most int) []byte {
	return bytes.Repeat([]byte{c}, 1+w.Rand.IntN(most))
}

// stays makes a file that stays.
func (w *Workload) stays(n int) {
	name := fmt.Sprintf("a file that stays %d.data", n)
	data := bytes.Repeat([]byte(fmt.Sprintf("%06d,", n)), 1+w.Rand.IntN(3000))
	OK(w.T, Create(w.T, w.Root, name, data).Sync())
	w.promise(promise{name: name, data: data})
	w.names = append(w.names, name)
}

// replaced has a file take another's place.
func (w *Workload) replaced(int) {
	w.version++
	OK(w.T, Create(w.T, w.Root, "config.new", config(w.version)).Sync())
	OK(w.T, w.Root.Rename("config.new", w.Root, "config", 0))
	if w.Rand.IntN(2) == 0 {
		w.syncRoot()
		w.promise(promise{name: "config", version: w.version})
	}
}

// syncRoot is fsync of the root directory.
func (w *Workload) syncRoot() { OK(w.T, w.Root.(interface{ Sync() calls.Errno }).Sync()) }

// grows appends to a file.
func (w *Workload) grows(n int) {
	data := w.some(byte('a'+n%26), 5000)
	_, _, err := w.log.WriteAt(data, vfs.AtEnd)
	OK(w.T, err)
	w.logged = append(w.logged, data...)
	if w.Rand.IntN(2) == 0 {
		OK(w.T, w.log.Sync())
		w.promise(promise{name: "log", data: bytes.Clone(w.logged)})
	}
}

// goes removes a file.
func (w *Workload) goes(int) {
	if len(w.names) <= 3 {
		return
	}
	name := w.names[0]
	w.names = w.names[1:]
	w.promise(promise{name: name, going: true})
	OK(w.T, w.Root.Remove(name, false))
	if w.Rand.IntN(2) == 0 {
		w.syncRoot()
		w.promise(promise{name: name, gone: true})
	}
}

// filled makes a directory with files, and may move it.
func (w *Workload) filled(n int) {
	sub := Mkdir(w.T, w.dirs[w.Rand.IntN(len(w.dirs))], fmt.Sprintf("directory %d", n))
	for i := range w.Rand.IntN(50) {
		Create(w.T, sub, fmt.Sprintf("some file %d", i), w.some('x', 5000))
	}
	if w.Rand.IntN(2) == 0 {
		up, name := sub.Parent()
		OK(w.T, up.Rename(name, w.Root, fmt.Sprintf("moved %d", n), 0))
	}
	w.dirs = append(w.dirs, sub)
}

// moved moves a file, which is cut and grows again.
func (w *Workload) moved(n int) {
	f := Create(w.T, w.Root, "goes", w.some('g', 20000))
	OK(w.T, w.Root.Rename("goes", w.dirs[w.Rand.IntN(len(w.dirs))], fmt.Sprintf("came %d", n), 0))
	OK(w.T, f.SetAttr(&vfs.SetAttr{Set: vfs.AttrSize, Size: int64(w.Rand.IntN(20000))}))
	_, _, err := f.WriteAt(w.some('h', 9000), vfs.AtEnd)
	OK(w.T, err)
}

// reused removes a file while it is open, so that others get what it had.
func (w *Workload) reused(int) {
	f := Create(w.T, w.Root, "temporary", w.some('t', 200000))
	f.Opened()
	OK(w.T, w.Root.Remove("temporary", false))
	_, _, err := f.WriteAt([]byte("open still"), 100)
	OK(w.T, err)
	f.Closed()
}

// emptied removes a directory with all files in it.
func (w *Workload) emptied(n int) {
	if len(w.dirs) <= 3 {
		return
	}
	sub := w.dirs[len(w.dirs)-1]
	w.dirs = w.dirs[:len(w.dirs)-1]
	for _, name := range List(w.T, sub) {
		if err := sub.Remove(name, false); err == calls.EISDIR {
			OK(w.T, sub.Rename(name, w.Root, fmt.Sprintf("saved %d %s", n, name), 0))
		} else {
			OK(w.T, err)
		}
	}
	up, name := sub.Parent()
	OK(w.T, up.Remove(name, true))
}

// promise notes what holds from now on.
func (w *Workload) promise(p promise) {
	p.point = len(w.disk.recorded())
	w.promises = append(w.promises, p)
}

// Cut shows what so many power cuts may leave, at any point of what was done: it can be mounted and used, all that was
// promised is there, and fsck finds nothing wrong afterwards.
func (w *Workload) Cut(cuts int, mount func(n int, d *Disk) FS, fsck func(*Disk)) {
	log := w.disk.recorded() // what goes on behind it goes on without it
	for n := range cuts {
		rng := rand.New(rand.NewPCG(uint64(n), 11))
		point := 1 + rng.IntN(len(log))
		cut := after(w.start, log[:point], rng)
		fs := mount(n, cut)
		w.promises.check(w.T, fs.Root(), point)
		Create(w.T, fs.Root(), "afterwards", []byte("all is well"))
		OK(w.T, fs.Unmount())
		fsck(cut)
	}
}
