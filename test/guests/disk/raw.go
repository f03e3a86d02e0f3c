package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"example.com/guests/verdict"
)

// Requests of ioctl(2), from linux/fs.h.
const (
	blkROGet     = 0x125e
	blkGetSize   = 0x1260
	blkFlsBuf    = 0x1261
	blkSSZGet    = 0x1268
	blkPBSZGet   = 0x127b
	blkDiscard   = 0x1277
	blkGetSize64 = 0x80081272
)

// ioctl makes a request whose argument is v.
func ioctl[T any](f *os.File, request uintptr, v *T) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(v))); errno != 0 {
		return errno
	}
	return nil
}

// A disk is what properties are of.
type disk struct {
	name string
	size int64
}

// raw are the properties of a disk that can be written to.
func raw(name string, size int64) []verdict.Property {
	d := disk{name, size}
	return []verdict.Property{
		{Name: "node", Check: d.node},
		{Name: "sizes", Check: d.sizes},
		{Name: "kernel-tables", Check: d.tables},
		{Name: "has-pattern", Check: func() error { return check(name, 1, size) }},
		{Name: "write-read", Check: d.writeRead},
		{Name: "neighbours", Check: d.neighbours},
		{Name: "end", Check: d.end},
		{Name: "direct", Check: d.direct},
		{Name: "sync", Check: d.sync},
		{Name: "vectors", Check: d.vectors},
		{Name: "discard", Check: d.discard},
		{Name: "exclusive", Check: d.exclusive},
		{Name: "pattern-left", Check: func() error { return errors.Join(fill(name, 2, size), check(name, 2, size)) }},
	}
}

// open opens the disk for reading and writing.
func (d disk) open(flags int) (*os.File, error) { return os.OpenFile(d.name, os.O_RDWR|flags, 0) }

func (d disk) node() error {
	info, err := os.Stat(d.name)
	if err != nil {
		return err
	}
	if t := info.Mode().Type(); t != fs.ModeDevice {
		return fmt.Errorf("type %v", t)
	}
	entries, err := os.ReadDir(filepath.Dir(d.name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == filepath.Base(d.name) && e.Type() == fs.ModeDevice {
			return nil
		}
	}
	return errors.New("the directory does not have it")
}

func (d disk) sizes() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end != d.size {
		return fmt.Errorf("the end is at %d: %v", end, err)
	}
	var size, sectors uint64
	var sector, physical, readOnly int32
	if err := errors.Join(ioctl(f, blkGetSize64, &size), ioctl(f, blkGetSize, &sectors), ioctl(f, blkSSZGet, &sector),
		ioctl(f, blkPBSZGet, &physical), ioctl(f, blkROGet, &readOnly), ioctl[byte](f, blkFlsBuf, nil)); err != nil {
		return err
	}
	if size != uint64(d.size) || sectors != size/512 || sector < 512 || physical < sector || readOnly != 0 {
		return fmt.Errorf("%d bytes, %d sectors of %d, %d physical, read-only %d", size, sectors, sector, physical, readOnly)
	}
	fmt.Println("disk: sectors of", sector)
	return nil
}

// setSectors sets the size of a loop device's sectors.
func setSectors(loop string, size int) error {
	f, err := disk{name: loop}.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	return os.NewSyscallError("LOOP_SET_BLOCK_SIZE", unix.IoctlSetInt(int(f.Fd()), unix.LOOP_SET_BLOCK_SIZE, size))
}

func (d disk) tables() error {
	base := filepath.Base(d.name)
	b, err := os.ReadFile("/sys/block/" + base + "/size")
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(string(b)); got != strconv.FormatInt(d.size/512, 10) {
		return fmt.Errorf("/sys/block says %s sectors", got)
	}
	if b, err = os.ReadFile("/proc/partitions"); err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 4 && f[3] == base {
			if f[2] != strconv.FormatInt(d.size/1024, 10) {
				return fmt.Errorf("/proc/partitions says %s", line)
			}
			return nil
		}
	}
	return fmt.Errorf("/proc/partitions does not have it:\n%s", b)
}

// writeRead writes and reads at any offset, and compares with a copy.
func (d disk) writeRead() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	shadow := make([]byte, min(d.size, 4<<20))
	if _, err := f.ReadAt(shadow, 0); err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		n := 1 + rnd.IntN(1<<rnd.IntN(19))
		off := rnd.IntN(len(shadow) - n)
		if i%2 == 0 {
			for j := range n {
				shadow[off+j] = byte(rnd.Uint32())
			}
			if _, err := f.WriteAt(shadow[off:off+n], int64(off)); err != nil {
				return err
			}
			continue
		}
		got := make([]byte, n)
		if _, err := f.ReadAt(got, int64(off)); err != nil {
			return err
		}
		if !bytes.Equal(got, shadow[off:off+n]) {
			return fmt.Errorf("%d bytes at %d are others than were written", n, off)
		}
	}
	got := make([]byte, len(shadow))
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.ReadFull(f, got); err != nil {
		return err
	}
	if !bytes.Equal(got, shadow) {
		return errors.New("the disk is not what was written")
	}
	return f.Sync()
}

