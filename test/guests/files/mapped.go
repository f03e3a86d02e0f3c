package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"example.com/guests/verdict"
)

// mapped shows that a file and what maps it are the same, and that behind the end of the file there is nothing.
func mapped(dir string) error {
	const page = 4096
	f, err := os.Create(filepath.Join(dir, "mapped"))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("end"), 3*page-3); err != nil {
		return err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, 5*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	is := func(when string, at int, want byte) error {
		if got, ok := load(&b[at]); !ok || got != want {
			return fmt.Errorf("%s: byte %d is %d (%t), want %d", when, at, got, ok, want)
		}
		got := make([]byte, 1)
		if _, err := f.ReadAt(got, int64(at)); err != nil || got[0] != want {
			return fmt.Errorf("%s: byte %d of the file is %v, want %d: %v", when, at, got, want, err)
		}
		return nil
	}
	gone := func(when string, at int) error {
		if got, ok := load(&b[at]); ok {
			return fmt.Errorf("%s: byte %d is %d, not SIGBUS", when, at, got)
		}
		return nil
	}
	if err := errors.Join(is("at first", 3*page-1, 'd'), gone("at first", 3*page), gone("at first", 5*page-1)); err != nil {
		return err
	}
	for at, value := range map[int]byte{100: 'a', page + 50: 'b', page + 200: 'c', 2 * page: 'd'} {
		b[at] = value
	}
	if err := errors.Join(is("changed", page+200, 'c'), f.Truncate(page+100)); err != nil {
		return err
	}
	if err := errors.Join(is("cut", 100, 'a'), is("cut", page+50, 'b'), gone("cut", 2*page), gone("cut", 3*page-1)); err != nil {
		return err
	}
	if _, err := syscall.Pread(int(f.Fd()), b[2*page:], 0); err != syscall.EFAULT {
		return fmt.Errorf("reading to behind the end: %v, not EFAULT", err)
	}
	for _, rights := range []int{syscall.PROT_READ, syscall.PROT_READ | syscall.PROT_WRITE} {
		if err := errors.Join(syscall.Mprotect(b, rights), gone("with other rights", 2*page)); err != nil {
			return err
		}
	}
	if err := f.Truncate(3 * page); err != nil {
		return err
	}
	if err := errors.Join(is("grown", page+200, 0), is("grown", 2*page, 0), is("grown", 3*page-1, 0), gone("grown", 3*page)); err != nil {
		return err
	}
	b[2*page+7] = 'e'
	if _, err := f.WriteAt([]byte("f"), 4*page-1); err != nil {
		return err
	}
	if err := errors.Join(is("longer", 2*page+7, 'e'), is("longer", 3*page, 0), is("longer", 4*page-1, 'f'), gone("longer", 4*page)); err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(0), gone("empty", 0), gone("empty", 3*page), f.Truncate(5*page)); err != nil {
		return err
	}
	return errors.Join(is("whole", 0, 0), is("whole", 5*page-1, 0), syscall.Munmap(b))
}

// load returns what p points to, if something is there.
func load(p *byte) (value byte, ok bool) {
	err := verdict.Fault(func() { value = *p })
	return value, err == nil
}
