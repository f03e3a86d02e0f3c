package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// loopback finds the loopback interface.
func loopback() error {
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil {
			return err
		}
		fmt.Println("interface:", i.Name, i.MTU, i.Flags, i.HardwareAddr, addresses)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	if want := net.FlagUp | net.FlagLoopback; lo.Flags&want != want {
		return fmt.Errorf("lo is %s", lo.Flags)
	}
	return nil
}

func localhost() error {
	got, err := net.LookupHost("localhost")
	if err != nil {
		return err
	}
	if !slices.Contains(got, "127.0.0.1") {
		return fmt.Errorf("localhost is %q", got)
	}
	return nil
}

// rawConn asks and sets options of a socket through its descriptor.
func rawConn() error {
	a, b, err := pair("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer a.Close()
	defer b.Close()
	raw, err := a.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	var kind, delay int
	var errs [3]error
	err = raw.Control(func(fd uintptr) {
		kind, errs[0] = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE)
		errs[1] = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 0)
		delay, errs[2] = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY)
	})
	if err := errors.Join(append(errs[:], err)...); err != nil {
		return err
	}
	if kind != unix.SOCK_STREAM || delay != 0 {
		return fmt.Errorf("type %d, no-delay %d", kind, delay)
	}
	return nil
}

// file uses a connection through a copy of it that is a file.
func file() error {
	a, b, err := pair("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer b.Close()
	f, err := a.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := a.Close(); err != nil { // the copy stays open
		return err
	}
	if _, err := f.WriteString("by the file"); err != nil {
		return err
	}
	c, err := net.FileConn(f)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, " and back"); err != nil {
		return err
	}
	got := make([]byte, 20)
	if _, err := io.ReadFull(b, got); err != nil || string(got) != "by the file and back" {
		return fmt.Errorf("got %q, %w", got, err)
	}
	return nil
}

func noneInterfaces() error {
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	if len(all) != 1 || all[0].Name != "lo" {
		return fmt.Errorf("%v", all)
	}
	return nil
}

// noneDial fails at once, for there is no way to anywhere.
func noneDial() error {
	start := time.Now()
	_, tcp := net.DialTimeout("tcp", "192.0.2.1:80", time.Minute)
	_, tcp6 := net.DialTimeout("tcp", "[2001:db8::1]:80", time.Minute)
	_, udp := net.Dial("udp", "192.0.2.1:80")
	if took := time.Since(start); took > 5*time.Second {
		return fmt.Errorf("took %v", took)
	}
	return errors.Join(is("tcp", tcp, syscall.ENETUNREACH), is("tcp6", tcp6, syscall.ENETUNREACH), is("udp", udp, syscall.ENETUNREACH))
}

func noneLookup() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, "host.example.")
	var dns *net.DNSError
	if !errors.As(err, &dns) || ctx.Err() != nil {
		return fmt.Errorf("looked up: %w", err)
	}
	return nil
}
