package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// pipe sends more than a pipe holds, sees its end, and writes to one that
// nobody reads.
func pipe() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	text := strings.Repeat("pipe ", 100_000)
	wrote := make(chan error, 1)
	go func() {
		_, err := io.WriteString(w, text)
		wrote <- errors.Join(err, w.Close())
	}()
	got, err := io.ReadAll(r)
	if err := errors.Join(err, <-wrote, r.Close()); err != nil {
		return err
	}
	if err := same("came through", string(got) == text, true); err != nil {
		return err
	}
	if r, w, err = os.Pipe(); err != nil {
		return err
	}
	defer w.Close()
	r.Close()
	_, err = w.WriteString("x")
	return is("write to nobody", err, syscall.EPIPE)
}

// pipeDeadline waits for a reader's and a writer's deadline, and uses the pipe
// afterwards.
func pipeDeadline() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	const wait = 50 * time.Millisecond
	timed := func(what string, set func(time.Time) error, do func() error) error {
		start := time.Now()
		if err := set(start.Add(wait)); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		err := is(what, do(), os.ErrDeadlineExceeded)
		if took := time.Since(start); took < wait {
			err = errors.Join(err, fmt.Errorf("%s: after %v", what, took))
		}
		return errors.Join(err, set(time.Time{}))
	}
	err = errors.Join(
		timed("read", r.SetReadDeadline, func() error { _, err := r.Read(make([]byte, 1)); return err }),
		timed("write", w.SetWriteDeadline, func() error { _, err := w.Write(make([]byte, 4<<20)); return err }),
	)
	if err != nil {
		return err
	}
	go func() { io.Copy(io.Discard, r) }()
	_, err = w.Write(make([]byte, 1<<20))
	return err
}
