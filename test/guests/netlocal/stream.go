package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// pair returns both ends of a connection.
func pair(network, address string) (a, b net.Conn, err error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if a, err = net.Dial(network, l.Addr().String()); err != nil {
		return nil, nil, err
	}
	if b, err = l.Accept(); err != nil {
		a.Close()
	}
	return a, b, err
}

// stream sends more than the buffers hold in both directions at once, and each
// end sees the other's.
func stream(network, address string) error {
	a, b, err := pair(network, address)
	if err != nil {
		return err
	}
	defer a.Close()
	defer b.Close()
	if a.RemoteAddr().String() != b.LocalAddr().String() {
		return fmt.Errorf("dialled %s, accepted at %s", a.RemoteAddr(), b.LocalAddr())
	}
	text := bytes.Repeat([]byte("stream "), 300_000)
	errs := make(chan error, 4)
	var wait sync.WaitGroup
	for _, c := range []net.Conn{a, b} {
		wait.Go(func() {
			_, err := c.Write(text)
			errs <- errors.Join(err, c.(interface{ CloseWrite() error }).CloseWrite())
		})
		wait.Go(func() {
			got, err := io.ReadAll(c)
			if err == nil && !bytes.Equal(got, text) {
				err = fmt.Errorf("got %d bytes of %d, or others", len(got), len(text))
			}
			errs <- err
		})
	}
	wait.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// datagram sends datagrams to itself.
func datagram(address string) error {
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, 100)
	for n := range 50 {
		if _, err := c.WriteTo(b[:n], c.LocalAddr()); err != nil {
			return err
		}
		got, from, err := c.ReadFrom(make([]byte, 100))
		if err != nil {
			return err
		}
		if got != n || from.String() != c.LocalAddr().String() {
			return fmt.Errorf("got %d bytes from %s, sent %d from %s", got, from, n, c.LocalAddr())
		}
	}
	return nil
}

// many has 200 connections open at once.
func many() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	const n = 200
	errs := make(chan error, n)
	for i := range n {
		go func() {
			c, err := net.Dial("tcp", l.Addr().String())
			if err == nil {
				defer c.Close()
				_, err = c.Write([]byte{byte(i)})
			}
			if err == nil {
				_, err = io.ReadFull(c, make([]byte, 1))
			}
			errs <- err
		}()
	}
	var conns []net.Conn
	for range n {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		defer c.Close()
		conns = append(conns, c)
	}
	for _, c := range conns { // only now, when all are open
		if _, err := io.CopyN(c, c, 1); err != nil {
			return err
		}
	}
	for range n {
		err = errors.Join(err, <-errs)
	}
	return err
}

// is is nil if err is want.
func is(what string, err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%s: got %v, want %v", what, err, want)
	}
	return nil
}

// unixGone dials a socket whose listener has gone, and one that never was.
func unixGone() error {
	const name = "/tmp/netlocal-gone.sock"
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	defer os.Remove(name)
	if err := l.Close(); err != nil {
		return err
	}
	_, gone := net.Dial("unix", name)
	_, never := net.Dial("unix", "/tmp/netlocal-never.sock")
	return errors.Join(is("gone", gone, syscall.ECONNREFUSED), is("never", never, syscall.ENOENT))
}

// inUse listens twice at an address.
func inUse() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	_, twice := net.Listen("tcp", l.Addr().String())
	_, foreign := net.Listen("tcp", "203.0.113.1:0")
	return errors.Join(is("twice", twice, syscall.EADDRINUSE), is("another's address", foreign, syscall.EADDRNOTAVAIL))
}

// closed ends what waits on a connection or a listener by closing it.
func closed() error {
	a, b, err := pair("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer b.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	read, accepted := make(chan error), make(chan error)
	go func() { _, err := a.Read(make([]byte, 1)); read <- err }()
	go func() { _, err := l.Accept(); accepted <- err }()
	return errors.Join(a.Close(), l.Close(), is("read", <-read, net.ErrClosed), is("accept", <-accepted, net.ErrClosed))
}
