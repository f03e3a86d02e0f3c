package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"time"

	"example.com/guests/stacks"
)

// movingBuffers sends arrays on the stack, at every depth, and receives into others.
func movingBuffers() error {
	for _, host := range []string{"127.0.0.1", "::1"} {
		for name, receive := range map[string]func(*net.UDPConn) ([]byte, error){
			"Read": func(c *net.UDPConn) ([]byte, error) {
				var b [64]byte
				n, err := c.Read(b[:])
				return bytes.Clone(b[:n]), err
			},
			"ReadFromUDP": func(c *net.UDPConn) ([]byte, error) {
				var b [64]byte
				n, _, err := c.ReadFromUDP(b[:])
				return bytes.Clone(b[:n]), err
			},
			"ReadFromUDPAddrPort": func(c *net.UDPConn) ([]byte, error) {
				var b [64]byte
				n, _, err := c.ReadFromUDPAddrPort(b[:])
				return bytes.Clone(b[:n]), err
			},
			"ReadMsgUDPAddrPort": func(c *net.UDPConn) ([]byte, error) {
				var b, oob [64]byte
				n, _, _, _, err := c.ReadMsgUDPAddrPort(b[:], oob[:])
				return bytes.Clone(b[:n]), err
			},
		} {
			if err := atEveryDepth(netip.MustParseAddr(host), receive); err != nil {
				return fmt.Errorf("%s, %s: %w", host, name, err)
			}
		}
	}
	return nil
}

func atEveryDepth(host netip.Addr, receive func(*net.UDPConn) ([]byte, error)) error {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(host, 0)))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	own := c.LocalAddr().(*net.UDPAddr).AddrPort()
	for n := range 200 {
		message := fmt.Sprintf("array at depth %d", n)
		if err := stacks.AtDepth(n, func() error { return send(c, own, message, n%2 == 0) }); err != nil {
			return err
		}
		var got []byte
		if err := stacks.AtDepth(n, func() (err error) { got, err = receive(c); return err }); err != nil {
			return err
		}
		if string(got) != message {
			return fmt.Errorf("received %q in place of %q", got, message)
		}
	}
	return nil
}

func send(c *net.UDPConn, to netip.AddrPort, message string, msg bool) (err error) {
	var b [64]byte
	if n := copy(b[:], message); msg {
		_, _, err = c.WriteMsgUDPAddrPort(b[:n], nil, to)
	} else {
		_, err = c.WriteToUDPAddrPort(b[:n], to)
	}
	return err
}
