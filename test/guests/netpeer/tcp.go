package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// dial connects to a service, for as long as a success may take.
func dial(port int) (*net.TCPConn, error) {
	c, err := net.DialTimeout("tcp", at(port), patience)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), c.SetDeadline(time.Now().Add(patience))
}

// text is n bytes that differ.
func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// is is nil if err is want.
func is(what string, err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%s: got %v, want %v", what, err, want)
	}
	return nil
}

func tcpEcho() error {
	c, err := dial(echoPort)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := errors.Join(c.SetNoDelay(true), c.SetKeepAlive(true), c.SetKeepAlivePeriod(time.Minute)); err != nil {
		return err
	}
	want := text(1 << 20)
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(want)
		sent <- err
	}()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("the echo differs")
	}
	return <-sent
}

// halfClose gets its answer after it has ended its own side.
func halfClose() error {
	c, err := dial(answerPort)
	if err != nil {
		return err
	}
	defer c.Close()
	b := text(300_000)
	if _, err := c.Write(b); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%d %x", len(b), sha256.Sum256(b)); string(got) != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	_, err = c.Write([]byte("x"))
	return is("write after half-close", err, syscall.EPIPE)
}

// peerHalfClose writes to a peer that has ended its own side.
func peerHalfClose() error {
	c, err := dial(tokenPort)
	if err != nil {
		return err
	}
	defer c.Close()
	token, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	b := text(300_000)
	if _, err := c.Write(b); err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return err
	}
	response, err := newClient(nil).Get("http://" + at(httpPort) + "/heard?token=" + url.QueryEscape(string(token)))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if want := fmt.Sprintf("%d %x", len(b), sha256.Sum256(b)); err != nil || string(got) != want {
		return fmt.Errorf("heard %q, %v, want %q", got, err, want)
	}
	return nil
}

func refused() error {
	start := time.Now()
	_, err := net.DialTimeout("tcp", at(closedPort), patience)
	if took := time.Since(start); took > patience/2 {
		return fmt.Errorf("took %v", took)
	}
	_, asURL := http.Get("http://" + at(closedPort))
	return errors.Join(is("dial", err, syscall.ECONNREFUSED), is("get", asURL, syscall.ECONNREFUSED), says(err, "connection refused"))
}

// says is nil if an error's text has some words.
func says(err error, words string) error {
	if err == nil || !strings.Contains(err.Error(), words) {
		return fmt.Errorf("%v does not say %q", err, words)
	}
	return nil
}

// reset is told by a read, and a write finds the pipe broken.
func reset() error {
	c, err := dial(resetPort)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, read := c.Read(make([]byte, 1))
	_, write := c.Write([]byte("x"))
	return errors.Join(is("read", read, syscall.ECONNRESET), is("write", write, syscall.EPIPE), says(read, "connection reset by peer"))
}

// timed does something that a deadline shall end, not before it.
func timed(what string, set func(time.Time) error, do func() error) error {
	const wait = 200 * time.Millisecond
	start := time.Now()
	if err := set(start.Add(wait)); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	err := is(what, do(), os.ErrDeadlineExceeded)
	if took := time.Since(start); took < wait {
		err = errors.Join(err, fmt.Errorf("%s: after %v", what, took))
	}
	return err
}

// deadlines pass on reading, writing and accepting; the connection lives on.
func deadlines() error {
	c, err := dial(silentPort)
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	read := func() error { _, err := c.Read(make([]byte, 1)); return err }
	write := func() error {
		for b := make([]byte, 1<<20); ; {
			if _, err := c.Write(b); err != nil { // the buffers on the way are full
				return err
			}
		}
	}
	wait := func() error { _, err := l.Accept(); return err }
	if err := errors.Join(
		timed("read", c.SetReadDeadline, read), timed("read again", c.SetReadDeadline, read),
		timed("write", c.SetWriteDeadline, write), timed("accept", l.(*net.TCPListener).SetDeadline, wait),
	); err != nil {
		return err
	}
	// A deadline that is set while a read waits ends it.
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	result := make(chan error)
	go func() { result <- read() }()
	time.Sleep(50 * time.Millisecond) // lets the read wait; if it does not yet, the deadline counts as well
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	return is("read under way", <-result, os.ErrDeadlineExceeded)
}

func dialBlackhole() error {
	start := time.Now()
	_, err := net.DialTimeout("tcp", net.JoinHostPort(blackhole, "80"), 500*time.Millisecond)
	if took := time.Since(start); took < 500*time.Millisecond || took > patience {
		return fmt.Errorf("took %v", took)
	}
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return fmt.Errorf("not a timeout: %w", err)
	}
	// The poller's deadline and the context's are one time: whichever timer comes first names the error.
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		if err := is("dial", err, context.DeadlineExceeded); err != nil {
			return err
		}
	}
	return says(err, "i/o timeout")
}

func dialAbsent() error {
	_, err := net.DialTimeout("tcp", net.JoinHostPort(absent, "80"), patience)
	return errors.Join(is("dial", err, syscall.EHOSTUNREACH), says(err, "no route to host"))
}
