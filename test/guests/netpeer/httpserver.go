package main

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// serveHTTP serves HTTP/1.1 and HTTP/2 in the clear and under TLS.
func serveHTTP() error {
	own, pool, err := certificates()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/proto", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	mux.HandleFunc("/who", who)
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/heard", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, <-heardAfter(r.FormValue("token"))) })
	mux.HandleFunc("/download", sendBody)
	mux.HandleFunc("/upload", takeBody)
	mux.HandleFunc("/meet", meet)

	server := &http.Server{Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	plain, err := net.Listen("tcp", ":"+strconv.Itoa(httpPort))
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", ":"+strconv.Itoa(httpsPort))
	if err != nil {
		return err
	}
	go func() { fmt.Println("netpeer: http:", server.Serve(plain)) }()
	go func() { fmt.Println("netpeer: https:", server.ServeTLS(secure, "", "")) }()
	return nil
}

// who tells a client the name in its certificate.
func who(w http.ResponseWriter, r *http.Request) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		http.Error(w, "unknown", http.StatusForbidden)
		return
	}
	io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
}

// echo sends the request's body and one of its fields back.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Echo", r.Header.Get("X-Echo"))
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Write(b)
}

// body is n bytes that look random, the same for every reader.
func body(n int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{7}), n) }

// sendBody sends as many bytes as it is asked for and their hash as a trailer.
func sendBody(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseInt(r.FormValue("n"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Trailer", "Hash")
	h := sha256.New()
	if _, err := io.Copy(w, io.TeeReader(body(n), h)); err != nil {
		fmt.Println("netpeer: download:", err)
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Hash", fmt.Sprintf("%x", h.Sum(nil)))
}

// takeBody answers with the length and the hash of what it gets.
func takeBody(w http.ResponseWriter, r *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%d %x", n, h.Sum(nil))
}

// meetings are where the requests of a client wait for each other.
var meetings struct {
	sync.Mutex
	of map[string]*meeting // by the client's host
}

type meeting struct {
	here int
	all  chan struct{} // closed when all are here
}

// meet answers, with the client's address, when as many requests of the client
// as it asks for are under way at the same time.
func meet(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	host, _, err2 := net.SplitHostPort(r.RemoteAddr)
	if err := errors.Join(err, err2); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	<-arrive(host, n)
	io.WriteString(w, r.RemoteAddr)
}

// arrive joins a host's meeting, which is over when n are there.
func arrive(host string, n int) <-chan struct{} {
	meetings.Lock()
	defer meetings.Unlock()
	m := meetings.of[host]
	if m == nil {
		m = &meeting{all: make(chan struct{})}
		if meetings.of == nil {
			meetings.of = make(map[string]*meeting)
		}
		meetings.of[host] = m
	}
	if m.here++; m.here == n {
		delete(meetings.of, host)
		close(m.all)
	}
	return m.all
}
