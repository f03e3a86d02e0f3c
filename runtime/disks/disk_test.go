package disks

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"internal/xengo/drivers/blkfront"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
)

// memory is a Device in memory, which takes whole sectors only, and slowly.
type memory struct {
	name     string
	minor    uint32
	sector   int
	readOnly bool
	discards int // granularity

	mu      sync.Mutex
	data    []byte
	flushes int
	err     error // of all that is asked for
}

func newMemory(size, sector int) *memory {
	return &memory{name: "xvda", sector: sector, data: make([]byte, size)}
}

func (m *memory) Node() (string, uint32)  { return m.name, m.minor }
func (m *memory) Size() int64             { return int64(len(m.data)) }
func (m *memory) SectorSize() int         { return m.sector }
func (m *memory) PhysicalSectorSize() int { return 4096 }
func (m *memory) ReadOnly() bool          { return m.readOnly }
func (m *memory) Removable() bool         { return false }
func (m *memory) DiscardGranularity() int { return m.discards }

func (m *memory) ReadAt(p []byte, off int64) error {
	m.mu.Lock()
	copy(p, m.data[off:])
	m.mu.Unlock()
	kernel.Yield() // so that others come between reading and writing
	return m.err
}

func (m *memory) WriteAt(p []byte, off int64) error {
	if (off|int64(len(p)))&int64(m.sector-1) != 0 || off+int64(len(p)) > m.Size() {
		return blkfront.ErrRange
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		copy(m.data[off:], p)
	}
	return m.err
}

func (m *memory) Flush() error {
	m.flushes++
	return m.err
}

func (m *memory) Discard(off, n int64) error {
	for i := range m.data[off:][:n] {
		m.data[off:][i] = 0xDC
	}
	return m.err
}

// openFile opens a device that is not in the tree.
func openFile(t testing.TB, d *disk, flags uint32) *file {
	t.Helper()
	f, err := d.open(vfs.Location{}, flags)
	require.Zero(t, err)
	f.(*file).SetFlags(flags)
	t.Cleanup(func() { f.Release() })
	return f.(*file)
}

// Many write to parts of the same sectors at once, and nothing of it is lost.
func TestSharedSectors(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		m := newMemory(1<<16, sector)
		d := &disk{Device: m}
		want := make([]byte, len(m.data))
		const users = 16
		var wg sync.WaitGroup
		for i := range users {
			wg.Go(func() {
				f := openFile(t, d, fdtable.O_RDWR)
				rnd := rand.New(rand.NewPCG(1, uint64(i)))
				first := i*(len(want)/users-1) + i/2 // not where sectors begin
				mine := want[first : first+len(want)/users-1]
				for range 200 {
					off := rnd.IntN(len(mine))
					p := mine[off:][:1+rnd.IntN(len(mine)-off)]
					for j := range p {
						p[j] = byte(rnd.Uint32())
					}
					n, err := f.PWrite(p, int64(first+off))
					assert.Equal(t, len(p), n)
					assert.Zero(t, err)
				}
			})
		}
		wg.Wait()
		assert.True(t, bytes.Equal(m.data, want), "sectors of %d", sector)
	}
}

// FuzzWrites: bytes are written where they were meant to be, whatever the sectors are.
func FuzzWrites(f *testing.F) {
	f.Add([]byte{0, 1, 2, 255, 3, 200}, true)
	f.Fuzz(func(t *testing.T, ops []byte, large bool) {
		m := newMemory(1<<15, 512)
		if large {
			m.sector = 4096
		}
		file := openFile(t, &disk{Device: m}, fdtable.O_RDWR)
		want := make([]byte, len(m.data))
		for i := 0; i+3 <= len(ops); i += 3 {
			off := int64(ops[i])<<7 + int64(ops[i+1])
			p := bytes.Repeat([]byte{byte(i + 1)}, int(ops[i+2])<<5+int(ops[i])&31)
			n, err := file.PWrite(p, off)
			if room := max(0, len(want)-int(off)); n != min(len(p), room) || (err != 0) != (room == 0 && len(p) > 0) {
				t.Fatalf("%d bytes at %d: %d, %v", len(p), off, n, err)
			}
			copy(want[min(int(off), len(want)):], p)
		}
		got := make([]byte, len(want)+1)
		if n, err := file.PRead(got, 0); n != len(want) || err != 0 || !bytes.Equal(got[:n], want) {
			t.Errorf("%d, %v, or other data", n, err)
		}
	})
}

