package bed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"internal/xengo/toolchain/bed/proto"
)

// Command is a program to run in dom0.
type Command struct {
	Argv    []string
	Env     []string  // added to the environment
	Stdin   io.Reader // nil: empty
	Stdout  io.Writer // nil: dropped
	Stderr  io.Writer // nil: dropped
	TTY     bool      // run on a terminal of its own; all output is Stdout then
	Rows    int       // of the terminal
	Cols    int
	Cleanup []string // program to run in dom0 after the Process was closed, or this end has died
}

// ExitError says that a program in dom0 ended with a status other than 0.
type ExitError struct {
	Argv   []string
	Status int // 128 + signal if one killed it
	Stderr string
}

func (e *ExitError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("dom0: %s: exit status %d\n%s", strings.Join(e.Argv, " "), e.Status, e.Stderr))
}

// Process is a program that runs in dom0.
type Process struct {
	ctx context.Context
	st  stream
	cmd Command

	ended atomic.Bool // its exit status arrived
}

const sigKILL = 9 // on Linux

// Start starts a program in dom0. When ctx is done it is killed.
func (c *client) Start(ctx context.Context, cmd Command) (*Process, error) {
	req := proto.Request{Op: proto.Exec, Argv: cmd.Argv, Env: cmd.Env, TTY: cmd.TTY, Cleanup: cmd.Cleanup}
	if cmd.TTY && cmd.Rows > 0 {
		req.Size = terminalSize(cmd.Rows, cmd.Cols)
	}
	st, _, err := c.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	p := &Process{ctx: ctx, st: st, cmd: cmd}
	go p.sendInput()
	return p, nil
}

// Run runs a program in dom0 and waits for its end. A status other than 0 is an
// *ExitError. When ctx is done the program is killed.
func (c *client) Run(ctx context.Context, cmd Command) error {
	p, err := c.Start(ctx, cmd)
	if err != nil {
		return err
	}
	err = p.Wait()
	return errors.Join(err, p.Close())
}

// Resize tells the program the size of its terminal.
func (p *Process) Resize(rows, cols int) error {
	return proto.WritePacket(p.st, proto.Size, []byte(terminalSize(rows, cols)))
}

func terminalSize(rows, cols int) string { return fmt.Sprintf("%d %d", rows, cols) }

// Signal sends a signal to the program and its children.
func (p *Process) Signal(number int) error {
	return proto.WritePacket(p.st, proto.Signal, strconv.AppendInt(nil, int64(number), 10))
}

// sendInput copies Stdin to the program. It ends with the stream, which also
// tells what went wrong with it; a reader that blocks forever keeps its
// goroutine.
func (p *Process) sendInput() {
	if p.cmd.Stdin != nil {
		b := make([]byte, 32<<10)
		for {
			n, err := p.cmd.Stdin.Read(b)
			if n > 0 && proto.WritePacket(p.st, proto.Stdin, b[:n]) != nil {
				return
			}
			if err != nil {
				break
			}
		}
	}
	if proto.WritePacket(p.st, proto.Stdin, nil) != nil {
		return // the program is gone, or the bed: Wait says which
	}
}

// Wait hands out the program's output until it has ended. A status other than 0
// is an *ExitError.
func (p *Process) Wait() error {
	status, err := p.receive()
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	if err == nil && status != 0 {
		err = &ExitError{Argv: p.cmd.Argv, Status: status}
	}
	return err
}

func (p *Process) receive() (int, error) {
	for {
		c, b, err := proto.ReadPacket(p.st)
		if err != nil {
			return 0, fmt.Errorf("dom0: %s: %w", p.cmd.Argv[0], err)
		}
		var w io.Writer
		switch c {
		case proto.Stdout:
			w = p.cmd.Stdout
		case proto.Stderr:
			w = p.cmd.Stderr
		case proto.Exit:
			p.ended.Store(true)
			return strconv.Atoi(string(b))
		}
		if w != nil {
			if _, err := w.Write(b); err != nil {
				return 0, err
			}
		}
	}
}

// Close lets go of the program, which is killed if it still runs, and waits for
// its Cleanup.
func (p *Process) Close() error {
	if len(p.cmd.Cleanup) > 0 && p.ctx.Err() == nil {
		if err := p.letGo(); err != nil {
			return errors.Join(fmt.Errorf("dom0: %s: %w", p.cmd.Cleanup[0], err), p.st.Close())
		}
	}
	return p.st.Close()
}

// letGo ends this direction of the stream; the other ends after the Cleanup.
func (p *Process) letGo() error {
	if !p.ended.Load() {
		if err := p.Signal(sigKILL); err != nil {
			return err
		}
	}
	if err := p.st.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, p.st)
	return err
}
