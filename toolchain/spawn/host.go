package spawn

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"internal/xengo/runtime/spawn/spawnwire"
)

// process is a program of this machine.
type process struct {
	cmd *exec.Cmd
}

// patience is how long others may keep the output of a program that has ended.
const patience = 5 * time.Second

// StartHost starts a program of this machine, with env in addition to what the guest wants.
func StartHost(ctx context.Context, r *spawnwire.Request, s Streams, env ...string) (Process, error) {
	cmd := exec.CommandContext(ctx, r.Path)
	cmd.Args, cmd.Dir = r.Argv, r.Dir
	cmd.Env = append(append([]string{}, r.Env...), env...)
	cmd.Stdout, cmd.Stderr = s.Out, s.Err
	if r.Merged {
		cmd.Stderr = s.Out
	}
	cmd.WaitDelay = patience
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		io.Copy(stdin, s.In) // it ends, or the program wants no more: both are fine
		stdin.Close()
	}()
	return &process{cmd}, nil
}

func (p *process) Wait() syscall.WaitStatus {
	p.cmd.Wait() // what it says more than the status, of copying, the guest knows
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status
}

func (p *process) Signal(sig syscall.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Status returns the status of a program that has ended with an exit status.
func Status(code int) syscall.WaitStatus { return syscall.WaitStatus(code & 0xff << 8) }

// Killed returns the status of a program that a signal has ended.
func Killed(sig syscall.Signal) syscall.WaitStatus { return syscall.WaitStatus(sig) }