func TestPosition(t *testing.T) {
	m := newMemory(4096, 512)
	f := openFile(t, &disk{Device: m}, fdtable.O_RDWR)
	for _, tt := range []struct {
		offset int64
		whence int
		pos    int64
		err    calls.Errno
	}{
		{100, io.SeekStart, 100, 0}, {-50, io.SeekCurrent, 50, 0}, {-51, io.SeekCurrent, 0, calls.EINVAL}, {0, io.SeekEnd, 4096, 0},
		{1, io.SeekEnd, 0, calls.EINVAL}, {4097, io.SeekStart, 0, calls.EINVAL}, {0, io.SeekCurrent, 4096, 0},
		{10, vfs.SeekData, 10, 0}, {10, vfs.SeekHole, 4096, 0}, {4096, vfs.SeekData, 0, calls.ENXIO}, {0, 5, 0, calls.EINVAL}, {4090, io.SeekStart, 4090, 0},
	} {
		pos, err := f.Lseek(tt.offset, tt.whence)
		assert.Equal(t, tt.err, err, "%+v", tt)
		assert.Equal(t, tt.pos, pos, "%+v", tt)
	}
	n, err := f.Write([]byte("0123456789"))
	assert.Equal(t, 6, n)
	assert.Zero(t, err)
	n, err = f.Write([]byte("6789"))
	assert.Zero(t, n)
	assert.Equal(t, calls.ENOSPC, err)
	n, err = f.Read(make([]byte, 9))
	assert.Zero(t, n)
	assert.Zero(t, err)
	f.Lseek(4094, io.SeekStart)
	p := make([]byte, 9)
	n, err = f.Read(p)
	assert.Equal(t, "45", string(p[:n]))
	assert.Zero(t, err)
}

func TestFlags(t *testing.T) {
	m := newMemory(1<<16, 1024)
	d := &disk{Device: m}
	raw := make([]byte, 3*4096)
	p := raw[-uintptr(unsafe.Pointer(&raw[0]))&4095:][:8192]
	direct := openFile(t, d, fdtable.O_RDWR|fdtable.O_DIRECT)
	for _, tt := range []struct {
		p   []byte
		off int64
		err calls.Errno
	}{
		{p, 0, 0}, {p[:1024], 1024, 0}, {p[:0], 0, 0}, {p[512:1536], 0, 0}, {p[:512], 0, calls.EINVAL}, {p[:1024], 512, calls.EINVAL}, {p[8:1032], 0, calls.EINVAL},
	} {
		_, err := direct.PRead(tt.p, tt.off)
		assert.Equal(t, tt.err, err, "read of %d at %d", len(tt.p), tt.off)
		_, err = direct.PWrite(tt.p, tt.off)
		assert.Equal(t, tt.err, err, "write of %d at %d", len(tt.p), tt.off)
	}
	assert.Zero(t, m.flushes)
	for i, flags := range []uint32{fdtable.O_SYNC, fdtable.O_DSYNC} {
		n, err := openFile(t, d, fdtable.O_RDWR|flags).PWrite([]byte("x"), 0)
		assert.Equal(t, 1, n)
		assert.Zero(t, err)
		assert.Equal(t, i+1, m.flushes)
	}
	_, err := openFile(t, d, fdtable.O_WRONLY|fdtable.O_APPEND).PWrite([]byte("x"), 0)
	assert.Equal(t, calls.ENOSPC, err)

	claim := openFile(t, d, fdtable.O_RDWR|fdtable.O_EXCL)
	_, err = d.open(vfs.Location{}, fdtable.O_EXCL)
	assert.Equal(t, calls.EBUSY, err)
	openFile(t, d, fdtable.O_RDWR)
	claim.Release()
	openFile(t, d, fdtable.O_RDONLY|fdtable.O_EXCL)
}

