package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/bed/forward"
)

// session is a guest with the user at its console.
type session struct {
	*runner
	start   context.Context // done when the user interrupts the start
	ctx     context.Context // of the bed and the guest
	bed     *bed.Bed
	guest   *bed.Guest
	running chan struct{} // closed when guest is set
	signals chan os.Signal
	asked   time.Time        // when the guest was asked to shut down
	grace   <-chan time.Time // when it will be ended for not having done so
	cut     chan struct{}    // closed when the user wants the guest to end at once
	once    sync.Once        // closes cut
	raw     bool             // the terminal is in raw mode
	spawner *spawner         // for what the guest starts; nil: it cannot
	quiet   bool             // standard error is the program's alone
}

func newSession(ctx context.Context, r *runner) *session {
	return &session{runner: r, start: ctx, ctx: context.WithoutCancel(ctx), signals: make(chan os.Signal, 4), cut: make(chan struct{}), running: make(chan struct{})}
}

func (s *session) run(image string, args []string) (err error) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.ctx = ctx
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(s.signals)
	started := context.AfterFunc(s.start, cancel)
	ports, err := s.openPorts()
	if err != nil {
		return err
	}
	defer ports()
	if err := s.openBed(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.bed.Close()) }()
	cfg, err := s.config(image, args)
	if err != nil {
		return err
	}
	say := s.slow("creating the domain")
	s.guest, err = s.bed.StartGuest(ctx, cfg)
	say()
	if err != nil {
		return err
	}
	close(s.running)
	if s.verbose {
		s.say("%s runs, domain %d, address %s", s.guest.Name, s.guest.DomID(), s.guest.IP())
	}
	defer s.guest.Close()
	if s.spawner != nil {
		s.spawner.bed = s.bed
		_, finish := s.spawner.serve(ctx, s.guest, nil, nil)
		defer func() { err = errors.Join(err, s.guest.Close(), finish()) }()
	}
	if !started() {
		return s.start.Err()
	}
	return errors.Join(s.attend(cfg.Console), s.saveDisks())
}

// saveDisks brings back what the guest has written, when it can write no more.
func (s *session) saveDisks() error {
	if s.disks == nil {
		return nil
	}
	defer s.slow("copying disks back")()
	select {
	case <-s.guest.Done():
	default:
		if err := s.guest.Destroy(s.ctx); err != nil {
			return err
		}
	}
	return s.guest.SaveDisks(s.ctx)
}

// slow is the function of that name, unless what is said on stderr is taken for the program's.
func (s *session) slow(format string, args ...any) (done func()) {
	if s.quiet {
		return func() {}
	}
	return slow(format, args...)
}

// openPorts listens on the ports, before there is a guest: who connects waits for
// it.
func (s *session) openPorts() (closeAll func(), err error) {
	var all []*forward.Forwarding
	closeAll = func() {
		for _, f := range all {
			f.Close() // an error changes nothing any more
		}
	}
	for _, rule := range s.rules {
		f, err := rule.Start(s.ctx, s.dial)
		if err != nil {
			closeAll()
			return nil, err
		}
		all = append(all, f)
		s.say("port %d of %s is the guest's port %d/%s", f.Port, cmp.Or(rule.Address, "localhost"), rule.Guest, rule.Network)
	}
	return closeAll, nil
}

