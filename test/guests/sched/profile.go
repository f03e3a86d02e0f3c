package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"runtime"
	"runtime/pprof"
)

func init() { runtime.MemProfileRate = 4096 } // to sample what hold allocates

var held []byte

// hold allocates something to find in the profile.
//
//go:noinline
func hold() { held = make([]byte, 1<<20) }

func heapProfile() error {
	hold()
	defer func() { held = nil }()
	runtime.GC() // what a heap profile shows is as of the last collection
	return profile("heap", "main.hold")
}

// waiting says that it has begun and waits, to be found in the profile: before
// a goroutine has begun, the profile has no function of it.
//
//go:noinline
func waiting(begun chan<- int, c <-chan int) {
	close(begun)
	<-c
}

func goroutineProfile() error {
	begun, c := make(chan int), make(chan int)
	go waiting(begun, c)
	defer close(c)
	<-begun
	return profile("goroutine", "main.waiting")
}

// profile finds a function in a profile, as text and in the compressed form that
// "go tool pprof" reads, whose strings are in clear inside.
func profile(name, function string) error {
	for debug := range 2 {
		var b bytes.Buffer
		if err := pprof.Lookup(name).WriteTo(&b, debug); err != nil {
			return err
		}
		text := b.Bytes()
		if debug == 0 {
			z, err := gzip.NewReader(&b)
			if err != nil {
				return fmt.Errorf("debug=0: %w", err)
			}
			if text, err = io.ReadAll(z); err != nil {
				return fmt.Errorf("debug=0: %w", err)
			}
		}
		if !bytes.Contains(text, []byte(function)) {
			return fmt.Errorf("debug=%d: no %s in %d bytes", debug, function, len(text))
		}
	}
	return nil
}
