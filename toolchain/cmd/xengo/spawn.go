package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/runtime/spawn/spawnwire"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/spawn"
)

// spawner starts what guests of one xengo exec want started.
type spawner struct {
	e      *executor
	bed    *bed.Bed
	files  []string // that guests get
	bin    string   // a folder with what the go command runs images by
	server spawn.Server
}

// childMemory is what a further guest has at least, in MB; half of what the first has, if that is more.
const childMemory = 256

// newSpawner makes the folder that guests and programs of this machine share, in the place of the temporary one.
func newSpawner(e *executor, files []string) (*spawner, error) {
	folder, err := os.MkdirTemp("", "xengo-spawn")
	if err != nil {
		return nil, err
	}
	p := &spawner{e: e, files: files}
	if p.bin, err = executorFolder(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	p.server = spawn.Server{Folder: folder, Start: p.start, Logf: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "xengo: spawn: "+format+"\n", args...)
	}}
	return p, nil
}

// executorFolder makes a folder with this program as the go command looks for it.
func executorFolder() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "xengo-bin")
	if err != nil {
		return "", err
	}
	script := "#!/bin/sh\nexec '" + strings.ReplaceAll(self, "'", `'\''`) + "' exec \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "go_xenpv_amd64_exec"), []byte(script), 0o755); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

func (p *spawner) close() error {
	return errors.Join(os.RemoveAll(p.server.Folder), os.RemoveAll(p.bin))
}

// hostEnv is what programs of this machine get in addition: what the go command among them needs to run images, and to build
// such as have package spawn.
func (p *spawner) hostEnv(env []string) []string {
	path, flags := p.bin, "-tags=xengo_spawn"
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = p.bin + string(filepath.ListSeparator) + value
		}
		if value, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			flags = strings.TrimSpace(flags + " " + value) // the last -tags counts
		}
	}
	return []string{"PATH=" + path, "GOFLAGS=" + flags, flagsVariable + "=" + os.Getenv(flagsVariable)}
}

// option is what tells a guest that it is served.
func (p *spawner) option(streams string) string { return "spawn=" + p.server.Folder + streams }

// serve serves a guest until it has ended and all it has said was heard. copy is what it was given of
// the folder, own are its own streams, if it has any from here.
func (p *spawner) serve(ctx context.Context, g *bed.Guest, copy spawn.Copy, own *spawn.Streams) (conn *spawn.Conn, wait func() error) {
	ctx, cancel := context.WithCancel(ctx)
	toGuest, input := io.Pipe()
	output, fromGuest := io.Pipe()
	conn = p.server.NewConn(input, copy)
	var failed error
	var both sync.WaitGroup
	both.Go(func() {
		err := g.Pipe(ctx, toGuest, fromGuest)
		toGuest.CloseWithError(io.ErrClosedPipe)
		fromGuest.CloseWithError(err) // nil is the end
	})
	both.Go(func() {
		failed = conn.Serve(ctx, output, own)
		output.CloseWithError(io.ErrClosedPipe)
	})
	return conn, func() error {
		<-g.Done()
		input.Close() // the rest is what the guest has left in its pipe
		both.Wait()
		cancel()
		return failed
	}
}

// start starts a guest or a program of this machine.
func (p *spawner) start(ctx context.Context, r *spawnwire.Request, s spawn.Streams) (spawn.Process, error) {
	info, err := os.Stat(r.Path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return nil, syscall.EACCES
	}
	if info, err = os.Stat(r.Dir); err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, syscall.ENOTDIR
	}
	if !isImage(r.Path) {
		return spawn.StartHost(ctx, r, s, p.hostEnv(r.Env)...)
	}
	return p.startGuest(ctx, r, s)
}

// isImage reports whether a file is an ELF file with Xen's notes.
func isImage(name string) bool {
	f, err := elf.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, prog := range f.Progs {
		if prog.Type != elf.PT_NOTE {
			continue
		}
		notes, err := io.ReadAll(prog.Open())
		if err == nil && bytes.Contains(notes, []byte("Xen\x00")) {
			return true
		}
	}
	return false
}

// served reports whether an image has package spawn.
func served(image string) (bool, error) {
	b, err := os.ReadFile(image)
	return bytes.Contains(b, []byte("internal/xengo/runtime/spawn.")), err
}

// child is a guest that a guest has started.
type child struct {
	ctx    context.Context
	guest  *bed.Guest
	conn   *spawn.Conn // nil: its image has no package spawn
	finish func() error
	logf   func(string, ...any)

	mu   sync.Mutex
	sent []syscall.Signal
}

