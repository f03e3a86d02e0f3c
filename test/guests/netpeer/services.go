package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// startServices begins to serve on all ports, of all addresses.
func startServices() error {
	for port, service := range map[int]func(*net.TCPConn) error{
		echoPort:   func(c *net.TCPConn) error { _, err := io.Copy(c, c); return err },
		answerPort: answer,
		silentPort: func(c *net.TCPConn) error {
			silent.Lock()
			silent.kept = append(silent.kept, c)
			silent.Unlock()
			return errKeep
		},
		resetPort: resetAfterByte,
		tokenPort: tokenThenListen,
	} {
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return err
		}
		go accept(l, service)
	}
	if err := serveUDPEcho(); err != nil {
		return err
	}
	if err := serveDNS(":" + strconv.Itoa(dnsPort)); err != nil {
		return err
	}
	return serveHTTP()
}

// errKeep says that a service keeps the connection open.
var errKeep = errors.New("keep")

var silent struct {
	sync.Mutex
	kept []*net.TCPConn // so that no finalizer closes them
}

func accept(l net.Listener, service func(*net.TCPConn) error) {
	for {
		c, err := l.Accept()
		if err != nil {
			fmt.Println("netpeer: accept:", err)
			return
		}
		go func() {
			err := service(c.(*net.TCPConn))
			if errors.Is(err, errKeep) {
				return
			}
			if err != nil {
				fmt.Println("netpeer:", err)
			}
			c.Close()
		}()
	}
}

// answer reads to the end and tells what it read.
func answer(c *net.TCPConn) error {
	h := sha256.New()
	n, err := io.Copy(h, c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c, "%d %x", n, h.Sum(nil))
	return err
}

func resetAfterByte(c *net.TCPConn) error {
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return err
	}
	return c.SetLinger(0) // closing resets
}

// heard is what was sent after a token, by token.
var heard struct {
	sync.Mutex
	what map[string]chan string
}

// heardAfter returns where to find what was sent after a token.
func heardAfter(token string) chan string {
	heard.Lock()
	defer heard.Unlock()
	if heard.what == nil {
		heard.what = make(map[string]chan string)
	}
	if heard.what[token] == nil {
		heard.what[token] = make(chan string, 1)
	}
	return heard.what[token]
}

// tokenThenListen writes a token, says that it will write no more, and goes on
// reading.
func tokenThenListen(c *net.TCPConn) error {
	token := c.RemoteAddr().String()
	if _, err := io.WriteString(c, token); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(h, c)
	if err != nil {
		return err
	}
	heardAfter(token) <- fmt.Sprintf("%d %x", n, h.Sum(nil))
	return nil
}

func serveUDPEcho() error {
	c, err := net.ListenPacket("udp", ":"+strconv.Itoa(echoPort))
	if err != nil {
		return err
	}
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				fmt.Println("netpeer: udp:", err)
				return
			}
			if _, err := c.WriteTo(b[:n], from); err != nil {
				fmt.Println("netpeer: udp:", err)
			}
		}
	}()
	return nil
}
