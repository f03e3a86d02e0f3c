package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// mtuPayload is what a datagram holds on an Ethernet without being cut up.
const mtuPayload = 1472

// udpSizes has every size of datagram echoed, up to what the network carries in
// one piece.
func udpSizes() error {
	return udpEcho(func(echo func(size int) error) error {
		for size := range mtuPayload + 1 {
			if err := echo(size); err != nil {
				return err
			}
		}
		return nil
	})
}

// udpFragments has datagrams echoed that take several packets.
func udpFragments() error {
	return udpEcho(func(echo func(size int) error) error {
		for _, size := range []int{mtuPayload + 1, 1480, 2000, 2952, 2953, 4000, 8192, 16_384, 32_000, 65_507} {
			if err := echo(size); err != nil {
				return err
			}
		}
		return nil
	})
}

// udpEcho runs f with a function that has a datagram echoed. A datagram may get
// lost, but not three times in a row.
func udpEcho(f func(echo func(size int) error) error) error {
	c, err := net.Dial("udp", at(echoPort))
	if err != nil {
		return err
	}
	defer c.Close()
	lost := 0
	in := make([]byte, 1<<16)
	err = f(func(size int) error {
		want := text(size)
		for range 3 {
			if _, err := c.Write(want); err != nil {
				return fmt.Errorf("%d bytes: %w", size, err)
			}
			n, err := receive(c, in, size)
			if err == nil && !bytes.Equal(in[:n], want) {
				return fmt.Errorf("%d bytes: the echo differs", size)
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
			lost++
		}
		return fmt.Errorf("%d bytes: lost three times", size)
	})
	if lost > 0 {
		fmt.Println("udp: lost", lost)
	}
	return err
}

// receive reads a datagram of a size, and drops late ones of other sizes.
func receive(c net.Conn, b []byte, size int) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return 0, err
	}
	for {
		n, err := c.Read(b)
		if err != nil || n == size {
			return n, err
		}
	}
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
