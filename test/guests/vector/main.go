// Vector shows that the vector registers of a thread survive whatever happens
// while they are in use.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/cpu"

	"example.com/guests/verdict"
)

func main() {
	verdict.Exit([]verdict.Property{
		{Name: "sse", Check: func() error { return hold(sse) }},
		{Name: "avx", Check: func() error {
			if !cpu.X86.HasAVX {
				return verdict.Skip("no AVX here")
			}
			return hold(avx)
		}},
	}, os.Args[1:]...)
}

// pattern is what 16 registers hold.
type pattern [16][32]byte

// sse and avx load the 16 registers from want, spin for some rounds and store
// the registers in got.
//
//go:noescape
func sse(want, got *pattern, rounds int)

//go:noescape
func avx(want, got *pattern, rounds int)

// hold has four threads keep patterns of their own in their registers for two
// seconds, while others allocate, collect garbage and sleep.
func hold(spin func(want, got *pattern, rounds int)) error {
	end := time.Now().Add(2 * time.Second)
	errs := make(chan error, 4)
	var wait sync.WaitGroup
	for thread := range cap(errs) {
		wait.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			want := new(pattern)
			for i := range want {
				for j := range want[i] {
					want[i][j] = byte(1 + thread<<6 ^ i<<2 ^ j*7)
				}
			}
			for time.Now().Before(end) {
				got := *want
				spin(want, &got, 200_000)
				if got != *want {
					errs <- fmt.Errorf("thread %d:\n%x\nbecame\n%x", thread, *want, got)
					return
				}
			}
		})
	}
	for time.Now().Before(end) {
		sink = make([]byte, 64<<10)
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	wait.Wait()
	close(errs)
	return <-errs
}

var sink []byte
