package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// block returns some bytes of random number and value.
func (r *round) block(limit int) []byte {
	b := make([]byte, 1+r.rng.IntN(limit))
	seed := b[:min(len(b), 64)]
	for i := range seed {
		seed[i] = byte(r.rng.Uint32())
	}
	for n := len(seed); n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
	return b
}

// files writes, reads, renames and removes them.
func files(r *round) error {
	dir, err := os.MkdirTemp("", "endure")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for n := 0; r.on(); n++ {
		data := r.block(64 << 10)
		name := filepath.Join(dir, fmt.Sprint(n%10))
		if err := os.WriteFile(name+".new", data, 0o600); err != nil {
			return err
		}
		if err := os.Rename(name+".new", name); err != nil {
			return err
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, data) {
			return fmt.Errorf("%s: %d bytes are not those written, %v", name, len(got), err)
		}
		if n%10 == 9 {
			for n := range 10 {
				if err := os.Remove(filepath.Join(dir, fmt.Sprint(n))); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// through writes to one end and expects it at the other.
func (r *round) through(w io.Writer, rd io.Reader, limit int) error {
	data := r.block(limit)
	failed := make(chan error, 1)
	go func() {
		_, err := w.Write(data)
		failed <- err
	}()
	got := make([]byte, len(data))
	if _, err := io.ReadFull(rd, got); err != nil {
		return err
	}
	if err := <-failed; err != nil {
		return err
	}
	if !bytes.Equal(got, data) {
		return fmt.Errorf("%d bytes came otherwise than they were sent", len(data))
	}
	return nil
}

func pipes(r *round) error {
	for r.on() {
		rd, w, err := os.Pipe()
		if err != nil {
			return err
		}
		for range 10 {
			if err := r.through(w, rd, 128<<10); err != nil {
				return err
			}
		}
		rd.Close()
		w.Close()
	}
	return nil
}

func tcp(r *round) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	for r.on() {
		type accepted struct {
			net.Conn
			error
		}
		other := make(chan accepted, 1)
		go func() {
			c, err := l.Accept()
			other <- accepted{c, err}
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		o := <-other
		if o.error != nil {
			return o.error
		}
		for range 10 {
			if err := r.through(c, o, 256<<10); err != nil {
				return err
			}
		}
		c.Close()
		o.Close()
	}
	return nil
}

func udp(r *round) error {
	a, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := net.DialUDP("udp", nil, a.LocalAddr().(*net.UDPAddr))
	if err != nil {
		return err
	}
	defer b.Close()
	for r.on() {
		if err := a.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			return err
		}
		if err := r.through(b, a, 1400); err != nil {
			return err
		}
	}
	return nil
}

// webAddress is where the web server is, for this program and others.
const webAddress = ":8080"

var transport = &http.Transport{}

func startWeb() error {
	l, err := net.Listen("tcp", webAddress)
	if err != nil {
		return err
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		data, err := io.ReadAll(q.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Write(data)
	}))
	return nil
}

// web has the server send back what it gets.
func web(r *round) error {
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for r.on() {
		data := r.block(32 << 10)
		response, err := client.Post("http://127.0.0.1"+webAddress, "application/octet-stream", bytes.NewReader(data))
		if err != nil {
			return err
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !bytes.Equal(got, data) {
			return fmt.Errorf("%d of %d bytes came back, %v", len(got), len(data), err)
		}
	}
	return nil
}
