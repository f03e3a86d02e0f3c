package main

import (
	"fmt"
	"net"
	"sync"
)

// failDeeply panics n calls down.
//
//go:noinline
func failDeeply(n int) {
	if n == 0 {
		panic("ending: as it should")
	}
	failDeeply(n - 1)
	fmt.Println("not reached")
}

// panicElsewhere panics in a goroutine that main waits for.
func panicElsewhere() {
	var wait sync.WaitGroup
	wait.Go(func() { panic("ending: in a goroutine") })
	wait.Wait()
}

//go:noinline
func address() *int { return nil }

// endless needs more stack with every call.
//
//go:noinline
func endless(n int) int {
	var frame [128]int
	frame[n%len(frame)] = n
	return endless(n+1) + frame[(n+1)%len(frame)]
}

// deadlock waits for what nobody sends, with other goroutines that do the same.
func deadlock() {
	never := make(chan int)
	go func() { <-never }()
	var mutex sync.Mutex
	mutex.Lock()
	go mutex.Lock()
	<-never
}

// deadlockLater is deadlock after a connection, which leaves the network stack with timers.
func deadlockLater() {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		panic(err)
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		c.Close()
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	c.Read(make([]byte, 1))
	c.Close()
	l.Close()
	deadlock()
}

var hoard [][]byte

// exhaust takes memory until there is none.
func exhaust() {
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		hoard = append(hoard, b)
	}
}
