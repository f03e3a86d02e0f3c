//go:build linux

package main

import (
	"io"
	"net"
	"sync"
	"time"

	"internal/xengo/toolchain/bed/mux"
	"internal/xengo/toolchain/bed/proto"
)

const dialTimeout = 10 * time.Second

// dial connects the stream to an address that dom0 reaches.
func dial(st *mux.Stream, req *proto.Request) error {
	c, err := net.DialTimeout(req.Network, req.Address, dialTimeout)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := proto.WriteJSON(st, proto.Reply{}); err != nil {
		return err
	}
	if c, ok := c.(*net.UDPConn); ok {
		datagrams(st, c)
		return nil
	}
	bytes(st, c.(*net.TCPConn))
	return nil
}

// bytes copies both ways, each to its own end.
func bytes(st *mux.Stream, c *net.TCPConn) {
	var both sync.WaitGroup
	both.Go(func() {
		if _, err := io.Copy(c, st); err != nil {
			c.Close()
			return
		}
		if c.CloseWrite() != nil {
			c.Close()
		}
	})
	both.Go(func() {
		if _, err := io.Copy(st, c); err != nil {
			st.Close() // a reset of the guest's is a reset for the host
			return
		}
		if st.CloseWrite() != nil {
			st.Close()
		}
	})
	both.Wait()
}

// datagrams copies until the host ends its stream. An error of the socket (a
// port that nobody listens on) is the loss of a datagram.
func datagrams(st *mux.Stream, c *net.UDPConn) {
	var both sync.WaitGroup
	both.Go(func() {
		defer c.Close()
		for {
			p, err := proto.ReadDatagram(st)
			if err != nil {
				return
			}
			if _, err := c.Write(p); err != nil && closed(err) {
				return
			}
		}
	})
	both.Go(func() {
		p := make([]byte, 64<<10)
		for {
			n, err := c.Read(p)
			if err != nil && closed(err) {
				return
			}
			if err == nil && proto.WriteDatagram(st, p[:n]) != nil {
				return
			}
		}
	})
	both.Wait()
}
