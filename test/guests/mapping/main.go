// Mapping shows that memory which a program maps is taken when it is touched, and given back.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"example.com/guests/verdict"
)

const (
	private = syscall.MAP_ANON | syscall.MAP_PRIVATE
	sparse  = private | syscall.MAP_NORESERVE
	rw      = syscall.PROT_READ | syscall.PROT_WRITE
	page    = 4096
	large   = 1 << 30 // more than the domain has
)

func main() {
	verdict.Exit([]verdict.Property{
		{Name: "touched", Check: touched},
		{Name: "overcommit", Check: overcommit},
		{Name: "reserved", Check: reserved},
		{Name: "discarded", Check: discarded},
		{Name: "calls", Check: systemCalls},
		{Name: "rights", Check: rights},
		{Name: "moved", Check: moved},
		{Name: "fixed", Check: fixed},
		{Name: "file", Check: file},
		{Name: "together", Check: together},
		{Name: "exhausted", Check: exhausted},
	}, os.Args[1:]...)
}

// free returns how many bytes of memory are free.
func free() int64 {
	var i syscall.Sysinfo_t
	if err := syscall.Sysinfo(&i); err != nil {
		panic(err)
	}
	return int64(i.Freeram) * int64(i.Unit)
}

// touched maps more than there is, and touches some of it.
func touched() error {
	before := free()
	b, err := syscall.Mmap(-1, 0, large, rw, sparse)
	if err != nil {
		return err
	}
	if n := before - free(); n > 1<<20 {
		return fmt.Errorf("mapping took %d bytes", n)
	}
	const every = 8 << 20
	for at := 0; at < large; at += every {
		if b[at+page] != 0 {
			return errors.New("not zero")
		}
		b[at] = byte(at / every)
	}
	// Each has two pages, and a page table.
	if n := before - free(); n < 2*page*large/every || n > 4*page*large/every+1<<20 {
		return fmt.Errorf("%d pages took %d bytes", 2*large/every, n)
	}
	for at := 0; at < large; at += every {
		if b[at] != byte(at/every) || b[at+1] != 0 {
			return fmt.Errorf("something else at %d", at)
		}
	}
	if err := syscall.Munmap(b); err != nil {
		return err
	}
	if n := before - free(); n > 2*page*large/every {
		return fmt.Errorf("%d bytes are lost", n)
	}
	return nil
}

// overcommit asks for what can never be there.
func overcommit() error {
	if _, err := syscall.Mmap(-1, 0, large, rw, private); err != syscall.ENOMEM {
		return fmt.Errorf("%v, not ENOMEM", err)
	}
	return nil
}

// reserved uses a part of what is only reserved.
func reserved() error {
	b, err := syscall.Mmap(-1, 0, 4*large, syscall.PROT_NONE, sparse)
	if err != nil {
		return err
	}
	defer syscall.Munmap(b)
	part := b[large : large+1<<20]
	if err := syscall.Mprotect(part, rw); err != nil {
		return err
	}
	for i := range part {
		part[i]++
	}
	for _, at := range []int{0, large - 1, large + 1<<20, 4*large - 1} {
		if verdict.Fault(func() { b[at]++ }) == nil {
			return fmt.Errorf("byte %d can be touched", at)
		}
	}
	return nil
}

// discarded gives memory back and keeps the addresses.
func discarded() error {
	b, err := syscall.Mmap(-1, 0, 8<<20, rw, private)
	if err != nil {
		return err
	}
	defer syscall.Munmap(b)
	before := free()
	for round := range 5 {
		for at := 0; at < len(b); at += page {
			if b[at] != 0 {
				return fmt.Errorf("not zero in round %d", round)
			}
			b[at] = 1
		}
		if n := before - free(); n < int64(len(b)) {
			return fmt.Errorf("%d bytes took %d", len(b), n)
		}
		if err := syscall.Madvise(b, syscall.MADV_DONTNEED); err != nil {
			return err
		}
		if n := before - free(); n > 1<<20 {
			return fmt.Errorf("%d bytes stay", n)
		}
	}
	return nil
}

