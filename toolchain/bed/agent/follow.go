//go:build linux

package main

import (
	"errors"
	"io"
	"log"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"internal/xengo/toolchain/bed/mux"
	"internal/xengo/toolchain/bed/proto"
)

// quiet is how long a followed file must not have grown for it to be at its
// end. xenconsoled looks at a guest that has much to say every 200 ms.
const quiet = 250 * time.Millisecond

// follow sends a file as it grows.
func follow(st *mux.Stream, req *proto.Request) error {
	f, err := os.OpenFile(req.Path, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	events, err := watch(req.Path)
	if err != nil {
		return err
	}
	defer events.Close()
	if err := proto.WriteJSON(st, proto.Reply{}); err != nil {
		return err
	}
	var over atomic.Bool
	go func() {
		// An error says that the host is gone, and so will the next write.
		io.Copy(io.Discard, st)
		over.Store(true)
		expire(events)
	}()
	for buf := make([]byte, 4096); ; {
		if _, err := io.Copy(st, f); err != nil {
			st.Close() // part of a file must not look like all of it
			return nil
		}
		_, err := events.Read(buf)
		switch {
		case err == nil && over.Load():
			expire(events)
		case errors.Is(err, os.ErrDeadlineExceeded):
			if _, err := io.Copy(st, f); err != nil {
				st.Close()
			}
			return nil
		case err != nil:
			log.Printf("follow %s: %v", req.Path, err)
			st.Close()
			return nil
		}
	}
}

// watch returns a file that has something to read after each change of name.
func watch(name string) (*os.File, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := syscall.InotifyAddWatch(fd, name, syscall.IN_MODIFY); err != nil {
		events.Close()
		return nil, os.NewSyscallError("inotify_add_watch", err)
	}
	return events, nil
}

// expire ends the wait for changes if there is none for some time.
func expire(events *os.File) {
	if err := events.SetReadDeadline(time.Now().Add(quiet)); err != nil && !closed(err) {
		log.Printf("follow: %v", err)
	}
}