func TestReadOnlyAndErrors(t *testing.T) {
	m := newMemory(4096, 512)
	m.readOnly = true
	f := openFile(t, &disk{Device: m}, fdtable.O_RDWR)
	_, err := f.PWrite([]byte("x"), 0)
	assert.Equal(t, calls.EPERM, err)
	m.readOnly = false
	for from, to := range map[error]calls.Errno{
		blkfront.ErrIO: calls.EIO, blkfront.ErrClosed: calls.EIO, blkfront.ErrRange: calls.EIO, blkfront.ErrUnsupported: calls.EOPNOTSUPP,
		blkfront.ErrReadOnly: calls.EPERM, errors.New("something"): calls.EIO,
	} {
		m.err = from
		_, err = f.PWrite(make([]byte, 512), 0)
		assert.Equal(t, to, err)
		_, err = f.PWrite([]byte("x"), 0)
		assert.Equal(t, to, err)
		_, err = f.PRead(make([]byte, 1), 0)
		assert.Equal(t, to, err)
		assert.Equal(t, to, f.Sync())
	}
}

// request makes an ioctl whose answer is a T.
func request[T any](f *file, nr uintptr) (T, calls.Errno) {
	v := new(T)
	_, err := f.Ioctl(nr, uintptr(unsafe.Pointer(v)))
	return *v, err
}

func TestIoctl(t *testing.T) {
	m := newMemory(1<<16, 1024)
	f := openFile(t, &disk{Device: m}, fdtable.O_RDWR)
	for nr, want := range map[uintptr]uint32{
		blkSSZGet: 1024, blkPBSZGet: 4096, blkIOMin: 4096, blkBSZGet: 4096, blkROGet: 0, blkIOOpt: 0, blkAlignOff: 0, blkDiscardZeros: 0,
	} {
		got, err := request[uint32](f, nr)
		assert.Equal(t, want, got, "%#x", nr)
		assert.Zero(t, err)
	}
	for nr, want := range map[uintptr]uint64{blkGetSize64: 1 << 16, blkGetSize: 128} {
		got, err := request[uint64](f, nr)
		assert.Equal(t, want, got, "%#x", nr)
		assert.Zero(t, err)
	}
	_, err := f.Ioctl(blkFlsBuf, 0)
	assert.Zero(t, err)
	assert.Equal(t, 1, m.flushes)
	_, err = f.Ioctl(blkGetSize64, 8)
	assert.Equal(t, calls.EFAULT, err)
	_, err = f.Ioctl(0x5401, 0)
	assert.Equal(t, calls.ENOTTY, err)

	discard := func(f *file, off, n uint64) calls.Errno {
		_, err := f.Ioctl(blkDiscard, uintptr(unsafe.Pointer(&[2]uint64{off, n})))
		return err
	}
	assert.Equal(t, calls.EOPNOTSUPP, discard(f, 0, 1024))
	m.discards = 1024
	assert.Zero(t, discard(f, 1024, 2048))
	assert.Equal(t, bytes.Repeat([]byte{0xDC}, 2048), m.data[1024:3072])
	assert.Equal(t, calls.EINVAL, discard(f, 512, 1024))
	assert.Equal(t, calls.EINVAL, discard(f, 0, 1<<16+1024))
	assert.Equal(t, calls.EINVAL, discard(f, 1<<63, 1<<63))
	assert.Equal(t, calls.EBADF, discard(openFile(t, f.disk, fdtable.O_RDONLY), 0, 1024))
}

