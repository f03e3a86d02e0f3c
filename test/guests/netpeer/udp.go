package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

// mtuPayload is what a datagram holds on an Ethernet without being cut up.
const mtuPayload = 1472

// udpSizes has every size of datagram echoed, up to what the network carries in
// one piece.
func udpSizes() error {
	var sizes []int
	for size := range mtuPayload + 1 {
		sizes = append(sizes, size)
	}
	return udpEcho(sizes, 32)
}

// udpFragments has datagrams echoed that take several packets.
func udpFragments() error {
	return udpEcho([]int{mtuPayload + 1, 1480, 2000, 2952, 2953, 4000, 8192, 16_384, 32_000, 65_507}, 1)
}

// udpEcho has datagrams of some sizes echoed, a few at a time. A datagram may
// get lost, but not three times in a row.
func udpEcho(sizes []int, atOnce int) error {
	c, err := net.Dial("udp", at(echoPort))
	if err != nil {
		return err
	}
	defer c.Close()
	lost := 0
	for few := range slices.Chunk(sizes, atOnce) {
		for try := 0; len(few) > 0; try++ {
			if try == 3 {
				return fmt.Errorf("%v bytes: lost three times", few)
			}
			if few, err = missing(c, few); err != nil {
				return err
			}
			lost += len(few)
		}
	}
	fmt.Println("udp: lost", lost, "of", len(sizes))
	return nil
}

// missing sends a datagram of each size and returns those sizes of which no
// echo comes.
func missing(c net.Conn, sizes []int) ([]int, error) {
	for _, size := range sizes {
		if _, err := c.Write(text(size)); err != nil {
			return nil, fmt.Errorf("%d bytes: %w", size, err)
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return nil, err
	}
	waiting := slices.Clone(sizes)
	for b := make([]byte, 1<<16); len(waiting) > 0; {
		n, err := c.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(b[:n], text(n)) {
			return nil, fmt.Errorf("%d bytes: the echo differs", n)
		}
		waiting = slices.DeleteFunc(waiting, func(size int) bool { return size == n }) // or a late one
	}
	return waiting, nil
}

// udpRefused hears that nobody listens.
func udpRefused() error {
	c, err := net.Dial("udp", at(closedPort))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(patience / 2)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return is("read", err, syscall.ECONNREFUSED)
}
