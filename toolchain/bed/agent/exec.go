//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"internal/xengo/toolchain/bed/mux"
	"internal/xengo/toolchain/bed/proto"
)

func closed(err error) bool { return errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) }

// process is a program that runs for the host.
type process struct {
	st    *mux.Stream
	wmu   sync.Mutex // one packet at a time
	cmd   *exec.Cmd
	stdin io.WriteCloser
	tty   *os.File // the terminal's master, nil without one
}

// packets is an io.Writer to one channel.
type packets struct {
	p *process
	c proto.Channel
}

func (w packets) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n := min(len(b)-done, 32<<10)
		if err := w.p.send(w.c, b[done:done+n]); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

func (p *process) send(c proto.Channel, b []byte) error {
	p.wmu.Lock()
	defer p.wmu.Unlock()
	return proto.WritePacket(p.st, c, b)
}

// execute runs a program for the host and kills it when the stream ends first.
func execute(st *mux.Stream, req *proto.Request) error {
	if len(req.Argv) == 0 {
		return errors.New("no program")
	}
	p := &process{st: st, cmd: exec.Command(req.Argv[0], req.Argv[1:]...)}
	p.cmd.Dir = req.Dir
	p.cmd.Env = append(os.Environ(), req.Env...)
	start := p.startPipes
	if req.TTY {
		start = func() (*sync.WaitGroup, error) { return p.startTTY(req.Size) }
	}
	output, err := p.startAndReply(start)
	if err != nil {
		return err
	}
	letGo := make(chan struct{})
	go func() {
		p.input()
		close(letGo)
	}()
	output.Wait()
	status := exitStatus(p.cmd.Wait())
	if p.tty != nil {
		p.tty.Close()
	}
	if err := p.send(proto.Exit, strconv.AppendInt(nil, int64(status), 10)); err != nil {
		log.Printf("%s: exit status %d not sent: %v", req.Argv[0], status, err)
	}
	if len(req.Cleanup) > 0 {
		<-letGo
		cleanup(req.Cleanup)
	}
	return nil
}

// startAndReply starts the program; its first output waits for the reply.
func (p *process) startAndReply(start func() (*sync.WaitGroup, error)) (*sync.WaitGroup, error) {
	p.wmu.Lock()
	defer p.wmu.Unlock()
	output, err := start()
	if err != nil {
		return nil, err
	}
	if err := proto.WriteJSON(p.st, proto.Reply{}); err != nil {
		p.kill(syscall.SIGKILL)
	}
	return output, nil
}

// cleanup runs the program that takes away what another one left.
func cleanup(argv []string) {
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		log.Printf("%s: %v\n%s", argv[0], err, out)
	}
}

// startPipes starts the program on pipes; the group is done when its outputs
// are at their end.
func (p *process) startPipes() (*sync.WaitGroup, error) {
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	output := new(sync.WaitGroup)
	output.Go(func() { p.copy(proto.Stdout, stdout) })
	output.Go(func() { p.copy(proto.Stderr, stderr) })
	return output, nil
}

// copy sends a program's output; if the host is gone, so is the program.
func (p *process) copy(c proto.Channel, r io.Reader) {
	if _, err := io.Copy(packets{p, c}, r); err != nil && !closed(err) && !errors.Is(err, syscall.EIO) {
		p.kill(syscall.SIGKILL)
	}
}

// input takes packets of the host until the stream ends.
func (p *process) input() {
	for {
		c, b, err := proto.ReadPacket(p.st)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				p.kill(syscall.SIGKILL)
			}
			return
		}
		if err := p.take(c, b); err != nil && !closed(err) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.EIO) {
			log.Printf("%s: %v", p.cmd.Path, err)
		}
	}
}

// take handles one packet.
func (p *process) take(c proto.Channel, b []byte) error {
	switch c {
	case proto.Stdin:
		if len(b) == 0 {
			if p.tty != nil {
				b = []byte{4} // Ctrl-D
			} else {
				return p.stdin.Close()
			}
		}
		_, err := p.stdin.Write(b)
		return err
	case proto.Signal:
		n, err := strconv.Atoi(string(b))
		if err != nil {
			return err
		}
		p.kill(syscall.Signal(n))
		return nil
	case proto.Size:
		return p.resize(b)
	}
	return fmt.Errorf("packet for unknown channel %d", c)
}

// kill signals the program and its children. That they are gone already is fine.
func (p *process) kill(s syscall.Signal) {
	if err := syscall.Kill(-p.cmd.Process.Pid, s); err != nil && err != syscall.ESRCH {
		log.Printf("kill %s: %v", p.cmd.Path, err)
	}
}

// exitStatus is a shell's view of how a program ended.
func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 127
	}
	if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return exit.ExitCode()
}
