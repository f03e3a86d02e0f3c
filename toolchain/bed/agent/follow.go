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
	f, err := os.OpenFile(req.Path, os.O_RDWR|os.O_CREATE, 0o644)
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
	s := sent{f: f}
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
		if err := s.forget(); err != nil {
			log.Printf("follow %s: %v", req.Path, err)
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

// sent is a file whose beginning has been sent.
type sent struct {
	f         *os.File
	forgotten int64 // bytes whose memory was given back
}

// Memory of a followed file: how much of its end is kept, and how much more may
// gather before it is given back.
const (
	keptTail = 1 << 20
	enough   = 8 << 20
)

// forget makes a hole of what was sent long ago: dom0's files are in its memory,
// and a guest may talk for days.
func (s *sent) forget() error {
	at, err := s.f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	hole := at - keptTail - s.forgotten
	if hole < enough {
		return nil
	}
	const punchHole, keepSize = 2, 1 // FALLOC_FL_* of <linux/falloc.h>
	err = syscall.Fallocate(int(s.f.Fd()), punchHole|keepSize, s.forgotten, hole)
	s.forgotten += hole
	return os.NewSyscallError("fallocate", err)
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