// read returns a file of the tree.
func read(t *testing.T, path string) string {
	t.Helper()
	d, err := vfs.Open(vfs.Root(), path, fdtable.O_RDONLY, 0)
	require.Zero(t, err, path)
	p := make([]byte, 4096)
	n, err := d.Read(p)
	require.Zero(t, err)
	d.Release()
	return string(p[:n])
}

// heard is a vfs.Watcher.
type heard struct{ events []string }

func (h *heard) Happened(_ vfs.Inode, event, _ uint32, name string) {
	h.events = append(h.events, map[uint32]string{vfs.InCreate: "+", vfs.InDelete: "-"}[event]+name)
}

func TestTree(t *testing.T) {
	dev, err := vfs.Walk(vfs.Root(), "/dev", vfs.Follow)
	require.Zero(t, err)
	h := new(heard)
	vfs.Watch(dev.Inode, h)
	defer func() {
		vfs.Unwatch(dev.Inode, h)
		assert.Equal(t, []string{"+xvdb", "+xvda", "+xvdaa", "-xvdaa", "-xvda", "+xvda", "-xvda", "-xvdb"}, h.events)
	}()
	var lines []string
	s := &set{print: func(line string) { lines = append(lines, line) }}
	b, a := newMemory(1<<20, 512), newMemory(1<<16, 4096)
	b.name, b.minor = "xvdb", 16
	s.add(b)
	s.add(a)
	loc, err := vfs.Walk(vfs.Root(), "/dev/xvdb", 0)
	require.Zero(t, err)
	var st fdtable.Stat
	require.Zero(t, loc.Inode.Stat(&st))
	assert.Equal(t, uint32(mode), st.Mode)
	assert.Equal(t, files.MakeDev(202, 16), st.Rdev)
	assert.Equal(t, "major minor  #blocks  name\n\n 202        0         64 xvda\n 202       16       1024 xvdb\n", string(s.partitions()))
	assert.Equal(t, "2048\n", read(t, "/sys/block/xvdb/size"))
	assert.Equal(t, "202:16\n", read(t, "/sys/block/xvdb/dev"))
	assert.Equal(t, "4096\n", read(t, "/sys/block/xvda/queue/logical_block_size"))

	huge := &memory{name: "xvdaa", minor: 1<<28 - 1, sector: 512, data: make([]byte, 1)}
	s.add(huge)
	assert.Contains(t, string(s.partitions()), "\n 202  268435455          0 xvdaa\n")
	s.remove(huge)

	again := newMemory(4096, 512) // another disk of that number
	again.name = "xvda2"
	s.add(again)
	assert.Equal(t, []string{"xengo: /dev/xvda2: " + calls.EBUSY.Error()}, lines)

	s.remove(a)
	s.remove(again)
	for _, path := range []string{"/dev/xvda", "/sys/block/xvda"} {
		_, err = vfs.Walk(vfs.Root(), path, 0)
		assert.Equal(t, calls.ENOENT, err)
	}
	s.add(a)
	assert.Equal(t, "128\n", read(t, "/sys/block/xvda/size"))
	s.remove(a)
	s.remove(b)
	assert.Equal(t, "major minor  #blocks  name\n\n", string(s.partitions()))
}

// A name that is looked for before it is there is waited for.
func TestLateNames(t *testing.T) {
	s := &set{print: func(string) {}}
	m := newMemory(4096, 512)
	var asked []string
	files.AwaitDevices(func(name string) {
		asked = append(asked, name)
		if name == m.name && len(s.disks) == 0 {
			s.add(m)
		}
	})
	defer files.AwaitDevices(nil)
	_, err := vfs.Walk(vfs.Root(), "/dev/nothing", 0)
	assert.Equal(t, calls.ENOENT, err)
	_, err = vfs.Walk(vfs.Root(), "/dev/null", 0)
	assert.Zero(t, err)
	d, err := vfs.Open(vfs.Root(), "/dev/xvda", fdtable.O_RDWR, 0)
	require.Zero(t, err)
	d.Release()
	assert.Equal(t, []string{"nothing", "xvda"}, asked)
	s.remove(m)
}