// systemCalls have memory that was not touched.
func systemCalls() error {
	b, err := syscall.Mmap(-1, 0, 64*page, rw, private)
	if err != nil {
		return err
	}
	defer syscall.Munmap(b)
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	if n, err := w.Write(b[page-10 : 3*page]); n != 2*page+10 || err != nil {
		return fmt.Errorf("%d, %v", n, err)
	}
	if n, err := r.Read(b[10*page-5:]); n != 2*page+10 || err != nil {
		return fmt.Errorf("%d, %v", n, err)
	}
	if err := syscall.Mprotect(b[32*page:], syscall.PROT_NONE); err != nil {
		return err
	}
	if _, err := w.Write(b[31*page:]); !errors.Is(err, syscall.EFAULT) {
		return fmt.Errorf("%v, not EFAULT", err)
	}
	return nil
}

// rights differ from page to page.
func rights() error {
	b, err := syscall.Mmap(-1, 0, 1000*page, rw, private)
	if err != nil {
		return err
	}
	defer syscall.Munmap(b)
	for round := range 3 {
		for i := range 1000 {
			prot := []int{rw, syscall.PROT_READ, syscall.PROT_NONE}[(i+round)%3]
			if err := syscall.Mprotect(b[i*page:(i+1)*page], prot); err != nil {
				return err
			}
		}
		for i := 0; i < 1000; i += 7 {
			kind := (i + round) % 3
			if err := verdict.Fault(func() { b[i*page]++ }); (err == nil) != (kind == 0) {
				return fmt.Errorf("round %d, page %d: write: %v", round, i, err)
			}
			if err := verdict.Fault(func() { _ = *(*byte)(unsafe.Pointer(&b[i*page])) }); kind == 1 && err != nil {
				return fmt.Errorf("round %d, page %d: read: %v", round, i, err)
			}
		}
	}
	return syscall.Mprotect(b, rw)
}

// moved makes a mapping larger of which little was touched.
func moved() error {
	const size = 256 << 20
	p, _, e := syscall.Syscall6(syscall.SYS_MMAP, 0, size, rw, sparse, ^uintptr(0), 0)
	if e != 0 {
		return e
	}
	before := free()
	b := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), p)), size)
	b[0], b[size-1] = 1, 2
	const mayMove = 1
	q, _, e := syscall.Syscall6(syscall.SYS_MREMAP, p, size, 2*size, mayMove, 0, 0)
	if e != 0 {
		return e
	}
	b = unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), q)), 2*size)
	if b[0] != 1 || b[size-1] != 2 || b[size] != 0 {
		return errors.New("something else after it was moved")
	}
	if n := before - free(); n > 1<<20 {
		return fmt.Errorf("moving took %d bytes", n)
	}
	if _, _, e := syscall.Syscall(syscall.SYS_MUNMAP, q, 2*size, 0); e != 0 {
		return e
	}
	return nil
}

