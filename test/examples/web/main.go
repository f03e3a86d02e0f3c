// Web is an ordinary web server. It says who and where it is on port 8080 until
// it is told to stop, and lets requests under way finish then.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()

	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		log.Fatal("web: ", err)
	}
	server := &http.Server{Handler: page(time.Now()), ReadHeaderTimeout: 10 * time.Second}
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		<-stop.Done()
		log.Print("web: stopping")
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(patience); err != nil {
			log.Print("web: ", err)
		}
	}()

	log.Printf("web: serving on %s", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal("web: ", err)
	}
	<-idle
	log.Print("web: stopped")
}

// page answers every request with a few words about the server.
func page(start time.Time) http.Handler {
	var served atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, err := os.Hostname()
		if err != nil {
			host = "a host without a name"
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "Hello from %s!\n\n", host)
		fmt.Fprintf(w, "  running  %s on %s/%s, %d CPU\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
		fmt.Fprintf(w, "  up       %s\n", time.Since(start).Round(time.Millisecond))
		fmt.Fprintf(w, "  request  %d, %s %s from %s\n", served.Add(1), r.Method, r.URL.Path, r.RemoteAddr)
	})
}
