package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"internal/xengo/toolchain/bed"
)

// session is a guest with the user at its console.
type session struct {
	*runner
	start   context.Context // done when the user interrupts the start
	ctx     context.Context // of the bed and the guest
	bed     *bed.Bed
	guest   *bed.Guest
	signals chan os.Signal
	cut     chan struct{} // closed when the user wants the guest to end at once
}

func newSession(ctx context.Context, r *runner) *session {
	return &session{runner: r, start: ctx, ctx: context.WithoutCancel(ctx), signals: make(chan os.Signal, 4), cut: make(chan struct{})}
}

func (s *session) run(image string, args []string) (err error) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.ctx = ctx
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(s.signals)
	started := context.AfterFunc(s.start, cancel)
	if err := s.openBed(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.bed.Close()) }()
	cfg, err := s.config(image, args)
	if err != nil {
		return err
	}
	say := slow("creating the domain")
	s.guest, err = s.bed.StartGuest(ctx, cfg)
	say()
	if err != nil {
		return err
	}
	defer s.guest.Close()
	if !started() {
		return s.start.Err()
	}
	return s.attend(cfg.Console)
}

// openBed takes the bed that is up or resumes one.
func (s *session) openBed() (err error) {
	defer slow("resuming Xen %s and dom0", s.runner.bed.Xen)()
	if s.fresh || s.runner.bed.GDB != "" {
		s.bed, err = bed.Start(s.ctx, s.runner.bed)
	} else {
		s.bed, err = attachOrStart(s.ctx, s.runner.bed)
	}
	return err
}

func (s *session) config(image string, args []string) (bed.GuestConfig, error) {
	c := bed.GuestConfig{
		Image: image, Name: s.name, Type: s.kind, VCPUs: s.vcpus, MemoryMB: s.memory,
		Args: args, Env: s.env, NativeTSC: s.nativeTSC, Lines: s.lines, Console: os.Stdout,
	}
	if !interactive() {
		c.Options = append(c.Options, "console=pipe")
		c.Console = &newlines{w: os.Stdout}
	}
	network, err := usesNetwork(image)
	if !network && len(s.rules) == 0 {
		c.Vifs = []string{}
	}
	return c, err
}

// attend serves the guest until it has ended, and returns how.
func (s *session) attend(console io.Writer) error {
	for _, rule := range s.rules {
		f, err := rule.Start(s.ctx, s.bed.Dial, s.guest.IP())
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintf(os.Stderr, "xengo: port %d of localhost is the guest's port %d/%s\n", f.Port, rule.Guest, rule.Network)
	}
	restore, err := s.openInput()
	if err != nil {
		return err
	}
	err = s.wait()
	if flusher, ok := console.(*newlines); ok {
		err = errors.Join(err, flusher.Flush())
	}
	return errors.Join(err, restore())
}

// sameSignal is the time in which signals are one: timeout(1) and some shells
// send theirs to the process and to its group.
const sameSignal = 300 * time.Millisecond

// wait waits for the guest's end, its time to be up, or a second signal.
func (s *session) wait() error {
	var timeout <-chan time.Time
	if s.timeout > 0 {
		timeout = time.After(s.timeout)
	}
	var asked time.Time
	for {
		select {
		case <-s.guest.Done():
			return s.ended()
		case <-timeout:
			fmt.Fprintf(os.Stderr, "xengo: the guest was ended after %v\n", s.timeout)
			return exitStatus(statusTimeout)
		case <-s.cut:
			fmt.Fprint(os.Stderr, "\r\nxengo: the guest was ended\r\n")
			return exitStatus(statusInterrupt)
		case <-s.signals:
			if since := time.Since(asked); !asked.IsZero() && since < sameSignal {
				continue
			} else if !asked.IsZero() {
				fmt.Fprintln(os.Stderr, "xengo: the guest was ended")
				return exitStatus(statusInterrupt)
			}
			asked = time.Now()
			fmt.Fprintln(os.Stderr, "xengo: asking the guest to shut down; another interrupt ends it")
			go s.shutdown()
		}
	}
}

func (s *session) shutdown() {
	if err := s.guest.Shutdown(s.ctx); err != nil && s.ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "xengo:", err)
	}
}

// ended turns the guest's end into our exit status.
func (s *session) ended() error {
	r, err := s.guest.Wait()
	switch {
	case err != nil:
		return err
	case r.HasStatus && r.Status == 0 && !r.Crashed():
		return nil
	case r.HasStatus && r.Status != 0:
		return exitStatus(r.Status & 0xff)
	}
	fmt.Fprintf(os.Stderr, "xengo: the domain ended (%v) and left no exit status\n", r.Reason)
	s.showXenLog()
	switch {
	case r.Crashed():
		return exitStatus(statusCrash)
	case r.Reason == bed.Destroyed:
		return exitStatus(statusDestroyed)
	}
	return exitStatus(statusOurs)
}

// showXenLog shows what Xen said about the domain.
func (s *session) showXenLog() {
	log, err := s.bed.XenLog()
	if err != nil {
		fmt.Fprintln(os.Stderr, "xengo:", err)
	}
	about := fmt.Sprintf("d%dv", s.guest.DomID())
	for line := range strings.Lines(log) {
		if strings.Contains(line, about) {
			fmt.Fprint(os.Stderr, line)
		}
	}
}

// newlines undoes what a terminal does to newlines: "\r\n" becomes "\n".
type newlines struct {
	w  io.Writer
	cr bool // a "\r" is held back
}

func (n *newlines) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+1)
	if n.cr {
		out = append(out, '\r')
	}
	out = append(out, p...)
	out = bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n"))
	n.cr = len(out) > 0 && out[len(out)-1] == '\r'
	if n.cr {
		out = out[:len(out)-1]
	}
	if len(out) > 0 {
		if _, err := n.w.Write(out); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Flush writes what is held back.
func (n *newlines) Flush() error {
	if !n.cr {
		return nil
	}
	n.cr = false
	_, err := n.w.Write([]byte("\r"))
	return err
}
