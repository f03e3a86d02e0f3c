package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"internal/xengo/toolchain/bed"
)

// terminal is the user's, if it is standard input and output.
type terminal struct {
	fd    int
	saved unix.Termios
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// foreground reports whether this process may read from the terminal: a job in
// the background would be stopped.
func foreground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// interactive reports whether a person sits at standard input and output.
func interactive() bool {
	return isTerminal(os.Stdin) && isTerminal(os.Stdout) && foreground(os.Stdin)
}

// makeRaw gives all keys to who reads the terminal, and all bytes to the screen.
func makeRaw(f *os.File) (*terminal, error) {
	t := &terminal{fd: int(f.Fd())}
	saved, err := unix.IoctlGetTermios(t.fd, unix.TCGETS)
	if err != nil {
		return nil, os.NewSyscallError("tcgetattr", err)
	}
	t.saved = *saved
	raw := t.saved
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	return t, t.set(&raw)
}

func (t *terminal) set(s *unix.Termios) error {
	return os.NewSyscallError("tcsetattr", unix.IoctlSetTermios(t.fd, unix.TCSETSW, s))
}

func (t *terminal) restore() error { return t.set(&t.saved) }

func (t *terminal) size() (rows, cols int, err error) {
	w, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, os.NewSyscallError("TIOCGWINSZ", err)
	}
	return int(w.Row), int(w.Col), nil
}

// onTerminal runs a command in dom0, on a terminal there if the user has one
// here.
func onTerminal(ctx context.Context, b *bed.Bed, c bed.Command) error {
	if !interactive() {
		return b.Run(ctx, c)
	}
	t, err := makeRaw(os.Stdin)
	if err != nil {
		return err
	}
	err = t.run(ctx, b, c)
	return errors.Join(err, t.restore())
}

func (t *terminal) run(ctx context.Context, b *bed.Bed, c bed.Command) error {
	var err error
	c.TTY, c.Env = true, append(c.Env, "TERM="+os.Getenv("TERM"))
	if c.Rows, c.Cols, err = t.size(); err != nil {
		return err
	}
	p, err := b.Start(ctx, c)
	if err != nil {
		return err
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-resized:
				rows, cols, err := t.size()
				if err != nil || p.Resize(rows, cols) != nil {
					return // the terminal or the program is gone
				}
			case <-ended:
				return
			}
		}
	}()
	err = p.Wait()
	return errors.Join(err, p.Close())
}
