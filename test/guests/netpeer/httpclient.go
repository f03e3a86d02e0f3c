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
	"strconv"
	"sync"
)

// newClient makes a client of its own connections. protocols are those that it
// speaks; nil: HTTP/1.1 only.
func newClient(protocols func(*http.Protocols)) *http.Client {
	t := &http.Transport{Protocols: new(http.Protocols), MaxIdleConnsPerHost: crowd}
	if protocols == nil {
		t.Protocols.SetHTTP1(true)
	} else {
		protocols(t.Protocols)
	}
	return &http.Client{Transport: t, Timeout: patience}
}

// newTLSClient is newClient for TLS.
func newTLSClient(protocols func(*http.Protocols)) (*http.Client, error) {
	c := newClient(protocols)
	config, err := clientTLS()
	c.Transport.(*http.Transport).TLSClientConfig = config
	return c, err
}

// fetch returns the body of an answer, which must be a success.
func fetch(c *http.Client, request *http.Request) (string, *http.Response, error) {
	response, err := c.Do(request)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", request.URL, response.Status, b)
	}
	return string(b), response, err
}

// speaks makes requests at an address in a protocol: what it is, and echoes of
// several lengths, several at a time.
func speaks(c *http.Client, base, protocol string) error {
	defer c.CloseIdleConnections()
	request, err := http.NewRequest("GET", base+"/proto", nil)
	if err != nil {
		return err
	}
	theirs, response, err := fetch(c, request)
	if err != nil {
		return err
	}
	if theirs != protocol || response.Proto != protocol {
		return fmt.Errorf("the server speaks %s, the client %s, want %s", theirs, response.Proto, protocol)
	}
	sizes := []int{0, 1, 100, 5_000, 300_000}
	errs := make(chan error, len(sizes))
	var wait sync.WaitGroup
	for _, size := range sizes {
		wait.Go(func() {
			if err := echoed(c, base, text(size)); err != nil {
				errs <- fmt.Errorf("echo of %d bytes: %w", size, err)
			}
		})
	}
	wait.Wait()
	close(errs)
	return <-errs
}

// echoed posts a body, after the server has agreed to it, and gets it back.
func echoed(c *http.Client, base string, body []byte) error {
	// A reader without a length is sent in chunks.
	request, err := http.NewRequest("POST", base+"/echo", io.MultiReader(bytes.NewReader(body)))
	if err != nil {
		return err
	}
	request.Header.Set("X-Echo", strconv.Itoa(len(body)))
	request.Header.Set("Expect", "100-continue")
	got, response, err := fetch(c, request)
	if err != nil {
		return err
	}
	if got != string(body) || response.Header.Get("X-Echo") != strconv.Itoa(len(body)) {
		return fmt.Errorf("the echo differs: %d bytes, X-Echo: %s", len(got), response.Header.Get("X-Echo"))
	}
	return nil
}

func http1() error {
	if err := speaks(newClient(nil), "http://"+at(httpPort), "HTTP/1.1"); err != nil {
		return err
	}
	c, err := newTLSClient(nil)
	return errors.Join(err, speaks(c, "https://"+at(httpsPort), "HTTP/1.1"))
}

func http2() error {
	c, err := newTLSClient(func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) })
	return errors.Join(err, speaks(c, "https://"+at(httpsPort), "HTTP/2.0"))
}

func http2Clear() error {
	c := newClient(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })
	return speaks(c, "http://"+at(httpPort), "HTTP/2.0")
}

// download streams a large body and compares its hash.
func download() error {
	c := newClient(nil)
	c.Timeout = 0
	defer c.CloseIdleConnections()
	size := int64(megabytes) << 20
	response, err := c.Get(fmt.Sprintf("http://%s/download?n=%d", at(httpPort), size))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	h := sha256.New()
	n, err := io.Copy(h, response.Body)
	if err != nil {
		return err
	}
	if got, want := fmt.Sprintf("%x", h.Sum(nil)), response.Trailer.Get("Hash"); n != size || got != want {
		return fmt.Errorf("%d bytes with hash %s, want %d with %s", n, got, size, want)
	}
	return nil
}

// upload is download the other way round.
func upload() error {
	c := newClient(nil)
	c.Timeout = 0
	defer c.CloseIdleConnections()
	size := int64(megabytes) << 20
	h := sha256.New()
	request, err := http.NewRequest("POST", "http://"+at(httpPort)+"/upload", io.TeeReader(body(size), h))
	if err != nil {
		return err
	}
	got, _, err := fetch(c, request)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%d %x", size, h.Sum(nil)); got != want {
		return fmt.Errorf("got %s, want %s", got, want)
	}
	return nil
}

// meetCrowd has many connections open at once, twice, and the same ones.
func meetCrowd() error {
	c := newClient(nil)
	t := c.Transport.(*http.Transport)
	t.MaxIdleConns, t.DialContext = crowd, fewAtOnce
	defer c.CloseIdleConnections()
	var rounds [2]map[string]bool
	for i := range rounds {
		var err error
		if rounds[i], err = meetOnce(c); err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
	}
	for address := range rounds[1] {
		if !rounds[0][address] {
			return fmt.Errorf("%s is a new connection", address)
		}
	}
	return nil
}

// dialing limits how many connections are being made, for a listener has a queue
// of some length.
var dialing = make(chan struct{}, 50)

func fewAtOnce(ctx context.Context, network, address string) (net.Conn, error) {
	dialing <- struct{}{}
	defer func() { <-dialing }()
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// meetOnce makes a crowd of requests that wait for each other, and returns the
// addresses that they came from.
func meetOnce(c *http.Client) (map[string]bool, error) {
	var mutex sync.Mutex
	var wait sync.WaitGroup
	from := map[string]bool{}
	var errs []error
	for range crowd {
		wait.Go(func() {
			request, err := http.NewRequest("GET", fmt.Sprintf("http://%s/meet?n=%d", at(httpPort), crowd), nil)
			var address string
			if err == nil {
				address, _, err = fetch(c, request)
			}
			mutex.Lock()
			defer mutex.Unlock()
			from[address] = true
			if err != nil && len(errs) < 3 {
				errs = append(errs, err)
			}
		})
	}
	wait.Wait()
	if len(errs) == 0 && len(from) != crowd {
		errs = append(errs, fmt.Errorf("%d connections for %d requests at once", len(from), crowd))
	}
	return from, errors.Join(errs...)
}
