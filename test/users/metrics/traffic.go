package main

import (
	"errors"
	"io"
	"net"
)

// traffic sends bytes over a connection to the program itself, which stays until done is called.
func traffic(size int) (done func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			close(accepted)
			return
		}
		c.Write(make([]byte, size)) // the reader sees if that fails
		accepted <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if _, err := io.CopyN(io.Discard, c, int64(size)); err != nil {
		return nil, errors.Join(err, l.Close(), c.Close())
	}
	other := <-accepted
	return func() {
		l.Close()
		c.Close()
		other.Close()
	}, nil
}
