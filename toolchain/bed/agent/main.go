//go:build linux

// Agent is the bed's hand in dom0: it runs programs, moves files and opens
// connections for the host, over a virtio serial port.
//
// It also is the guests' name server, at ADDRESS.
//
//	agent PORT ADDRESS
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"internal/xengo/toolchain/bed/mux"
	"internal/xengo/toolchain/bed/proto"
)

// poll is how often a port without a host behind it is looked at.
const poll = 20 * time.Millisecond

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: agent PORT ADDRESS")
	}
	if err := serveNames(os.Args[2]); err != nil {
		log.Print(err) // the bed is of use without names
	}
	// Blocking: a virtio port says "no host" by an end of file, and epoll
	// would report it forever.
	fd, err := syscall.Open(os.Args[1], syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		log.Fatalf("open %s: %v", os.Args[1], err)
	}
	port := os.NewFile(uintptr(fd), os.Args[1])
	server := mux.NewServer(port)
	for {
		if err := serve(server); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			log.Print(err)
		}
		time.Sleep(poll)
	}
}

// serve answers one session of the host.
func serve(server *mux.Server) error {
	session, err := server.Serve()
	if err != nil {
		return err
	}
	for {
		st, err := session.Accept()
		if err != nil {
			return session.Err()
		}
		go handle(st)
	}
}

// handle answers one stream.
func handle(st *mux.Stream) {
	defer st.Close()
	var req proto.Request
	if err := proto.ReadJSON(st, &req); err != nil {
		log.Printf("request: %v", err)
		return
	}
	if err := answer(st, &req); err != nil {
		// Told to the host if it can still be told.
		if proto.WriteJSON(st, proto.Reply{Error: err.Error()}) != nil {
			return
		}
	}
	if st.CloseWrite() == nil {
		drain(st)
	}
}

// drain waits until the host has taken everything and closed.
func drain(st *mux.Stream) {
	if _, err := io.Copy(io.Discard, st); err != nil && !errors.Is(err, mux.ErrClosed) {
		log.Print(err)
	}
}

var numbers atomic.Int64

// answer does what is asked. It returns an error only before the first reply.
func answer(st *mux.Stream, req *proto.Request) error {
	switch req.Op {
	case proto.Exec:
		return execute(st, req)
	case proto.Put:
		return put(st, req)
	case proto.Get:
		return get(st, req)
	case proto.Follow:
		return follow(st, req)
	case proto.Dial:
		return dial(st, req)
	case proto.Next:
		return proto.WriteJSON(st, proto.Reply{Number: int(numbers.Add(1))})
	case proto.Sync:
		now := syscall.Timeval{Sec: req.Time}
		if err := syscall.Settimeofday(&now); err != nil {
			return os.NewSyscallError("settimeofday", err)
		}
		return proto.WriteJSON(st, proto.Reply{})
	}
	return fmt.Errorf("unknown operation %q: the bed is one of another xengo; end it with xengo bed down", req.Op)
}
