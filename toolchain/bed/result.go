package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Reason is why a domain ended (SHUTDOWN_* in Xen's public/sched.h).
type Reason int

// The reasons.
const (
	Poweroff Reason = iota
	Reboot
	Suspend
	Crash
	Watchdog
	SoftReset
	Destroyed Reason = -1 // from outside
)

func (r Reason) String() string {
	switch r {
	case Poweroff:
		return "poweroff"
	case Reboot:
		return "reboot"
	case Suspend:
		return "suspend"
	case Crash:
		return "crash"
	case Watchdog:
		return "watchdog"
	case SoftReset:
		return "soft reset"
	case Destroyed:
		return "destroyed"
	}
	return fmt.Sprintf("reason %d", int(r))
}

// Result is how a guest ended.
type Result struct {
	Reason    Reason
	HasStatus bool // the program left an exit status
	Status    int  // that
}

// Crashed reports whether the domain counts as crashed.
func (r Result) Crashed() bool { return r.Reason == Crash || r.Reason == Watchdog }

func (r Result) String() string {
	if r.HasStatus {
		return fmt.Sprintf("%v, exit status %d", r.Reason, r.Status)
	}
	return r.Reason.String()
}

// xlEvents takes the messages of `xl create -F` (tools/xl/xl_vmcontrol.c).
type xlEvents struct {
	created  chan struct{} // closed when the domain runs
	rebooted func()        // called when it has begun anew, or nil

	mu     sync.Mutex
	all    bytes.Buffer
	line   []byte // the last one, incomplete
	domid  int
	reason Reason
}

var (
	xlWaiting  = regexp.MustCompile(`^Waiting for domain .* \(domid (\d+)\) to die`)
	xlShutdown = regexp.MustCompile(`^Domain \d+ has shut down, reason code (-?\d+)`)
)

func newXLEvents(rebooted func()) *xlEvents {
	return &xlEvents{created: make(chan struct{}), rebooted: rebooted, domid: -1, reason: Destroyed}
}

func (e *xlEvents) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all.Write(p)
	e.line = append(e.line, p...)
	for {
		line, rest, ok := bytes.Cut(e.line, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		e.line = rest
		e.take(string(line))
	}
}

func (e *xlEvents) take(line string) {
	if m := xlWaiting.FindStringSubmatch(line); m != nil {
		first := e.domid < 0
		e.domid, _ = strconv.Atoi(m[1]) // digits
		e.reason = Destroyed
		if first {
			close(e.created)
		} else if e.rebooted != nil {
			e.rebooted()
		}
	}
	if m := xlShutdown.FindStringSubmatch(line); m != nil {
		n, _ := strconv.Atoi(m[1]) // digits
		e.reason = Reason(n)
	}
}

func (e *xlEvents) log() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all.String()
}

func (e *xlEvents) state() (domid int, reason Reason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.domid, e.reason
}

// watch copies the console until the domain has ended, and finds out how.
func (g *Guest) watch(ctx context.Context, console io.Writer) {
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(console, g.console)
		g.output.end()
		copied <- err
	}()
	err := g.xl.Wait()
	g.console.CloseWrite() // an error there is one of reading, too
	domid, reason := g.events.state()
	if exit := (*ExitError)(nil); errors.As(err, &exit) {
		exit.Stderr = g.events.log()
	}
	if err == nil {
		g.result, err = g.bed.result(ctx, domid, reason)
	}
	if copyErr := <-copied; err == nil {
		err = copyErr
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	g.err = err
	close(g.done)
}

// result reads the exit status that the program left. A domain that is gone
// has left none.
func (b *Bed) result(ctx context.Context, domid int, reason Reason) (Result, error) {
	r := Result{Reason: reason}
	if reason == Destroyed {
		return r, nil
	}
	out, err := b.Exec(ctx, "xenstore-read", fmt.Sprintf("/local/domain/%d/data/exit-status", domid))
	if exit := (*ExitError)(nil); errors.As(err, &exit) {
		return r, nil // not there
	}
	if err != nil {
		return r, err
	}
	r.Status, err = strconv.Atoi(strings.TrimSpace(out))
	r.HasStatus = err == nil
	return r, err
}