// fixed maps at addresses that it gave back, and at some that it cannot have.
func fixed() error {
	const noReplace, mayMoveFixed = 0x100000, 1 | 2
	b, err := syscall.Mmap(-1, 0, 8*page, rw, private)
	if err != nil {
		return err
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	heap := new([1 << 16]byte)
	call := func(nr, a, b, c, d, e, f uintptr, want syscall.Errno) error {
		r, _, errno := syscall.Syscall6(nr, a, b, c, d, e, f)
		if errno != want || errno == 0 && nr == syscall.SYS_MMAP && r != a {
			return fmt.Errorf("system call %d(%#x): %#x, %v, not %v", nr, a, r, errno, want)
		}
		return nil
	}
	mmap := func(at, size, flags uintptr, want syscall.Errno) error {
		return call(syscall.SYS_MMAP, at, size, rw, flags, ^uintptr(0), 0, want)
	}
	b[0], b[4*page] = 1, 4
	if err := errors.Join(
		call(syscall.SYS_MUNMAP, at+4*page, 4*page, 0, 0, 0, 0, 0),
		mmap(at+4*page, page, private|noReplace, 0),
		mmap(at+4*page, page, private|noReplace, syscall.EEXIST),
	); err != nil || b[4*page] != 0 {
		return errors.Join(err, fmt.Errorf("%d in new memory", b[4*page]))
	}
	if err := errors.Join(
		call(syscall.SYS_MREMAP, at, page, 2*page, mayMoveFixed, at+4*page, 0, 0),
		mmap(at, 4*page, private|syscall.MAP_FIXED, 0),
		mmap(1<<46, page, private|syscall.MAP_FIXED, syscall.ENOMEM),
		mmap(uintptr(unsafe.Pointer(heap))&^(page-1), page, private|syscall.MAP_FIXED, syscall.ENOMEM),
	); err != nil || b[0] != 0 || b[4*page] != 1 || b[5*page] != 0 {
		return errors.Join(err, fmt.Errorf("after moving: %d, %d, %d", b[0], b[4*page], b[5*page]))
	}
	heap[0]++
	return call(syscall.SYS_MUNMAP, at, 8*page, 0, 0, 0, 0, 0)
}

// file maps a file that has nothing but a hole, and makes data in it.
func file() error {
	f, err := os.CreateTemp("", "hole")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const size, at = 1 << 30, 13<<20 + 5*page // more than there is
	if err := f.Truncate(size); err != nil {
		return err
	}
	before := free()
	b, err := syscall.Mmap(int(f.Fd()), 0, size, rw, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	b[at+10] = 'm'
	if _, err := f.WriteAt([]byte("w"), at+page+20); err != nil {
		return err
	}
	if n := before - free(); n > 1<<20 {
		return fmt.Errorf("two pages took %d bytes", n)
	}
	const seekData, seekHole = 3, 4
	for _, seek := range []struct {
		from   int64
		whence int
		want   int64
	}{{0, seekHole, 0}, {0, seekData, at}, {at, seekHole, at + 2*page}} {
		if got, err := f.Seek(seek.from, seek.whence); got != seek.want || err != nil {
			return fmt.Errorf("%v: %d, %v", seek, got, err)
		}
	}
	got := make([]byte, 3*page)
	if _, err := f.ReadAt(got, at); err != nil {
		return err
	}
	if want := (3*page - 2); got[10] != 'm' || got[page+20] != 'w' || bytes.Count(got, []byte{0}) != want || b[at+page+20] != 'w' {
		return errors.New("the file and what maps it differ")
	}
	return syscall.Munmap(b)
}

// together touches the same pages from several goroutines at once.
func together() error {
	for range 20 {
		const pages, goroutines = 512, 8
		b, err := syscall.Mmap(-1, 0, pages*page, rw, private)
		if err != nil {
			return err
		}
		var group sync.WaitGroup
		for range goroutines {
			group.Go(func() {
				for i := range pages {
					atomic.AddInt64((*int64)(unsafe.Pointer(&b[i*page])), 1)
				}
			})
		}
		group.Wait()
		for i := range pages {
			if n := *(*int64)(unsafe.Pointer(&b[i*page])); n != goroutines {
				return fmt.Errorf("page %d was counted %d times", i, n)
			}
		}
		if err := syscall.Munmap(b); err != nil {
			return err
		}
	}
	return nil
}

// exhausted touches more than there is: a fault, after which the program goes on.
func exhausted() error {
	b, err := syscall.Mmap(-1, 0, large, rw, sparse)
	if err != nil {
		return err
	}
	at := 0
	err = verdict.Fault(func() {
		for ; at < large; at += page {
			b[at] = 1
		}
	})
	if err == nil || at < 8<<20 {
		return fmt.Errorf("%v after %d bytes", err, at)
	}
	if err := syscall.Munmap(b); err != nil {
		return err
	}
	if n := free(); n < int64(at) {
		return fmt.Errorf("of %d bytes only %d are free", at, n)
	}
	return nil
}