// neighbours has many write to the same sectors at once, each some bytes of its own.
func (d disk) neighbours() error {
	const many, each, length = 16, 8, 7 * 512 / 16 // bytes: sectors are shared
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	errs := make([]error, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			p := make([]byte, length)
			for round := range each {
				for j := range p {
					p[j] = byte(i*each + round)
				}
				if _, err := f.WriteAt(p, int64(i*length)); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	got := make([]byte, many*length)
	if _, err := f.ReadAt(got, 0); err != nil {
		return err
	}
	for i, b := range got {
		if want := byte(i/length*each + each - 1); b != want {
			return fmt.Errorf("byte %d is %d, want %d", i, b, want)
		}
	}
	return nil
}

func (d disk) end() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	p := make([]byte, 1024)
	if n, err := syscall.Pwrite(int(f.Fd()), p, d.size-512); n != 512 || err != nil {
		return fmt.Errorf("a write beyond the end: %d, %v", n, err)
	}
	if n, err := f.WriteAt(p, d.size); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("a write at the end: %d, %v", n, err)
	}
	if n, err := f.ReadAt(p, d.size-512); n != 512 || err != io.EOF {
		return fmt.Errorf("a read beyond the end: %d, %v", n, err)
	}
	if _, err := f.Seek(d.size+1, io.SeekStart); !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("a seek beyond the end: %v", err)
	}
	if err := f.Truncate(0); !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("truncating: %v", err)
	}
	return nil
}

// aligned returns n bytes whose address is a multiple of a page.
func aligned(n int) []byte {
	p := make([]byte, n+4096)
	skip := -int(uintptr(unsafe.Pointer(&p[0]))) & 4095
	return p[skip : skip+n : skip+n]
}

func (d disk) direct() error {
	f, err := d.open(syscall.O_DIRECT)
	if err != nil {
		return err
	}
	defer f.Close()
	want, got := aligned(1<<20), aligned(1<<20)
	pattern(want, 7, 0)
	if _, err := f.WriteAt(want, 1<<20); err != nil {
		return err
	}
	if _, err := f.ReadAt(got, 1<<20); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("other data was read than was written")
	}
	for what, try := range map[string]func() (int, error){
		"offset": func() (int, error) { return f.ReadAt(got[:4096], 100) },
		"length": func() (int, error) { return f.WriteAt(want[:4095], 0) },
		"memory": func() (int, error) { return f.ReadAt(got[1:4097], 0) },
	} {
		if n, err := try(); !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("%s is no multiple of anything: %d, %v", what, n, err)
		}
	}
	return nil
}

func (d disk) sync() error {
	for _, flags := range []int{syscall.O_SYNC, syscall.O_DSYNC, 0} {
		f, err := d.open(flags)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("synchronous"), 12345)
		if err := errors.Join(err, f.Sync(), syscall.Fdatasync(int(f.Fd())), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (d disk) vectors() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	a, b := []byte("one and "), []byte("two")
	iov := []syscall.Iovec{{Base: &a[0], Len: uint64(len(a))}, {Base: &b[0], Len: uint64(len(b))}}
	n, _, errno := syscall.Syscall6(syscall.SYS_PWRITEV, f.Fd(), uintptr(unsafe.Pointer(&iov[0])), 2, 1000, 0, 0)
	if errno != 0 || n != 11 {
		return fmt.Errorf("pwritev: %d, %v", n, errno)
	}
	got := make([]byte, 11)
	if _, err := f.ReadAt(got, 1000); err != nil || string(got) != "one and two" {
		return fmt.Errorf("%q, %v", got, err)
	}
	return nil
}

func (d disk) discard() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := ioctl(f, blkDiscard, &[2]uint64{512 + 1, 512}); err != syscall.EINVAL && err != syscall.EOPNOTSUPP {
		return fmt.Errorf("of no sectors: %v", err)
	}
	switch err := ioctl(f, blkDiscard, &[2]uint64{1 << 20, 1 << 20}); err {
	case nil:
	case syscall.EOPNOTSUPP:
		return verdict.Skip("the backend cannot discard")
	default:
		return err
	}
	r, err := os.Open(d.name)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := ioctl(r, blkDiscard, &[2]uint64{0, 512}); err != syscall.EBADF {
		return fmt.Errorf("of what was opened for reading: %v", err)
	}
	return nil
}

func (d disk) exclusive() error {
	f, err := d.open(os.O_EXCL)
	if err != nil {
		return err
	}
	if second, err := d.open(os.O_EXCL); !errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("a second one: %v, %v", second, err)
	}
	if other, err := d.open(0); err != nil || other.Close() != nil {
		return fmt.Errorf("somebody who does not claim it: %v", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	if f, err = d.open(os.O_EXCL); err != nil {
		return err
	}
	return f.Close()
}

// readOnly are the properties of a disk that cannot be written to.
func readOnly(name string, size int64) []verdict.Property {
	d := disk{name, size}
	return []verdict.Property{
		{Name: "has-pattern", Check: func() error { return check(name, 1, size) }},
		{Name: "read-only", Check: d.readOnly},
	}
}

func (d disk) readOnly() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	var is int32
	if err := ioctl(f, blkROGet, &is); err != nil || is != 1 {
		return fmt.Errorf("BLKROGET: %d, %v", is, err)
	}
	if n, err := f.WriteAt(make([]byte, 512), 0); !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("a write: %d, %v", n, err)
	}
	if err := ioctl(f, blkDiscard, &[2]uint64{0, 4096}); err != syscall.EPERM && err != syscall.EOPNOTSUPP {
		return fmt.Errorf("a discard: %v", err)
	}
	return f.Sync()
}