func (p *spawner) startGuest(ctx context.Context, r *spawnwire.Request, s spawn.Streams) (spawn.Process, error) {
	tagged, err := served(r.Path)
	if err != nil {
		return nil, err
	}
	var archive string
	var done func()
	copy, err := p.server.Copy(func() (err error) {
		archive, done, err = p.e.archive(slices.Concat([]string{r.Path}, p.files, []string{p.server.Folder}), append(stubs(), directory(r.Dir))...)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer done()
	e := p.e
	console := &newlines{w: s.Out}
	own := &spawn.Streams{In: s.In}
	streams := ",in"
	if tagged && !r.Merged {
		console.w, own.Out, streams = s.Err, s.Out, ",in,out"
	}
	g, err := p.whenThereIsMemory(ctx, bed.GuestConfig{
		Image: r.Path, Type: e.kind, VCPUs: min(e.vcpus, 2), MemoryMB: max(childMemory, e.memory/2),
		Argv0: r.Argv[0], Args: r.Argv[1:], Env: r.Env, Options: []string{"exe=" + filepath.Clean(r.Path), "cwd=" + r.Dir, "console=pipe", p.option(streams)},
		Ramdisk: archive, Vifs: []string{}, NativeTSC: e.nativeTSC, Console: console, Restart: true,
	})
	if err != nil {
		return nil, err
	}
	c := &child{ctx: ctx, guest: g, logf: p.server.Logf}
	if tagged {
		var wait func() error
		c.conn, wait = p.serve(ctx, g, copy, own)
		c.finish = func() error { return errors.Join(wait(), console.Flush()) }
		return c, nil
	}
	go func() {
		if err := typeAll(g.Input, s.In); err != nil && ctx.Err() == nil {
			p.server.Logf("%s: %v", r.Path, err)
		}
	}()
	c.finish = func() error { <-g.Done(); return console.Flush() }
	return c, nil
}

// How long a guest waits for memory, and how often it is tried: nobody tells when other guests of the bed have ended.
const (
	memoryPatience = time.Minute
	memoryTick     = 2 * time.Second
)

// whenThereIsMemory starts a guest, when the bed has memory for it.
func (p *spawner) whenThereIsMemory(ctx context.Context, c bed.GuestConfig) (*bed.Guest, error) {
	for tries := int(memoryPatience / memoryTick); ; tries-- {
		g, err := p.bed.StartGuest(ctx, c)
		if err == nil || tries == 0 || !strings.Contains(err.Error(), "allocate") { // libxl: "Cannot allocate memory"
			return g, err
		}
		select {
		case <-time.After(memoryTick):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Wait is the method of spawn.Process.
func (c *child) Wait() syscall.WaitStatus {
	err := c.finish()
	r, waitErr := c.guest.Wait()
	err = errors.Join(err, waitErr, c.guest.Close())
	// That nobody reads what it writes is no fault of the guest's.
	if err != nil && !errors.Is(err, syscall.EPIPE) && c.ctx.Err() == nil {
		c.logf("%s: %v", c.guest.Name, err)
	}
	return status(r)
}

// deadly are the signals that end a program by default, and which a guest cannot say otherwise than a shell does.
var deadly = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL, syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGTERM, syscall.SIGUSR1,
	syscall.SIGUSR2, syscall.SIGPROF, syscall.SIGVTALRM, syscall.SIGIO,
}

// status is a guest's end as wait4(2) has it.
func status(r bed.Result) syscall.WaitStatus {
	switch sig := syscall.Signal(r.Status - 128); {
	case !r.HasStatus && r.Crashed():
		return spawn.Killed(syscall.SIGABRT)
	case !r.HasStatus:
		return spawn.Killed(syscall.SIGKILL)
	case slices.Contains(deadly, sig) && !r.Crashed():
		return spawn.Killed(sig)
	}
	return spawn.Status(r.Status)
}

// Signal is the method of spawn.Process.
func (c *child) Signal(sig syscall.Signal) error {
	switch {
	case sig == syscall.SIGKILL:
		return c.guest.Destroy(c.ctx)
	case c.conn != nil:
		c.conn.Signal(sig)
		return nil
	case sig == syscall.SIGTERM:
		return c.guest.Shutdown(c.ctx)
	}
	return fmt.Errorf("%s was built without -tags xengo_spawn: signal %v does not reach it", c.guest.Name, sig)
}

// directory is a folder for guests, without what is in it.
func directory(path string) cpio.Record {
	return cpio.Directory(strings.TrimPrefix(path, "/"), 0o755)
}

// hostPrograms are names of programs that tests start if this machine has them.
var hostPrograms = []string{"go", "gofmt", "bash", "cat", "date", "echo", "env", "false", "hostname", "kill", "ls", "pwd", "sh", "sleep", "true"}

// stubs are files in the place of programs of this machine: a guest finds and names them, and does not read them.
func stubs() (records []cpio.Record) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		names := make([]string, 0, len(hostPrograms))
		for _, name := range hostPrograms {
			names = append(names, filepath.Join(dir, name))
		}
		tools, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "pkg/tool/*/*")) // of a Go tree; the pattern is a good one
		for _, name := range append(names, tools...) {
			info, err := os.Stat(name)
			if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				records = append(records, cpio.StaticFile(strings.TrimPrefix(name, "/"), "a program of the host\n", 0o755))
			}
		}
	}
	return records
}
