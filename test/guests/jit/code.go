package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"example.com/guests/verdict"
)

const (
	writable   = syscall.PROT_READ | syscall.PROT_WRITE
	executable = syscall.PROT_READ | syscall.PROT_EXEC
)

// page is a page of code: a function that returns a number.
type page struct {
	mem   []byte
	start uintptr // a func value points at the address of its code
}

func newPage() (*page, error) {
	mem, err := syscall.Mmap(-1, 0, syscall.Getpagesize(), writable, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	return &page{mem, uintptr(unsafe.Pointer(&mem[0]))}, nil
}

// returns makes the function return n: mov $n, %eax; ret.
func (p *page) returns(n uint32) error {
	if err := syscall.Mprotect(p.mem, writable); err != nil {
		return err
	}
	p.mem[0], p.mem[5] = 0xb8, 0xc3
	binary.LittleEndian.PutUint32(p.mem[1:], n)
	return syscall.Mprotect(p.mem, executable)
}

func (p *page) call() uint32 {
	f := &p.start
	return (*(*func() uint32)(unsafe.Pointer(&f)))()
}

// code makes a function anew again and again, which another thread calls.
func code() error {
	if runtime.GOARCH != "amd64" {
		return nil
	}
	p, err := newPage()
	if err != nil {
		return err
	}
	numbers, results := make(chan uint32), make(chan uint32)
	go func() {
		runtime.LockOSThread()
		for range numbers {
			results <- p.call()
		}
	}()
	defer close(numbers)
	for n := range uint32(200) {
		if err := p.returns(n); err != nil {
			return err
		}
		numbers <- n
		if got := <-results; got != n || p.call() != n {
			return fmt.Errorf("the function returns %d and %d, want %d", got, p.call(), n)
		}
	}
	return syscall.Munmap(p.mem)
}

// protected writes to memory from one thread while another one takes the right to
// do so away: no processor may know of it any more.
func protected() error {
	p, err := newPage()
	if err != nil {
		return err
	}
	writes, results := make(chan byte), make(chan error)
	go func() {
		runtime.LockOSThread()
		for b := range writes {
			results <- verdict.Fault(func() { p.mem[0] = b })
		}
	}()
	defer close(writes)
	for i := range 100 {
		if err := syscall.Mprotect(p.mem, writable); err != nil {
			return err
		}
		writes <- byte(i)
		if err := <-results; err != nil {
			return fmt.Errorf("write to writable memory: %w", err)
		}
		if err := syscall.Mprotect(p.mem, executable); err != nil {
			return err
		}
		writes <- byte(i + 1)
		if err := <-results; err == nil {
			return errors.New("wrote to executable memory")
		}
		if p.mem[0] != byte(i) {
			return fmt.Errorf("the memory has %d, want %d", p.mem[0], byte(i))
		}
	}
	return syscall.Munmap(p.mem)
}
