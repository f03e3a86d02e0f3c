package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// segments sends many datagrams at once, by the socket's option and by a control message.
func segments() error {
	for _, address := range []string{"127.0.0.1", "::1"} {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
		if err != nil {
			return err
		}
		defer c.Close()
		to := c.LocalAddr().(*net.UDPAddr)
		message := bytes.Repeat([]byte("0123456789"), 300)
		if _, _, err := c.WriteMsgUDP(message, control(syscall.IPPROTO_UDP, unix.UDP_SEGMENT, binary.NativeEndian.AppendUint16(nil, 700)), to); err != nil {
			return fmt.Errorf("%s, with a control message: %w", address, err)
		}
		if err := arrives(c, message, 700); err != nil {
			return fmt.Errorf("%s, with a control message: %w", address, err)
		}
		raw, err := c.SyscallConn()
		if err != nil {
			return err
		}
		if controlErr := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_UDP, unix.UDP_SEGMENT, 1200)
		}); controlErr != nil || err != nil {
			return fmt.Errorf("%s: %v, %v", address, controlErr, err)
		}
		if _, err := c.WriteTo(message, to); err != nil {
			return fmt.Errorf("%s, with the option: %w", address, err)
		}
		if err := arrives(c, message, 1200); err != nil {
			return fmt.Errorf("%s, with the option: %w", address, err)
		}
	}
	return nil
}

// arrives receives a message as datagrams of some size.
func arrives(c *net.UDPConn, message []byte, size int) error {
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	for at := 0; at < len(message); at += size {
		want := message[at:min(at+size, len(message))]
		got := make([]byte, len(message))
		n, err := c.Read(got)
		if err != nil || !bytes.Equal(got[:n], want) {
			return fmt.Errorf("at %d: %d bytes, not %d, or others: %v", at, n, len(want), err)
		}
	}
	return nil
}