// dial connects to the guest once it runs.
func (s *session) dial(ctx context.Context, network string, port int) (net.Conn, error) {
	select {
	case <-s.running:
		return s.bed.Dial(ctx, network, net.JoinHostPort(s.guest.IP(), strconv.Itoa(port)))
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// openBed takes the bed that is up or resumes one. The host's directories are those of
// a machine, and not of a guest in it.
func (s *session) openBed() (err error) {
	for _, m := range s.mounts {
		if !m.dom0 {
			s.runner.bed.Shares = append(s.runner.bed.Shares, m.dir)
		}
	}
	defer s.slow("resuming Xen %s and dom0", s.runner.bed.Xen)()
	if s.fresh || s.runner.bed.GDB != "" || s.runner.bed.Shares != nil {
		s.bed, err = bed.Start(s.ctx, s.runner.bed)
	} else {
		s.bed, err = attachOrStart(s.ctx, s.runner.bed)
	}
	return err
}

func (s *session) config(image string, args []string) (bed.GuestConfig, error) {
	c := bed.GuestConfig{
		Image: image, Name: s.name, Type: s.kind, VCPUs: s.vcpus, MemoryMB: s.memory,
		Argv0: s.argv0, Args: args, Env: s.env, Options: slices.Clone(s.options), Ramdisk: s.rootfs, Pack: s.compress,
		DiskFiles: s.disks, NativeTSC: s.nativeTSC, Lines: s.lines, Console: os.Stdout, Restart: true,
		Rebooted: func() {
			s.say(`the domain has rebooted, the program begins anew; if nobody asked for that, "xengo bed sh xl dmesg" may say why`)
		},
	}
	if s.raw = interactive(); !s.raw {
		c.Options = append(c.Options, "console=pipe")
		c.Console = &newlines{w: os.Stdout}
	}
	network, err := usesNetwork(image)
	if !network && len(s.rules) == 0 {
		c.Vifs = []string{}
	} else {
		c.Options = append(c.Options, "dns="+bed.NameServer)
	}
	if err != nil {
		return c, err
	}
	return c, s.share(&c)
}

// share has the bed pass the directories of --share on.
func (s *session) share(c *bed.GuestConfig) error {
	mounted := 0
	for i, m := range s.mounts {
		dir := m.dir
		if !m.dom0 {
			var err error
			if dir, err = s.bed.MountShare(s.ctx, mounted); err != nil {
				return err
			}
			mounted++
		}
		c.Shares = append(c.Shares, bed.Share{Tag: shareTag(i), Dir: dir})
	}
	c.Options = append(c.Options, s.mountOptions()...)
	return nil
}

// attend serves the guest until it has ended, and returns how.
func (s *session) attend(console io.Writer) error {
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

// termGrace is how long the guest has after a SIGTERM, whose sender is a program
// that will not send a second.
const termGrace = 10 * time.Second

// wait waits for the guest's end, its time to be up, or a second signal.
func (s *session) wait() error {
	var timeout <-chan time.Time
	if s.timeout > 0 {
		timeout = time.After(s.timeout)
	}
	for {
		select {
		case <-s.guest.Done():
			return s.ended()
		case <-timeout:
			s.say("the guest was ended after %v", s.timeout)
			return exitStatus(statusTimeout)
		case <-s.cut:
			s.say("the guest was ended")
			return exitStatus(statusInterrupt)
		case <-s.grace:
			s.say("the guest did not shut down in %v and was ended", termGrace)
			return exitStatus(statusTerm)
		case sig := <-s.signals:
			s.signalled(sig)
		}
	}
}

// signalled asks the guest to shut down, and the second time ends it.
func (s *session) signalled(sig os.Signal) {
	switch {
	case s.asked.IsZero():
		s.asked = time.Now()
		s.say("asking the guest to shut down; another interrupt ends it")
		if sig == syscall.SIGTERM {
			s.grace = time.After(termGrace)
		}
		go s.shutdown()
	case time.Since(s.asked) > sameSignal:
		s.end()
	}
}

// end makes wait end the guest.
func (s *session) end() { s.once.Do(func() { close(s.cut) }) }

// say writes a line to stderr, which may be a terminal in raw mode.
func (s *session) say(format string, args ...any) {
	end := "\n"
	if s.raw {
		end = "\r\n"
	}
	fmt.Fprintf(os.Stderr, "xengo: "+format+end, args...)
}

func (s *session) shutdown() {
	if err := s.guest.Shutdown(s.ctx); err != nil && s.ctx.Err() == nil {
		s.say("%v", err)
	}
}

// ended turns the guest's end into our exit status.
func (s *session) ended() error {
	r, err := s.guest.Wait()
	if err != nil {
		return err
	}
	if s.verbose {
		s.say("the domain ended: %v", r)
		s.showXenLog()
	}
	switch {
	case r.HasStatus && r.Status == 0 && !r.Crashed():
		return nil
	case r.HasStatus && r.Status != 0:
		return exitStatus(r.Status & 0xff)
	}
	s.say("the domain ended (%v) and left no exit status", r.Reason)
	if !s.verbose {
		s.showXenLog()
	}
	switch {
	case r.Crashed():
		return exitStatus(statusCrash)
	case r.Reason == bed.Destroyed:
		return exitStatus(statusDestroyed)
	}
	return exitStatus(statusOurs)
}

// showXenLog shows what Xen said about the domain, and what the domain said to
// Xen.
func (s *session) showXenLog() {
	log, err := s.bed.XenLog()
	if err != nil {
		s.say("%v", err)
	}
	about := regexp.MustCompile(fmt.Sprintf(`\bd%d(v\d+)?\b`, s.guest.DomID()))
	for line := range strings.Lines(log) {
		if about.MatchString(line) && !strings.Contains(line, "HVM") {
			s.say("%s", strings.TrimSpace(line))
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
